// RUN --mount, --secret, --aws, and CACHE.
#include <arpa/inet.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/steps.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

struct MountText {
  std::string type;
  std::string target;
  std::string source;
  std::string id;
  std::optional<ir::CacheSharing> sharing;
  std::optional<std::uint32_t> mode;
  bool readonly = false;
};

std::optional<ir::CacheSharing> ParseSharing(std::string_view text) {
  if (text == "shared") {
    return ir::CacheSharing::kShared;
  }
  if (text == "private") {
    return ir::CacheSharing::kPrivate;
  }
  if (text == "locked") {
    return ir::CacheSharing::kLocked;
  }
  return std::nullopt;
}

// An octal mode that begins with 0.
std::optional<std::uint32_t> ParseMode(std::string_view text) {
  if (!text.starts_with('0')) {
    return std::nullopt;
  }
  const auto mode = ParseUint(text, 8, 32);
  return mode ? std::optional(static_cast<std::uint32_t>(*mode)) : std::nullopt;
}

// What is wrong with it, or "".
std::string ReadMountText(std::string_view text, MountText& out) {
  for (const std::string_view part : Split(text, ',')) {
    const auto pair = SplitOnce(part, '=');
    const std::string_view key = pair ? pair->first : part;
    if (key == "ro" || key == "readonly") {
      if (pair) {
        return fmt::format("`{}` takes no value", key);
      }
      out.readonly = true;
      continue;
    }
    if (key == "from" || key == "uid" || key == "gid") {
      return fmt::format("`{}` is not yet supported", key);
    }
    if (!pair) {
      return fmt::format("`{}` is no key=value", part);
    }
    const std::string value(pair->second);
    if (key == "type") {
      out.type = value;
    } else if (key == "target") {
      out.target = value;
    } else if (key == "source") {
      out.source = value;
    } else if (key == "id") {
      out.id = value;
    } else if (key == "sharing") {
      out.sharing = ParseSharing(value);
      if (!out.sharing) {
        return fmt::format("`{}` is no sharing (shared, private, locked)", value);
      }
    } else if (key == "mode" || key == "chmod") {
      out.mode = ParseMode(value);
      if (!out.mode) {
        return fmt::format("`{}` is no octal mode with a leading 0", value);
      }
    } else {
      return fmt::format("there is no key `{}`", key);
    }
  }
  return out.type.empty() ? "mount type not specified" : "";
}

std::string UrlEscape(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
        letter == '-' || letter == '_' || letter == '.' || letter == '~') {
      out += letter;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

bool IsIpAddress(const std::string& text) {
  in6_addr unused{};
  return inet_pton(AF_INET, text.c_str(), &unused) == 1 || inet_pton(AF_INET6, text.c_str(), &unused) == 1;
}

bool IsVariableName(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [](char letter) {
    return letter == '_' || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9');
  });
}

}  // namespace

void TargetEvaluation::AddCache(const CacheMount& cache, StepMounts& mounts) {
  ir::FileAction make;
  make.kind = ir::FileActionKind::kMkdir;
  make.output = 0;
  make.path = "/cache";
  make.mode = static_cast<std::int32_t>(cache.mode);
  const ir::Value empty = graph().Add<ir::OpKind::kFile>({}, {{&make, 1}});
  if (graph().MetadataOf(empty.node_id()).empty()) {
    Name(empty, "[internal] start of a cache", {.internal = true});
  }
  RunMounts::Entry& entry = mounts.mounts.entries.emplace_back();
  entry.mount.kind = ir::MountKind::kCache;
  entry.mount.dest = Intern(cache.path);
  entry.mount.selector = "/cache";
  entry.mount.cache_id = Intern(cache.id);
  entry.mount.cache_sharing = cache.sharing;
  entry.source = Fs{empty};
}

std::string TargetEvaluation::CacheId(std::string_view path) const {
  Reference target = canonical_;
  target.tag.clear();
  return fmt::format("/run/cache/{}{}", Digest::Of(target.Canonical()).Hex(), JoinPath("/", path));
}

