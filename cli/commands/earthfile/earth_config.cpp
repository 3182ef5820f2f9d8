#include "cli/commands/earthfile/earth_config.h"

#include <charconv>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/strings.h"

namespace loam::cli {
namespace {

struct Line {
  std::size_t number;
  std::size_t indent;
  std::string_view text;
};

// A value without quotes and comments.
Result<std::string> Scalar(std::string_view text, const std::string& place) {
  text = TrimSpace(text);
  if (text.starts_with('"') || text.starts_with('\'')) {
    const char quote = text[0];
    std::string value;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == quote) {
        if (quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
          value += '\'';
          ++i;
          continue;
        }
        return value;
      }
      if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
        ++i;
        value += text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
        continue;
      }
      value += text[i];
    }
    return Unexpected(ErrorCode::kInvalidArgument, place + "a quote is not closed");
  }
  const std::size_t comment = text.starts_with('#') ? 0 : text.find(" #");
  return std::string(TrimSpace(text.substr(0, comment)));
}

// Maps and lists in braces and brackets.
class FlowParser {
 public:
  explicit FlowParser(std::string_view text) : text_(text) {}

  Result<YamlNode> Parse() {
    YamlNode node = LOAM_TRY(Value(0));
    SkipBlanks();
    if (at_ < text_.size()) {
      return Wrong(fmt::format("`{}` follows its end", text_.substr(at_)));
    }
    return node;
  }

 private:
  static constexpr int kMaxDepth = 32;

  [[nodiscard]] tl::unexpected<Error> Wrong(std::string_view what) const {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no value of YAML: {}", text_, what));
  }
  void SkipBlanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
      ++at_;
    }
  }
  bool Skip(char c) {
    SkipBlanks();
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }

  // Up to one of `ends`, or the whole quoted text.
  Result<std::string> Word(std::string_view ends) {
    SkipBlanks();
    const std::size_t begin = at_;
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const char quote = text_[at_++];
      while (at_ < text_.size() && text_[at_] != quote) {
        at_ += quote == '"' && text_[at_] == '\\' ? 2 : 1;
      }
      if (at_ >= text_.size()) {
        return Wrong("a quote is not closed");
      }
      ++at_;
    } else {
      // A colon ends a key only in front of a blank.
      while (at_ < text_.size() && ends.find(text_[at_]) == std::string_view::npos &&
             !(text_[at_] == ':' && (at_ + 1 == text_.size() || text_[at_ + 1] == ' '))) {
        ++at_;
      }
    }
    return Scalar(text_.substr(begin, at_ - begin), "");
  }

  Result<YamlNode> Value(int depth) {
    if (depth > kMaxDepth) {
      return Wrong("it is nested too deeply");
    }
    YamlNode node;
    if (Skip('{')) {
      while (!Skip('}')) {
        std::string key = LOAM_TRY(Word(",}"));
        if (key.empty() || !Skip(':')) {
          return Wrong("expected `key: value`");
        }
        YamlNode member = LOAM_TRY(Value(depth + 1));
        node.members.push_back({std::move(key), std::move(member)});
        if (!Skip(',') && !(at_ < text_.size() && text_[at_] == '}')) {
          return Wrong("expected `,` or `}`");
        }
      }
      return node;
    }
    if (Skip('[')) {
      while (!Skip(']')) {
        node.items.push_back(LOAM_TRY(Word(",]")));
        if (!Skip(',') && !(at_ < text_.size() && text_[at_] == ']')) {
          return Wrong("expected `,` or `]`");
        }
      }
      return node;
    }
    if (depth == 0) {
      node.value = LOAM_TRY(Scalar(text_, ""));
      at_ = text_.size();
    } else {
      node.value = LOAM_TRY(Word(",}"));
    }
    return node;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

class Parser {
 public:
  Parser(std::string_view text, std::string_view name) : name_(name) {
    std::size_t number = 0;
    for (const std::string_view raw : Split(text, '\n')) {
      ++number;
      const std::size_t indent = raw.find_first_not_of(' ');
      if (indent == std::string_view::npos || raw[indent] == '#' || raw[indent] == '\r' || TrimSpace(raw) == "---") {
        continue;
      }
      lines_.push_back({number, indent, TrimSpace(raw)});
    }
  }

  Result<YamlNode> Parse() {
    YamlNode node = LOAM_TRY(Map(0));
    if (at_ < lines_.size()) {
      return Unexpected(ErrorCode::kInvalidArgument, Place() + "the indentation fits to nothing above");
    }
    return node;
  }

 private:
  [[nodiscard]] std::string Place() const { return fmt::format("{}:{}: ", name_, lines_[at_].number); }

  Result<YamlNode> Map(std::size_t indent) {
    YamlNode node;
    while (at_ < lines_.size() && lines_[at_].indent == indent) {
      const std::string_view text = lines_[at_].text;
      if (text.starts_with('\t')) {
        return Unexpected(ErrorCode::kInvalidArgument, Place() + "tabs do not indent");
      }
      if (text.starts_with("- ") || text == "-") {
        node.items.push_back(LOAM_TRY(Scalar(text.substr(1), Place())));
        ++at_;
        continue;
      }
      const std::size_t colon = KeyEnd(text);
      if (colon == std::string_view::npos) {
        return Unexpected(ErrorCode::kInvalidArgument, Place() + "expected `key: value`");
      }
      std::string key = LOAM_TRY(Scalar(text.substr(0, colon), Place()));
      YamlNode child;
      child.value = LOAM_TRY(Scalar(text.substr(colon + 1), Place()));
      const std::string place = fmt::format("{}:{}", name_, lines_[at_].number);
      ++at_;
      if (child.value.empty() && at_ < lines_.size() &&
          (lines_[at_].indent > indent || (lines_[at_].indent == indent && lines_[at_].text.starts_with("- ")))) {
        child = LOAM_TRY(Map(lines_[at_].indent));
      } else if (child.value.starts_with('[') || child.value.starts_with('{')) {
        child = LOAM_TRY_CONTEXT(place, ParseYamlValue(child.value));
      }
      node.members.push_back({std::move(key), std::move(child)});
    }
    return node;
  }

  static std::size_t KeyEnd(std::string_view text) {
    if (text.starts_with('"') || text.starts_with('\'')) {
      const std::size_t close = text.find(text[0], 1);
      return close == std::string_view::npos ? close : text.find(':', close);
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == ':' && (i + 1 == text.size() || text[i + 1] == ' ')) {
        return i;
      }
    }
    return std::string_view::npos;
  }

  std::string_view name_;
  std::vector<Line> lines_;
  std::size_t at_ = 0;
};

