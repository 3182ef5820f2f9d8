// Settings of one document: defaults, then `.loam.toml` of its workspace folder, then what the editor says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "language-server/features/types.h"

namespace loam::lsp {

struct Settings {
  // Checks beside BuildKit's: words of `loam build --check --lint=…` ("hadolint", "shellcheck", "DL3008").
  std::vector<std::string> checks;
  // Severity by code or rule name; nullopt switches the rule off.
  std::map<std::string, std::optional<Severity>, std::less<>> severity;
  // BuildKit's build checks.
  bool build_checks = true;
  // Of hadolint's rules, as `.loam.toml` has them.
  std::vector<std::string> trusted_registries;
  std::vector<std::string> required_labels;
  bool strict_labels = false;
  // `.loam.toml` says that this file is not checked.
  bool ignored = false;

  bool inlay_hints = true;
  bool code_lenses = true;
  // Lines that continue an instruction keep their indentation.
  bool keep_continuation_indent = false;
  // Set where the editor configures the Dockerfile language server in use: its layout of edits (indentation only) is
  // what the user expects of formatting.
  bool indent_only_formatting = false;
};

}  // namespace loam::lsp
