// Definition, declaration, references, highlights, linked editing and rename: what is made of Names.
#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/links.h"
#include "language-server/features/dockerfile/names.h"
#include "language-server/features/mentions.h"

namespace loam::lsp::dockerfile {
namespace {

Location Here(const Query& query, const Name& name, const Name* origin) {
  return {query.document.uri(), name.whole, name.span, origin != nullptr ? std::optional(origin->span) : std::nullopt};
}

// The name under the cursor, if it is defined somewhere.
const Name* DefinedAt(const Names& names, std::uint32_t offset) {
  const Name* name = names.At(offset);
  return name != nullptr && name->group != Name::kNoGroup ? name : nullptr;
}

// The keyword of a FROM without a name, for stages that are used by number.
std::optional<Location> StageHeader(const Query& query, const Name& name) {
  const auto& stages = DockerfileAnalysis::Of(query.document).file().stages;
  const ast::From* from = name.stage < stages.size() ? stages[name.stage].from : nullptr;
  if (from == nullptr) {
    return std::nullopt;
  }
  return Location{query.document.uri(), SpanOf(from->range), SpanOf(from->keyword.range), name.span};
}

const Name* FirstDefinition(const Names& names, const Name& name) {
  for (const Name* same : names.Same(name)) {
    if (same->definition && (name.kind != Name::Kind::kVariable || same->region == name.region)) {
      return same;
    }
  }
  for (const Name* same : names.Same(name)) {
    if (same->definition) {
      return same;
    }
  }
  return nullptr;
}

bool IsVariableName(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}
bool IsStageName(std::string_view name) {
  return !name.empty() && ((name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z')) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  c == '.';
         });
}

// Places in other files that name the stage or the build argument.
std::vector<MentionedName> MentionsOf(const Query& query, const Name& name) {
  std::vector<MentionedName> found;
  const bool stage = name.kind == Name::Kind::kStage;
  if (!stage && name.kind != Name::Kind::kVariable) {
    return found;
  }
  for (const Mention& mention : MentionsOfFile(query.workspace, query.document.path())) {
    if (stage && mention.target && EqualsIgnoreCase(mention.target->text, name.text)) {
      found.push_back(*mention.target);
    }
    for (const MentionedName& argument : mention.arguments) {
      if (!stage && argument.text == name.text) {
        found.push_back(argument);
      }
    }
  }
  return found;
}

// A build argument: an ARG of the group.
bool IsArgument(const Names& names, const Name& name) {
  const auto same = names.Same(name);
  return std::any_of(same.begin(), same.end(), [](const Name* other) { return other->definition && other->is_arg; });
}

}  // namespace

std::vector<Location> Declaration(const Query& query, std::uint32_t offset) {
  const Names& names = NamesOf(query);
  const Name* name = DefinedAt(names, offset);
  if (name == nullptr) {
    return {};
  }
  if (const Name* first = FirstDefinition(names, *name)) {
    return {Here(query, *first, name)};
  }
  const auto header = name->kind == Name::Kind::kStage ? StageHeader(query, *name) : std::nullopt;
  return header ? std::vector<Location>{*header} : std::vector<Location>();
}

std::vector<Location> Definition(const Query& query, std::uint32_t offset) {
  std::vector<Location> found = Declaration(query, offset);
  if (found.empty()) {
    // A file of the context.
    const auto file = ContextFileAt(query, offset);
    return file ? std::vector<Location>{*file} : std::vector<Location>();
  }
  return found;
}

std::vector<Location> References(const Query& query, std::uint32_t offset, bool with_declaration) {
  const Names& names = NamesOf(query);
  std::vector<Location> found;
  const Name* name = DefinedAt(names, offset);
  if (name == nullptr) {
    return found;
  }
  for (const Name* same : names.Same(*name)) {
    if (with_declaration || !same->definition) {
      found.push_back(Here(query, *same, nullptr));
    }
  }
  if (name->kind == Name::Kind::kStage || IsArgument(names, *name)) {
    for (const MentionedName& mention : MentionsOf(query, *name)) {
      found.push_back({mention.uri, mention.span, mention.span, {}});
    }
  }
  return found;
}

std::vector<Highlight> Highlights(const Query& query, std::uint32_t offset) {
  const Names& names = NamesOf(query);
  std::vector<Highlight> found;
  const Name* name = DefinedAt(names, offset);
  if (name == nullptr) {
    return found;
  }
  for (const Name* same : names.Same(*name)) {
    found.push_back({same->span, same->definition ? HighlightKind::kWrite : HighlightKind::kRead});
  }
  std::stable_sort(found.begin(), found.end(), [](const Highlight& a, const Highlight& b) {
    return a.kind != b.kind ? a.kind > b.kind : a.span.begin < b.span.begin;
  });
  return found;
}

std::optional<RenameTarget> PrepareRename(const Query& query, std::uint32_t offset) {
  const Names& names = NamesOf(query);
  const Name* name = DefinedAt(names, offset);
  if (name == nullptr || name->by_number) {
    return std::nullopt;
  }
  return RenameTarget{name->span, name->text};
}

Result<WorkspaceEdit> Rename(const Query& query, std::uint32_t offset, std::string_view new_name) {
  const Names& names = NamesOf(query);
  const Name* name = DefinedAt(names, offset);
  if (name == nullptr || name->by_number) {
    return Unexpected(ErrorCode::kInvalidArgument, "there is no variable, stage or heredoc name here");
  }
  const bool good = name->kind == Name::Kind::kStage ? IsStageName(new_name)
                    : name->kind == Name::Kind::kVariable
                        ? IsVariableName(new_name)
                        : !new_name.empty() && new_name.find_first_of(" \t\r\n\"'") == std::string_view::npos;
  if (!good) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` cannot be a name here", new_name));
  }
  WorkspaceEdit edit;
  FileEdits& here = edit.emplace_back();
  here.uri = query.document.uri();
  for (const Name* same : names.Same(*name)) {
    if (!same->by_number) {
      here.edits.push_back({same->span, std::string(new_name)});
    }
  }
  if (name->kind == Name::Kind::kStage || IsArgument(names, *name)) {
    for (const MentionedName& mention : MentionsOf(query, *name)) {
      auto file = std::find_if(edit.begin(), edit.end(), [&](const FileEdits& f) { return f.uri == mention.uri; });
      if (file == edit.end()) {
        file = edit.insert(edit.end(), FileEdits{mention.uri, {}});
      }
      file->edits.push_back({mention.span, std::string(new_name)});
    }
  }
  return edit;
}

// A heredoc's word and its terminator, and a stage name with all its uses, are one word.
std::optional<LinkedRanges> Linked(const Query& query, std::uint32_t offset) {
  const Names& names = NamesOf(query);
  const Name* name = DefinedAt(names, offset);
  if (name == nullptr || name->by_number || name->kind == Name::Kind::kVariable) {
    return std::nullopt;
  }
  LinkedRanges ranges;
  for (const Name* same : names.Same(*name)) {
    if (!same->by_number && same->text == name->text) {
      ranges.spans.push_back(same->span);
    }
  }
  return ranges.spans.size() > 1 ? std::optional(ranges) : std::nullopt;
}

}  // namespace loam::lsp::dockerfile
