// Stage: one stage of the Dockerfile while it is converted, or an image that only a COPY or a mount names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/sema/dockerfile/image_config.h"
#include "compiler/sema/dockerfile/state.h"

namespace loam::sema {

struct Stage;

// Paths of a filesystem that a build uses.
using PathSet = std::vector<std::string>;

// An instruction of a stage, with the stages it takes files from.
struct Command {
  const ast::Instruction* instruction = nullptr;
  // COPY --from: one. RUN: one for each mount (scratch where a mount names none).
  std::vector<Stage*> sources;
  bool on_build = false;
  source::LineSpan lines;
};

struct BuildArg {
  std::string_view key;
  std::optional<std::string_view> value;
};

struct Stage {
  const ast::From* from = nullptr;  // null for an unregistered one
  std::string_view name;            // in lower case; "" without one
  std::string display_name;         // in vertex names; "" if it is the only one
  std::string base_name;            // expanded; later the resolved reference
  ast::Text base_text;              // where the base is named
  source::LineSpan lines;
  Stage* base = nullptr;  // the stage that it builds on
  // Only named by a COPY or a mount: nothing is run in it.
  bool unregistered = false;

  std::vector<Command> commands;
  // Stages that its commands take files from, each with the instruction.
  std::vector<std::pair<Stage*, const ast::Instruction*>> dependencies;
  std::unordered_set<const Stage*> known_dependencies;

  bool resolved = false;
  bool on_build_done = false;
  bool dispatched = false;
  bool ignore_cache = false;
  std::string context_spec;  // a named context stands for the stage
  std::string context_name;

  State state;
  ImageConfig image;
  // Where each variable stands in image.env; made when the list is long.
  std::unordered_map<std::string_view, std::size_t> env_index;
  std::string base_config;  // of the last base image, as the resolver gave it
  std::optional<ir::Platform> platform;
  std::vector<BuildArg> build_args;
  // What is used of the base's files; shared with the base.
  std::shared_ptr<PathSet> paths = std::make_shared<PathSet>();

  // Stages that are still to be built on this one. The last of them takes over what the others copied.
  int heirs = 0;

  int command_total = 0;
  int command_index = 0;
  bool in_on_build = false;
  bool cmd_set = false;  // by the stage itself
};

}  // namespace loam::sema
