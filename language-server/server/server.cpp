#include "language-server/server/server.h"

#include <fmt/format.h>

#include "compiler/lint/run_checker.h"
#include "language-server/server/capabilities.h"
#include "language-server/server/document_methods.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp {
namespace {

// A client that says it can be asked for its configuration and does not answer.
constexpr std::chrono::milliseconds kSettingsWait{2000};

class HandledMessage {
 public:
  HandledMessage(const Message*& slot, const Message& message) : slot_(slot), before_(slot) { slot_ = &message; }
  ~HandledMessage() { slot_ = before_; }
  HandledMessage(const HandledMessage&) = delete;
  HandledMessage& operator=(const HandledMessage&) = delete;

 private:
  const Message*& slot_;
  const Message* before_;
};

}  // namespace

Server::Server(const ServerOptions& options) : options_(options), encoder_(workspace_, PositionEncoding::kUtf16) {}
Server::~Server() = default;

int Server::Run(int in_fd, int out_fd) {
  Resumed resumed;
  if (options_.session_fd >= 0) {
    Result<Resumed> read = Resume(options_.session_fd);
    if (!read) {
      return 1;
    }
    resumed = std::move(*read);
  }
  Connection connection(in_fd, out_fd, std::move(resumed.unread));
  CrashGuard guard(options_.restart ? std::function<void(int)>([this](int signal) { Restart(signal); }) : nullptr);
  ScriptChecker scripts(lint::RunChecker, [this, &connection](const std::string& uri) {
    connection.Post([this, uri] { ScriptsReady(uri); });
  });
  connection_ = &connection;
  guard_ = &guard;
  scripts_ = &scripts;
  if (options_.session_fd >= 0) {
    GoOn(resumed);
  }
  while (!exit_) {
    std::optional<std::chrono::steady_clock::time_point> until;
    for (const auto& [uri, state] : open_states_) {
      if (state.waits_for_settings && (!until || state.asked + kSettingsWait < *until)) {
        until = state.asked + kSettingsWait;
      }
    }
    Message message;
    const Connection::Wait wait = connection.Next(message, until);
    if (wait == Connection::Wait::kEnd) {
      break;
    }
    if (wait == Connection::Wait::kMessage) {
      Handle(message);
    } else {
      RunWaiting(true);
    }
    // What is typed faster than it is checked is checked once, when no message waits: no delay is added.
    if (!connection.HasMessages()) {
      PublishDue();
    }
  }
  options_.commands->StopAll();
  connection_ = nullptr;
  guard_ = nullptr;
  scripts_ = nullptr;
  return state_ == State::kShutDown ? 0 : 1;
}

void Server::Handle(Message& message) {
  const HandledMessage handled(handled_, message);
  checked_ = nullptr;
  switch (message.kind) {
    case Message::Kind::kMalformed:
      connection_->Send(ErrorBody(Json(), {RpcCode::kParseError, "not a message of JSON-RPC"}));
      return;
    case Message::Kind::kResponse:
      HandleResponse(message);
      return;
    case Message::Kind::kTask:
      if (const auto failure = guard_->Run(message.task)) {
        Log(*failure);
      }
      return;
    case Message::Kind::kRequest:
      if (MustWait(message)) {
        waiting_.push_back(std::move(message));
      } else {
        HandleRequest(message);
      }
      return;
    case Message::Kind::kNotification: {
      const auto failure = guard_->Run([&] { HandleNotification(message); });
      if (failure) {
        DropAll();
        Log(fmt::format("{}: {}", message.method, *failure));
      }
      return;
    }
  }
}

void Server::HandleRequest(Message& message) {
  const HandledMessage handled(handled_, message);
  const Answer answer = AnswerGuarded(message);
  connection_->Done(message.id);
  if (const auto* error = std::get_if<RpcError>(&answer)) {
    connection_->Send(ErrorBody(message.id, *error));
  } else if (const auto* raw = std::get_if<RawJson>(&answer)) {
    connection_->Send(ResponseBody(message.id, raw->text));
  } else if (const auto* json = std::get_if<Json>(&answer)) {
    connection_->Send(ResponseBody(message.id, WriteJson(*json)));
  }
}

Answer Server::AnswerGuarded(const Message& message) {
  if (message.cancel->cancelled()) {
    return RpcError{RpcCode::kRequestCancelled, "cancelled"};
  }
  std::vector<Answer> made;  // one, unless the request failed
  const auto failure = guard_->Run([&] { made.push_back(AnswerRequest(message)); });
  if (failure) {
    DropAll();
    const std::string text = fmt::format("{}: {}", message.method, *failure);
    Log(text);
    return RpcError{RpcCode::kInternalError, text};
  }
  if (message.cancel->cancelled()) {
    return RpcError{RpcCode::kRequestCancelled, "cancelled"};
  }
  return std::move(made.front());
}

void Server::DropAll() {
  for (Document* document : workspace_.OpenDocuments()) {
    document->DropAnalysis();
  }
  for (auto& [uri, state] : open_states_) {
    state.found.reset();
  }
}

