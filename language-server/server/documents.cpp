// Server: documents as the client opens, edits and closes them, their settings, and when diagnostics are sent.
#include <fmt/format.h>

#include "language-server/server/server.h"
#include "language-server/server/settings_reader.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp {

void Server::DidOpen(const Json& params) {
  const Json& item = Member(params, "textDocument");
  const std::string uri = StringMember(item, "uri");
  workspace_.Open(uri, StringMember(item, "languageId"), static_cast<int>(IntMember(item, "version")),
                  StringMember(item, "text"));
  OpenState& state = open_states_[uri] = {};
  state.diagnostics_due = true;
  if (BoolMember(Member(client_, "workspace"), "configuration")) {
    AskForSettings(uri);
  }
}

void Server::AskForSettings(const std::string& uri) {
  OpenState& state = open_states_[uri];
  state.waits_for_settings = true;
  state.asked = std::chrono::steady_clock::now();
  Json items = Json::array();
  for (const char* section : kConfigurationSections) {
    items.push_back({{"scopeUri", uri}, {"section", section}});
  }
  Ask("workspace/configuration", {{"items", std::move(items)}}, [this, uri](const Json& result) {
    Document* document = workspace_.FindOpen(uri);
    const auto found = open_states_.find(uri);
    if (document == nullptr || found == open_states_.end()) {
      return;
    }
    found->second.waits_for_settings = false;
    found->second.diagnostics_due = true;
    found->second.found.reset();
    Settings settings = BaseSettings(*document);
    if (result.is_array() && result.size() == std::size(kConfigurationSections)) {
      ApplyDockerSections(result[1], result[2], settings);
      ApplyLoamSection(result[0], settings);
    }
    found->second.settings = std::move(settings);
  });
}

Settings Server::BaseSettings(const Document& document) {
  Settings settings;
  const std::string folder = workspace_.FolderOf(document.path());
  if (!folder.empty()) {
    const std::string path = folder + "/.loam.toml";
    if (const auto text = workspace_.ReadText(path)) {
      if (const Result<> applied = ApplyToml(*text, path, document.path(), settings); !applied) {
        Log(applied.error().message());
      }
    }
  }
  return settings;
}

const Settings& Server::SettingsOf(const Document& document) {
  const auto found = open_states_.find(document.uri());
  std::optional<Settings>& settings = found != open_states_.end() ? found->second.settings : disk_settings_;
  if (!settings) {
    settings = BaseSettings(document);
  }
  return *settings;
}

void Server::DidChange(const Json& params) {
  const Json& item = Member(params, "textDocument");
  const std::string uri = StringMember(item, "uri");
  Document* document = workspace_.FindOpen(uri);
  if (document == nullptr) {
    return;
  }
  OpenState& state = open_states_[uri];
  for (const Json& change : Member(params, "contentChanges")) {
    std::string text = StringMember(change, "text");
    const Json& range = Member(change, "range");
    if (!range.is_object()) {
      state.found.reset();
      document->SetText(std::move(text));
      continue;
    }
    const Span span = encoder_.ReadSpan(document->text(), range);
    if (state.found && !MoveAlong(*document, span, text, *state.found)) {
      state.found.reset();
    }
    document->Replace(span, text);
  }
  document->set_version(static_cast<int>(IntMember(item, "version", document->version() + 1)));
  state.diagnostics_due = true;
  state.crashed = false;
}

void Server::DidClose(const Json& params) {
  const std::string uri = StringMember(Member(params, "textDocument"), "uri");
  if (workspace_.FindOpen(uri) == nullptr) {
    return;
  }
  workspace_.Close(uri);
  open_states_.erase(uri);
  sent_tokens_.erase(uri);
  scripts_->Forget(uri);
  if (!pull_diagnostics_) {
    Notify("textDocument/publishDiagnostics", {{"uri", uri}, {"diagnostics", Json::array()}});
  }
}

void Server::DidSave(const Json& params) {
  options_.store->Forget();
  scripts_->ForgetFailures();
  // Other files may name this one.
  const std::string path = PathOfUri(StringMember(Member(params, "textDocument"), "uri"));
  if (!path.empty() && path.ends_with("/.loam.toml")) {
    DidChangeSettings(Json());
  }
}

void Server::DidChangeFolders(const Json& params) {
  const Json& event = Member(params, "event");
  for (const Json& folder : Member(event, "removed")) {
    workspace_.RemoveFolder(PathOfUri(StringMember(folder, "uri")));
  }
  for (const Json& folder : Member(event, "added")) {
    workspace_.AddFolder(PathOfUri(StringMember(folder, "uri")));
  }
  DidChangeSettings(Json());
}

void Server::DidChangeFiles(const Json& params) {
  bool settings = false;
  const Json& changes = params.contains("changes") ? params["changes"] : Member(params, "files");
  for (const Json& change : changes) {
    for (const char* name : {"uri", "oldUri", "newUri"}) {
      const std::string path = PathOfUri(StringMember(change, name));
      if (!path.empty()) {
        workspace_.FileChanged(path);
        settings = settings || path.ends_with("/.loam.toml");
      }
    }
  }
  if (settings) {
    DidChangeSettings(Json());
  } else {
    MarkAllDue();
  }
}

