// Environment: the variables of a state in upstream's order, where setting a variable again moves it to the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/ir/graph.h"

namespace loam::sema {

// What word expansion asks.
class Variables {
 public:
  virtual ~Variables() = default;
  [[nodiscard]] virtual std::optional<std::string_view> Find(std::string_view name) const = 0;
};

// Keys and values live longer than the environment (in the graph's arena or the source text).
class Environment : public Variables {
 public:
  void Set(std::string_view key, std::string_view value);
  void Remove(std::string_view key);
  [[nodiscard]] std::optional<std::string_view> Find(std::string_view name) const override;
  [[nodiscard]] std::vector<std::string_view> Keys() const;

  // "KEY=value" of all, in order, in the graph's arena. Made anew only if something changed.
  ir::Strings Render(ir::Graph& graph);

 private:
  struct Entry {
    std::string_view key;
    std::string_view value;
    std::string_view rendered;
    bool removed = false;
  };
  // Past this size a hash index takes over from searching.
  static constexpr std::size_t kIndexFrom = 32;

  [[nodiscard]] std::size_t Position(std::string_view key) const;
  void Compact();

  std::vector<Entry> entries_;
  std::size_t removed_ = 0;
  std::unordered_map<std::string_view, std::size_t> index_;
  ir::Strings rendered_;
  bool changed_ = true;
};

}  // namespace loam::sema
