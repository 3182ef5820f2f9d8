// Observer: what a conversion finds out on the way that a build check may want to know. Nothing of it changes the
// result.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/ir/graph.h"
#include "compiler/sema/dockerfile/environment.h"
#include "compiler/source/source_range.h"

namespace loam::sema {

// A word and what became of it. Everything here lives as long as the call.
struct Expansion {
  std::string_view word;
  std::string_view result;
  // Variables it named, in order, possibly twice.
  std::span<const std::string> matched;
  std::span<const std::string> unmatched;
};

// A word of EXPOSE: [[ip:]host-port:]port[/protocol].
struct ExposedPort {
  std::string_view word;
  std::string_view protocol;  // as written; "tcp" if there is none
  bool has_host = false;      // an IP address or a port of the host
};

// Called on the thread that converts, in the order in which BuildKit's frontend looks at the same things. Does nothing
// by default. `stage` is only compared: the same stage has the same address.
class Observer {
 public:
  virtual ~Observer() = default;

  // The image of each FROM as it is if no build argument is given. Not called if a word in front of it is wrong.
  virtual void OnDefaultBase(const ast::From& /*from*/, std::string_view /*image*/) {}
  // `declared`: names of the global scope.
  virtual void OnStageBase(const ast::From& /*from*/, const Expansion& /*base*/,
                           std::span<const std::string_view> /*declared*/) {}
  virtual void OnStagePlatform(const ast::From& /*from*/, const Expansion& /*platform*/,
                               std::span<const std::string_view> /*declared*/, std::string_view /*target_platform*/) {}
  // An image was resolved: for a stage, or for a COPY or a mount that names it.
  virtual void OnBaseImage(source::LineSpan /*lines*/, std::string_view /*name*/, const ir::Platform& /*wanted*/,
                           const ir::Platform& /*actual*/) {}

  virtual void OnStageBegin(const void* /*stage*/, const void* /*base*/) {}
  // Everything below belongs to the instruction that was begun last. `lines` are those of FROM for triggers.
  virtual void OnInstructionBegin(const ast::Instruction& /*instruction*/, source::LineSpan /*lines*/) {}
  // A word that names variables which are neither in the environment nor declared by an ARG without a value.
  virtual void OnUnsetVariables(const Expansion& /*word*/, std::span<const std::string_view> /*declared*/,
                                const Environment& /*env*/) {}
  // Of ENV, LABEL (expanded) and ARG.
  virtual void OnVariable(std::string_view /*key*/, bool /*legacy*/) {}
  // CMD, ENTRYPOINT, HEALTHCHECK. `has_shell`: the stage has a SHELL.
  virtual void OnCommand(bool /*has_shell*/) {}
  virtual void OnWorkdir(std::string_view /*path*/, bool /*absolute*/) {}
  virtual void OnPort(const ExposedPort& /*port*/) {}
  // A source of COPY or ADD that is taken from the main context.
  virtual void OnContextSource(std::string_view /*path*/) {}
};

}  // namespace loam::sema
