// CrashGuard: runs one request so that nothing it does ends the server: an exception, a failed LOAM_CHECK, a stack that
// overflows, a bad access.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace loam::lsp {

// Installs handlers of SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, on a stack of their own, for as long as it lives.
// Inside of Run a failed LOAM_CHECK is an exception, so nothing is lost. A signal of the thread that called it unwinds
// to Run by longjmp: destructors of the frames in between do not run, so their memory is lost. Either way callers drop
// what the function worked on. Signals of other threads and those outside of Run end the process as before. One object
// a process.
//
// `restart`, if there is one, is called first for each signal of the thread, inside of Run or not: in the handler, so
// it may not allocate. It replaces the process (execve); where it returns, all is as if there were none.
class CrashGuard {
 public:
  explicit CrashGuard(std::function<void(int signal)> restart = {});
  ~CrashGuard();
  CrashGuard(const CrashGuard&) = delete;
  CrashGuard& operator=(const CrashGuard&) = delete;

  // Null if `work` returned; else what stopped it. Does not nest.
  std::optional<std::string> Run(const std::function<void()>& work);
};

}  // namespace loam::lsp