Checked<> TargetEvaluation::ReadMounts(const Step& step, StepMounts& mounts) {
  for (const std::string& text : step.mounts) {
    MountText mount;
    std::string wrong = ReadMountText(text, mount);
    const auto fail = [&](std::string_view message) { return Fail<Kind::kEarthBadMount>(range_, text, message); };
    if (!wrong.empty()) {
      return fail(wrong);
    }
    const bool is_secret = mount.type == "secret";
    const bool is_ssh = mount.type == "ssh-experimental";
    if (mount.target.empty() && !is_ssh) {
      return fail("mount target not specified");
    }
    const std::string target =
        mount.target.empty() ? "" : JoinPath(IsAbsPath(mount.target) ? "/" : state_.directory(), mount.target);
    if (mount.mode && mount.type != "cache" && !is_secret) {
      return fail(fmt::format("mode is not supported for type={}", mount.type));
    }
    if (mount.type == "cache") {
      CacheMount cache;
      cache.path = target;
      cache.id = Has(Feature::kGlobalCache) && !mount.id.empty() ? mount.id : CacheId(CleanPath(mount.target));
      cache.sharing = mount.sharing.value_or(ir::CacheSharing::kLocked);
      cache.mode = mount.mode.value_or(0) == 0 ? 0644 : *mount.mode;
      AddCache(cache, mounts);
      mounts.mounts.entries.back().mount.readonly = mount.readonly;
    } else if (mount.type == "tmpfs") {
      mounts.mounts.AddTmpfs(Intern(target), 0, mount.readonly);
    } else if (is_secret) {
      std::string id = mount.id.empty() ? CleanPath(mount.target) : mount.id;
      id = id.starts_with("+secrets/") ? id.substr(9) : id;
      ir::Mount& out = mounts.mounts.secrets.emplace_back();
      out.kind = ir::MountKind::kSecret;
      out.output = 0;
      out.dest = Intern(target);
      ir::MountCredential credential;
      credential.id = Intern(SecretId(id));
      credential.mode = mount.mode.value_or(0) == 0 ? 0444 : *mount.mode;
      out.credential = credential;
    } else if (is_ssh) {
      ir::Mount& out = mounts.mounts.sockets.emplace_back();
      out.kind = ir::MountKind::kSsh;
      out.output = 0;
      out.dest =
          Intern(target.empty() ? fmt::format("/run/buildkit/ssh_agent.{}", mounts.mounts.sockets.size() - 1) : target);
      ir::MountCredential credential;
      credential.id = Intern(!mount.id.empty() ? mount.id : target.empty() ? "default" : CleanPath(mount.target));
      credential.mode = 0600;
      out.credential = credential;
    } else if (mount.type == "bind-experimental") {
      if (mount.source.empty()) {
        return fail("mount source not specified");
      }
      std::string subdirectory;
      const ir::Value files =
          LOAM_TRY(ContextFiles({}, {"", in_.Absolute(mount.source)}, nullptr, false, &subdirectory));
      mounts.mounts.AddBind(Intern(target), Fs{files}, {});
      mounts.mounts.entries.back().mount.readonly = mount.readonly;
    } else {
      return fail(
          fmt::format("there is no type `{}` (cache, tmpfs, secret, ssh-experimental, bind-experimental)", mount.type));
    }
  }
  return {};
}

std::string TargetEvaluation::SecretId(std::string_view name) const {
  if (in_.options().project_secrets) {
    for (const ast::earthfile::Statement& statement : file_->ast.base_recipe) {
      if (statement.command == nullptr || statement.command->kind != ast::earthfile::CommandKind::kProject ||
          statement.command->args.size() != 1) {
        continue;
      }
      if (const auto project = SplitOnce(statement.command->args[0].text, '/')) {
        return fmt::format("{}?org={}&project={}", name, UrlEscape(project->first), UrlEscape(project->second));
      }
    }
  }
  return std::string(name);
}

