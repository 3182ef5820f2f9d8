// `earthly config KEY VALUE`: sets a value of ~/.earthly/config.yml, laid out as earthly lays it out.
#include <algorithm>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/earthfile/earth_config.h"
#include "cli/commands/earthfile/earth_verbs.h"

namespace loam::cli {
namespace {

constexpr std::size_t kIndent = 4;

// What a key may be set to.
enum class Kind : std::uint8_t { kText, kNumber, kTruth, kDuration, kList, kMap };

struct Key {
  std::string_view name;
  Kind kind;
  std::string_view help;
};

constexpr Key kGlobalKeys[] = {
    {"buildkit_additional_args", Kind::kList, "without effect here: arguments of earthly's daemon"},
    {"buildkit_additional_config", Kind::kText, "without effect here: configuration of earthly's daemon"},
    {"buildkit_cache_keep_duration_s", Kind::kNumber, "without effect here"},
    {"buildkit_host", Kind::kText, "without effect here; see --engine"},
    {"buildkit_image", Kind::kText, "without effect here: the image of earthly's daemon"},
    {"buildkit_max_parallelism", Kind::kNumber, "without effect here"},
    {"buildkit_restart_timeout_s", Kind::kNumber, "without effect here"},
    {"buildkit_transport", Kind::kText, "without effect here"},
    {"buildkitd_tlscert", Kind::kText, "without effect here"},
    {"buildkitd_tlskey", Kind::kText, "without effect here"},
    {"cache_path", Kind::kText, "without effect here; see --root"},
    {"cache_size_mb", Kind::kNumber, "without effect here; see `loam prune`"},
    {"cache_size_pct", Kind::kNumber, "without effect here; see `loam prune`"},
    {"cni_mtu", Kind::kNumber, "without effect here"},
    {"container_frontend", Kind::kText, "without effect here"},
    {"conversion_parallelism", Kind::kNumber, "how many targets are evaluated at a time"},
    {"darwin_proxy_image", Kind::kText, "without effect here"},
    {"darwin_proxy_wait", Kind::kDuration, "without effect here"},
    {"disable_analytics", Kind::kTruth, "without effect here: nothing is reported to anyone"},
    {"git_image", Kind::kText, "without effect here: git is run on this machine"},
    {"ip_tables", Kind::kText, "without effect here"},
    {"local_registry_host", Kind::kText, "without effect here"},
    {"secret_provider", Kind::kText, "a command that prints the secret whose name it is given"},
    {"tls_enabled", Kind::kTruth, "without effect here"},
    {"tlsca", Kind::kText, "without effect here"},
    {"tlsca_key", Kind::kText, "without effect here"},
    {"tlscert", Kind::kText, "without effect here"},
    {"tlskey", Kind::kText, "without effect here"},
};
constexpr Key kSiteKeys[] = {
    {"auth", Kind::kText, "how the site is reached: http, https or ssh"},
    {"password", Kind::kText, "the password for https"},
    {"pattern", Kind::kText, "a regular expression that the references of the site match"},
    {"port", Kind::kNumber, "the port of ssh"},
    {"prefix", Kind::kText, "goes in front of the repository's path in its address"},
    {"serverkey", Kind::kText, "without effect here: ssh's own known_hosts is used"},
    {"ssh_command", Kind::kText, "what git runs as ssh"},
    {"strict_host_key_checking", Kind::kTruth, "whether ssh refuses unknown hosts"},
    {"substitute", Kind::kText, "the address to clone from, with $1, $2, … of the pattern"},
    {"suffix", Kind::kText, "goes behind the repository's path: .git"},
    {"user", Kind::kText, "the user for https and ssh"},
};

bool IsPlain(std::string_view text) {
  return !text.empty() && text.find_first_of("#'\"{}[],&*!|>%@`\n") == std::string_view::npos &&
         text.find(": ") == std::string_view::npos && !text.ends_with(':') && !text.starts_with("- ") && text != "-" &&
         text == TrimSpace(text);
}

std::string Quoted(std::string_view text) {
  if (text.empty()) {
    return "\"\"";
  }
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
        out += space + std::string(kIndent, ' ') + "- " + Quoted(item) + "\n";
      }
    } else if (!child.members.empty()) {
      out += "\n";
      Write(child, indent + kIndent, out);
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
  node.members.push_back({key, {}});
  return node.members.back().value;
}

const Key* FindKey(std::span<const Key> keys, std::string_view name) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

constexpr Key kGlobal = {"global", Kind::kMap, "the settings that belong to no site, as a YAML map"};
constexpr Key kGit = {"git", Kind::kMap, "the git sites, as a YAML map"};
constexpr Key kSite = {"", Kind::kMap, "a git site, as a YAML map; quote names with dots: git.\"github.com\""};

// What the key names, or kInvalidArgument.
Result<Key> KeyOf(const std::vector<std::string>& names, const std::string& text) {
  const Key* key = nullptr;
  if (names[0] == "global" && names.size() <= 2) {
    key = names.size() == 1 ? &kGlobal : FindKey(kGlobalKeys, names[1]);
  } else if (names[0] == "git" && names.size() <= 3) {
    key = names.size() == 1 ? &kGit : names.size() == 2 ? &kSite : FindKey(kSiteKeys, names[2]);
  }
  if (key == nullptr) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is no key of the configuration", text))
                          .WithHint("keys are global.NAME and git.\"SITE\".NAME"));
  }
  return *key;
}

