// Mentions: bake files (HCL and JSON) and compose files that name a Dockerfile: the file, its stage and its build
// arguments. Read with scanners that know only the shape of these files, so that half-typed ones do as well.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "language-server/text/span.h"
#include "language-server/workspace/workspace.h"

namespace loam::lsp {

// A word of another file.
struct MentionedName {
  std::string uri;
  std::string text;
  Span span;  // without quotes
};

// One target of a bake file, or one service of a compose file.
struct Mention {
  std::string uri;
  std::string name;  // of the target or service
  Span name_span;
  std::string dockerfile;  // path; the default one if none is named
  std::optional<MentionedName> dockerfile_name;
  std::optional<MentionedName> target;
  std::vector<MentionedName> arguments;
};

// All of one file, by its role.
std::vector<Mention> MentionsIn(FileRole role, const std::string& path, std::string_view text);
// Those of the workspace that name the Dockerfile at `path`.
std::vector<Mention> MentionsOfFile(Workspace& workspace, std::string_view path);

}  // namespace loam::lsp
