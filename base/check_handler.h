// What a failed LOAM_CHECK does on a thread that can go on without what it was doing: a server that answers many
// requests.
#pragma once

namespace loam {

// Called with one line about the failed check, on the thread that failed. It ends what was done by an exception, so
// that destructors run; if it returns, the process aborts as without it.
using CheckHandler = void (*)(const char* what);

// Of the calling thread, while the object lives; they nest.
class ScopedCheckHandler {
 public:
  explicit ScopedCheckHandler(CheckHandler handler);
  ~ScopedCheckHandler();
  ScopedCheckHandler(const ScopedCheckHandler&) = delete;
  ScopedCheckHandler& operator=(const ScopedCheckHandler&) = delete;

 private:
  CheckHandler before_;
};

}  // namespace loam
