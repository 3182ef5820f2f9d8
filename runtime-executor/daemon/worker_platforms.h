// The platforms whose programs run on this machine: its own, with the levels of its processor, and those that the
// kernel runs, by itself or by an emulator registered with binfmt_misc. Each is found out by running a program of a few
// bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/platform.h"

namespace loam::daemon {

// An ELF file that ends with exit code 0, for a GOARCH of Linux; "" for one that is not known.
std::string TrivialProgram(std::string_view architecture);

// The machine's own platform first. The programs are written below `scratch_dir`.
std::vector<Platform> DetectPlatforms(const std::string& scratch_dir);

}  // namespace loam::daemon
