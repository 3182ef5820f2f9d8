#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/check_handler.h"

namespace loam {
namespace {

thread_local CheckHandler t_handler = nullptr;

}  // namespace

ScopedCheckHandler::ScopedCheckHandler(CheckHandler handler) : before_(t_handler) {
  t_handler = handler;
}

ScopedCheckHandler::~ScopedCheckHandler() {
  t_handler = before_;
}

namespace internal {

void CheckFailed(const char* file, int line, const char* condition, const char* message) {
  std::fprintf(stderr,
               "loam: internal error at %s:%d: %s (%s)\nThis is a bug in loam; please report it with this line.\n",
               file, line, message, condition);
  if (t_handler != nullptr) {
    const std::string what =
        std::string("internal error at ") + file + ":" + std::to_string(line) + ": " + message + " (" + condition + ")";
    t_handler(what.c_str());
  }
  std::abort();
}

}  // namespace internal
}  // namespace loam
