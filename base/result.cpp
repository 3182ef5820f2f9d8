#include "base/result.h"

#include <cerrno>

namespace loam {

tl::unexpected<Error> UnexpectedErrno(std::string_view doing) {
  const int value = errno;
  return tl::unexpected<Error>(Error::FromErrno(value, doing));
}

}  // namespace loam
