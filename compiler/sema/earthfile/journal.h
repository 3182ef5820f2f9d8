// Journal: what an evaluation tells of its course: targets, their commands, and what needs what. For records of builds;
// nothing depends on it.
//
// Targets and commands have numbers, each from 1 in the order in which they begin; 0 is none. The nodes of a command
// have the metadata "loam.command.<number>" (evaluate.h), so that a journal can tell which vertices run it. Equal nodes
// of several commands are one node, which has the numbers of all of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/source/source_range.h"

namespace loam::sema::earthfile {

inline constexpr std::string_view kCommandKeyPrefix = "loam.command.";

struct TargetFacts {
  std::string name;        // as it was called: "+build", "alias+build"
  std::string canonical;   // with what git knows: "github.com/a/b:main+build"
  std::string git_path;    // "github.com/a/b", of a remote one
  std::string local_path;  // ".", "./lib"
  std::string tag;
  std::string import_alias;
  std::vector<std::string> args;  // "NAME=value", the overriding ones, by name
  std::string platform;           // "linux/amd64"
};

struct CommandFacts {
  std::uint32_t target = 0;
  std::string target_name;  // "+build"
  std::string name;         // "RUN make", as it stands in the recipe
  std::string platform;
  bool local = false;         // under LOCALLY
  bool interactive = false;   // RUN --interactive, --interactive-keep
  source::SourceRange range;  // invalid if nobody wrote it: the FROM +base that every target begins with
};

// How the evaluation of a command ended; its steps may run later.
struct CommandEnd {
  std::string_view name;  // what it came to: "COPY +src/x ."; empty: as it began
  bool steps = false;     // it has steps of its own; else all of it was done by the evaluation
  bool failed = false;
  std::string_view error;  // of a failure; empty if the reason was told elsewhere
};

// Called with the gate held; must not call back.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void BeginTarget(std::uint32_t target, const TargetFacts& facts) = 0;
  virtual void EndTarget(std::uint32_t target, std::string_view platform, bool ok) = 0;
  virtual void BeginCommand(std::uint32_t command, const CommandFacts& facts) = 0;
  virtual void EndCommand(std::uint32_t command, const CommandEnd& end) = 0;
  // `target` needs `other`, for its command (0: for another reason), which calls it `name`. `other` may have begun
  // already, or begin next. May be told more than once.
  virtual void Need(std::uint32_t target, std::uint32_t command, std::uint32_t other, std::string_view name) = 0;
};

}  // namespace loam::sema::earthfile
