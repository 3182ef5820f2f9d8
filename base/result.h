// Result<T>: a value or an Error. LOAM_TRY unwraps a Result inside a function that returns one.
#pragma once

#include <utility>

#include <tl/expected.hpp>

#include "base/error.h"

namespace loam {

template <class T = void>
using Result = tl::expected<T, Error>;

// `return Fail(ErrorCode::kNotFound, "no stage named `{}`", name);` needs base/format.h's Fail; this is the bare form.
inline tl::unexpected<Error> Unexpected(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
inline tl::unexpected<Error> Unexpected(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error(code, std::move(message)));
}
// Error from the current `errno`; call it before anything else can change errno.
tl::unexpected<Error> UnexpectedErrno(std::string_view doing);

namespace internal {
template <class T>
T TakeValue(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}
}  // namespace internal

}  // namespace loam

#define LOAM_TRY_JOIN2(a, b) a##b
#define LOAM_TRY_JOIN(a, b) LOAM_TRY_JOIN2(a, b)
// A name of its own for every use, so that one may lie inside another (in a lambda).
#define LOAM_TRY_NAMED(name, wrap, ...)                      \
  ({                                                         \
    auto name = (__VA_ARGS__);                               \
    if (!name) {                                             \
      return ::tl::unexpected(std::move(name).error() wrap); \
    }                                                        \
    ::loam::internal::TakeValue(std::move(name));            \
  })

// Evaluates to the value of the Result, or returns its error from the enclosing function:
//   auto fd = LOAM_TRY(OpenFile(path));
//   LOAM_TRY(Sync(fd));
#define LOAM_TRY(...) LOAM_TRY_NAMED(LOAM_TRY_JOIN(loam_try_result_, __COUNTER__), , __VA_ARGS__)

// The same, with context put before the message of the error.
#define LOAM_TRY_CONTEXT(context, ...) \
  LOAM_TRY_NAMED(LOAM_TRY_JOIN(loam_try_result_, __COUNTER__), .Wrap(context), __VA_ARGS__)
