// Credentials from docker's config.json, and its credential helpers (docker-credential-<name>).
#include <cstdlib>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/file_system.h"
#include "base/process.h"
#include "base/strings.h"
#include "runtime-executor/session/local_client_services.h"

namespace loam::session {
namespace {

using nlohmann::json;

constexpr std::string_view kDockerHubKey = "https://index.docker.io/v1/";
constexpr std::chrono::seconds kHelperTimeout{60};

std::string DefaultConfigDir() {
  if (const char* dir = std::getenv("DOCKER_CONFIG"); dir != nullptr && *dir != '\0') {
    return dir;
  }
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "/root") + "/.docker";
}

bool IsDockerHub(std::string_view host) {
  return host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io";
}

// The name under which docker's tools keep credentials of a host.
std::string KeyOf(std::string_view host) {
  return std::string(IsDockerHub(host) ? kDockerHubKey : host);
}

// "https://example.com/v1/" -> "example.com": keys were URLs once.
std::string_view HostOfKey(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) {
      key.remove_prefix(scheme.size());
    }
  }
  return key.substr(0, key.find('/'));
}

std::string Member(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

class DockerConfigAuth final : public RegistryAuth {
 public:
  explicit DockerConfigAuth(std::string dir) : dir_(dir.empty() ? DefaultConfigDir() : std::move(dir)) {}

  Result<RegistryCredentials> Credentials(std::string_view host, std::stop_token stop) override {
    const std::scoped_lock lock(mutex_);
    const auto known = known_.find(host);
    if (known != known_.end()) {
      return known->second;
    }
    auto credentials = LOAM_TRY_CONTEXT(fmt::format("credentials for `{}`", host), Read(host, std::move(stop)));
    return known_.emplace(host, std::move(credentials)).first->second;
  }

 private:
  Result<RegistryCredentials> Read(std::string_view host, std::stop_token stop) {
    const std::string path = dir_ + "/config.json";
    const auto text = LOAM_TRY(ReadFileIfExists(path));
    if (!text || TrimSpace(*text).empty()) {
      return RegistryCredentials{};
    }
    const json config = json::parse(*text, nullptr, false);
    if (!config.is_object()) {
      return tl::unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is not valid JSON", path))
                                .WithHint("repair or remove the file, or log in again"));
    }
    const std::string key = KeyOf(host);
    std::string helper = Member(config, "credsStore");
    if (const auto helpers = config.find("credHelpers"); helpers != config.end() && helpers->is_object()) {
      for (const auto& [name, value] : helpers->items()) {
        if (value.is_string() && (name == key || HostOfKey(name) == HostOfKey(key))) {
          helper = value.get<std::string>();
        }
      }
    }
    if (!helper.empty()) {
      auto found = LOAM_TRY(AskHelper(helper, key, std::move(stop)));
      if (!found.anonymous()) {
        return found;
      }
    }
    return FromAuths(config, key, path);
  }

  static Result<RegistryCredentials> FromAuths(const json& config, const std::string& key, const std::string& path) {
    const auto auths = config.find("auths");
    if (auths == config.end() || !auths->is_object()) {
      return RegistryCredentials{};
    }
    auto found = auths->find(key);
    for (auto it = auths->begin(); found == auths->end() && it != auths->end(); ++it) {
      if (HostOfKey(it.key()) == HostOfKey(key)) {
        found = it;
      }
    }
    if (found == auths->end() || !found->is_object()) {
      return RegistryCredentials{};
    }
    RegistryCredentials credentials{Member(*found, "username"), Member(*found, "password"),
                                    Member(*found, "identitytoken"), Member(*found, "registrytoken")};
    const std::string packed = Member(*found, "auth");
    if (!packed.empty()) {
      const auto decoded = Base64Decode(packed);
      const auto pair = decoded ? SplitOnce(*decoded, ':') : std::nullopt;
      if (!pair) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("the `auth` of `{}` in `{}` is not a base64 encoded user:password", key, path));
      }
      credentials.username = pair->first;
      credentials.password = pair->second.substr(0, pair->second.find('\0'));
    }
    return credentials;
  }

  static Result<RegistryCredentials> AskHelper(const std::string& helper, const std::string& key,
                                               std::stop_token stop) {
    const std::string program = "docker-credential-" + helper;
    if (helper.find('/') != std::string::npos) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no name of a credential helper", helper));
    }
    if (!FindProgram(program)) {
      return tl::unexpected(
          Error(ErrorCode::kNotFound, fmt::format("docker's config.json names the credential helper `{}`, which is not "
                                                  "installed",
                                                  program))
              .WithHint("install it, or remove `credsStore`/`credHelpers` from config.json"));
    }
    RunOptions options;
    options.input = key;
    options.timeout = kHelperTimeout;
    options.stop = std::move(stop);
    options.max_output = 1U << 20U;
    ProcessSpec spec;
    spec.args = {program, "get"};
    const ProcessOutput output = LOAM_TRY(RunProcess(std::move(spec), options));
    if (!output.status.ok()) {
      const std::string_view message = TrimSpace(output.out.empty() ? output.err : output.out);
      if (ToLowerAscii(message).find("credentials not found") != std::string::npos) {
        return RegistryCredentials{};
      }
      return Unexpected(ErrorCode::kUnauthenticated,
                        fmt::format("`{} get` failed with exit code {}: {}", program, output.status.code, message));
    }
    const json answer = json::parse(output.out, nullptr, false);
    if (!answer.is_object()) {
      return Unexpected(ErrorCode::kUnauthenticated, fmt::format("`{} get` did not answer with JSON", program));
    }
    RegistryCredentials credentials;
    if (Member(answer, "Username") == "<token>") {
      credentials.identity_token = Member(answer, "Secret");
    } else {
      credentials.username = Member(answer, "Username");
      credentials.password = Member(answer, "Secret");
    }
    return credentials;
  }

  const std::string dir_;
  std::mutex mutex_;  // guards known_; held while a helper runs, so that it is asked once
  std::map<std::string, RegistryCredentials, std::less<>> known_;
};

}  // namespace

std::shared_ptr<RegistryAuth> MakeDockerConfigAuth(std::string config_dir) {
  return std::make_shared<DockerConfigAuth>(std::move(config_dir));
}

}  // namespace loam::session