bool Fits(const YamlNode& node, Kind kind) {
  const bool scalar = node.members.empty() && node.items.empty();
  const auto digits = [&](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  switch (kind) {
    case Kind::kText:
    case Kind::kDuration:
      return scalar;
    case Kind::kNumber:
      return scalar && digits(node.value.starts_with('-') ? std::string_view(node.value).substr(1) : node.value);
    case Kind::kTruth:
      return scalar && (node.value == "true" || node.value == "false");
    case Kind::kList:
      return node.members.empty() && node.value.empty();
    case Kind::kMap:
      return node.items.empty() && node.value.empty();
  }
  return false;
}

// Members are checked as if each were set by itself.
Result<> CheckFit(const YamlNode& node, const std::vector<std::string>& names, const std::string& text) {
  const Key key = LOAM_TRY(KeyOf(names, text));
  if (!Fits(node, key.kind)) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("cannot set {} to that, as the types are incompatible: it is {}", text, key.help));
  }
  for (const auto& [name, member] : node.members) {
    std::vector<std::string> below = names;
    below.push_back(name);
    LOAM_TRY(CheckFit(member, below, fmt::format("{}.{}", text, name)));
  }
  return {};
}

// The text of the file with the change.
Result<std::string> Changed(const std::string& text, const std::string& path, const std::string& key,
                            const std::optional<std::string>& value) {
  YamlNode root = LOAM_TRY(ParseSimpleYaml(text, path));
  const std::vector<std::string> names = PathOf(key);
  LOAM_TRY(KeyOf(names, key));
  std::optional<YamlNode> set;
  if (value) {
    set = LOAM_TRY(ParseYamlValue(*value));
    LOAM_TRY(CheckFit(*set, names, key));
  } else if (root.members.empty()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("{} is empty or missing", path));
  }
  YamlNode* node = &root;
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    if (!set && node->Find(names[i]) == nullptr) {
      return text;
    }
    node = &Child(*node, names[i]);
  }
  if (set) {
    Child(*node, names.back()) = std::move(*set);
  } else {
    std::erase_if(node->members, [&](const auto& member) { return member.key == names.back(); });
  }
  std::string out;
  Write(root, 0, out);
  return out;
}

}  // namespace

Exit RunEarthConfig(Context& context, const EarthSettings& settings, const std::vector<std::string>& words,
                    EarthDialect dialect) {
  std::vector<std::string> rest;
  bool remove = false;
  bool help = false;
  bool dry_run = false;
  for (const std::string& word : words) {
    if (word == "--delete") {
      remove = true;
    } else if (word == "--help" || word == "-h") {
      help = true;
    } else if (word == "--dry-run") {
      dry_run = true;
    } else {
      rest.push_back(word);
    }
  }
  const auto fail = [&](const Error& error) {
    PrintEarthError(context, error, dialect);
    return Exit::kFailed;
  };
  if (rest.size() != (remove || help ? 1U : 2U)) {
    return fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("usage: {0} config KEY VALUE, {0} config KEY --delete, or {0} config KEY --help",
                                  ProgramOf(dialect))));
  }
  if (help) {
    const Result<Key> key = KeyOf(PathOf(rest[0]), rest[0]);
    if (!key) {
      return fail(key.error());
    }
    PrintTo(context.out, "{}\n", key->help);
    return Exit::kOk;
  }
  std::string path = settings.String("config");
  const bool named = !path.empty();
  if (!named) {
    path = DefaultEarthConfig(context.Env("HOME"), settings.String("installation-name"));
  }
  const Result<std::optional<std::string>> text = ReadFileIfExists(path);
  if (!text || (named && !*text)) {
    return fail(
        text ? Error(ErrorCode::kNotFound,
                     fmt::format("read config: failed to read from {0}: open {0}: no such file or directory", path))
             : text.error().Wrap(fmt::format("read config: failed to read from {}", path)));
  }
  const Result<std::string> changed =
      Changed(text->value_or(""), path, rest[0], remove ? std::nullopt : std::optional(rest[1]));
  if (!changed) {
    return fail(changed.error().Wrap(remove ? "delete config" : "upsert config"));
  }
  if (dry_run) {
    PrintTo(context.out, "{}\n", *changed);
    return Exit::kOk;
  }
  if (const std::size_t slash = path.rfind('/'); slash != std::string::npos) {
    if (const Result<> made = MakeDirs(path.substr(0, slash)); !made) {
      return fail(made.error());
    }
  }
  // It may hold passwords.
  if (const Result<> written = WriteFileAtomic(path, *changed, 0600); !written) {
    return fail(written.error());
  }
  PrintTo(context.err, "Updated config file {}\n", path);
  return Exit::kOk;
}

}  // namespace loam::cli
