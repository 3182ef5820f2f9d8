// What the stages of a Dockerfile know of each other; private to to_earthfile.cpp and stage_commands.cpp.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"

namespace loam::convert {

// Why something cannot be converted, and where it stands.
struct Obstacle {
  source::SourceRange range;
  std::string reason;
};

// An ARG in the words of an Earthfile.
struct StageArg {
  std::string name;
  std::optional<std::string> text;  // as written; none without a default
};

// A path that other stages copy: `SAVE ARTIFACT --keep-ts <source> <artifact>`.
struct SavedPath {
  std::string source;    // absolute
  std::string artifact;  // relative
};

// A stage, or an image that files are copied from.
struct StageFacts {
  const ast::Stage* stage = nullptr;  // null for an image
  std::string image;                  // its name, if it is one
  std::size_t index = 0;
  std::string target;
  const StageFacts* base = nullptr;  // the stage it continues

  std::optional<Obstacle> obstacle;
  // Set by instructions, here or in a stage it continues.
  std::string user;  // not root; "" for root
  bool has_shell = false;
  bool has_triggers = false;
  std::vector<StageArg> args;
  std::set<std::string, std::less<>> envs;

  std::vector<std::string> head;  // of the target: up to FROM
  std::vector<std::string> body;
  std::vector<std::string> helper;  // the target that has the ARGs of the FROM line, if they must not be seen
  std::vector<SavedPath> saved;
  std::vector<std::pair<source::SourceRange, std::string>> unset_args;  // declared without a value
};

}  // namespace loam::convert
