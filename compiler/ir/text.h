// The text form of a module: prints and parses back to an equal module (print -> parse -> print is the identity).
//
//   source 0 "Dockerfile" "Dockerfile" "FROM alpine\n"
//   %0 = source.image {id="docker.io/library/alpine:latest"} platform={os="linux", architecture="amd64"}
//   %1 = exec(%0) {args=["/bin/sh", "-c", "make"], mounts=[{input=0, dest="/", output=0}]} platform=… meta={…}
//   result "linux/amd64" fs=%1 image="{…}"
//
// %1:2 is the third result of node 1; fields with their default value are left out; strings have Go-like escapes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "compiler/ir/module.h"

namespace loam::ir {

struct PrintOptions {
  // Leave out metadata and sources: the form for tests of passes.
  bool metadata = true;
  // Print only what the results need, in LLB's order, renumbered; otherwise all nodes in the order of making.
  bool reachable_only = true;
};

std::string PrintModule(const Module& module, const PrintOptions& options = {});
Result<Module> ParseModule(std::string_view text);

}  // namespace loam::ir
