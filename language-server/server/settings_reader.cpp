#include "language-server/server/settings_reader.h"

#include <fmt/format.h>
// Parse errors as values: no exception comes out of the library.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "compiler/driver/lint/config.h"
#include "language-server/features/compiler_diagnostic.h"

namespace loam::lsp {
namespace {

// False if the word is no severity. "off" gives nullopt.
bool ReadSeverity(std::string_view word, std::optional<Severity>& severity) {
  if (word == "off" || word == "ignore" || word == "none") {
    severity = std::nullopt;
  } else if (word == "error") {
    severity = Severity::kError;
  } else if (word == "warning") {
    severity = Severity::kWarning;
  } else if (word == "information" || word == "info") {
    severity = Severity::kInformation;
  } else if (word == "hint" || word == "style") {
    severity = Severity::kHint;
  } else {
    return false;
  }
  return true;
}

class TomlSettings {
 public:
  TomlSettings(const toml::table& table, std::string_view name) : table_(table), name_(name) {}

  Result<> Bool(std::string_view section, std::string_view key, bool& value) const {
    const auto node = table_[section][key];
    if (!node) {
      return {};
    }
    const auto read = node.value_exact<bool>();
    if (!read) {
      return Fail(*node.node(), fmt::format("`{}` is true or false", key));
    }
    value = *read;
    return {};
  }

 private:
  [[nodiscard]] tl::unexpected<Error> Fail(const toml::node& node, std::string_view what) const {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", name_, node.source().begin.line, what));
  }

  const toml::table& table_;
  std::string_view name_;
};

void ReadBool(const Json& section, std::string_view name, bool& value) {
  value = BoolMember(section, name, value);
}

}  // namespace

Result<> ApplyToml(std::string_view text, std::string_view name, std::string_view path, Settings& settings) {
  const driver::findings::LintConfig lint = LOAM_TRY(driver::findings::ParseLintConfig(text, name));
  settings.checks = lint.checks.value_or(settings.checks);
  settings.build_checks = lint.build_checks;
  settings.trusted_registries = lint.trusted_registries;
  settings.required_labels = lint.required_labels;
  settings.strict_labels = lint.strict_labels;
  for (const auto& [rule, severity] : lint.severity) {
    settings.severity[rule] = severity ? std::optional(SeverityOfRule(*severity)) : std::nullopt;
  }
  const std::string_view folder = name.substr(0, name.rfind('/') + 1);
  settings.ignored = path.starts_with(folder) && driver::findings::IsIgnored(lint, path.substr(folder.size()));

  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("{}:{}: {}", name, parsed.error().source().begin.line, parsed.error().description()));
  }
  const TomlSettings toml(parsed.table(), name);
  LOAM_TRY(toml.Bool("editor", "inlay-hints", settings.inlay_hints));
  LOAM_TRY(toml.Bool("editor", "code-lenses", settings.code_lenses));
  return toml.Bool("format", "keep-continuation-indent", settings.keep_continuation_indent);
}

void ApplyLoamSection(const Json& section, Settings& settings) {
  const Json& lint = Member(section, "lint");
  if (const Json& checks = Member(lint, "checks"); checks.is_array()) {
    settings.checks.clear();
    for (const Json& word : checks) {
      if (word.is_string()) {
        settings.checks.push_back(word.get<std::string>());
      }
    }
  }
  ReadBool(lint, "buildChecks", settings.build_checks);
  for (const auto& [rule, word] : Member(lint, "severity").items()) {
    std::optional<Severity> severity;
    if (word.is_string() && ReadSeverity(word.get_ref<const std::string&>(), severity)) {
      settings.severity[rule] = severity;
    }
  }
  ReadBool(section, "inlayHints", settings.inlay_hints);
  ReadBool(section, "codeLenses", settings.code_lenses);
  ReadBool(Member(section, "format"), "keepContinuationIndent", settings.keep_continuation_indent);
}

void ApplyDockerSections(const Json& diagnostics, const Json& formatter, Settings& settings) {
  struct Pair {
    const char* theirs;
    const char* ours;
  };
  static constexpr Pair kPairs[] = {
      {"deprecatedMaintainer", "MaintainerDeprecated"},
      {"directiveCasing", "DirectiveCasing"},
      {"instructionCasing", "ConsistentInstructionCasing"},
      {"instructionCmdMultiple", "MultipleInstructionsDisallowed:CMD"},
      {"instructionEntrypointMultiple", "MultipleInstructionsDisallowed:ENTRYPOINT"},
      {"instructionHealthcheckMultiple", "MultipleInstructionsDisallowed:HEALTHCHECK"},
      {"instructionJSONInSingleQuotes", "JsonSingleQuotes"},
      {"instructionWorkdirRelative", "WorkdirRelativePath"},
      {"emptyContinuationLine", "NoEmptyContinuation"},
  };
  for (const Pair& pair : kPairs) {
    std::optional<Severity> severity;
    const std::string word = StringMember(diagnostics, pair.theirs);
    if (!word.empty() && ReadSeverity(word, severity)) {
      settings.severity[pair.ours] = severity;
    }
  }
  if (formatter.is_object()) {
    settings.indent_only_formatting = true;
    ReadBool(formatter, "ignoreMultilineInstructions", settings.keep_continuation_indent);
  }
}

}  // namespace loam::lsp
