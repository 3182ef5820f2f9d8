#include "base/error.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace loam {

namespace {

ErrorCode CodeOfErrno(int value) {
  switch (value) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorCode::kResourceExhausted;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
      return ErrorCode::kInvalidArgument;
    case ECANCELED:
      return ErrorCode::kCanceled;
    case ETIMEDOUT:
      return ErrorCode::kDeadlineExceeded;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorCode::kUnimplemented;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kUnknown;
  }
}

}  // namespace

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCanceled:
      return "canceled";
    case ErrorCode::kUnknown:
      return "unknown";
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kDeadlineExceeded:
      return "deadline exceeded";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kAlreadyExists:
      return "already exists";
    case ErrorCode::kPermissionDenied:
      return "permission denied";
    case ErrorCode::kResourceExhausted:
      return "resource exhausted";
    case ErrorCode::kFailedPrecondition:
      return "failed precondition";
    case ErrorCode::kAborted:
      return "aborted";
    case ErrorCode::kOutOfRange:
      return "out of range";
    case ErrorCode::kUnimplemented:
      return "unimplemented";
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kDataLoss:
      return "data loss";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
  }
  return "unknown";
}

Error Error::FromErrno(int errno_value, std::string_view doing) {
  Error error(CodeOfErrno(errno_value), fmt::format("{}: {}", doing, std::generic_category().message(errno_value)));
  error.errno_ = errno_value;
  if (errno_value == ENOSPC || errno_value == EDQUOT) {
    error.hint_ = "free disk space (`loam prune` removes unused build cache) and build again";
  }
  return error;
}

Error Error::Wrap(std::string_view context) && {
  message_ = fmt::format("{}: {}", context, message_);
  return std::move(*this);
}

Error Error::Wrap(std::string_view context) const& {
  return Error(*this).Wrap(context);
}

Error Error::WithDetail(std::shared_ptr<const ErrorDetail> detail) && {
  detail_ = std::move(detail);
  return std::move(*this);
}

Error Error::WithHint(std::string hint) && {
  hint_ = std::move(hint);
  return std::move(*this);
}

}  // namespace loam
