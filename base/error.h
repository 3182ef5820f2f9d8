// Error: the world's failure, as a value. A user's mistake is a diagnostic (compiler/diagnostics), our own bug is a
// LOAM_CHECK (base/check.h); the three are never mixed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace loam {

// The canonical gRPC status codes (google.rpc.Code), so that an Error crosses the wire without translation.
enum class ErrorCode : std::uint8_t {
  kCanceled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// "not found", "permission denied", ...
std::string_view ErrorCodeName(ErrorCode code);

// A typed payload of an Error, such as the exit code of a step. Immutable, shared by copies of the error.
class ErrorDetail {
 public:
  virtual ~ErrorDetail() = default;
  // The detail that this one was put around, or null.
  [[nodiscard]] virtual const ErrorDetail* cause() const { return nullptr; }
};

class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  // `doing` names the operation and its object: FromErrno(ENOENT, "open /etc/x") -> "open /etc/x: No such file or
  // directory". The code is derived from the errno.
  static Error FromErrno(int errno_value, std::string_view doing);

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  // The errno that caused it, 0 if none did.
  [[nodiscard]] int sys_errno() const { return errno_; }
  [[nodiscard]] bool Is(ErrorCode code) const { return code_ == code; }

  // Puts `context` before the message: "context: message".
  [[nodiscard]] Error Wrap(std::string_view context) &&;
  [[nodiscard]] Error Wrap(std::string_view context) const&;

  [[nodiscard]] Error WithDetail(std::shared_ptr<const ErrorDetail> detail) &&;
  // The first detail of type T, from the outermost inwards, or null.
  template <class T>
  [[nodiscard]] const T* Detail() const {
    for (const ErrorDetail* detail = detail_.get(); detail != nullptr; detail = detail->cause()) {
      if (const T* found = dynamic_cast<const T*>(detail)) {
        return found;
      }
    }
    return nullptr;
  }
  // For whoever puts another detail around it; may be null.
  [[nodiscard]] const std::shared_ptr<const ErrorDetail>& detail() const { return detail_; }
  // What the user can do about it, shown on a line of its own; empty if nothing is known.
  [[nodiscard]] const std::string& hint() const { return hint_; }
  [[nodiscard]] Error WithHint(std::string hint) &&;

 private:
  ErrorCode code_;
  int errno_ = 0;
  std::string message_;
  std::string hint_;
  std::shared_ptr<const ErrorDetail> detail_;
};

}  // namespace loam
