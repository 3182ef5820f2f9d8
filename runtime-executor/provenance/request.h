// What a frontend was asked, as provenance tells it: the request that made a result, those that made its inputs, and
// the one at the root of the build.
#pragma once

#include <map>
#include <memory>
#include <string>

namespace loam::provenance {

struct Capture;

// The repository, archive or image that a build's files came from.
struct ConfigSource {
  std::string uri;  // without credentials
  std::map<std::string, std::string> digest;
  std::string path;

  bool operator==(const ConfigSource&) const = default;
};

struct Request;
using RequestPtr = std::shared_ptr<const Request>;

struct Request {
  std::string frontend;  // "dockerfile.v0"; "": the client made the definition
  // Without those that `source` tells.
  std::map<std::string, std::string> args;
  ConfigSource source;
  // By the names of the inputs; those that no frontend made are not there.
  std::map<std::string, RequestPtr> inputs;
  // Null: this is the root.
  RequestPtr root;
};

// {"sha1": commit}, or {"sha256": commit} for the longer ones.
std::map<std::string, std::string> CommitDigestSet(const std::string& commit);

// Compared whole, inputs and roots included; two nulls are the same.
bool SameRequest(const RequestPtr& a, const RequestPtr& b);

// `args` as ShownOptions gives them; where the files came from is looked up among what was captured.
Request DescribeRequest(std::string frontend, std::map<std::string, std::string> args, const Capture& capture);

}  // namespace loam::provenance
