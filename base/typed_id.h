// TypedId<Tag, T>: an id that cannot be mistaken for another kind of id.
//   using SnapshotId = TypedId<struct SnapshotIdTag, std::int64_t>;
#pragma once

#include <compare>
#include <functional>
#include <utility>

namespace loam {

template <class Tag, class T>
class TypedId {
 public:
  constexpr TypedId() = default;
  constexpr explicit TypedId(T value) : value_(std::move(value)) {}
  [[nodiscard]] constexpr const T& value() const { return value_; }
  friend auto operator<=>(const TypedId&, const TypedId&) = default;

 private:
  T value_{};
};

}  // namespace loam

template <class Tag, class T>
struct std::hash<loam::TypedId<Tag, T>> {
  std::size_t operator()(const loam::TypedId<Tag, T>& id) const noexcept { return std::hash<T>()(id.value()); }
};
