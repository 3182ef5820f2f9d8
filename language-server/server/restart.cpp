// Server: going on in a new process after a crash, with nothing of the old one's memory but the client's texts.
#include <sys/mman.h>

#include <fmt/format.h>

#include "base/unique_fd.h"
#include "language-server/server/saved_session.h"
#include "language-server/server/server.h"

namespace loam::lsp {

void Server::Restart(int signal) {
  if (state_ != State::kRunning || connection_ == nullptr) {
    return;
  }
  const int fd = ::memfd_create("loam-session", 0);
  SessionWriter writer(fd);
  writer.Add(Saved::kSignal, signal);
  writer.Add(Saved::kInitialize, initialize_params_);
  writer.Add(Saved::kSettings, settings_params_);
  writer.Add(Saved::kLastId, static_cast<std::int64_t>(last_id_));
  for (const std::string& folder : workspace_.folders()) {
    writer.Add(Saved::kFolder, folder);
  }
  for (const auto& [uri, state] : open_states_) {
    const Document* document = workspace_.FindOpen(uri);
    if (document == nullptr) {
      continue;
    }
    writer.Add(Saved::kUri, uri);
    writer.Add(Saved::kLanguage, document->language() == Language::kEarthfile ? "earthfile" : "dockerfile");
    writer.Add(Saved::kVersion, document->version());
    writer.Add(Saved::kText, document->text().bytes());
    if (document == checked_ || state.crashed) {
      writer.Add(Saved::kFailed, std::string_view());
    }
  }
  if (handled_ != nullptr && handled_->kind == Message::Kind::kRequest) {
    writer.Add(Saved::kCrashed, handled_->body);
  }
  for (const Message& message : waiting_) {
    writer.Add(Saved::kMessage, message.body);
  }
  if (connection_->SaveAndFreeze(writer)) {
    options_.restart(fd);
  }
}

Result<Server::Resumed> Server::Resume(int session_fd) {
  const UniqueFd file(session_fd);
  Resumed resumed;
  std::string uri;
  std::string language;
  std::int64_t version = 0;
  for (SavedItem& item : LOAM_TRY(ReadSession(session_fd))) {
    switch (item.kind) {
      case Saved::kSignal:
        resumed.signal = item.number();
        break;
      case Saved::kInitialize:
        Initialize(Json::parse(item.text, nullptr, false));
        state_ = State::kRunning;
        while (!workspace_.folders().empty()) {
          workspace_.RemoveFolder(std::string(workspace_.folders().front()));
        }
        break;
      case Saved::kSettings:
        if (!item.text.empty()) {
          resumed.settings = Json::parse(item.text, nullptr, false);
        }
        break;
      case Saved::kLastId:
        last_id_ = static_cast<std::uint64_t>(item.number());
        break;
      case Saved::kFolder:
        workspace_.AddFolder(std::move(item.text));
        break;
      case Saved::kUri:
        uri = std::move(item.text);
        break;
      case Saved::kLanguage:
        language = std::move(item.text);
        break;
      case Saved::kVersion:
        version = item.number();
        break;
      case Saved::kText:
        workspace_.Open(uri, language, static_cast<int>(version), std::move(item.text));
        open_states_[uri].diagnostics_due = true;
        break;
      case Saved::kFailed:
        open_states_[uri].crashed = true;
        break;
      case Saved::kCrashed:
        resumed.crashed = std::move(item.text);
        break;
      case Saved::kMessage:
        resumed.unread.messages.push_back(std::move(item.text));
        break;
      case Saved::kUnparsed:
        resumed.unread.bytes = std::move(item.text);
        break;
    }
  }
  if (state_ != State::kRunning) {
    return Unexpected(ErrorCode::kDataLoss, "the saved session has no beginning");
  }
  return resumed;
}

void Server::GoOn(const Resumed& resumed) {
  std::string what =
      fmt::format("crashed with signal {}; the server goes on with the texts as they are", resumed.signal);
  if (!resumed.crashed.empty()) {
    const Json request = Json::parse(resumed.crashed, nullptr, false);
    what = fmt::format("{}: {}", StringMember(request, "method"), what);
    connection_->Send(ErrorBody(Member(request, "id"), {RpcCode::kInternalError, what}));
  }
  Log(what);
  if (BoolMember(Member(client_, "workspace"), "configuration")) {
    for (Document* document : workspace_.OpenDocuments()) {
      AskForSettings(document->uri());
    }
  } else if (resumed.settings) {
    DidChangeSettings(*resumed.settings);
  }
  // Those of documents that have no crash behind them.
  PublishDue();
}

}  // namespace loam::lsp
