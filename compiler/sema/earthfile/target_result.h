// TargetResult: what the evaluation of a target gave, for those who refer to it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "compiler/sema/earthfile/build_state.h"
#include "compiler/sema/earthfile/earth_platform.h"
#include "compiler/sema/earthfile/imports.h"
#include "compiler/sema/earthfile/outputs.h"
#include "compiler/sema/earthfile/reference.h"
#include "compiler/sema/earthfile/variables.h"
#include "compiler/source/source_range.h"

namespace loam::sema::earthfile {

struct TargetResult;

// A SAVE IMAGE name, with what the check for duplicates needs.
struct ImageItem {
  ImageOutput output;
  bool has_platform = false;
  bool no_manifest_list = false;
  bool check_duplicate = true;
  bool forced = false;  // saved whoever refers to the target (before referenced-save-only)
  source::SourceRange range;
};
struct ArtifactItem {
  ArtifactOutput output;
};
using OutputItem = std::variant<ImageItem, ArtifactItem>;

// What a target gathers in one WAIT scope: its outermost one, or a WAIT of its own. In the order of the recipe.
struct SaveScope {
  struct Entry {
    // One of the two.
    std::shared_ptr<const OutputItem> item;
    std::shared_ptr<TargetResult> build;  // BUILD
  };
  std::vector<Entry> entries;
  // A WAIT whose END was reached while outputs were off still has its outputs to do, if they are switched on later.
  bool performed = false;
};

// A SAVE IMAGE as others see it.
struct SavedImage {
  std::string name;
  ir::Value fs;
  ImageConfig image;
};

struct TargetResult {
  Reference reference;  // absolute
  std::string name;     // "+build", "./lib+build"
  BuildState state;
  ir::Value artifacts;
  bool has_artifacts = false;
  std::vector<SavedImage> images;
  PlatformResolver platforms;
  Scope envs;
  Scope globals;
  ImportMap global_imports;
  bool ran_from = false;
  bool ran_interactive = false;
  bool local = false;  // ended under LOCALLY

  // What it depends on besides its key: names of overriding values, and whether pushes were on.
  NameSet names_read;
  bool read_push = false;

  // The outermost scope first, then its WAITs in the order of their ENDs.
  std::deque<SaveScope> scopes;
  // The same for what follows RUN --push before the feature wait-block.
  SaveScope after_push;
  std::optional<ir::Value> push_state;

  explicit TargetResult(PlatformResolver resolver) : platforms(std::move(resolver)) { scopes.emplace_back(); }
};

}  // namespace loam::sema::earthfile
