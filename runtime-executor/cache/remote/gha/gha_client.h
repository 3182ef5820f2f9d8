// The cache service of GitHub Actions: entries that are written once under a key.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "runtime-executor/cache/remote/backend.h"

namespace loam::cache {

struct GhaSettings {
  std::string url;
  std::string token;
  bool v2 = true;
  std::string scope = "buildkit";
  // Of the token, as it says: what may be read, and the one that may be written.
  std::vector<std::string> read_scopes;
  std::string write_scope;
};

// kInvalidArgument for what lacks or is no token.
Result<GhaSettings> ReadGhaSettings(const Attributes& attributes);

struct GhaEntry {
  std::string key;
  std::string url;
};

// What is sent: bytes of memory, or a blob.
struct GhaBody {
  std::string_view text;
  const content::Blob* blob = nullptr;
  [[nodiscard]] std::uint64_t size() const { return blob != nullptr ? blob->size() : text.size(); }
};

// Thread-safe.
class GhaClient {
 public:
  virtual ~GhaClient() = default;
  // The newest entry whose key begins with `key`; nullopt: there is none.
  [[nodiscard]] virtual Result<std::optional<GhaEntry>> Find(const std::string& key, std::stop_token stop) = 0;
  // False: the key is taken.
  [[nodiscard]] virtual Result<bool> Save(const std::string& key, const GhaBody& body, std::stop_token stop) = 0;
};
std::unique_ptr<GhaClient> MakeGhaClient(const GhaSettings& settings, const BackendServices& services);

}  // namespace loam::cache
