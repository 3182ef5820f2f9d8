// "did you mean": as BuildKit suggests names in warnings.
#pragma once

#include <span>
#include <string_view>

namespace loam::lint {

// The first of the candidates that are nearest to `name`, if fewer than three letters differ; "" if there is none, or
// if `name` is one of them. Case matters.
std::string_view Suggest(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace loam::lint