void Server::DidChangeSettings(const Json& params) {
  disk_settings_.reset();
  const bool can_ask = BoolMember(Member(client_, "workspace"), "configuration");
  for (auto& [uri, state] : open_states_) {
    state.settings.reset();
  }
  MarkAllDue();
  if (can_ask) {
    for (Document* document : workspace_.OpenDocuments()) {
      AskForSettings(document->uri());
    }
    return;
  }
  // Older clients send their settings.
  const Json& sent = Member(params, "settings");
  if (!sent.is_null()) {
    settings_params_ = WriteJson(params);
  }
  const Json& docker = Path(sent, {"docker", "languageserver"});
  for (Document* document : workspace_.OpenDocuments()) {
    Settings settings = BaseSettings(*document);
    ApplyDockerSections(Member(docker, "diagnostics"), Member(docker, "formatter"), settings);
    ApplyLoamSection(Member(sent, "loam"), settings);
    open_states_[document->uri()].settings = std::move(settings);
  }
}

bool Server::MustWait(const Message& message) {
  static constexpr std::string_view kDependent[] = {"textDocument/formatting",       "textDocument/rangeFormatting",
                                                    "textDocument/onTypeFormatting", "textDocument/diagnostic",
                                                    "textDocument/codeAction",       "textDocument/inlayHint",
                                                    "textDocument/codeLens"};
  if (std::find(std::begin(kDependent), std::end(kDependent), message.method) == std::end(kDependent)) {
    return false;
  }
  const auto found = open_states_.find(StringMember(Member(message.params, "textDocument"), "uri"));
  return found != open_states_.end() && found->second.waits_for_settings;
}

void Server::RunWaiting(bool timeouts) {
  if (timeouts) {
    for (auto& [uri, state] : open_states_) {
      state.waits_for_settings = false;
    }
  }
  // Each stays in the list until it is answered, for a restart.
  for (std::size_t i = 0; i < waiting_.size();) {
    if (MustWait(waiting_[i])) {
      ++i;
      continue;
    }
    Message message = std::move(waiting_[i]);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    HandleRequest(message);
  }
}

void Server::MarkAllDue() {
  for (auto& [uri, state] : open_states_) {
    state.diagnostics_due = true;
    state.found.reset();
  }
  for (Document* document : workspace_.OpenDocuments()) {
    document->DropAnalysis();
  }
  RefreshPulled();
}

void Server::RefreshPulled() {
  if (pull_diagnostics_ && BoolMember(Path(client_, {"workspace", "diagnostics"}), "refreshSupport")) {
    Ask("workspace/diagnostic/refresh", Json());
  }
}

void Server::ScriptsReady(const std::string& uri) {
  const auto found = open_states_.find(uri);
  if (Document* document = workspace_.LoadUri(uri)) {
    document->DropAnalysis();
  }
  if (found != open_states_.end()) {
    found->second.found.reset();
    found->second.diagnostics_due = true;
  }
  RefreshPulled();
}

std::vector<Diagnostic> Server::DiagnosticsOf(Document& document, const CancelToken& cancel) {
  const Features& features = FeaturesOf(document.language());
  if (features.diagnostics == nullptr) {
    return {};
  }
  const auto found = open_states_.find(document.uri());
  if (found == open_states_.end()) {
    return features.diagnostics(QueryOn(document, cancel));
  }
  if (!found->second.found) {
    Findings made;
    if (!SettingsOf(document).ignored && !found->second.crashed) {
      const Query query = QueryOn(document, cancel);
      checked_ = &document;
      made.diagnostics = features.diagnostics(query);
      made.statements = StatementsOf(query);
      checked_ = nullptr;
    }
    if (cancel.cancelled()) {
      return {};
    }
    found->second.found = std::move(made);
  }
  return found->second.found->diagnostics;
}

void Server::PublishDue() {
  if (pull_diagnostics_ || state_ != State::kRunning) {
    return;
  }
  for (auto& [uri, state] : open_states_) {
    if (!state.diagnostics_due || state.waits_for_settings) {
      continue;
    }
    state.diagnostics_due = false;
    Document* document = workspace_.FindOpen(uri);
    if (document == nullptr) {
      continue;
    }
    const auto failure = guard_->Run([&] { Publish(*document); });
    if (failure) {
      document->DropAnalysis();
      Log(fmt::format("diagnostics of {}: {}", uri, *failure));
    }
  }
}

void Server::Publish(Document& document) {
  const CancelToken never;
  std::string params = R"({"uri":)";
  AppendJsonString(params, document.uri());
  params += R"(,"diagnostics":)";
  params += encoder_.Diagnostics(document, DiagnosticsOf(document, never));
  if (BoolMember(Path(client_, {"textDocument", "publishDiagnostics"}), "versionSupport")) {
    params += R"(,"version":)";
    params += std::to_string(document.version());
  }
  params += '}';
  connection_->Send(RawNotificationBody("textDocument/publishDiagnostics", params));
}

}  // namespace loam::lsp
