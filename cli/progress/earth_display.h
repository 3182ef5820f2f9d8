// The display of an Earthfile build: a line for everything that happens, each with the target it belongs to in front.
//
//            +build | --> RUN make
//            +build | cc -c main.c
//             +test | *cached* --> COPY +build/app ./
//
// On a terminal the prefixes are coloured, and the running steps are listed below the lines. For GitHub Actions the
// lines of a step form a group.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <string_view>

#include "cli/progress/display.h"
#include "runtime-executor/gateway/earthfile/step_registry.h"

namespace loam::cli {

struct EarthDisplayOptions {
  std::FILE* out = stderr;
  bool colors = false;
  // Running steps are listed below the lines and redrawn in place; `out` is a terminal.
  bool live = false;
  // Columns of the places of failed steps count from 0, as earthly counts them.
  bool columns_from_zero = false;
  // The commands of GitHub Actions' logs.
  bool github = false;
  // The engine announces that it computes the key of any step as if it ran, as BuildKit does; else only of sources.
  bool keys_announced = false;
  // Also steps that the user did not write: loading of contexts, metadata of images.
  bool verbose = false;
  const Clock* clock = nullptr;  // not null
  // Is told all lines as they are printed (not what is drawn below them). May be empty.
  std::function<void(std::string_view text)> on_text;
  // Not null: filled by the build while it runs.
  std::shared_ptr<const gateway::earthfile::StepRegistry> steps;
};

class EarthDisplay : public ProgressDisplay {
 public:
  // Lines of a message, with the prefix of `target` unless it is empty. Thread-safe.
  virtual void Print(std::string_view target, std::string_view text) = 0;
};

std::unique_ptr<EarthDisplay> MakeEarthDisplay(const EarthDisplayOptions& options);

// "Exit code 3" of the message of a failed step; nullopt if it is of another kind.
std::optional<int> ExitCodeOf(std::string_view step_error);

// The error of a failed step as people are told it: place, command, what happened.
std::string DescribeStepError(const gateway::earthfile::Step& step, std::string_view step_error);

}  // namespace loam::cli
