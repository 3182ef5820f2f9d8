// Call hierarchy: a stage calls the stages it starts from and copies from; targets of bake and compose files call
// stages.
#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/names.h"
#include "language-server/features/mentions.h"

namespace loam::lsp::dockerfile {
namespace {

CallItem ItemOf(const Query& query, std::uint32_t stage) {
  const ast::Stage& at = DockerfileAnalysis::Of(query.document).file().stages[stage];
  CallItem item;
  item.kind = SymbolKind::kClass;
  item.data = std::to_string(stage);
  item.place.uri = query.document.uri();
  item.name = fmt::format("stage {}", stage);
  if (at.from != nullptr) {
    item.detail = at.from->code();
    item.place.span = SpanOf(at.from->range);
    item.place.selection = SpanOf(at.from->keyword.range);
    if (at.from->stage_name.present()) {
      item.name = at.from->stage_name.text;
      item.place.selection = SpanOf(at.from->stage_name.range);
    }
  }
  if (!at.instructions.empty()) {
    item.place.span.end = std::max(item.place.span.end, at.instructions.back()->range.end);
  }
  return item;
}

std::optional<std::uint32_t> StageOf(const Query& query, const CallItem& item) {
  const std::size_t count = DockerfileAnalysis::Of(query.document).file().stages.size();
  const bool number = !item.data.empty() && item.data.size() < 8 &&
                      std::all_of(item.data.begin(), item.data.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!number) {
    return std::nullopt;
  }
  const auto stage = static_cast<std::uint32_t>(std::stoul(item.data));
  return stage < count ? std::optional(stage) : std::nullopt;
}

// Adds a use to the call of its item.
void AddCall(std::vector<Call>& calls, CallItem item, Span from) {
  const auto same = std::find_if(calls.begin(), calls.end(), [&](const Call& call) {
    return call.item.data == item.data && call.item.place.uri == item.place.uri;
  });
  if (same != calls.end()) {
    same->from.push_back(from);
  } else {
    calls.push_back({std::move(item), {from}});
  }
}

}  // namespace

std::vector<CallItem> CallItems(const Query& query, std::uint32_t offset) {
  const Names& names = NamesOf(query);
  const ast::Dockerfile& file = DockerfileAnalysis::Of(query.document).file();
  if (const Name* name = names.At(offset); name != nullptr && name->kind == Name::Kind::kStage) {
    return {ItemOf(query, name->stage)};
  }
  for (std::uint32_t stage = 0; stage < file.stages.size(); ++stage) {
    if (file.stages[stage].from != nullptr && SpanOf(file.stages[stage].from->range).Touches(offset)) {
      return {ItemOf(query, stage)};
    }
  }
  return {};
}

std::vector<Call> IncomingCalls(const Query& query, const CallItem& item) {
  std::vector<Call> calls;
  const auto stage = StageOf(query, item);
  if (!stage) {
    return calls;
  }
  for (const Name& name : NamesOf(query).all()) {
    if (name.kind == Name::Kind::kStage && !name.definition && name.stage == *stage && name.region > 0) {
      AddCall(calls, ItemOf(query, name.region - 1), name.span);
    }
  }
  for (const Mention& mention : MentionsOfFile(query.workspace, query.document.path())) {
    if (mention.target && EqualsIgnoreCase(mention.target->text, item.name)) {
      CallItem caller;
      caller.name = mention.name;
      caller.detail = mention.uri.substr(mention.uri.rfind('/') + 1);
      caller.kind = SymbolKind::kModule;
      caller.place = {mention.uri, mention.name_span, mention.name_span, {}};
      caller.data = "target " + mention.name;
      AddCall(calls, std::move(caller), mention.target->span);
    }
  }
  return calls;
}

std::vector<Call> OutgoingCalls(const Query& query, const CallItem& item) {
  std::vector<Call> calls;
  const auto stage = StageOf(query, item);
  if (!stage) {
    return calls;
  }
  for (const Name& name : NamesOf(query).all()) {
    if (name.kind == Name::Kind::kStage && !name.definition && name.region == *stage + 1) {
      AddCall(calls, ItemOf(query, name.stage), name.span);
    }
  }
  return calls;
}

}  // namespace loam::lsp::dockerfile
