#include "compiler/ir/arena.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace loam::ir {

void* Arena::Allocate(std::size_t bytes, std::size_t alignment) {
  std::size_t start = (used_ + alignment - 1) & ~(alignment - 1);
  if (blocks_.empty() || start + bytes > blocks_.back().size) {
    const std::size_t next = blocks_.empty() ? kFirstBlock : std::min(blocks_.back().size * 2, kLargestBlock);
    const std::size_t size = std::max(next, bytes);
    blocks_.push_back({std::unique_ptr<std::byte[]>(new std::byte[size]), size});
    start = 0;
  }
  used_ = start + bytes;
  return blocks_.back().data.get() + start;
}

bool Arena::Owns(const void* pointer) const {
  const auto* byte = static_cast<const std::byte*>(pointer);
  const std::less_equal<const std::byte*> le;
  return std::any_of(blocks_.rbegin(), blocks_.rend(), [&](const Block& block) {
    return le(block.data.get(), byte) && std::less<>()(byte, block.data.get() + block.size);
  });
}

std::string_view Arena::Intern(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  if (Owns(text.data())) {
    return text;
  }
  char* copy = static_cast<char*>(Allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

}  // namespace loam::ir
