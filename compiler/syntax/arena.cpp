#include "compiler/syntax/arena.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace loam::syntax {

void* Arena::Allocate(std::size_t bytes, std::size_t alignment) {
  auto address = reinterpret_cast<std::uintptr_t>(next_);
  std::size_t padding = (alignment - address % alignment) % alignment;
  if (next_ == nullptr || static_cast<std::size_t>(end_ - next_) < bytes + padding) {
    const std::size_t size = std::max(block_size_, bytes + alignment);
    block_size_ = std::min(block_size_ * 2, kLargestBlock);
    blocks_.emplace_back(new std::byte[size]);
    reserved_ += size;
    next_ = blocks_.back().get();
    end_ = next_ + size;
    address = reinterpret_cast<std::uintptr_t>(next_);
    padding = (alignment - address % alignment) % alignment;
  }
  std::byte* result = next_ + padding;
  next_ = result + bytes;
  return result;
}

std::string_view Arena::Copy(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  char* copy = static_cast<char*>(Allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

}  // namespace loam::syntax
