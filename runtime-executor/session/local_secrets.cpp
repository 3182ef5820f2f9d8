#include "runtime-executor/session/local_secrets.h"

#include <sys/stat.h>

#include <cstdlib>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/strings.h"

namespace loam::session {
namespace {

class LocalSecrets final : public SecretStore {
 public:
  explicit LocalSecrets(std::map<std::string, SecretSource> secrets) : secrets_(std::move(secrets)) {}

  Result<std::string> Get(std::string_view id, std::stop_token) override {
    const auto found = secrets_.find(std::string(id));
    if (found == secrets_.end()) {
      return tl::unexpected(Error(ErrorCode::kNotFound, fmt::format("there is no secret `{}`", id))
                                .WithHint(fmt::format("pass it with --secret id={},src=FILE", id)));
    }
    const SecretSource& source = found->second;
    if (!source.env.empty()) {
      const char* value = std::getenv(source.env.c_str());
      return std::string(value != nullptr ? value : "");
    }
    return ReadFile(source.file).map_error([&](Error error) {
      return std::move(error).Wrap(fmt::format("secret `{}`", id));
    });
  }

 private:
  const std::map<std::string, SecretSource> secrets_;
};

Result<> CheckFile(const std::string& id, const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return UnexpectedErrno(fmt::format("secret `{}`: {}", id, path));
  }
  if (S_ISDIR(info.st_mode)) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("secret `{}`: `{}` is a directory", id, path));
  }
  if (static_cast<std::uint64_t>(info.st_size) > kMaxSecretSize) {
    return Unexpected(
        ErrorCode::kInvalidArgument,
        fmt::format("secret `{}`: `{}` is larger than the {} bytes that a secret may have", id, path, kMaxSecretSize));
  }
  return {};
}

}  // namespace

std::shared_ptr<SecretStore> MakeLocalSecrets(std::map<std::string, SecretSource> secrets) {
  return std::make_shared<LocalSecrets>(std::move(secrets));
}

Result<std::pair<std::string, SecretSource>> ParseSecretOption(const std::string& text) {
  const auto invalid = [&](std::string_view what) {
    return tl::unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("--secret `{}`: {}", text, what))
                              .WithHint("write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE"));
  };
  std::string id;
  std::string type;
  SecretSource source;
  for (const std::string_view field : Split(text, ',')) {
    const auto pair = SplitOnce(field, '=');
    if (!pair) {
      return invalid(fmt::format("`{}` is not of the form key=value", field));
    }
    const std::string key = ToLowerAscii(TrimSpace(pair->first));
    if (key == "id") {
      id = pair->second;
    } else if (key == "src" || key == "source") {
      source.file = pair->second;
    } else if (key == "env") {
      source.env = pair->second;
    } else if (key == "type") {
      type = pair->second;
      if (type != "file" && type != "env") {
        return invalid(fmt::format("unknown type `{}`", type));
      }
    } else {
      return invalid(fmt::format("unknown key `{}`", key));
    }
  }
  if (id.empty()) {
    return invalid("it has no id");
  }
  if (type == "env" && source.env.empty()) {
    source.env = std::exchange(source.file, {});
  }
  if (source.env.empty() && source.file.empty()) {
    (std::getenv(id.c_str()) != nullptr ? source.env : source.file) = id;
  }
  if (!source.file.empty()) {
    LOAM_TRY(CheckFile(id, source.file));
  }
  return std::pair(std::move(id), std::move(source));
}

}  // namespace loam::session
