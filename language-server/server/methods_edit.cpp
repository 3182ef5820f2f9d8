// What changes text: rename, formatting, code actions.
#include "language-server/server/document_methods.h"

namespace loam::lsp {
namespace {

bool DocumentChanges(const DocumentRequest& request) {
  return BoolMember(Path(request.server.client(), {"workspace", "workspaceEdit"}), "documentChanges");
}

Answer PrepareRename(const DocumentRequest& request) {
  const auto feature = request.features().prepare_rename;
  const auto target = feature == nullptr ? std::nullopt : feature(request.query, request.offset());
  if (!target) {
    return Json();
  }
  return Json{{"range", request.server.encoder().Range(request.text(), target->span)},
              {"placeholder", target->placeholder}};
}

Answer Rename(const DocumentRequest& request) {
  const auto feature = request.features().rename;
  if (feature == nullptr) {
    return Json();
  }
  Result<WorkspaceEdit> edit = feature(request.query, request.offset(), StringMember(request.params, "newName"));
  if (!edit) {
    const bool params = edit.error().Is(ErrorCode::kInvalidArgument);
    return RpcError{params ? RpcCode::kInvalidParams : RpcCode::kRequestFailed, edit.error().message()};
  }
  return request.server.encoder().Edit(*edit, DocumentChanges(request));
}

FormatOptions ReadFormatOptions(const Json& params) {
  const Json& options = Member(params, "options");
  FormatOptions format;
  format.tab_size = static_cast<std::uint32_t>(std::clamp<std::int64_t>(IntMember(options, "tabSize", 4), 1, 16));
  format.insert_spaces = BoolMember(options, "insertSpaces");
  return format;
}

Answer Formatting(const DocumentRequest& request) {
  const auto feature = request.features().format;
  return feature == nullptr ? Answer(Json())
                            : request.server.encoder().Edits(request.text(),
                                                             feature(request.query, ReadFormatOptions(request.params)));
}

Answer RangeFormatting(const DocumentRequest& request) {
  const auto feature = request.features().format_range;
  return feature == nullptr
             ? Answer(Json())
             : request.server.encoder().Edits(
                   request.text(), feature(request.query, request.range(), ReadFormatOptions(request.params)));
}

Answer OnTypeFormatting(const DocumentRequest& request) {
  const auto feature = request.features().format_on_type;
  return feature == nullptr
             ? Answer(Json())
             : request.server.encoder().Edits(
                   request.text(), feature(request.query, request.offset(), StringMember(request.params, "ch"),
                                           ReadFormatOptions(request.params)));
}

// "refactor" wants "refactor.rewrite" as well.
bool Wanted(const Json& only, std::string_view kind) {
  if (!only.is_array()) {
    return true;
  }
  for (const Json& wanted : only) {
    if (!wanted.is_string()) {
      continue;
    }
    const std::string_view prefix = wanted.get_ref<const std::string&>();
    if (prefix.empty() || kind == prefix || (kind.starts_with(prefix) && kind[prefix.size()] == '.')) {
      return true;
    }
  }
  return false;
}

bool Overlap(Span a, Span b) {
  return a.begin <= b.end && b.begin <= a.end;
}

Answer CodeActions(const DocumentRequest& request) {
  const auto feature = request.features().code_actions;
  if (feature == nullptr) {
    return Json();
  }
  const Encoder& encoder = request.server.encoder();
  const Json& context = Member(request.params, "context");
  const bool literals =
      Path(request.server.client(), {"textDocument", "codeAction", "codeActionLiteralSupport"}).is_object();
  Json list = Json::array();
  for (const CodeAction& action : feature(request.query, request.range())) {
    if (!Wanted(Member(context, "only"), action.kind)) {
      continue;
    }
    Json edit = encoder.Edit(action.edit, DocumentChanges(request));
    if (!literals) {
      list.push_back({{"title", action.title}, {"command", "loam.applyEdit"}, {"arguments", Json::array({edit})}});
      continue;
    }
    Json json = {{"title", action.title}, {"kind", action.kind}, {"edit", std::move(edit)}};
    if (action.preferred) {
      json["isPreferred"] = true;
    }
    Json fixed = Json::array();
    for (const Json& diagnostic : Member(context, "diagnostics")) {
      const Json& code = Member(diagnostic, "code");
      const bool named = code.is_string() && std::find(action.fixes.begin(), action.fixes.end(),
                                                       code.get<std::string>()) != action.fixes.end();
      if (named && Overlap(encoder.ReadSpan(request.text(), Member(diagnostic, "range")), action.span)) {
        fixed.push_back(diagnostic);
      }
    }
    if (!fixed.empty()) {
      json["diagnostics"] = std::move(fixed);
    }
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

std::span<const DocumentMethod> EditMethods() {
  static constexpr DocumentMethod kMethods[] = {
      {"textDocument/prepareRename", PrepareRename},
      {"textDocument/rename", Rename},
      {"textDocument/formatting", Formatting},
      {"textDocument/rangeFormatting", RangeFormatting},
      {"textDocument/onTypeFormatting", OnTypeFormatting},
      {"textDocument/codeAction", CodeActions},
  };
  return kMethods;
}

}  // namespace loam::lsp
