#include "compiler/lint/earthfile/projection.h"

#include <algorithm>

#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/lint/hadolint/hadolint.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/words.h"

namespace loam::lint::earthfile {
namespace {

// The others look at stages, base images and instructions that an Earthfile has in another way.
const std::vector<std::string> kCommandRules = {
    "DL3000", "DL3001", "DL3003", "DL3004", "DL3008", "DL3009", "DL3011", "DL3013", "DL3014", "DL3015", "DL3016",
    "DL3018", "DL3019", "DL3027", "DL3028", "DL3030", "DL3032", "DL3033", "DL3034", "DL3035", "DL3036", "DL3037",
    "DL3038", "DL3040", "DL3041", "DL3042", "DL3046", "DL3047", "DL3060", "DL3062", "DL4001"};

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

class Projection {
 public:
  Projection(const FileView& file, std::size_t scope) : file_(file) {
    const sema::RecipeScope& recipe = file.symbols.scopes[scope];
    const source::SourceRange head = recipe.name_range.valid() ? recipe.name_range : recipe.range;
    Made("FROM scratch\n", head.begin);
    for (const sema::VariableDefinition& variable : file.symbols.variables) {
      if (variable.scope == scope || variable.global) {
        Made(fmt::format("ARG {}\n", variable.name), variable.name_range.begin);
      }
    }
    sema::EachStatement(recipe.recipe, [&](const ast::Statement& statement) {
      if (statement.kind == ast::StatementKind::kCommand) {
        Add(*statement.command);
      }
    });
  }

  [[nodiscard]] const std::string& text() const { return text_; }

  // nullopt: nothing of it stands in the Earthfile.
  [[nodiscard]] std::optional<Warning> BringBack(const Warning& warning, const source::Buffer& projected) const {
    Warning back = warning;
    if (warning.range.valid()) {
      back.range = Place(warning.range);
    } else if (warning.lines.first > 0) {
      const std::uint32_t begin = LineBegin(projected.text(), warning.lines.first);
      std::uint32_t end = LineBegin(projected.text(), warning.lines.last + 1);
      end = std::max(end > 0 ? end - 1 : end, begin);
      back.range = Place(projected.Range(begin, end));
    }
    if (!back.range.valid() || warning.lines.first <= 1) {
      return std::nullopt;
    }
    back.lines = file_.buffer->LinesOf(back.range);
    for (Fix& fix : back.fixes) {
      for (diag::Edit& edit : fix.edits) {
        edit.range = Place(edit.range);
      }
    }
    return back;
  }

 private:
  static std::uint32_t LineBegin(std::string_view text, std::uint32_t line) {
    std::size_t at = 0;
    for (; line > 1 && at != std::string_view::npos; --line) {
      at = text.find('\n', at);
      at = at == std::string_view::npos ? text.size() : at + 1;
    }
    return static_cast<std::uint32_t>(at);
  }

  [[nodiscard]] source::SourceRange Place(source::SourceRange range) const {
    if (origins_.empty()) {
      return {};
    }
    const auto at = [&](std::uint32_t offset) {
      return offset < origins_.size() ? origins_[offset] : origins_.back() + 1;
    };
    const std::uint32_t begin = at(range.begin);
    return file_.buffer->Range(begin, range.end > range.begin ? std::max(at(range.end - 1) + 1, begin) : begin);
  }

  void Made(std::string_view text, std::uint32_t origin) {
    text_ += text;
    origins_.insert(origins_.end(), text.size(), origin);
  }
  void Byte(char c, std::uint32_t origin) {
    text_ += c;
    origins_.push_back(origin);
  }

  void Add(const ast::Command& command) {
    using ast::CommandKind;
    if (command.invalid || command.args.empty()) {
      return;
    }
    if (command.kind == CommandKind::kCache) {
      sema::CacheFlags flags;
      const auto rest = sema::ParseFlags(sema::ToWords(command.args), {}, flags);
      if (rest && !rest->empty()) {
        mounts_ += fmt::format("--mount=type=cache,target={} ", rest->front().text);
      }
      return;
    }
    if (command.kind != CommandKind::kRun && command.kind != CommandKind::kWorkdir &&
        command.kind != CommandKind::kExpose) {
      return;
    }
    const std::uint32_t begin = command.keyword.range.begin;
    const std::size_t before = text_.size();
    Made(command.keyword.text, begin);
    Made(" ", begin);
    std::size_t first = 0;
    if (command.kind == CommandKind::kRun) {
      Made(mounts_, begin);
      while (first < command.args.size() && command.args[first].text.starts_with("--") && !command.exec_mode) {
        if (command.args[first].text.starts_with("--mount=")) {
          Made(fmt::format("{} ", command.args[first].text), begin);
        }
        ++first;
      }
    }
    // A flag whose value is a word of its own, and what a Dockerfile takes for a heredoc, cannot be written there.
    const std::string_view text = file_.buffer->text();
    if (first == command.args.size() ||
        text.substr(begin, command.location.range.end - begin).find("<<") != std::string_view::npos) {
      text_.resize(before);
      origins_.resize(before);
      return;
    }
    const std::uint32_t from = command.exec_mode ? ExecBegin(command) : command.args[first].range.begin;
    Body(from, command.location.range.end);
    Byte('\n', command.location.range.end);
  }

