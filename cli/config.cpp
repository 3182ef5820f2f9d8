#include "cli/config.h"

#include <cstdlib>

#include <fmt/format.h>
// Parse errors as values: no exception comes out of the library.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/file_system.h"
#include "base/strings.h"

namespace loam::cli {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  [[nodiscard]] tl::unexpected<Error> Fail(const toml::node& node, std::string_view what) const {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", name_, node.source().begin.line, what));
  }

  Result<std::string> String(const toml::node& node, std::string_view key) const {
    const auto value = node.value_exact<std::string>();
    if (!value) {
      return Fail(node, fmt::format("`{}` is a string", key));
    }
    return *value;
  }

  Result<bool> Bool(const toml::node& node, std::string_view key) const {
    const auto value = node.value_exact<bool>();
    if (!value) {
      return Fail(node, fmt::format("`{}` is true or false", key));
    }
    return *value;
  }

  Result<std::vector<std::string>> Strings(const toml::node& node, std::string_view key) const {
    const toml::array* const array = node.as_array();
    if (array == nullptr) {
      return Fail(node, fmt::format("`{}` is a list of strings", key));
    }
    std::vector<std::string> strings;
    for (const toml::node& item : *array) {
      strings.push_back(LOAM_TRY(String(item, key)));
    }
    return strings;
  }

  Result<> KeyPair(const toml::node& node, registry::HostConfig& host) const {
    const toml::array* const pairs = node.as_array();
    const toml::table* const pair = pairs != nullptr && pairs->size() == 1 ? pairs->front().as_table() : nullptr;
    if (pair == nullptr) {
      return Fail(node, "`keypair` is a list of one {key = …, cert = …}");
    }
    for (const auto& [key, value] : *pair) {
      if (key.str() == "key") {
        host.client_key_file = LOAM_TRY(String(value, "key"));
      } else if (key.str() == "cert") {
        host.client_cert_file = LOAM_TRY(String(value, "cert"));
      } else {
        return Fail(value, fmt::format("`keypair` has no key `{}`", key.str()));
      }
    }
    return {};
  }

  Result<registry::HostConfig> Host(const toml::node& node) const {
    const toml::table* const table = node.as_table();
    if (table == nullptr) {
      return Fail(node, "a registry is a table: [registry.\"docker.io\"]");
    }
    registry::HostConfig host;
    for (const auto& [key, value] : *table) {
      const std::string_view name = key.str();
      if (name == "mirrors") {
        host.mirrors = LOAM_TRY(Strings(value, name));
      } else if (name == "http") {
        host.plain_http = LOAM_TRY(Bool(value, name));
      } else if (name == "insecure") {
        host.insecure = LOAM_TRY(Bool(value, name));
      } else if (name == "ca") {
        const std::vector<std::string> files = LOAM_TRY(Strings(value, name));
        if (files.size() != 1) {
          return Fail(value, "`ca` is a list of one file; put several certificates into it");
        }
        host.ca_file = files[0];
      } else if (name == "keypair") {
        LOAM_TRY(KeyPair(value, host));
      } else {
        return Unknown(value, name, {"mirrors", "http", "insecure", "ca", "keypair"});
      }
    }
    return host;
  }

  [[nodiscard]] tl::unexpected<Error> Unknown(const toml::node& node, std::string_view key,
                                              const std::vector<std::string>& known) const {
    const auto near = NearestWord(key, known);
    return tl::unexpected<Error>(
        Error(ErrorCode::kInvalidArgument, fmt::format("{}:{}: unknown key `{}`", name_, node.source().begin.line, key))
            .WithHint(near ? fmt::format("did you mean `{}`?", *near) : "known keys: " + Join(known, ", ")));
  }

 private:
  std::string_view name_;
};

}  // namespace

Result<Config> ParseConfig(std::string_view text, std::string_view name) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("{}:{}: {}", name, parsed.error().source().begin.line, parsed.error().description()));
  }
  const Reader reader(name);
  Config config;
  for (const auto& [key, value] : parsed.table()) {
    const std::string_view field = key.str();
    if (field == "root") {
      config.root = LOAM_TRY(reader.String(value, field));
    } else if (field == "runtime") {
      config.runtime = LOAM_TRY(reader.String(value, field));
    } else if (field == "snapshotter") {
      config.snapshotter = LOAM_TRY(reader.String(value, field));
    } else if (field == "registry" && value.is_table()) {
      for (const auto& [host, settings] : *value.as_table()) {
        config.registries[std::string(host.str())] = LOAM_TRY(reader.Host(settings));
      }
    } else {
      return reader.Unknown(value, field, {"root", "runtime", "snapshotter", "registry"});
    }
  }
  return config;
}

Result<Config> LoadConfig() {
  const auto env = [](const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
  };
  if (const std::string file = env("LOAM_CONFIG"); !file.empty()) {
    return ParseConfig(LOAM_TRY_CONTEXT("LOAM_CONFIG", ReadFile(file)), file);
  }
  std::vector<std::string> places;
  if (const std::string home = env("XDG_CONFIG_HOME"); !home.empty()) {
    places.push_back(home + "/loam/config.toml");
  } else if (const std::string user = env("HOME"); !user.empty()) {
    places.push_back(user + "/.config/loam/config.toml");
  }
  places.emplace_back("/etc/loam/config.toml");
  for (const std::string& place : places) {
    if (const auto text = LOAM_TRY(ReadFileIfExists(place))) {
      return ParseConfig(*text, place);
    }
  }
  return Config();
}

}  // namespace loam::cli
