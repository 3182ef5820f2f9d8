#include "compiler/driver/lint/config.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/strings.h"

// The library throws unless told otherwise; here it gives a result.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace loam::driver::findings {
namespace {

class Reader {
 public:
  Reader(std::string_view name, LintConfig& config) : name_(name), config_(config) {}

  Result<> Read(const toml::table& lint) {
    for (const auto& [key, value] : lint) {
      LOAM_TRY(ReadKey(key.str(), value));
    }
    return {};
  }

 private:
  tl::unexpected<Error> Wrong(const toml::node& node, std::string_view key, std::string_view wanted) const {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("{}:{}: `{}` is not {}", name_, node.source().begin.line, key, wanted));
  }

  Result<> ReadKey(std::string_view key, const toml::node& value) {
    if (key == "checks") {
      return ReadList(key, value, config_.checks.emplace());
    }
    if (key == "build-checks") {
      return ReadBool(key, value, config_.build_checks);
    }
    if (key == "strict-labels") {
      return ReadBool(key, value, config_.strict_labels);
    }
    if (key == "ignore") {
      return ReadList(key, value, config_.ignore);
    }
    if (key == "trusted-registries") {
      return ReadList(key, value, config_.trusted_registries);
    }
    if (key == "required-labels") {
      return ReadList(key, value, config_.required_labels);
    }
    if (key == "baseline") {
      const auto text = value.value<std::string>();
      if (!text) {
        return Wrong(value, key, "a path");
      }
      config_.baseline = *text;
      return {};
    }
    if (key == "fail-on") {
      const auto severity = ParseSeverity(value.value<std::string>().value_or(""));
      if (!severity) {
        return Wrong(value, key, "error, warning, info or style");
      }
      config_.fail_on = severity;
      return {};
    }
    if (key == "severity") {
      return ReadSeverities(value);
    }
    const std::vector<std::string> known = {"checks",          "build-checks",  "fail-on",
                                            "ignore",          "baseline",      "trusted-registries",
                                            "required-labels", "strict-labels", "severity"};
    Error error(ErrorCode::kInvalidArgument,
                fmt::format("{}:{}: [lint] has no key `{}`", name_, value.source().begin.line, key));
    if (const auto near = NearestWord(key, known)) {
      error = std::move(error).WithHint(fmt::format("did you mean `{}`?", *near));
    }
    return Unexpected(std::move(error));
  }

  Result<> ReadBool(std::string_view key, const toml::node& value, bool& out) const {
    const auto read = value.value<bool>();
    if (!read) {
      return Wrong(value, key, "true or false");
    }
    out = *read;
    return {};
  }

  Result<> ReadList(std::string_view key, const toml::node& value, std::vector<std::string>& out) const {
    const toml::array* list = value.as_array();
    if (list == nullptr) {
      return Wrong(value, key, "a list of texts");
    }
    for (const toml::node& each : *list) {
      const auto text = each.value<std::string>();
      if (!text) {
        return Wrong(each, key, "a list of texts");
      }
      out.push_back(*text);
    }
    return {};
  }

  Result<> ReadSeverities(const toml::node& value) {
    const toml::table* table = value.as_table();
    if (table == nullptr) {
      return Wrong(value, "severity", "a table");
    }
    for (const auto& [rule, level] : *table) {
      const std::string word = level.value<std::string>().value_or("");
      const auto severity = ParseSeverity(word);
      if (!severity && word != "off") {
        return Wrong(level, rule.str(), "off, error, warning, info or style");
      }
      config_.severity[std::string(rule.str())] = severity;
    }
    return {};
  }

  std::string_view name_;
  LintConfig& config_;
};

std::string PatternOf(std::string_view glob) {
  std::string pattern = glob.find('/') == std::string_view::npos ? "(?:.*/)?" : "";
  for (std::size_t i = 0; i < glob.size(); ++i) {
    if (glob.substr(i).starts_with("**/")) {
      pattern += "(?:.*/)?";
      i += 2;
    } else if (glob.substr(i).starts_with("**")) {
      pattern += ".*";
      ++i;
    } else if (glob[i] == '*') {
      pattern += "[^/]*";
    } else if (glob[i] == '?') {
      pattern += "[^/]";
    } else {
      pattern += re2::RE2::QuoteMeta(std::string(1, glob[i]));
    }
  }
  return pattern + "(?:/.*)?";
}

}  // namespace

std::optional<Severity> ParseSeverity(std::string_view word) {
  if (word == "error") {
    return Severity::kError;
  }
  if (word == "warning") {
    return Severity::kWarning;
  }
  if (word == "info" || word == "information") {
    return Severity::kInfo;
  }
  if (word == "style" || word == "hint") {
    return Severity::kStyle;
  }
  return std::nullopt;
}

Result<LintConfig> ParseLintConfig(std::string_view text, std::string_view name) {
  LintConfig config;
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("{}:{}: {}", name, parsed.error().source().begin.line, parsed.error().description()));
  }
  const toml::node* lint = parsed.table().get("lint");
  if (lint == nullptr) {
    return config;
  }
  if (lint->as_table() == nullptr) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("{}:{}: `lint` is not a table", name, lint->source().begin.line));
  }
  LOAM_TRY(Reader(name, config).Read(*lint->as_table()));
  return config;
}

bool IsIgnored(const LintConfig& config, std::string_view path) {
  while (path.starts_with("./")) {
    path.remove_prefix(2);
  }
  for (std::string_view glob : config.ignore) {
    while (glob.ends_with('/')) {
      glob.remove_suffix(1);
    }
    if (re2::RE2::FullMatch(re2::StringPiece(path.data(), path.size()), re2::RE2(PatternOf(glob)))) {
      return true;
    }
  }
  return false;
}

std::optional<Severity> SeverityOf(const LintConfig& config, const Finding& finding) {
  const auto found = config.severity.find(finding.rule);
  return found == config.severity.end() ? std::optional(finding.severity) : found->second;
}

}  // namespace loam::driver::findings
