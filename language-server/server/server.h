// Server: one client's session: lifecycle, documents, settings, diagnostics, and the way of a request to its feature.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "language-server/features/features.h"
#include "language-server/features/query.h"
#include "language-server/features/quiet_edit.h"
#include "language-server/server/command_host.h"
#include "language-server/server/connection.h"
#include "language-server/server/crash_guard.h"
#include "language-server/server/encode.h"
#include "language-server/server/script_checker.h"

namespace loam::lsp {

struct ServerOptions {
  // Both outlive the server.
  StoreFacts* store = nullptr;
  CommandHost* commands = nullptr;
  std::string version;
  // Replaces the process by a new one that goes on with the session in this file (of memory): called in a signal
  // handler, returns only if it cannot. Without it a crash is unwound as far as that goes.
  std::function<void(int session_fd)> restart;
  // The session to go on with; -1 for a new one.
  int session_fd = -1;
};

// An answer that is JSON text already: large arrays of numbers.
struct RawJson {
  std::string text;
};
using Answer = std::variant<Json, RawJson, RpcError>;

class Server {
 public:
  explicit Server(const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves one client until `exit` or the end of the stream. The exit code of the program: 0 if `shutdown` came before.
  // The thread that calls it does all the work; see CrashGuard for the signals that it takes over meanwhile.
  int Run(int in_fd, int out_fd);

  // ---- what methods use
  [[nodiscard]] Workspace& workspace() { return workspace_; }
  [[nodiscard]] const Encoder& encoder() const { return encoder_; }
  [[nodiscard]] const Json& client() const { return client_; }
  [[nodiscard]] const ServerOptions& options() const { return options_; }
  [[nodiscard]] const Settings& SettingsOf(const Document& document);
  [[nodiscard]] Query QueryOn(const Document& document, const CancelToken& cancel);
  // Diagnostics of the document as it is; kept until something changes.
  std::vector<Diagnostic> DiagnosticsOf(Document& document, const CancelToken& cancel);
  // Sends a notification or a request.
  void Notify(std::string_view method, Json params);
  void Ask(std::string_view method, Json params, std::function<void(const Json& result)> then = {});
  // From any thread, while the server runs: `task` is run between two messages.
  void Post(std::function<void()> task) { connection_->Post(std::move(task)); }
  // Semantic tokens that were sent last, for the next delta.
  struct SentTokens {
    std::string id;
    std::vector<std::uint32_t> data;
  };
  SentTokens& TokensOf(const std::string& uri) { return sent_tokens_[uri]; }
  std::string NextId() { return std::to_string(++last_id_); }

 private:
  enum class State : std::uint8_t { kNew, kRunning, kShutDown };
  struct OpenState {
    // The editor was asked for its configuration and has not answered; requests that depend on it wait.
    bool waits_for_settings = false;
    bool diagnostics_due = false;
    std::optional<Settings> settings;
    std::optional<Findings> found;
    std::chrono::steady_clock::time_point asked;
    // The search for its diagnostics crashed: it is not tried again before the text changes.
    bool crashed = false;
  };

  // In the handler of a signal: writes the session and starts anew with it.
  void Restart(int signal);
  // The session of a process that crashed, as far as no client is needed; what is to be sent of it afterwards.
  struct Resumed {
    Connection::Unread unread;
    std::optional<Json> settings;  // of an older client
    std::string crashed;           // body of a message
    std::int64_t signal = 0;
  };
  Result<Resumed> Resume(int session_fd);
  void GoOn(const Resumed& resumed);

  void Handle(Message& message);
  void HandleRequest(Message& message);
  // AnswerRequest inside of the guard.
  Answer AnswerGuarded(const Message& message);
  // What was made of the texts goes after something failed in the midst of it: they are the last good state.
  void DropAll();
  void HandleNotification(const Message& message);
  void HandleResponse(const Message& message);
  Answer AnswerRequest(const Message& message);
  // On a document of the workspace, or one of the methods beside them.
  Answer AnswerWorkspaceRequest(const Message& message);
  Json Initialize(const Json& params);
  void Initialized();

  void DidOpen(const Json& params);
  void DidChange(const Json& params);
  void DidClose(const Json& params);
  void DidSave(const Json& params);
  void DidChangeFolders(const Json& params);
  void DidChangeFiles(const Json& params);
  void DidChangeSettings(const Json& params);

  void AskForSettings(const std::string& uri);
  Settings BaseSettings(const Document& document);
  // Whether the message must wait for the settings of its document.
  bool MustWait(const Message& message);
  // Runs what waited for settings that have come, or that did not come in time.
  void RunWaiting(bool timeouts);
  void MarkAllDue();
  // ShellCheck's reports on a document have come.
  void ScriptsReady(const std::string& uri);
  // Clients that pull are told that there is something new.
  void RefreshPulled();
  void PublishDue();
  void Publish(Document& document);
  void Log(std::string_view text);

  ServerOptions options_;
  Workspace workspace_;
  Encoder encoder_;
  ClientTraits traits_;
  Json client_;  // capabilities of the client
  State state_ = State::kNew;
  bool exit_ = false;
  bool pull_diagnostics_ = false;
  std::map<std::string, OpenState> open_states_;  // by URI
  std::map<std::string, SentTokens> sent_tokens_;
  std::deque<Message> waiting_;
  std::map<std::string, std::function<void(const Json&)>> asked_;
  std::optional<Settings> disk_settings_;  // of documents that are not open
  std::uint64_t last_id_ = 0;
  // What a restart needs.
  std::string initialize_params_;      // JSON
  std::string settings_params_;        // JSON
  const Message* handled_ = nullptr;   // in work
  const Document* checked_ = nullptr;  // whose diagnostics are looked for
  Connection* connection_ = nullptr;
  CrashGuard* guard_ = nullptr;
  ScriptChecker* scripts_ = nullptr;
};

}  // namespace loam::lsp
