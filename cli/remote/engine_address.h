// Where a remote engine is: unix:///run/loam/loamd.sock, tcp://host:1234, docker-container://NAME,
// kube-pod://POD?namespace=…&container=…&context=…, ssh://user@host[:port][/socket].
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace loam::cli {

struct EngineAddress {
  // As the user wrote it.
  std::string text;
  // What a gRPC channel connects to ("unix:/path", "host:port"); empty: `command`'s standard input and output.
  std::string target;
  std::vector<std::string> command;
};

// kInvalidArgument for what is none of these.
Result<EngineAddress> ParseEngineAddress(const std::string& text);

// mTLS for tcp:// engines; paths of PEM files.
struct EngineTls {
  std::string ca;
  std::string certificate;
  std::string key;
  // Name in the server's certificate; "": the host's.
  std::string server_name;
  [[nodiscard]] bool enabled() const {
    return !ca.empty() || !certificate.empty() || !key.empty() || !server_name.empty();
  }
};

}  // namespace loam::cli