Answer Server::AnswerRequest(const Message& message) {
  if (message.method == "initialize") {
    if (state_ != State::kNew) {
      return RpcError{RpcCode::kInvalidRequest, "initialized already"};
    }
    state_ = State::kRunning;
    return Initialize(message.params);
  }
  if (state_ == State::kNew) {
    return RpcError{RpcCode::kServerNotInitialized, "not initialized"};
  }
  if (state_ == State::kShutDown) {
    return RpcError{RpcCode::kInvalidRequest, "shut down"};
  }
  if (message.method == "shutdown") {
    state_ = State::kShutDown;
    return Json();
  }
  if (const DocumentMethod* method = FindDocumentMethod(message.method)) {
    const std::string uri = StringMember(Member(message.params, "textDocument"), "uri");
    Document* document = workspace_.LoadUri(uri);
    if (document == nullptr) {
      return RpcError{RpcCode::kInvalidParams, fmt::format("`{}` is not open and cannot be read", uri)};
    }
    return method->answer({*this, *document, QueryOn(*document, *message.cancel), message.params});
  }
  return AnswerWorkspaceRequest(message);
}

Json Server::Initialize(const Json& params) {
  initialize_params_ = WriteJson(params);
  client_ = Member(params, "capabilities");
  encoder_.set_encoding(ChooseEncoding(client_));
  traits_ = ReadTraits(client_);
  pull_diagnostics_ = Path(client_, {"textDocument", "diagnostic"}).is_object();
  const Json& folders = Member(params, "workspaceFolders");
  if (folders.is_array() && !folders.empty()) {
    for (const Json& folder : folders) {
      workspace_.AddFolder(PathOfUri(StringMember(folder, "uri")));
    }
  } else if (const std::string root = StringMember(params, "rootUri"); !root.empty()) {
    workspace_.AddFolder(PathOfUri(root));
  } else {
    workspace_.AddFolder(StringMember(params, "rootPath"));
  }
  return InitializeResult(encoder_.encoding(), options_.version);
}

void Server::Initialized() {
  Json registrations = Json::array();
  if (BoolMember(Path(client_, {"workspace", "didChangeWatchedFiles"}), "dynamicRegistration")) {
    Json watchers = Json::array();
    for (const char* glob : {"**/*[Dd]ockerfile*", "**/[Cc]ontainerfile*", "**/Earthfile*", "**/*.earth",
                             "**/docker-bake*.{hcl,json}", "**/{docker-,}compose*.{yml,yaml}", "**/.dockerignore",
                             "**/.earthlyignore", "**/.earthignore", "**/.loam.toml"}) {
      watchers.push_back({{"globPattern", glob}});
    }
    registrations.push_back({{"id", "loam-files"},
                             {"method", "workspace/didChangeWatchedFiles"},
                             {"registerOptions", {{"watchers", std::move(watchers)}}}});
  }
  if (BoolMember(Path(client_, {"workspace", "didChangeConfiguration"}), "dynamicRegistration")) {
    registrations.push_back({{"id", "loam-settings"}, {"method", "workspace/didChangeConfiguration"}});
  }
  if (!registrations.empty()) {
    Ask("client/registerCapability", {{"registrations", std::move(registrations)}});
  }
}

void Server::HandleNotification(const Message& message) {
  const std::string& method = message.method;
  const Json& params = message.params;
  if (method == "exit") {
    exit_ = true;
  } else if (state_ != State::kRunning) {
    return;  // as the protocol wants it
  } else if (method == "textDocument/didOpen") {
    DidOpen(params);
  } else if (method == "textDocument/didChange") {
    DidChange(params);
  } else if (method == "textDocument/didClose") {
    DidClose(params);
  } else if (method == "textDocument/didSave") {
    DidSave(params);
  } else if (method == "initialized") {
    Initialized();
  } else if (method == "workspace/didChangeWorkspaceFolders") {
    DidChangeFolders(params);
  } else if (method == "workspace/didChangeWatchedFiles" || method == "workspace/didCreateFiles" ||
             method == "workspace/didRenameFiles" || method == "workspace/didDeleteFiles") {
    DidChangeFiles(params);
  } else if (method == "workspace/didChangeConfiguration") {
    DidChangeSettings(params);
  }
}

void Server::HandleResponse(const Message& message) {
  const auto found = asked_.find(WriteJson(message.id));
  if (found == asked_.end()) {
    return;
  }
  const auto then = std::move(found->second);
  asked_.erase(found);
  if (then) {
    const auto failure = guard_->Run([&] { then(message.params); });
    if (failure) {
      Log(*failure);
    }
  }
  RunWaiting(false);
}

void Server::Notify(std::string_view method, Json params) {
  connection_->Send(NotificationBody(method, std::move(params)));
}

void Server::Ask(std::string_view method, Json params, std::function<void(const Json&)> then) {
  const Json id = "loam-" + NextId();
  asked_[WriteJson(id)] = std::move(then);
  connection_->Send(RequestBody(id, method, std::move(params)));
}

void Server::Log(std::string_view text) {
  Notify("window/logMessage", {{"type", 1}, {"message", text}});
}

Query Server::QueryOn(const Document& document, const CancelToken& cancel) {
  // A client that pulls and cannot be told of news gets all at once.
  const bool waits = pull_diagnostics_ && !BoolMember(Path(client_, {"workspace", "diagnostics"}), "refreshSupport");
  return {document, workspace_, SettingsOf(document), *options_.store, cancel, traits_, waits ? nullptr : scripts_};
}

}  // namespace loam::lsp
