#include "compiler/lint/shellcheck.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "compiler/lint/hadolint/file_view.h"
#include "compiler/lint/hadolint/hadolint.h"
#include "compiler/lint/run_checker.h"
#include "compiler/lint/skip.h"

namespace loam::lint {
namespace {

using hadolint::FileView;
using hadolint::InstructionView;
using Json = nlohmann::json;

struct OwnedRule {
  std::string name;
  std::string url;
  RuleInfo info;
};

// A script as ShellCheck gets it: one line that sets what the build sets, then the text.
struct Script {
  std::string text;
  // Where the bytes of `text` are in the file; empty if that cannot be told.
  std::vector<std::uint32_t> offsets;
};

// "" for a shell that ShellCheck does not know.
std::string_view Dialect(const std::vector<std::string>& shell) {
  const std::string_view name = shell.empty() ? "sh" : hadolint::FileName(shell.front());
  for (const std::string_view known : {"sh", "bash", "dash", "ksh"}) {
    if (name == known) {
      return known;
    }
  }
  return name == "ash" ? "dash" : "";
}

// Variables that are set when the RUN starts, as `export` of some value.
std::string Prelude(const FileView& file, const InstructionView& at) {
  std::set<std::string> names = {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy",
                                 "FTP_PROXY",  "ftp_proxy",  "NO_PROXY",    "no_proxy"};
  for (const InstructionView& each : file.instructions) {
    if (each.number >= at.number || at.trigger || each.trigger || each.stage == nullptr ||
        !hadolint::IsBuiltFrom(*at.stage, *each.stage)) {
      continue;
    }
    if (const auto* arg = each.As<ast::Arg>(); arg != nullptr && each.stage == at.stage) {
      for (const ast::ArgItem& item : arg->items) {
        names.emplace(item.key.text);
      }
    } else if (const auto* env = each.As<ast::Env>()) {
      for (const ast::KeyValue& pair : env->pairs) {
        names.emplace(pair.key.text);
      }
    }
  }
  std::string line = "export";
  for (const std::string& name : names) {
    const bool plain =
        !name.empty() && (name[0] < '0' || name[0] > '9') && std::all_of(name.begin(), name.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        });
    line += plain ? fmt::format(" {}=1", name) : "";
  }
  return line + "\n";
}

Script ScriptOf(const FileView& file, const ast::Run& run) {
  Script script;
  if (run.script != nullptr) {
    script.text = std::string(run.script->content);
    const source::SourceRange range = run.script->content_range;
    if (file.buffer->TextOf(range) == script.text) {
      for (std::uint32_t offset = range.begin; offset < range.end; ++offset) {
        script.offsets.push_back(offset);
      }
    }
    return script;
  }
  script.text = std::string(run.command.args.front().text);
  script.offsets = hadolint::SourceOffsets(run.command.args.front(), *file.buffer, file.file->escape);
  for (const ast::Heredoc& heredoc : run.heredocs) {
    script.text += fmt::format("\n{}{}", heredoc.content, heredoc.name);
  }
  return script;
}

// Byte of a line and a column, both from 1, as ShellCheck counts: columns are code points.
std::size_t ByteAt(std::string_view text, std::size_t line, std::size_t column) {
  std::size_t at = 0;
  for (; line > 1 && at < text.size(); --line) {
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  }
  for (; column > 1 && at < text.size() && text[at] != '\n'; --column) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) {
      ++at;
    }
  }
  return at;
}

class Checker {
 public:
  Checker(const FileView& file, const InstructionView& view, const Script& script)
      : file_(file), view_(view), script_(script) {}

  Warning Convert(const Json& comment) const {
    auto rule = std::make_shared<OwnedRule>();
    rule->name = fmt::format("SC{}", comment.value("code", 0));
    rule->url = "https://www.shellcheck.net/wiki/" + rule->name;
    const std::string level = comment.value("level", "");
    rule->info = {rule->name,
                  "finding of ShellCheck",
                  rule->url,
                  false,
                  1,
                  level == "error"     ? Severity::kError
                  : level == "warning" ? Severity::kWarning
                  : level == "info"    ? Severity::kInfo
                                       : Severity::kStyle};
    Warning warning;
    warning.rule = &rule->info;
    warning.keep_alive = rule;
    warning.message = comment.value("message", "");
    warning.lines = view_.instruction->lines;
    if (const auto range = Place(comment)) {
      warning.range = *range;
      warning.lines = file_.buffer->LinesOf(*range);
    }
    AddFix(comment, warning);
    return warning;
  }