  [[nodiscard]] std::uint32_t ExecBegin(const ast::Command& command) const {
    const std::size_t bracket = file_.buffer->text().find('[', command.keyword.range.end);
    return bracket == std::string_view::npos ? command.args.front().range.begin : static_cast<std::uint32_t>(bracket);
  }

  // Continuations become those of Dockerfiles; other line ends, which are in quotes, become blanks.
  void Body(std::uint32_t begin, std::uint32_t end) {
    const std::string_view text = file_.buffer->text();
    for (std::uint32_t i = begin; i < end; ++i) {
      if (text[i] != '\\') {
        Byte(text[i] == '\n' || text[i] == '\r' ? ' ' : text[i], i);
        continue;
      }
      std::uint32_t next = i + 1;
      std::uint32_t behind = 0;  // the last line end of the continuation
      for (;;) {
        std::uint32_t at = next;
        while (at < end && IsBlank(text[at])) {
          ++at;
        }
        if (at < end && text[at] == '#') {
          at = static_cast<std::uint32_t>(std::min<std::size_t>(text.find('\n', at), end));
        }
        if (at < end && text[at] == '\r') {
          ++at;
        }
        if (at >= end || text[at] != '\n') {
          break;
        }
        behind = at + 1;
        next = behind;
      }
      if (behind == 0) {
        Byte('\\', i);
        continue;
      }
      Byte('\\', i);
      Byte('\n', behind - 1);
      i = behind - 1;
    }
  }

  const FileView& file_;
  std::string text_;
  std::vector<std::uint32_t> origins_;  // of each byte of text_
  std::string mounts_;
};

template <class Check>
Result<std::vector<Warning>> EachRecipe(const FileView& file, bool with_locally, const Check& check) {
  std::vector<Warning> found;
  for (std::size_t scope = 0; scope < file.symbols.scopes.size(); ++scope) {
    if (file.symbols.scopes[scope].is_local && !with_locally) {
      continue;
    }
    const bool has_run =
        std::any_of(file.runs.begin(), file.runs.end(), [&](const RunView& run) { return run.scope == scope; });
    if (!has_run) {
      continue;
    }
    const Projection projection(file, scope);
    source::SourceManager sources;
    const source::Buffer* buffer = LOAM_TRY(sources.AddText("Dockerfile", projection.text()));
    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    auto parsed = parse::ParseDockerfile(*buffer, emitter);
    const loam::ast::Dockerfile dockerfile = loam::ast::BuildDockerfile(std::move(parsed.tree), *buffer, emitter);
    const std::vector<Warning> warnings = LOAM_TRY(check(dockerfile, *buffer));
    for (const Warning& warning : warnings) {
      if (auto back = projection.BringBack(warning, *buffer)) {
        found.push_back(*std::move(back));
      }
    }
  }
  return found;
}

}  // namespace

std::vector<Warning> CheckCommands(const FileView& file) {
  HadolintOptions options;
  options.only = kCommandRules;
  options.no_pragmas = true;
  auto found = EachRecipe(file, false, [&](const loam::ast::Dockerfile& dockerfile, const source::Buffer& buffer) {
    return Result<std::vector<Warning>>(CheckHadolint(dockerfile, buffer, options, {}));
  });
  return found ? *std::move(found) : std::vector<Warning>();
}

Result<std::vector<Warning>> CheckScripts(const FileView& file, const RunProgram& run) {
  return EachRecipe(file, true, [&](const loam::ast::Dockerfile& dockerfile, const source::Buffer& buffer) {
    return CheckShell(dockerfile, buffer, {}, run);
  });
}

}  // namespace loam::lint::earthfile
