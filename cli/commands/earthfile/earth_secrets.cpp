#include "cli/commands/earthfile/earth_secrets.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/process.h"
#include "base/strings.h"
#include "compiler/sema/earthfile/evaluate.h"

namespace loam::cli {
namespace {

constexpr std::string_view kAwsPrefix = "aws:";
constexpr int kProviderNotFound = 2;

// The values of one section of ~/.aws/credentials or ~/.aws/config.
std::map<std::string, std::string> ReadAwsSection(const std::string& path, std::string_view section) {
  std::map<std::string, std::string> values;
  const Result<std::string> text = ReadFile(path);
  if (!text) {
    return values;
  }
  bool here = false;
  for (const std::string_view raw : Split(*text, '\n')) {
    const std::string_view line = TrimSpace(raw);
    if (line.starts_with('[')) {
      std::string_view name = line.substr(1, line.find(']') - 1);
      name = name.starts_with("profile ") ? TrimSpace(name.substr(8)) : name;
      here = name == section;
    } else if (const auto pair = SplitOnce(line, '='); here && pair && !line.starts_with('#')) {
      values[std::string(TrimSpace(pair->first))] = std::string(TrimSpace(pair->second));
    }
  }
  return values;
}

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// An id as EvaluateOptions::project_secrets makes it.
struct ProjectSecret {
  std::string name;
  std::string org;
  std::string project;
};

// Two hexadecimal digits.
std::optional<char> ParseHex(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return digits.size() == 2 && error == std::errc() && end == digits.data() + 2
             ? std::optional(static_cast<char>(value))
             : std::nullopt;
}

std::string UrlUnescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto hex = text[i] == '%' ? ParseHex(text.substr(i + 1, 2)) : std::nullopt;
    out += hex ? *hex : text[i];
    i += hex ? 2 : 0;
  }
  return out;
}

ProjectSecret ReadId(std::string_view id) {
  constexpr std::string_view kOrg = "?org=";
  constexpr std::string_view kProject = "&project=";
  const std::size_t org = id.rfind(kOrg);
  const std::size_t project = id.rfind(kProject);
  if (org == std::string_view::npos || project == std::string_view::npos || project < org) {
    return {std::string(id), "", ""};
  }
  return {std::string(id.substr(0, org)), UrlUnescape(id.substr(org + kOrg.size(), project - org - kOrg.size())),
          UrlUnescape(id.substr(project + kProject.size()))};
}

class Secrets final : public session::SecretStore {
 public:
  Secrets(std::map<std::string, std::string> values, std::string provider, std::string home)
      : values_(std::move(values)), provider_(std::move(provider)), home_(std::move(home)) {}

  Result<std::string> Get(std::string_view id, std::stop_token stop) override {
    if (id.starts_with(kAwsPrefix)) {
      return Aws(id.substr(kAwsPrefix.size()));
    }
    if (!id.ends_with(sema::earthfile::kEnvSecretSuffix)) {
      return Value(ReadId(id), std::move(stop));
    }
    id.remove_suffix(sema::earthfile::kEnvSecretSuffix.size());
    std::string value = LOAM_TRY(Value(ReadId(id), std::move(stop)));
    value.erase(value.find_last_not_of('\n') + 1);
    return value;
  }

 private:
  Result<std::string> Value(const ProjectSecret& secret, std::stop_token stop) const {
    if (const auto found = values_.find(secret.name); found != values_.end()) {
      return found->second;
    }
    if (provider_.empty()) {
      return Missing(secret.name);
    }
    return AskProvider(secret, std::move(stop));
  }

  static tl::unexpected<Error> Missing(std::string_view id) {
    return Unexpected(Error(ErrorCode::kNotFound, fmt::format("unable to lookup secret \"{}\": not found", id))
                          .WithHint(fmt::format("pass it by `--secret {}=VALUE`, `--secret-file {}=FILE`, or in a "
                                                ".secret file",
                                                id, id)));
  }

