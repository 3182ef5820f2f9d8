// ScriptChecker: runs ShellCheck on a thread of its own, after typing has paused, and keeps the reports.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "language-server/features/script_checks.h"

namespace loam::lsp {

class ScriptChecker : public ScriptChecks {
 public:
  // How a program is run: as lint::RunProgram, ended early by `stop`.
  using Run = std::function<Result<std::string>(const std::vector<std::string>& args, std::string_view input,
                                                const std::stop_token& stop)>;
  // From the checker's thread: there are reports of this document that the last look did not have.
  using Ready = std::function<void(const std::string& uri)>;

  // Scripts are checked `pause` after the last look at their document, so that what is half typed costs no process.
  // While many wait, `ready` is called each `interval` as well.
  ScriptChecker(Run run, Ready ready, std::chrono::milliseconds pause = std::chrono::milliseconds(150),
                std::chrono::milliseconds interval = std::chrono::milliseconds(500));
  // Ends the program that runs.
  ~ScriptChecker() override;

  lint::RunProgram Look(const std::string& uri) override;
  void EndLook(const std::string& uri) override;
  // The document was closed.
  void Forget(const std::string& uri);
  // Scripts whose check failed (no such program) are checked again when they are next looked at.
  void ForgetFailures();

 private:
  using Clock = std::chrono::steady_clock;
  struct Script {
    std::vector<std::string> args;
    std::string input;
    bool operator<(const Script& other) const { return std::tie(args, input) < std::tie(other.args, other.input); }
    bool operator==(const Script& other) const = default;
  };
  struct Document {
    std::map<Script, Result<std::string>> reports;  // of the scripts of the last look, as far as they are known
    std::vector<Script> before;                     // scripts of the look before, by place, and what was shown of them
    std::vector<std::string> shown_before;
    std::vector<Script> scripts;  // of this look
    std::vector<std::string> shown;
    std::vector<Script> missing;  // still to be checked, the last one first
    Clock::time_point due;
    Clock::time_point told;
    bool news = false;  // reports that no look has had
  };

  Result<std::string> Answer(const std::string& uri, const std::vector<std::string>& args, std::string_view input);
  void Work(const std::stop_token& stop);
  // The document whose turn it is; end() if none is due before `until`, which it lowers.
  std::map<std::string, Document>::iterator NextDue(Clock::time_point& until);

  Run run_;
  Ready ready_;
  std::chrono::milliseconds pause_;
  std::chrono::milliseconds interval_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  bool has_changed_ = false;
  std::map<std::string, Document> documents_;  // by URI
  std::string running_uri_;
  Script running_;
  std::stop_source running_stop_;
  std::jthread thread_;  // started by the first script that is to be checked
};

}  // namespace loam::lsp
