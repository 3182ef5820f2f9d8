#include <algorithm>

#include "base/strings.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/cursor.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/language.h"
#include "language-server/features/earthfile/project.h"

namespace loam::lsp::earthfile {
namespace {

// The words of a form behind its keyword: "[FLAGS]", "source…", "dest".
std::vector<std::string> Parts(std::string_view form, std::string_view keyword) {
  std::string_view rest = form.substr(0, form.find('\n'));
  rest = TrimSpace(rest.substr(std::min(rest.size(), keyword.size())));
  std::vector<std::string> parts;
  for (const std::string_view word : Split(rest, ' ')) {
    if (word.empty() || word == "|") {
      continue;
    }
    parts.emplace_back(word);
  }
  return parts;
}

// The reference in front of the cursor, for its arguments.
const sema::earthfile::ReferenceUse* ReferenceBefore(const sema::earthfile::FileSymbols& symbols, std::uint32_t begin,
                                                     std::uint32_t offset) {
  const sema::earthfile::ReferenceUse* found = nullptr;
  for (const auto& use : symbols.references) {
    if (use.range.begin >= begin && use.range.end < offset && use.kind != sema::earthfile::ReferenceKind::kImport) {
      found = &use;
    }
  }
  return found;
}

}  // namespace

// The form of the command; behind a reference the arguments of what it names.
std::optional<SignatureHelp> Signatures(const Query& query, std::uint32_t offset) {
  const Cursor cursor = CursorAt(query.document, offset);
  const CommandInfo* info = cursor.in_comment ? nullptr : FindCommand(cursor.keyword);
  if (info == nullptr) {
    return std::nullopt;
  }
  SignatureHelp help;
  Signature signature;
  const auto& symbols = EarthfileAnalysis::Of(query.document).symbols();
  if (const auto* use = ReferenceBefore(symbols, cursor.begin, offset); use != nullptr && use->reference) {
    if (const Document* target = DocumentOf(query, query.document, *use)) {
      const auto& there = EarthfileAnalysis::Of(*target).symbols();
      const auto* recipe = there.FindRecipe(use->reference->name);
      signature.label = std::string(use->text);
      for (const auto& variable : there.variables) {
        if (variable.kind == sema::earthfile::VariableKind::kArg && recipe != nullptr &&
            &there.scopes[variable.scope] == recipe) {
          SignatureParameter parameter{"--" + std::string(variable.name) + "=" +
                                           (variable.has_value ? std::string(variable.value.substr(0, 30)) : "…"),
                                       std::string(variable.docs)};
          signature.label += " " + parameter.label;
          if (cursor.typed.starts_with("--" + std::string(variable.name))) {
            help.active_parameter = static_cast<std::uint32_t>(signature.parameters.size());
          }
          signature.parameters.push_back(std::move(parameter));
        }
      }
      signature.documentation = recipe != nullptr ? std::string(recipe->docs) : "";
      if (!signature.parameters.empty()) {
        help.signatures.push_back(std::move(signature));
        return help;
      }
      signature = {};
    }
  }
  signature.label = info->form.substr(0, info->form.find('\n'));
  signature.documentation = info->text;
  for (std::string& part : Parts(info->form, info->keyword)) {
    signature.parameters.push_back({std::move(part), {}});
  }
  if (!signature.parameters.empty()) {
    const bool has_flags = signature.parameters.front().label.starts_with("[");
    std::size_t active = cursor.words_before + (has_flags ? 1 : 0);
    if (cursor.among_flags &&
        (cursor.typed.starts_with("-") || (has_flags && cursor.typed.empty() && cursor.words.empty()))) {
      active = 0;
    }
    help.active_parameter = static_cast<std::uint32_t>(std::min(active, signature.parameters.size() - 1));
  }
  help.signatures.push_back(std::move(signature));
  return help;
}

}  // namespace loam::lsp::earthfile
