#include <algorithm>

#include "compiler/ast/earthfile/texts.h"
#include "compiler/lint/earthfile/rule.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/words.h"

namespace loam::lint::earthfile {
namespace {

bool IsWordPart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The script of a RUN in shell form; the words of one in exec form.
shell::Script ScriptOf(const ast::Command& run, const source::Buffer& buffer) {
  if (run.exec_mode) {
    std::vector<std::string> words;
    for (const ast::Word& word : run.args) {
      words.emplace_back(word.text);
    }
    return shell::ReadArguments(words);
  }
  const auto first = std::find_if(run.args.begin(), run.args.end(),
                                  [](const ast::Word& word) { return !word.text.starts_with("--"); });
  if (first == run.args.end()) {
    return {};
  }
  return shell::ReadScript(loam::ast::earthfile::RemoveContinuations(
      buffer.TextOf(buffer.Range(first->range.begin, run.args.back().range.end))));
}

}  // namespace

FileView MakeFileView(const ast::Earthfile& file, const source::Buffer& buffer, const EarthfileLintOptions& options) {
  FileView view;
  view.file = &file;
  view.buffer = &buffer;
  view.options = &options;
  view.symbols = sema::ReadSymbols(file, buffer);
  view.own_uses.Add(view.symbols, options.directory);
  if (file.version != nullptr) {
    if (auto read = sema::ReadFeatures(sema::ToWords(file.version->args), "", file.version->range)) {
      view.version = *std::move(read);
    }
  }
  EachCommand(view, [&](const ast::Command& command, std::size_t scope) {
    if (command.kind == ast::CommandKind::kRun && !command.invalid) {
      view.runs.push_back({&command, scope, ScriptOf(command, buffer)});
    }
  });
  return view;
}

void Reporter::operator()(source::SourceRange range, std::string message, std::vector<Fix> fixes) const {
  Warning warning;
  warning.rule = &rule_;
  warning.message = std::move(message);
  warning.range = range;
  warning.lines = file_.buffer->LinesOf(range);
  warning.fixes = std::move(fixes);
  warnings_.push_back(std::move(warning));
}

source::SourceRange WholeLines(const source::Buffer& buffer, source::SourceRange range) {
  const std::string_view text = buffer.text();
  while (range.begin > 0 && text[range.begin - 1] != '\n') {
    --range.begin;
  }
  const std::size_t end = text.find('\n', range.end);
  range.end = static_cast<std::uint32_t>(end == std::string_view::npos ? text.size() : end + 1);
  return range;
}

std::vector<Fix> SafeFix(std::string title, source::SourceRange range, std::string text) {
  return {{std::move(title), {{range, std::move(text)}}, FixSafety::kSafe}};
}
std::vector<Fix> UnsafeFix(std::string title, source::SourceRange range, std::string text) {
  return {{std::move(title), {{range, std::move(text)}}, FixSafety::kUnsafe}};
}

bool MentionsWord(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const bool begins = at == 0 || !IsWordPart(text[at - 1]);
    const std::size_t end = at + name.size();
    if (begins && (end == text.size() || !IsWordPart(text[end]))) {
      return true;
    }
  }
  return false;
}

bool IsMentioned(const FileView& file, const sema::VariableDefinition& variable) {
  // Also in scripts: every variable is in their environment.
  const auto mentions = [&](source::SourceRange range) {
    if (!range.valid()) {
      return false;
    }
    const std::string_view text = file.buffer->text();
    const std::uint32_t cut = std::clamp(variable.command_range.begin, range.begin, range.end);
    const std::uint32_t resume = std::clamp(variable.command_range.end, range.begin, range.end);
    return MentionsWord(text.substr(range.begin, cut - range.begin), variable.name) ||
           MentionsWord(text.substr(resume, range.end - resume), variable.name);
  };
  if (variable.global) {
    return mentions(file.buffer->Range(0, file.buffer->text().size()));
  }
  const sema::RecipeScope& scope = file.symbols.scopes[variable.scope];
  const bool passes_all =
      std::any_of(file.symbols.references.begin(), file.symbols.references.end(),
                  [&](const sema::ReferenceUse& use) { return use.scope == variable.scope && use.pass_args; });
  return passes_all || mentions(scope.range);
}

std::vector<ImageUse> ImagesOf(const FileView& file) {
  std::vector<ImageUse> images;
  const auto add = [&](std::string_view name, source::SourceRange range) {
    if (!name.empty() && name != "scratch" && name.find('$') == std::string_view::npos &&
        !sema::LooksLikeReference(name)) {
      images.push_back({std::string(name), range});
    }
  };
  EachCommand(file, [&](const ast::Command& command, std::size_t) {
    if (command.kind == ast::CommandKind::kFrom) {
      sema::FromFlags flags;
      const auto rest = sema::ParseFlags(sema::ToWords(command.args), {}, flags);
      if (rest && !rest->empty()) {
        add(rest->front().text, rest->front().range);
      }
    } else if (command.kind == ast::CommandKind::kDocker) {
      sema::WithDockerFlags flags;
      if (sema::ParseFlags(sema::ToWords(command.args), {}, flags)) {
        for (const std::string& image : flags.pulls) {
          add(image, flags.RangeOf("pull", command.location.range));
        }
      }
    }
  });
  return images;
}

}  // namespace loam::lint::earthfile
