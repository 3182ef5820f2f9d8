// What a fuzz target defines: the entry point that libFuzzer and AFL++ call as well, so that a target can be linked
// with their main instead of driver.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

// Runs one input; 0. Whatever an input may not do (crash, break a promise of the code) ends the process.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