Checked<> TargetEvaluation::ReadSecrets(const Step& step, StepMounts& mounts) {
  const auto add = [&](std::string_view id, std::string_view env) {
    mounts.mounts.secret_env.push_back({Intern(id), Intern(env), false});
    mounts.secret_names.emplace_back(env);
  };
  for (const std::string& text : step.secrets) {
    if (text.empty()) {
      continue;
    }
    const auto pair = SplitOnce(text, '=');
    const std::string_view env = pair ? pair->first : std::string_view(text);
    std::string_view id = pair ? pair->second : std::string_view(text);
    if (id.empty()) {
      continue;
    }
    const bool prefixed = id.starts_with("+secrets/");
    if (prefixed) {
      id.remove_prefix(9);
    } else if (pair && !Has(Feature::kUseProjectSecrets)) {
      return Fail<Kind::kEarthBadSecret>(range_, text,
                                         "Format must be either <env-var>=+secrets/<secret-id> or <secret-id>");
    }
    if (!IsVariableName(env)) {
      return Fail<Kind::kEarthBadSecret>(range_, text, fmt::format("invalid secret environment name: {}", env));
    }
    add(in_.options().mark_env_secrets ? fmt::format("{}{}", SecretId(id), kEnvSecretSuffix) : SecretId(id), env);
  }
  if (step.aws) {
    const std::string query = step.oidc.empty() ? std::string() : "?oidc=" + UrlEscape(step.oidc);
    add("aws:access_key" + query, "AWS_ACCESS_KEY_ID");
    add("aws:secret_key" + query, "AWS_SECRET_ACCESS_KEY");
    add("aws:session_token" + query, "AWS_SESSION_TOKEN");
    add("aws:region" + query, "AWS_REGION");
  }
  return {};
}

Checked<> TargetEvaluation::Cache(const ast::earthfile::Command& command) {
  if (!Has(Feature::kUseCacheCommand)) {
    return Fail<Kind::kEarthNotInVersion>(range_, "CACHE");
  }
  const SourceRange range = range_;
  CacheFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  if (local_) {
    return Fail<Kind::kEarthNotLocally>(range, "CACHE command");
  }
  const std::string directory = LOAM_TRY(Expand(words[0]));
  CacheMount cache;
  cache.path = IsAbsPath(directory) ? CleanPath(directory) : JoinPath(JoinPath("/", state_.directory()), directory);
  const std::string mode = LOAM_TRY(Expand(flags.chmod, range));
  const std::string id = LOAM_TRY(Expand(flags.id, range));
  const auto parsed = ParseMode(mode.empty() ? "0644" : std::string_view(mode));
  if (!parsed) {
    return Fail<Kind::kEarthBadValue>(flags.RangeOf("chmod", range), "mode", mode, "it is octal with a leading 0");
  }
  cache.mode = *parsed;
  if (!flags.sharing.empty()) {
    const auto sharing = ParseSharing(flags.sharing);
    if (!sharing) {
      return Fail<Kind::kEarthBadValue>(flags.RangeOf("sharing", range), "cache sharing mode", flags.sharing,
                                        "it is shared, private or locked");
    }
    cache.sharing = *sharing;
  }
  cache.id = id.empty() || !Has(Feature::kGlobalCache) ? CacheId(cache.path) : id;
  cache.persist = flags.persist || !Has(Feature::kCachePersistOption);
  const bool known =
      std::any_of(caches_.begin(), caches_.end(), [&](const CacheMount& other) { return other.path == cache.path; });
  if (!known) {
    caches_.push_back(std::move(cache));
  }
  return {};
}

Checked<> TargetEvaluation::Host(const ast::earthfile::Command& command) {
  if (!Has(Feature::kUseHostCommand)) {
    return Fail<Kind::kEarthNotInVersion>(range_, "HOST");
  }
  const std::vector<Word> words = WordsOf(command.args);
  LOAM_TRY(CheckArguments(command, words));
  if (local_) {
    return Fail<Kind::kEarthNotLocally>(range_, "HOST command");
  }
  std::string name = LOAM_TRY(Expand(words[0]));
  std::string address = LOAM_TRY(Expand(words[1]));
  if (!IsIpAddress(address)) {
    return Fail<Kind::kEarthBadValue>(words[1].range, "HOST ip", address, "neither IPv4 nor IPv6");
  }
  state_.hosts.emplace_back(std::move(name), std::move(address));
  return {};
}

}  // namespace loam::sema::earthfile
