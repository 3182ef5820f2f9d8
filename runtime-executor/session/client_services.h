// ClientServices: what the engine may ask of the client of a build: secrets, SSH agents, directories, OCI layouts and
// registry credentials. In process they are read directly (local_client_services.h); over the wire they are BuildKit's
// session services. All of it is thread-safe, may block, and may be kept after the build as long as it is needed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::session {

class SecretStore {
 public:
  virtual ~SecretStore() = default;
  // The value. kNotFound if the client offers no such secret.
  virtual Result<std::string> Get(std::string_view id, std::stop_token stop = {}) = 0;
};

class SshAgents {
 public:
  virtual ~SshAgents() = default;
  // kNotFound unless the client forwards an agent of this id ("" is "default").
  virtual Result<> Check(std::string_view id, std::stop_token stop = {}) = 0;
  // A new connection to the agent: a stream socket that speaks the agent protocol.
  virtual Result<UniqueFd> Connect(std::string_view id, std::stop_token stop = {}) = 0;
};

// The same patterns as LLB's local source has them.
struct LocalDirRequest {
  std::string name;  // "context", "dockerfile", …
  std::vector<std::string> include_patterns;
  std::vector<std::string> exclude_patterns;
  std::vector<std::string> follow_paths;
  std::string shared_key_hint;
  // Files are transferred also if their metadata says that they did not change.
  bool refetch = false;
  // Only the files that match these patterns are wanted; the metadata of all that is selected comes in a file beside
  // them (session/remote/file_sync.h).
  bool metadata_only = false;
  std::vector<std::string> metadata_exceptions;
  // Whose directory it is, where a build uses those of several sessions; empty, or one that is not there: the build's.
  std::string session_id;
  // Called with the bytes that were transferred so far, on the asking thread; may be null.
  std::function<void(std::uint64_t bytes)> progress;
};

struct LocalDir {
  // A directory of this host.
  std::string path;
  // True: only what the patterns select is there (it was transferred). False: it is the client's own directory and the
  // patterns are still to be applied.
  bool filtered = false;
  // Keeps a transferred directory from being reused; may be null.
  std::shared_ptr<void> keep;
  // The directory, open (O_PATH), where it may be moved meanwhile.
  UniqueFd directory;
  // Not empty: the daemon's own copy, which may be moved away for good (by what it is given: the path, to what keeps
  // the directory alive). False if it was moved before. The next transfer gets all files anew.
  std::function<Result<bool>(const std::function<Result<std::shared_ptr<void>>(const std::string& path)>&)> give_away;
};

class LocalDirs {
 public:
  virtual ~LocalDirs() = default;
  // kNotFound if the client offers no directory of that name.
  virtual Result<LocalDir> Open(const LocalDirRequest& request, std::stop_token stop = {}) = 0;
};

// OCI layouts that the client offers: for `oci-layout://` sources, and to keep caches and images in.
class OciLayouts {
 public:
  virtual ~OciLayouts() = default;
  // Opens a blob for reading from its start to its end. Not verified. kNotFound if there is no such layout or blob.
  virtual Result<UniqueFd> OpenBlob(std::string_view store_id, const Digest& digest, std::stop_token stop = {}) = 0;
  // Stores the `size` bytes of `blob` (read from its start), unless the layout has the blob already.
  virtual Result<> WriteBlob(std::string_view store_id, const Digest& digest, std::uint64_t size, int blob,
                             std::stop_token stop = {}) = 0;
};

// Streams that the client offers once each: the URLs http://buildkit-session/<id> that it names as contexts.
class Uploads {
 public:
  virtual ~Uploads() = default;
  // Gives the bytes of the upload of that URL to `receive` until it fails. kNotFound if there is no such upload.
  virtual Result<> Pull(std::string_view host, std::string_view path,
                        const std::function<Result<>(std::string_view data)>& receive, std::stop_token stop) = 0;
};

// What a registry host is told about who asks. All empty: anonymous.
struct RegistryCredentials {
  std::string username;
  std::string password;
  // An OAuth2 refresh token, used instead of a password.
  std::string identity_token;
  // A bearer token that is sent as it is.
  std::string registry_token;

  [[nodiscard]] bool anonymous() const {
    return username.empty() && password.empty() && identity_token.empty() && registry_token.empty();
  }
};

class RegistryAuth {
 public:
  virtual ~RegistryAuth() = default;
  // For a host as in references ("docker.io", "localhost:5000"). No credentials are no error.
  virtual Result<RegistryCredentials> Credentials(std::string_view host, std::stop_token stop = {}) = 0;
};

// The same objects on every call, and none of them null but `uploads`.
class ClientServices {
 public:
  virtual ~ClientServices() = default;
  virtual std::shared_ptr<SecretStore> secrets() = 0;
  virtual std::shared_ptr<SshAgents> ssh() = 0;
  virtual std::shared_ptr<LocalDirs> local_dirs() = 0;
  virtual std::shared_ptr<OciLayouts> oci_layouts() = 0;
  virtual std::shared_ptr<RegistryAuth> registry_auth() = 0;
  // Null: the client, being in this process, has no need of them.
  virtual std::shared_ptr<Uploads> uploads() { return nullptr; }
};

// Services made of their parts, none of them null but `uploads`.
struct ClientServiceParts {
  std::shared_ptr<SecretStore> secrets;
  std::shared_ptr<SshAgents> ssh;
  std::shared_ptr<LocalDirs> local_dirs;
  std::shared_ptr<OciLayouts> oci_layouts;
  std::shared_ptr<RegistryAuth> registry_auth;
  std::shared_ptr<Uploads> uploads = nullptr;
};
std::shared_ptr<ClientServices> MakeClientServices(ClientServiceParts parts);

}  // namespace loam::session