Result<int> Number(const std::string& text, std::string_view key) {
  int number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is a number, not `{}`", key, text));
  }
  return number;
}

Result<sema::earthfile::GitSite> SiteOf(const std::string& name, const YamlNode& node) {
  sema::earthfile::GitSite site;
  site.name = name;
  for (const auto& [key, value] : node.members) {
    if (key == "auth") {
      site.auth = value.value;
    } else if (key == "user") {
      site.user = value.value;
    } else if (key == "password") {
      site.password = value.value;
    } else if (key == "pattern") {
      site.pattern = value.value;
    } else if (key == "substitute") {
      site.substitute = value.value;
    } else if (key == "prefix") {
      site.prefix = value.value;
    } else if (key == "suffix") {
      site.suffix = value.value;
    } else if (key == "port") {
      site.port = LOAM_TRY(Number(value.value, "port"));
    } else if (key == "ssh_command") {
      site.ssh_command = value.value;
    } else if (key == "strict_host_key_checking") {
      site.strict_host_key_checking = value.value != "false";
    }
  }
  return site;
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const auto& [name, node] : members) {
    if (name == key) {
      return &node;
    }
  }
  return nullptr;
}

Result<YamlNode> ParseSimpleYaml(std::string_view text, std::string_view name) {
  return Parser(text, name).Parse();
}

Result<YamlNode> ParseYamlValue(std::string_view text) {
  return FlowParser(TrimSpace(text)).Parse();
}

Result<EarthConfig> ParseEarthConfig(std::string_view text, std::string_view name) {
  const YamlNode root = LOAM_TRY(ParseSimpleYaml(text, name));
  EarthConfig config;
  if (const YamlNode* const global = root.Find("global")) {
    for (const auto& [key, node] : global->members) {
      if (key == "secret_provider") {
        config.secret_provider = node.value;
      } else if (key == "conversion_parallelism") {
        config.conversion_parallelism = LOAM_TRY_CONTEXT(name, Number(node.value, key));
      } else {
        config.ignored.push_back(key);
      }
    }
  }
  if (const YamlNode* const git = root.Find("git")) {
    for (const auto& [site, node] : git->members) {
      config.sites.push_back(LOAM_TRY_CONTEXT(name, SiteOf(site, node)));
    }
  }
  return config;
}

std::string DefaultEarthConfig(const std::string& home, const std::string& installation) {
  return fmt::format("{}/.{}/config.yml", home, installation.empty() ? "earthly" : installation);
}

Result<EarthConfig> LoadEarthConfig(const std::string& path, const std::string& home, const std::string& installation) {
  if (!path.empty()) {
    const std::string text = LOAM_TRY_CONTEXT(fmt::format("read config: failed to read from {}", path), ReadFile(path));
    return ParseEarthConfig(text, path);
  }
  const std::string standard = DefaultEarthConfig(home, installation);
  for (const std::string& file : {standard, standard.substr(0, standard.size() - 2) + "aml"}) {
    const auto text =
        LOAM_TRY_CONTEXT(fmt::format("read config: failed to read from {}", file), ReadFileIfExists(file));
    if (text) {
      return ParseEarthConfig(*text, file);
    }
  }
  return EarthConfig();
}

}  // namespace loam::cli
