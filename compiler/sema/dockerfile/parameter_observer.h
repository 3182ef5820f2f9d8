// ParameterObserver: what a build can be given from outside, and which stages use it. Nothing of it changes the result.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/source/source_range.h"

namespace loam::sema {

// A stage once its base is known, or an image that a COPY or a mount names. Stages are told apart by address.
struct StageShape {
  const void* stage = nullptr;
  const ast::From* from = nullptr;  // null for an image that only a COPY or a mount names
  const void* base = nullptr;       // the stage that it builds on
  std::vector<const void*> dependencies;
  // Where the base is named, and the image that it was resolved to ("docker.io/library/alpine:3.20@sha256:…"). The
  // image is empty if there is none: scratch, another stage, a named context, a stage that is not needed.
  ast::Text base_text;
  std::string_view image;
};

// Called on the thread that converts. Does nothing by default. `lines` are those of FROM for triggers.
class ParameterObserver {
 public:
  virtual ~ParameterObserver() = default;

  // An ARG before the first FROM. `matched`: variables that its default names.
  virtual void OnGlobalArgument(const ast::Arg& /*arg*/, const ast::ArgItem& /*item*/,
                                std::optional<std::string_view> /*value*/, std::span<const std::string> /*matched*/) {}
  // The variables that a FROM names and that are set.
  virtual void OnStageHeader(const ast::From& /*from*/, std::span<const std::string> /*matched*/) {}
  // Before the first instruction of a stage. `target`: the stage that is built.
  virtual void OnStages(std::span<const StageShape> /*stages*/, const void* /*target*/) {}
  // An ARG of a stage. `inherited`: it has no default, and its value is that of the global ARG.
  virtual void OnArgument(const void* /*stage*/, const ast::ArgItem& /*item*/, source::LineSpan /*lines*/,
                          std::optional<std::string_view> /*value*/, bool /*inherited*/) {}
  virtual void OnSecret(const void* /*stage*/, std::string_view /*id*/, bool /*required*/, source::LineSpan /*lines*/) {
  }
  virtual void OnSsh(const void* /*stage*/, std::string_view /*id*/, bool /*required*/, source::LineSpan /*lines*/) {}
};

}  // namespace loam::sema
