// Result<T>: a value or an Error. LOAM_TRY unwraps a Result inside a function that returns one.
#pragma once

#include <utility>

#include <tl/expected.hpp>

#include "base/error.h"

namespace loam {

template <class T = void>
using Result = tl::expected<T, Error>;

// `return Fail(ErrorCode::kNotFound, "no stage named `{}`", name);` needs base/format.h's Fail; this is the bare form.
inline tl::unexpected<Error> Unexpected(Error error) { return tl::unexpected<Error>(std::move(error)); }
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

// Evaluates to the value of the Result, or returns its error from the enclosing function:
//   auto fd = LOAM_TRY(OpenFile(path));
//   LOAM_TRY(Sync(fd));
#define LOAM_TRY(...)                                                  \
  ({                                                                   \
    auto loam_try_result = (__VA_ARGS__);                              \
    if (!loam_try_result) {                                            \
      return ::tl::unexpected(std::move(loam_try_result).error());     \
    }                                                                  \
    ::loam::internal::TakeValue(std::move(loam_try_result));           \
  })

// The same, with context put before the message of the error.
#define LOAM_TRY_CONTEXT(context, ...)                                             \
  ({                                                                               \
    auto loam_try_result = (__VA_ARGS__);                                          \
    if (!loam_try_result) {                                                        \
      return ::tl::unexpected(std::move(loam_try_result).error().Wrap(context));   \
    }                                                                              \
    ::loam::internal::TakeValue(std::move(loam_try_result));                       \
  })
