// ClientServices of a client in the same process: files, environment, directories and docker's config are read
// directly.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime-executor/session/client_services.h"

namespace loam::session {

// One `--secret`: a file, or an environment variable of this process.
struct SecretSource {
  std::string file;
  std::string env;
};

// One `--ssh`: the socket of an agent, or private key files without passphrase (an ssh-agent is started for them when
// it is first needed, and ends with the services).
struct SshSource {
  std::vector<std::string> paths;
};

struct LocalClientOptions {
  std::map<std::string, SecretSource> secrets;
  std::map<std::string, SshSource> ssh;
  // Name to directory: "context", "dockerfile", named contexts.
  std::map<std::string, std::string> local_dirs;
  // Store id to the directory of an OCI layout.
  std::map<std::string, std::string> oci_layouts;
  // Directory of docker's config.json; empty: $DOCKER_CONFIG, else ~/.docker.
  std::string docker_config_dir;
};

// Nothing is read before it is asked for.
std::shared_ptr<ClientServices> MakeLocalClientServices(LocalClientOptions options);

// `id=NAME[,src=FILE][,env=VAR][,type=file|env]` of `docker build --secret`. Without src and env, an environment
// variable of that name if there is one, else a file of that name. kInvalidArgument if the file does not exist or is
// larger than 500 KiB, as buildx has it.
Result<std::pair<std::string, SecretSource>> ParseSecretOption(const std::string& text);
// `default|ID[=SOCKET|KEY[,KEY…]]` of `docker build --ssh`. Without paths, $SSH_AUTH_SOCK.
Result<std::pair<std::string, SshSource>> ParseSshOption(const std::string& text);

// Credentials from docker's config.json: `auths`, `credsStore`, `credHelpers` (docker-credential-<name> programs).
std::shared_ptr<RegistryAuth> MakeDockerConfigAuth(std::string config_dir);

}  // namespace loam::session
