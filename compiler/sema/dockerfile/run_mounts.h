// The mounts of one RUN, gathered and then put in LLB's order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/dockerfile/state.h"

namespace loam::sema {

struct RunMounts {
  struct Entry {
    ir::Mount mount;
    Fs source;  // scratch for none
  };
  std::vector<Entry> entries;
  std::vector<ir::Mount> secrets;
  std::vector<ir::Mount> sockets;
  std::vector<ir::SecretEnv> secret_env;
  // Variables that secrets set.
  std::vector<std::string_view> masked;

  void AddBind(std::string_view target, Fs source, std::string_view selector);
  void AddTmpfs(std::string_view target, std::int64_t size, bool readonly);
  // Where the first agent socket is.
  [[nodiscard]] std::optional<std::string_view> FirstSocket() const;

  // All mounts, the root of `root` first; the different sources become the operands, `steps` are what made them.
  std::vector<ir::Mount> Build(Fs root, std::vector<ir::Value>& operands, std::vector<std::uint32_t>& steps) const;
};

}  // namespace loam::sema
