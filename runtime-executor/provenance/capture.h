// Capture: the facts of a build that its provenance tells.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/platform.h"
#include "base/result.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/provenance/request.h"

namespace loam::provenance {

struct ImageMaterial {
  std::string reference;  // "docker.io/library/alpine:3.20", perhaps with a digest
  std::optional<Platform> platform;
  std::string digest;
  bool local = false;  // of an OCI layout
};
// A blob of a registry or an OCI layout, by its digest.
struct BlobMaterial {
  std::string reference;
  std::string digest;
  bool local = false;
};
struct GitMaterial {
  std::string url;  // "https://host/repo.git#ref"
  std::string commit;
  // What it came from if not from there: "docker-image+blob://name@sha256:…"; may be empty.
  std::string bundle;
};
struct HttpMaterial {
  std::string url;
  std::string digest;
};
// A request of a step through its proxy whose answer no digest tells.
struct ProxyIncomplete {
  std::string op;
  std::string name;
  std::string method;
  std::string url;
  std::string reason;
};
// A secret or SSH agent that steps used.
struct Credential {
  std::string id;
  bool optional = false;
};

struct Capture {
  std::string frontend;
  std::map<std::string, std::string> args;
  // Requests that made the inputs of this one, and that at the root of the build; see Request.
  std::map<std::string, RequestPtr> inputs;
  RequestPtr root;
  std::vector<ImageMaterial> images;
  std::vector<BlobMaterial> blobs;
  std::vector<GitMaterial> git;
  std::vector<HttpMaterial> http;
  std::vector<std::string> locals;
  std::vector<Credential> secrets;
  std::vector<Credential> ssh;
  bool network_access = false;
  // Steps reached the network through proxies only.
  bool proxy_network = false;
  std::vector<ProxyIncomplete> proxy_incomplete;
  // Something was used that is not among the materials.
  bool incomplete_materials = false;

  // One op of the build; `pin` is what a source was resolved to (digest, commit). Each fact is kept once.
  Result<> AddOp(const pb::Op& op, const std::string& pin);
  void AddImage(ImageMaterial image);
  void AddHttp(HttpMaterial file);
  void AddLocal(const std::string& name);
  // Sorts, and drops images by digest that are there by tag too.
  void Finish();
};

// The options of a frontend that describe the build rather than the host it runs on.
std::map<std::string, std::string> ShownOptions(const std::map<std::string, std::string>& options);

}  // namespace loam::provenance
