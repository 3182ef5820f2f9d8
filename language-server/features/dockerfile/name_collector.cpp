#include "language-server/features/dockerfile/name_collector.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/strings.h"

namespace loam::lsp::dockerfile {
namespace {

using ast::InstructionKind;

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsNameByte(char c) {
  return IsNameStart(c) || (c >= '0' && c <= '9');
}

// Its arguments are a shell's: single quotes hide nothing from us there, a script may be quoted.
bool IsShell(InstructionKind kind) {
  return kind == InstructionKind::kRun || kind == InstructionKind::kCmd || kind == InstructionKind::kEntrypoint ||
         kind == InstructionKind::kHealthcheck || kind == InstructionKind::kShell || kind == InstructionKind::kOnbuild;
}

}  // namespace

Span HeaderSpan(const DockerfileAnalysis& analysis, const ast::Instruction& instruction) {
  const source::Buffer& buffer = analysis.buffer();
  std::uint32_t end = instruction.range.end;
  if (!instruction.heredocs.empty()) {
    end = std::min(end, buffer.lines().LineBegin(instruction.last_header_line + 1));
    const std::string_view text = buffer.text();
    while (end > instruction.range.begin && (text[end - 1] == '\n' || text[end - 1] == '\r')) {
      --end;
    }
  }
  return {instruction.keyword.range.begin, std::max(end, instruction.keyword.range.begin)};
}

void NameCollector::Run() {
  names_.by_region_.resize(file_.stages.size() + 1);
  names_.regions_.reserve(file_.instructions.size());
  for (std::uint32_t i = 0; i < file_.instructions.size(); ++i) {
    if (file_.instructions[i]->kind == InstructionKind::kFrom && region_ < file_.stages.size()) {
      ++region_;
    }
    names_.regions_.push_back(region_);
    AddInstruction(i);
  }
  std::stable_sort(names_.names_.begin(), names_.names_.end(),
                   [](const Name& a, const Name& b) { return a.span.begin < b.span.begin; });
  for (std::uint32_t i = 0; i < names_.names_.size(); ++i) {
    const Name& name = names_.names_[i];
    if (name.kind == Name::Kind::kVariable && name.definition) {
      names_.by_region_[name.region].definitions[name.text].push_back(i);
    }
  }
  Link();
  Evaluate();
}

void NameCollector::AddInstruction(std::uint32_t index) {
  const ast::Instruction& instruction = *file_.instructions[index];
  if (const auto* from = ast::As<ast::From>(&instruction)) {
    AddFrom(*from, index);
  }
  AddStageUses(instruction, index);
  AddDefinitions(instruction, index);
  AddUses(instruction, index);
  AddHeredocs(instruction, index);
}

void NameCollector::AddFrom(const ast::From& from, std::uint32_t index) {
  if (!from.invalid && from.base.present()) {
    const std::uint32_t stage = region_ - 1;
    if (const auto base = names_.FindStage(from.base.text, stage);
        base && EqualsIgnoreCase(file_.stages[*base].from->stage_name.text, from.base.text)) {
      names_.by_region_[region_].base = *base + 1;
      AddStageUse(from.base.text, SpanOf(from.base.range), index);
    } else {
      ReadImageEnv(from, index, names_.by_region_[region_]);
    }
  }
  if (from.stage_name.present()) {
    Name name;
    name.kind = Name::Kind::kStage;
    name.definition = true;
    name.text = from.stage_name.text;
    name.span = name.whole = SpanOf(from.stage_name.range);
    name.instruction = index;
    name.region = region_;
    name.stage = region_ - 1;
    names_.names_.push_back(std::move(name));
  }
}

void NameCollector::ReadImageEnv(const ast::From& from, std::uint32_t index, Names::Region& region) {
  std::optional<std::string> image = names_.Expand(from.base.text, index);
  const auto facts = image ? store_.FindImage(*image) : std::nullopt;
  if (!facts || facts->config.empty()) {
    return;
  }
  const auto json = nlohmann::json::parse(facts->config, nullptr, false);
  if (!json.is_object() || !json.contains("config") || !json["config"].is_object() || !json["config"].contains("Env")) {
    return;
  }
  for (const auto& entry : json["config"]["Env"]) {
    if (entry.is_string()) {
      const auto& text = entry.get_ref<const std::string&>();
      if (const auto pair = SplitOnce(text, '=')) {
        region.image_env.emplace(pair->first, pair->second);
      }
    }
  }
}

void NameCollector::AddStageUse(std::string_view text, Span span, std::uint32_t index) {
  // A stage sees those in front of it. One that copies from itself means itself, wrong as that is.
  const std::uint32_t own = region_ == 0 ? 0 : region_ - 1;
  auto stage = names_.FindStage(text, own);
  if (!stage && file_.instructions[index]->kind != InstructionKind::kFrom) {
    const auto self = names_.FindStage(text, region_);
    stage = self == own ? self : std::nullopt;
  }
  if (!stage) {
    return;
  }
  Name name;
  name.kind = Name::Kind::kStage;
  name.text = text;
  name.span = name.whole = span;
  name.instruction = index;
  name.region = region_;
  name.stage = *stage;
  const ast::From* from = file_.stages[*stage].from;
  name.by_number = from == nullptr || !EqualsIgnoreCase(from->stage_name.text, text);
  names_.names_.push_back(std::move(name));
}

void NameCollector::AddStageUses(const ast::Instruction& instruction, std::uint32_t index) {
  const ast::Instruction* inner = &instruction;
  if (const auto* onbuild = ast::As<ast::Onbuild>(inner); onbuild != nullptr && onbuild->trigger != nullptr) {
    inner = onbuild->trigger;
  }
  if (inner->kind == InstructionKind::kCopy) {
    if (const ast::Flag* from = inner->FindFlag("from"); from != nullptr && from->value.present()) {
      AddStageUse(from->value.text, SpanOf(from->value.range), index);
    }
  }
  if (const auto* run = ast::As<ast::Run>(inner); run != nullptr && !run->invalid) {
    for (const ast::Mount& mount : run->mounts) {
      for (const ast::CsvField& field : mount.fields) {
        if (field.key == "from" && field.has_value && field.value.present()) {
          AddStageUse(field.value.text, SpanOf(field.value.range), index);
        }
      }
    }
  }
}

void NameCollector::AddDefinition(std::string_view key, Span span, std::optional<std::string_view> value, Span whole,
                                  bool is_arg, std::uint32_t index) {
  if (key.empty() || span.size() == 0) {
    return;
  }
  Name name;
  name.definition = true;
  name.is_arg = is_arg;
  name.has_value = value.has_value();
  name.text = key;
  name.written = value.value_or("");
  name.span = span;
  name.whole = whole;
  name.instruction = index;
  name.region = region_;
  names_.names_.push_back(std::move(name));
}

void NameCollector::AddDefinitions(const ast::Instruction& instruction, std::uint32_t index) {
  if (instruction.kind != InstructionKind::kArg && instruction.kind != InstructionKind::kEnv) {
    return;
  }
  if (instruction.invalid) {
    AddDefinitionsByWord(instruction, index);
  } else if (const auto* arg = ast::As<ast::Arg>(&instruction)) {
    for (const ast::ArgItem& item : arg->items) {
      AddDefinition(item.key.text, SpanOf(item.key.range),
                    item.has_value ? std::optional(item.value.text) : std::nullopt, SpanOf(item.item.range), true,
                    index);
    }
  } else if (const auto* env = ast::As<ast::Env>(&instruction)) {
    for (const ast::KeyValue& pair : env->pairs) {
      AddDefinition(pair.key.text, SpanOf(pair.key.range), pair.value.text,
                    SpanOf(source::Cover(pair.key.range, pair.value.range)), false, index);
    }
  }
}

void NameCollector::AddDefinitionsByWord(const ast::Instruction& instruction, std::uint32_t index) {
  const LogicalView view =
      MakeLogicalView(names_.analysis_->buffer().text(), HeaderSpan(*names_.analysis_, instruction), file_.escape);
  std::size_t at = instruction.keyword.text.size();
  while (at < view.text.size()) {
    at = view.text.find_first_not_of(" \t", at);
    if (at == std::string::npos) {
      return;
    }
    std::size_t end = at;
    while (end < view.text.size() && IsNameByte(view.text[end])) {
      ++end;
    }
    const bool value = end < view.text.size() && view.text[end] == '=';
    const std::size_t word_end = std::min(view.text.find_first_of(" \t", end), view.text.size());
    if (end > at && (value || word_end == end)) {
      const std::string_view text = view.text;
      AddDefinition(text.substr(at, end - at), view.SpanOf(at, end),
                    value ? std::optional(text.substr(end + 1, word_end - end - 1)) : std::nullopt,
                    view.SpanOf(at, word_end), instruction.kind == InstructionKind::kArg, index);
    }
    at = word_end;
  }
}

void NameCollector::AddUses(const ast::Instruction& instruction, std::uint32_t index) {
  const std::string_view source = names_.analysis_->buffer().text();
  const LogicalView view = MakeLogicalView(source, HeaderSpan(*names_.analysis_, instruction), file_.escape);
  AddUsesIn(view, std::min(instruction.keyword.text.size(), view.text.size()), view.text.size(),
            IsShell(instruction.kind), index);
  for (const ast::Heredoc& heredoc : instruction.heredocs) {
    if (heredoc.expand && heredoc.content_range.valid()) {
      // A body has no continuations: an escape character that no text has.
      const LogicalView body = MakeLogicalView(source, SpanOf(heredoc.content_range), '\0');
      AddUsesIn(body, 0, body.text.size(), true, index);
    }
  }
}

void NameCollector::AddUsesIn(const LogicalView& view, std::size_t begin, std::size_t end, bool in_shell,
                              std::uint32_t index) {
  const std::string_view text = view.text;
  bool single_quoted = false;
  bool double_quoted = false;
  for (std::size_t at = begin; at < end; ++at) {
    const char c = text[at];
    if (c == file_.escape && !single_quoted && at + 1 < end) {
      ++at;
      continue;
    }
    if (!in_shell && c == '\'' && !double_quoted) {
      single_quoted = !single_quoted;
    } else if (c == '"' && !single_quoted) {
      double_quoted = !double_quoted;
    }
    if (c != '$' || single_quoted || at + 1 >= end) {
      continue;
    }
    const bool braces = text[at + 1] == '{';
    const std::size_t first = at + (braces ? 2 : 1);
    std::size_t last = first;
    while (last < end && IsNameByte(text[last])) {
      ++last;
    }
    if (last == first || !IsNameStart(text[first])) {
      continue;
    }
    if (braces && text.substr(last, end - last).find('}') == std::string_view::npos) {
      continue;  // never closed: no variable
    }
    Name name;
    name.text = text.substr(first, last - first);
    name.span = view.SpanOf(first, last);
    name.has_modifier = braces && text[last] != '}';
    const std::size_t whole_end = !braces || name.has_modifier ? last : last + 1;
    name.whole = view.SpanOf(at, whole_end);
    name.instruction = index;
    name.region = file_.instructions[index]->kind == InstructionKind::kFrom ? 0 : region_;
    names_.names_.push_back(std::move(name));
    at = last - 1;  // a modifier may name further variables
  }
}

void NameCollector::AddHeredocs(const ast::Instruction& instruction, std::uint32_t index) {
  const std::string_view source = names_.analysis_->buffer().text();
  for (const ast::Heredoc& heredoc : instruction.heredocs) {
    const std::string_view word = source.substr(heredoc.word_range.begin, heredoc.word_range.size());
    const std::size_t at = heredoc.name.empty() ? std::string_view::npos : word.find(heredoc.name);
    if (at == std::string_view::npos) {
      continue;
    }
    const std::uint32_t group = next_group_++;
    const auto begin = static_cast<std::uint32_t>(heredoc.word_range.begin + at);
    const auto add = [&](Span span, bool definition) {
      Name name;
      name.kind = Name::Kind::kHeredoc;
      name.definition = definition;
      name.text = heredoc.name;
      name.span = name.whole = span;
      name.instruction = index;
      name.region = region_;
      name.group = group;
      names_.names_.push_back(std::move(name));
    };
    add({begin, static_cast<std::uint32_t>(begin + heredoc.name.size())}, true);
    if (heredoc.terminator_range.valid() && heredoc.terminator_range.size() >= heredoc.name.size()) {
      const std::uint32_t end = heredoc.terminator_range.end;
      add({static_cast<std::uint32_t>(end - heredoc.name.size()), end}, false);
    }
  }
}

void NameCollector::Link() {
  std::map<std::uint32_t, std::uint32_t> stage_groups;
  for (Name& name : names_.names_) {
    if (name.kind == Name::Kind::kStage) {
      const auto [found, added] = stage_groups.emplace(name.stage, next_group_);
      next_group_ += added ? 1 : 0;
      name.group = found->second;
    }
  }
  LinkVariables();
}

void NameCollector::LinkVariables() {
  // A group for each name of each region; an ARG without a default shares that of the global ARG.
  std::map<std::pair<std::uint32_t, std::string_view>, std::uint32_t> groups;
  const auto group_of = [&](std::uint32_t region, std::string_view text) {
    const auto [found, added] = groups.emplace(std::pair(region, text), next_group_);
    next_group_ += added ? 1 : 0;
    return found->second;
  };
  for (std::uint32_t region = 0; region < names_.by_region_.size(); ++region) {
    for (const auto& [text, indices] : names_.by_region_[region].definitions) {
      const bool global = region != 0 && names_.by_region_[0].definitions.contains(text) &&
                          std::any_of(indices.begin(), indices.end(), [&](std::uint32_t index) {
                            return names_.names_[index].is_arg && !names_.names_[index].has_value;
                          });
      groups.emplace(std::pair(region, std::string_view(text)), group_of(global ? 0 : region, text));
    }
  }
  std::map<std::pair<std::uint32_t, std::string_view>, std::uint32_t> undefined;
  for (Name& name : names_.names_) {
    if (name.kind != Name::Kind::kVariable) {
      continue;
    }
    const bool from = !name.definition && file_.instructions[name.instruction]->kind == InstructionKind::kFrom;
    std::optional<std::uint32_t> region = name.region;
    for (int step = 0; region && step < 1000; ++step) {
      const auto& definitions = names_.by_region_[*region].definitions;
      const auto found = definitions.find(name.text);
      const bool defined = found != definitions.end() &&
                           (!from || std::any_of(found->second.begin(), found->second.end(), [&](std::uint32_t index) {
                             return names_.names_[index].is_arg && names_.names_[index].instruction < name.instruction;
                           }));
      if (defined) {
        name.group = groups.at({*region, std::string_view(found->first)});
        break;
      }
      region = names_.by_region_[*region].base;
    }
    if (name.group == Name::kNoGroup) {
      // Set nowhere: its uses in the region are still one thing.
      const auto [found, added] = undefined.emplace(std::pair(name.region, std::string_view(name.text)), next_group_);
      next_group_ += added ? 1 : 0;
      name.group = found->second;
    }
  }
}

void NameCollector::Evaluate() {
  for (Name& name : names_.names_) {
    if (name.kind != Name::Kind::kVariable || !name.definition) {
      continue;
    }
    if (name.has_value) {
      name.value = names_.Expand(name.written, name.instruction);
    } else if (name.is_arg && name.region != 0) {
      const auto global = names_.Find(name.text, 0, UINT32_MAX, true);
      name.value = global ? global->value : std::nullopt;
    }
  }
}

}  // namespace loam::lsp::dockerfile