 private:
  [[nodiscard]] std::optional<source::SourceRange> Place(const Json& row) const {
    const auto line = row.value("line", std::size_t{0});
    const auto end_line = row.value("endLine", line);
    if (line < 2) {
      return std::nullopt;
    }
    const std::size_t begin = ByteAt(script_.text, line - 1, row.value("column", std::size_t{1}));
    const std::size_t end = ByteAt(script_.text, end_line - 1, row.value("endColumn", std::size_t{1}));
    if (end < begin || end > script_.offsets.size() || script_.offsets.empty()) {
      return std::nullopt;
    }
    const std::uint32_t last = script_.offsets.back() + 1;
    const std::uint32_t first_byte = begin < script_.offsets.size() ? script_.offsets[begin] : last;
    return file_.buffer->Range(first_byte, end == begin ? first_byte : script_.offsets[end - 1] + 1);
  }

  void AddFix(const Json& comment, Warning& warning) const {
    if (!comment.contains("fix") || !comment["fix"].is_object()) {
      return;
    }
    Fix fix{"as ShellCheck proposes", {}, FixSafety::kUnsafe};
    std::set<std::uint32_t> places;
    for (const Json& replacement : comment["fix"].value("replacements", Json::array())) {
      const auto range = Place(replacement);
      if (!range || !places.insert(range->begin).second) {
        return;
      }
      fix.edits.push_back({*range, replacement.value("replacement", "")});
    }
    if (!fix.edits.empty()) {
      warning.fixes.push_back(std::move(fix));
    }
  }

  const FileView& file_;
  const InstructionView& view_;
  const Script& script_;
};

}  // namespace

Result<std::string> RunInstalledProgram(const std::vector<std::string>& args, std::string_view input) {
  return RunChecker(args, input, {});
}

Result<std::vector<Warning>> CheckShell(const ast::Dockerfile& file, const source::Buffer& buffer,
                                        const sema::CheckOptions& checks, const RunProgram& run) {
  const hadolint::Pragmas pragmas(file, buffer, true);
  const HadolintOptions options;
  const FileView view = hadolint::MakeFileView(file, buffer, options, pragmas);
  std::vector<Warning> warnings;
  for (const InstructionView& each : view.instructions) {
    const auto* command = each.As<ast::Run>();
    if (command == nullptr || command->command.json || command->command.args.empty() || each.stage == nullptr ||
        !hadolint::IsPosixShell(each.shell)) {
      continue;
    }
    // A trigger runs in a build that has its own shell.
    const std::string_view dialect = each.trigger ? "sh" : Dialect(each.shell);
    const Script script = ScriptOf(view, *command);
    if (dialect.empty() || (script.text.starts_with("#!") && each.script.commands.empty())) {
      continue;
    }
    const std::string output =
        LOAM_TRY(run({"shellcheck", "--norc", "--format=json1", fmt::format("--shell={}", dialect),
                      "--exclude=SC1090,SC1091,SC2187,SC2239", "-"},
                     Prelude(view, each) + script.text + "\n"));
    const Json report = Json::parse(output, nullptr, false);
    if (!report.is_object() || !report.contains("comments")) {
      return Unexpected(ErrorCode::kInternal, "shellcheck gave no report in its format `json1`");
    }
    for (const Json& comment : report["comments"]) {
      Warning warning;
      try {
        warning = Checker(view, each, script).Convert(comment);
      } catch (const Json::exception& error) {
        return Unexpected(ErrorCode::kInternal, fmt::format("shellcheck's report: {}", error.what()));
      }
      const auto more = OptionsInComments(each.instruction->comments);
      if (IsActive(*warning.rule, checks) && (!more || IsActive(*warning.rule, *more)) &&
          !pragmas.Ignores(warning.rule->name, each.instruction->lines.first)) {
        warnings.push_back(std::move(warning));
      }
    }
  }
  return warnings;
}

}  // namespace loam::lint
