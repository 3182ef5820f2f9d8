// Arena: bump allocation for text and plain structs that live as long as their Graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace loam::ir {

class Arena {
 public:
  Arena() = default;
  Arena(Arena&&) noexcept = default;
  Arena& operator=(Arena&&) noexcept = default;

  void* Allocate(std::size_t bytes, std::size_t alignment);
  // The same text in the arena; text that lies in the arena already is not copied again.
  std::string_view Intern(std::string_view text);
  [[nodiscard]] bool Owns(const void* pointer) const;

 private:
  struct Block {
    std::unique_ptr<std::byte[]> data;
    std::size_t size = 0;
  };
  static constexpr std::size_t kFirstBlock = 16384;
  static constexpr std::size_t kLargestBlock = std::size_t{1} << 20;

  std::vector<Block> blocks_;
  std::size_t used_ = 0;  // of the last block
};

}  // namespace loam::ir
