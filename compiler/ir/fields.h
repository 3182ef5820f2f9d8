// Hashing, comparing and deep-copying of attribute structs, made from their Fields().
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "compiler/ir/arena.h"

namespace loam::ir {

template <class T>
struct IsSpan : std::false_type {};
template <class T>
struct IsSpan<std::span<const T>> : std::true_type {
  using Item = T;
};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {
  using Item = T;
};

class FieldHasher {
 public:
  [[nodiscard]] std::uint64_t value() const { return hash_; }

  void Bytes(std::string_view bytes) {
    Word(bytes.size());
    while (bytes.size() >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data(), 8);
      Word(word);
      bytes.remove_prefix(8);
    }
    std::uint64_t word = 0;
    if (!bytes.empty()) {
      std::memcpy(&word, bytes.data(), bytes.size());
    }
    Word(word);
  }
  void Word(std::uint64_t word) { hash_ = std::rotl((hash_ ^ word) * 0x9e3779b97f4a7c15ULL, 29); }

  template <class T>
  void Add(const T& value) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      Bytes(value);
    } else if constexpr (IsSpan<T>::value) {
      Word(value.size());
      for (const auto& item : value) {
        Add(item);
      }
    } else if constexpr (IsOptional<T>::value) {
      Word(value ? 1 : 0);
      if (value) {
        Add(*value);
      }
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      Word(static_cast<std::uint64_t>(value));
    } else {
      T::Fields(value, [this](const char*, const auto& field) { Add(field); });
    }
  }

 private:
  std::uint64_t hash_ = 0x243f6a8885a308d3ULL;
};

template <class T>
bool EqualFields(const T& a, const T& b) {
  if constexpr (IsSpan<T>::value) {
    if (a.size() != b.size()) {
      return false;
    }
    if (a.data() == b.data()) {
      return true;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!EqualFields(a[i], b[i])) {
        return false;
      }
    }
    return true;
  } else if constexpr (IsOptional<T>::value) {
    return a.has_value() == b.has_value() && (!a || EqualFields(*a, *b));
  } else if constexpr (std::is_same_v<T, std::string_view> || std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return a == b;
  } else {
    // Both structs have the same fields in the same order: walk a's, and find b's by their offset.
    bool equal = true;
    T::Fields(a, [&](const char*, const auto& field) {
      if (!equal) {
        return;
      }
      const auto offset = reinterpret_cast<const char*>(&field) - reinterpret_cast<const char*>(&a);
      using Field = std::remove_cvref_t<decltype(field)>;
      equal = EqualFields(field, *reinterpret_cast<const Field*>(reinterpret_cast<const char*>(&b) + offset));
    });
    return equal;
  }
}

// Moves all text and lists that `value` refers to into the arena. A list that lies in the arena is taken to refer to
// nothing outside of it.
template <class T>
void InternFields(Arena& arena, T& value) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    value = arena.Intern(value);
  } else if constexpr (IsSpan<T>::value) {
    using Item = typename IsSpan<T>::Item;
    if (value.empty()) {
      value = {};
      return;
    }
    if (arena.Owns(value.data())) {
      return;
    }
    Item* copy = static_cast<Item*>(arena.Allocate(value.size_bytes(), alignof(Item)));
    std::uninitialized_copy(value.begin(), value.end(), copy);
    for (std::size_t i = 0; i < value.size(); ++i) {
      InternFields(arena, copy[i]);
    }
    value = T(copy, value.size());
  } else if constexpr (IsOptional<T>::value) {
    if (value) {
      InternFields(arena, *value);
    }
  } else if constexpr (!std::is_arithmetic_v<T> && !std::is_enum_v<T>) {
    T::Fields(value, [&arena](const char*, auto& field) { InternFields(arena, field); });
  }
}

}  // namespace loam::ir
