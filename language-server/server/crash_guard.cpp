#include "language-server/server/crash_guard.h"

#include <csetjmp>
#include <csignal>
#include <exception>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "base/check_handler.h"

namespace loam::lsp {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::size_t kHandlerStackBytes = 64 * 1024;

// Signal handlers have no other way to their data than globals; each is written only by CrashGuard's own thread.
struct sigaction g_before[std::size(kSignals)];
std::unique_ptr<char[]> g_handler_stack;
std::function<void(int)> g_restart;
thread_local sigjmp_buf* t_landing = nullptr;
thread_local bool t_may_restart = false;

// Checks fail at places that are known, so what they leave behind can be put away.
void OnFailedCheck(const char* what) {
  throw std::runtime_error(what);
}

void OnSignal(int signal) {
  if (t_may_restart) {
    t_may_restart = false;  // also if it crashes itself
    g_restart(signal);
  }
  if (sigjmp_buf* landing = t_landing) {
    t_landing = nullptr;
    siglongjmp(*landing, signal);
  }
  // Not ours: as if there were no handler.
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

CrashGuard::CrashGuard(std::function<void(int)> restart) {
  g_restart = std::move(restart);
  t_may_restart = static_cast<bool>(g_restart);
  g_handler_stack = std::make_unique<char[]>(kHandlerStackBytes);
  stack_t stack{};
  stack.ss_sp = g_handler_stack.get();
  stack.ss_size = kHandlerStackBytes;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_ONSTACK;
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], &action, &g_before[i]);
  }
}

CrashGuard::~CrashGuard() {
  t_may_restart = false;
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], &g_before[i], nullptr);
  }
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
  g_handler_stack.reset();
  g_restart = nullptr;
}

std::optional<std::string> CrashGuard::Run(const std::function<void()>& work) {
  const ScopedCheckHandler checks(OnFailedCheck);
  sigjmp_buf landing;
  // The mask is saved, so the signal that the handler blocks is open again afterwards.
  const int signal = sigsetjmp(landing, 1);
  if (signal != 0) {
    return fmt::format("crashed with signal {}", signal);
  }
  t_landing = &landing;
  std::optional<std::string> failure;
  try {
    work();
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "unknown exception";
  }
  t_landing = nullptr;
  return failure;
}

}  // namespace loam::lsp
