// The options of `RUN --mount`, as values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "compiler/ast/dockerfile/ast.h"
#include "compiler/ir/attributes.h"

namespace loam::sema {

struct MountOptions {
  ir::MountKind kind = ir::MountKind::kBind;
  std::string_view from;
  std::string_view source;
  std::string_view target;
  bool readonly = false;
  std::int64_t size = 0;
  std::string_view id;
  std::optional<ir::CacheSharing> sharing;
  bool required = false;
  std::optional<std::string_view> env;
  std::optional<std::uint32_t> mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;

  [[nodiscard]] bool has_owner() const { return mode || uid || gid; }
};

// What is wrong, and at which field.
struct MountMistake {
  source::SourceRange range;
  std::string message;
  std::string hint;
};

// Gives the expansion of a value, or nullopt if it was wrong (and reported).
using ExpandValue = std::function<std::optional<std::string_view>(const ast::Text&)>;

// nullopt with `mistake.message` empty: an expansion failed.
std::optional<MountOptions> ReadMountOptions(const ast::Mount& mount, const ExpandValue& expand, MountMistake& mistake);

// "10m", "1.5GiB", "512": bytes, in powers of 1024.
std::optional<std::int64_t> ParseByteSize(std::string_view text);

}  // namespace loam::sema
