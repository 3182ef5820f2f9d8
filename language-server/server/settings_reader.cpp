#include "language-server/server/settings_reader.h"

#include <fmt/format.h>
// Parse errors as values: no exception comes out of the library.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

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

  Result<> Words(std::string_view section, std::string_view key, std::vector<std::string>& words) const {
    const auto node = table_[section][key];
    if (!node) {
      return {};
    }
    const toml::array* array = node.as_array();
    if (array == nullptr) {
      return Fail(*node.node(), fmt::format("`{}` is a list of strings", key));
    }
    words.clear();
    for (const toml::node& item : *array) {
      const auto word = item.value_exact<std::string>();
      if (!word) {
        return Fail(item, fmt::format("`{}` is a list of strings", key));
      }
      words.push_back(*word);
    }
    return {};
  }

  Result<> Severities(Settings& settings) const {
    const toml::table* severities = table_["lint"]["severity"].as_table();
    if (severities == nullptr) {
      return {};
    }
    for (const auto& [key, node] : *severities) {
      std::optional<Severity> severity;
      const auto word = node.value_exact<std::string>();
      if (!word || !ReadSeverity(*word, severity)) {
        return Fail(node, fmt::format("the severity of `{}` is off, error, warning, information or hint", key.str()));
      }
      settings.severity[std::string(key.str())] = severity;
    }
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

Result<> ApplyToml(std::string_view text, std::string_view name, Settings& settings) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("{}:{}: {}", name, parsed.error().source().begin.line, parsed.error().description()));
  }
  const TomlSettings toml(parsed.table(), name);
  LOAM_TRY(toml.Words("lint", "checks", settings.checks));
  LOAM_TRY(toml.Bool("lint", "build-checks", settings.build_checks));
  LOAM_TRY(toml.Severities(settings));
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
