#include "language-server/server/execute_command.h"

#include <fmt/format.h>

#include "language-server/server/commands.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp {
namespace {

std::string StringArgument(const Json& params, std::size_t index) {
  const Json& arguments = Member(params, "arguments");
  return arguments.is_array() && index < arguments.size() && arguments[index].is_string()
             ? arguments[index].get<std::string>()
             : std::string();
}

// "loam build -f FILE --target T FOLDER", or "loam build +target" in the Earthfile's folder.
std::vector<std::string> BuildArguments(const Document& document, const std::string& target) {
  if (document.language() == Language::kEarthfile) {
    return {"build", target.starts_with("+") ? target : "+" + target};
  }
  std::vector<std::string> arguments = {"build", "-f", document.path()};
  if (!target.empty()) {
    arguments.insert(arguments.end(), {"--target", target});
  }
  arguments.push_back(document.Folder());
  return arguments;
}

void ShowEnd(Server& server, const Json& token, const std::string& what, Result<CommandHost::Outcome> outcome) {
  const bool ok = outcome && outcome->exit_code == 0;
  const std::string text = ok        ? fmt::format("{} succeeded", what)
                           : outcome ? fmt::format("{} failed: {}", what, outcome->output)
                                     : outcome.error().message();
  if (!token.is_null()) {
    server.Notify("$/progress", {{"token", token}, {"value", {{"kind", "end"}, {"message", text}}}});
  }
  server.Notify("window/showMessage", {{"type", ok ? 3 : 1}, {"message", text}});
  server.options().store->Forget();
  const Json& workspace = Member(server.client(), "workspace");
  for (const char* view : {"codeLens", "inlayHint"}) {
    if (BoolMember(Member(workspace, view), "refreshSupport")) {
      server.Ask(fmt::format("workspace/{}/refresh", view), Json());
    }
  }
}

Answer Build(Server& server, const Document& document, const Json& params) {
  const std::string target = StringArgument(params, 1);
  const std::string what = target.empty() ? fmt::format("build of {}", document.path())
                                          : fmt::format("build of {} in {}", target, document.path());
  // The progress belongs to the build, which outlives this request.
  Json token;
  if (BoolMember(Member(server.client(), "window"), "workDoneProgress")) {
    token = "loam-build-" + server.NextId();
    server.Ask("window/workDoneProgress/create", {{"token", token}});
    server.Notify("$/progress", {{"token", token}, {"value", {{"kind", "begin"}, {"title", what}}}});
  }
  Result<> started =
      server.options().commands->RunLoam(BuildArguments(document, target), document.Folder(),
                                         [&server, token, what](Result<CommandHost::Outcome> outcome) {
                                           server.Post([&server, token, what, outcome = std::move(outcome)]() mutable {
                                             ShowEnd(server, token, what, std::move(outcome));
                                           });
                                         });
  if (!started) {
    ShowEnd(server, token, what, Unexpected(started.error()));
    return RpcError{RpcCode::kRequestFailed, started.error().message()};
  }
  return Json{{"started", true}};
}

Answer FixAll(Server& server, const Document& document, const CancelToken& cancel) {
  const auto feature = FeaturesOf(document.language()).code_actions;
  if (feature == nullptr) {
    return Json();
  }
  for (const CodeAction& action : feature(server.QueryOn(document, cancel), {0, document.text().size()})) {
    if (action.kind.starts_with("source.fixAll")) {
      const bool changes = BoolMember(Path(server.client(), {"workspace", "workspaceEdit"}), "documentChanges");
      server.Ask("workspace/applyEdit",
                 {{"label", action.title}, {"edit", server.encoder().Edit(action.edit, changes)}});
      return Json{{"applied", true}};
    }
  }
  return Json{{"applied", false}};
}

Answer Graph(Server& server, const Document& document, const CancelToken& cancel) {
  const auto feature = FeaturesOf(document.language()).graph;
  if (feature == nullptr) {
    return RpcError{RpcCode::kRequestFailed, "there is no graph of this language"};
  }
  Result<std::string> text = feature(server.QueryOn(document, cancel));
  if (!text) {
    return RpcError{RpcCode::kRequestFailed, text.error().message()};
  }
  return Json{{"format", "mermaid"}, {"text", *text}};
}

}  // namespace

Json CommandNames() {
  return {"loam.build", "loam.graph", "loam.fixAll", "loam.applyEdit"};
}

Answer ExecuteCommand(Server& server, const Json& params, const CancelToken& cancel) {
  const std::string name = StringMember(params, "command");
  if (name == "loam.applyEdit") {
    const Json& arguments = Member(params, "arguments");
    if (!arguments.is_array() || arguments.empty() || !arguments[0].is_object()) {
      return RpcError{RpcCode::kInvalidParams, "`loam.applyEdit` takes an edit"};
    }
    server.Ask("workspace/applyEdit", {{"edit", arguments[0]}});
    return Json{{"applied", true}};
  }
  if (name != "loam.build" && name != "loam.graph" && name != "loam.fixAll") {
    return RpcError{RpcCode::kInvalidParams, fmt::format("no command `{}`", name)};
  }
  const std::string uri = StringArgument(params, 0);
  const Document* document = server.workspace().LoadUri(uri);
  if (document == nullptr) {
    return RpcError{RpcCode::kInvalidParams, fmt::format("`{}` takes the URI of a build file first", name)};
  }
  if (name == "loam.build") {
    return Build(server, *document, params);
  }
  return name == "loam.graph" ? Graph(server, *document, cancel) : FixAll(server, *document, cancel);
}

}  // namespace loam::lsp