  Result<std::string> AskProvider(const ProjectSecret& secret, std::stop_token stop) const {
    RunOptions options;
    options.stop = std::move(stop);
    const std::string& id = secret.name;
    ProcessSpec spec;
    spec.args = {"/bin/sh", "-c", fmt::format("{} \"$1\"", provider_), "sh", id};
    spec.env.emplace();
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text = *entry;
      if (!text.starts_with("EARTHLY_ORG=") && !text.starts_with("EARTHLY_PROJECT=")) {
        spec.env->emplace_back(text);
      }
    }
    spec.env->push_back("EARTHLY_ORG=" + secret.org);
    spec.env->push_back("EARTHLY_PROJECT=" + secret.project);
    const ProcessOutput output = LOAM_TRY_CONTEXT("secret provider", RunProcess(std::move(spec), options));
    if (output.status.code == kProviderNotFound) {
      return Missing(id);
    }
    if (!output.status.ok()) {
      return Unexpected(ErrorCode::kUnknown,
                        fmt::format("the secret provider `{}` failed for `{}` with exit code {}: {}", provider_, id,
                                    output.status.code, TrimSpace(output.err)));
    }
    return output.out;
  }

  // "access_key", "secret_key", "session_token", "region", with what --oidc asks for after a `?`.
  Result<std::string> Aws(std::string_view field) const {
    if (field.find('?') != std::string_view::npos) {
      return Unexpected(ErrorCode::kUnimplemented,
                        "RUN --oidc needs tokens of earthly's cloud service, which does not exist any more");
    }
    std::string profile = Variable("AWS_PROFILE");
    profile = profile.empty() ? "default" : profile;
    const auto either = [&](const char* variable, const char* file, const char* key) {
      std::string value = Variable(variable);
      if (value.empty()) {
        const auto values = ReadAwsSection(home_ + "/.aws/" + file, profile);
        const auto found = values.find(key);
        value = found == values.end() ? std::string() : found->second;
      }
      return value;
    };
    const std::string access = either("AWS_ACCESS_KEY_ID", "credentials", "aws_access_key_id");
    if (access.empty()) {
      return Unexpected(Error(ErrorCode::kFailedPrecondition, "failed to load AWS credentials: there are none")
                            .WithHint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials"));
    }
    if (field == "access_key") {
      return access;
    }
    if (field == "secret_key") {
      return either("AWS_SECRET_ACCESS_KEY", "credentials", "aws_secret_access_key");
    }
    if (field == "session_token") {
      return either("AWS_SESSION_TOKEN", "credentials", "aws_session_token");
    }
    if (field == "region") {
      std::string region = either("AWS_REGION", "config", "region");
      return region.empty() ? Variable("AWS_DEFAULT_REGION") : region;
    }
    return Missing(field);
  }

  const std::map<std::string, std::string> values_;
  const std::string provider_;
  const std::string home_;
};

std::string ExpandHome(std::string_view path, const std::string& home) {
  return path.starts_with("~/") ? home + std::string(path.substr(1)) : std::string(path);
}

}  // namespace

Result<std::shared_ptr<session::SecretStore>> MakeEarthSecrets(const Context& context,
                                                               const EarthSecretSources& sources) {
  std::map<std::string, std::string> values = sources.file_values;
  const auto add = [&](const std::string& name, std::string value, std::string_view flag) -> Result<> {
    if (!values.emplace(name, std::move(value)).second) {
      return Unexpected(
          Error(ErrorCode::kInvalidArgument, fmt::format("the secret `{}` of {} is given twice", name, flag))
              .WithHint(fmt::format("it may be in {}, or in several flags", sources.file_name)));
    }
    return {};
  };
  for (const std::string& text : sources.secrets) {
    const auto pair = SplitOnce(text, '=');
    if (pair) {
      LOAM_TRY(add(std::string(pair->first), std::string(pair->second), "--secret"));
      continue;
    }
    if (std::getenv(text.c_str()) == nullptr) {
      return Unexpected(Error(ErrorCode::kInvalidArgument,
                              fmt::format("`--secret {}`: there is no variable {} in the environment", text, text))
                            .WithHint(fmt::format("set it, or write `--secret {}=VALUE`", text)));
    }
    LOAM_TRY(add(text, context.Env(text.c_str()), "--secret"));
  }
  for (const std::string& text : sources.secret_files) {
    const auto pair = SplitOnce(text, '=');
    if (!pair || pair->first.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`--secret-file {}`: expected NAME=FILE", text));
    }
    const std::string path = ExpandHome(pair->second, sources.home);
    std::string value = LOAM_TRY_CONTEXT(fmt::format("--secret-file {}", text), ReadFile(path));
    LOAM_TRY(add(std::string(pair->first), std::move(value), "--secret-file"));
  }
  return std::make_shared<Secrets>(std::move(values), sources.provider, sources.home);
}

}  // namespace loam::cli
