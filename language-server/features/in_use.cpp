#include "language-server/features/in_use.h"

#include <functional>
#include <map>

#include "base/strings.h"
#include "compiler/sema/earthfile/words.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/project.h"

namespace loam::lsp {
namespace {

// Files that one question reads, at most.
constexpr std::size_t kMaxFiles = 100;

bool Touches(const Query& query, const Document& document, source::SourceRange range, std::uint32_t offset) {
  return &document == &query.document && range.begin <= offset && offset <= range.end;
}

void EachInstruction(const Query& query, std::uint32_t offset,
                     const std::function<void(const Document&, const ast::Instruction&)>& visit) {
  std::set<const Document*> documents;
  if (query.document.language() == Language::kDockerfile) {
    documents.insert(&query.document);
  }
  for (const std::string& path : query.workspace.Files(FileRole::kDockerfile)) {
    if (documents.size() >= kMaxFiles || query.cancel.cancelled()) {
      break;
    }
    const Document* document = query.workspace.Load(path);
    if (document != nullptr && document->language() == Language::kDockerfile) {
      documents.insert(document);
    }
  }
  for (const Document* document : documents) {
    for (const ast::Instruction* instruction : DockerfileAnalysis::Of(*document).file().instructions) {
      if (!instruction->invalid && !Touches(query, *document, instruction->range, offset)) {
        visit(*document, *instruction);
      }
    }
  }
}

void EachCommand(const Query& query, std::uint32_t offset,
                 const std::function<void(const ast::earthfile::Command&)>& visit) {
  for (const Document* document : earthfile::AllEarthfiles(query)) {
    if (document->language() != Language::kEarthfile) {
      continue;  // the query's own
    }
    for (const auto& scope : EarthfileAnalysis::Of(*document).symbols().scopes) {
      sema::earthfile::EachStatement(scope.recipe, [&](const ast::earthfile::Statement& statement) {
        if (statement.kind == ast::earthfile::StatementKind::kCommand &&
            !Touches(query, *document, statement.location.range, offset)) {
          visit(*statement.command);
        }
      });
    }
  }
}

// The name in `$NAME` or `${NAME}`; "" if it is something else.
std::string_view VariableAlone(std::string_view text) {
  if (text.starts_with("${") && text.ends_with("}")) {
    return text.substr(2, text.size() - 3);
  }
  return text.starts_with("$") ? text.substr(1) : std::string_view();
}

// The id of a mount's options if they are of this type.
std::string_view IdOfMount(std::string_view options, std::string_view type) {
  std::string_view id;
  bool fits = false;
  for (const std::string_view option : Split(options, ',')) {
    const auto pair = SplitOnce(option, '=');
    if (pair && pair->first == "type") {
      fits = pair->second == type;
    } else if (pair && pair->first == "id") {
      id = pair->second;
    }
  }
  return fits ? id : std::string_view();
}

}  // namespace

std::set<std::string> ImagesInUse(const Query& query, std::uint32_t offset) {
  std::set<std::string> images;
  // Of each Dockerfile: its stages, and the values of its ARGs in front of them.
  std::map<const Document*, std::pair<std::set<std::string_view>, std::map<std::string_view, std::string_view>>> known;
  EachInstruction(query, offset, [&](const Document& document, const ast::Instruction& instruction) {
    auto& [stages, values] = known[&document];
    if (const auto* arg = ast::As<ast::Arg>(&instruction); arg != nullptr && stages.empty()) {
      for (const ast::ArgItem& item : arg->items) {
        values[item.key.text] = item.has_value ? item.value.text : std::string_view();
      }
    }
    const auto* from = ast::As<ast::From>(&instruction);
    if (from == nullptr || !from->base.present()) {
      return;
    }
    std::string_view base = from->base.text;
    if (const auto value = values.find(VariableAlone(base)); value != values.end()) {
      base = value->second;
    }
    if (base.find('$') == std::string_view::npos && !stages.contains(base)) {
      images.emplace(base);
    }
    stages.insert(from->stage_name.text);
  });
  EachCommand(query, offset, [&](const ast::earthfile::Command& command) {
    if (command.kind == ast::earthfile::CommandKind::kFrom && !command.args.empty()) {
      const std::string_view image = command.args.back().text;
      if (image.find_first_of("+$(") == std::string_view::npos && !image.starts_with('-')) {
        images.emplace(image);
      }
    }
  });
  images.erase("");
  return images;
}

std::set<std::string> MountIdsInUse(const Query& query, std::string_view type, std::uint32_t offset) {
  std::set<std::string> ids;
  EachInstruction(query, offset, [&](const Document&, const ast::Instruction& instruction) {
    const auto* run = ast::As<ast::Run>(&instruction);
    if (run == nullptr) {
      return;
    }
    for (const ast::Mount& mount : run->mounts) {
      std::string_view id;
      bool fits = type == "bind";
      for (const ast::CsvField& field : mount.fields) {
        fits = field.key == "type" && field.has_value ? field.value.text == type : fits;
        id = field.key == "id" && field.has_value ? std::string_view(field.value.text) : id;
      }
      if (fits) {
        ids.emplace(id);
      }
    }
  });
  EachCommand(query, offset, [&](const ast::earthfile::Command& command) {
    constexpr std::string_view kFlag = "--mount";
    for (std::size_t i = 0; i < command.args.size(); ++i) {
      const std::string_view word = command.args[i].text;
      if (word == kFlag && i + 1 < command.args.size()) {
        ids.emplace(IdOfMount(command.args[i + 1].text, type));
      } else if (word.starts_with(kFlag) && word.substr(kFlag.size()).starts_with('=')) {
        ids.emplace(IdOfMount(word.substr(kFlag.size() + 1), type));
      }
    }
  });
  ids.erase("");
  return ids;
}

}  // namespace loam::lsp
