// `earthly config KEY VALUE`: sets a value of ~/.earthly/config.yml.
#include <fmt/format.h>

#include "base/file_system.h"
#include "base/strings.h"
#include "cli/commands/earthfile/earth_config.h"
#include "cli/commands/earthfile/earth_verbs.h"

namespace loam::cli {
namespace {

bool IsPlain(std::string_view text) {
  return !text.empty() && text.find_first_of(":#'\"{}[],&*!|>%@`\n") == std::string_view::npos &&
         text == TrimSpace(text);
}

std::string Quoted(std::string_view text) {
  if (IsPlain(text)) {
    return std::string(text);
  }
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? "''" : std::string(1, c);
  }
  return quoted + "'";
}

void Write(const YamlNode& node, std::size_t indent, std::string& out) {
  const std::string space(indent, ' ');
  for (const auto& [key, child] : node.members) {
    out += space + Quoted(key) + ":";
    if (!child.items.empty()) {
      out += "\n";
      for (const std::string& item : child.items) {
        out += space + "  - " + Quoted(item) + "\n";
      }
    } else if (!child.members.empty()) {
      out += "\n";
      Write(child, indent + 2, out);
    } else {
      out += " " + Quoted(child.value) + "\n";
    }
  }
}

// "git.\"github.com\".user" -> {"git", "github.com", "user"}
std::vector<std::string> PathOf(std::string_view text) {
  std::vector<std::string> path(1);
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        path.back() += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '.') {
      path.emplace_back();
    } else {
      path.back() += c;
    }
  }
  return path;
}

YamlNode& Child(YamlNode& node, const std::string& key) {
  for (auto& [name, child] : node.members) {
    if (name == key) {
      return child;
    }
  }
  node.value.clear();
  return node.members.emplace_back(key, YamlNode()).second;
}

Result<> Set(const std::string& path, const std::string& key, const std::string& value, bool remove) {
  const auto text = LOAM_TRY(ReadFileIfExists(path));
  YamlNode root = LOAM_TRY(ParseSimpleYaml(text.value_or(""), path));
  const std::vector<std::string> names = PathOf(key);
  if (names.size() < 2 || (names[0] != "global" && names[0] != "git")) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is no key of the configuration", key))
                          .WithHint("keys are global.NAME and git.SITE.NAME"));
  }
  YamlNode* node = &root;
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    node = &Child(*node, names[i]);
  }
  if (remove) {
    std::erase_if(node->members, [&](const auto& member) { return member.first == names.back(); });
  } else {
    YamlNode& leaf = Child(*node, names.back());
    leaf = YamlNode{.value = value, .members = {}, .items = {}};
  }
  std::string out;
  Write(root, 0, out);
  if (const std::size_t slash = path.rfind('/'); slash != std::string::npos) {
    LOAM_TRY(MakeDirs(path.substr(0, slash)));
  }
  return WriteFileAtomic(path, out, 0600);
}

}  // namespace

Exit RunEarthConfig(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                    EarthDialect dialect) {
  std::vector<std::string> rest;
  bool remove = false;
  for (const std::string& word : words) {
    if (word == "--delete") {
      remove = true;
    } else if (word != "--dry-run") {
      rest.push_back(word);
    }
  }
  if (rest.size() != (remove ? 1U : 2U)) {
    PrintError(context, Error(ErrorCode::kInvalidArgument,
                              fmt::format("usage: {} config KEY VALUE, or config --delete KEY", ProgramOf(dialect))));
    return Exit::kFailed;
  }
  std::string path = settings.String("config");
  if (path.empty()) {
    path = context.Env("HOME") + "/.earthly/config.yml";
  }
  if (const Result<> set = Set(path, rest[0], remove ? "" : rest[1], remove); !set) {
    PrintError(context, set.error());
    return Exit::kFailed;
  }
  fmt::print(context.err, "updated {}\n", path);
  return Exit::kOk;
}

}  // namespace loam::cli
