// How many descriptors this process may have open.
#pragma once

namespace loam {

// Raises the soft limit to the hard one. Programs started with base/process.h get the soft limit from before: what is
// low by default is so for programs that use select(2), or that go through all descriptors there might be. To be called
// by main, before other threads are there; the second call does nothing.
void RaiseDescriptorLimit();

}  // namespace loam
