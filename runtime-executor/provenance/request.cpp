#include "runtime-executor/provenance/request.h"

#include "base/redact_urls.h"
#include "base/strings.h"
#include "runtime-executor/provenance/capture.h"

namespace loam::provenance {
namespace {

std::map<std::string, std::string> DigestSetOf(const std::string& digest) {
  const auto pair = SplitOnce(digest, ':');
  return pair ? std::map<std::string, std::string>{{std::string(pair->first), std::string(pair->second)}}
              : std::map<std::string, std::string>();
}

// Takes what it says out of `args`.
ConfigSource TakeConfigSource(const Capture& capture, std::map<std::string, std::string>& args) {
  ConfigSource source;
  std::string key = "context";
  if (const auto named = args.find("contextkey"); named != args.end() && !named->second.empty()) {
    key = named->second;
  } else if (const auto input = args.find("input:context"); input != args.end() && !input->second.empty()) {
    key = "input:context";
  }
  if (const auto context = args.find(key); context != args.end() && !context->second.empty()) {
    source.uri = RedactUrls(context->second);
    // With and without the directory inside of the repository.
    const std::size_t fragment = source.uri.find('#');
    const std::string plain =
        source.uri.substr(0, fragment == std::string::npos ? fragment : source.uri.find(':', fragment));
    for (const GitMaterial& git : capture.git) {
      if (git.url == plain || git.url == source.uri) {
        source.digest = CommitDigestSet(git.commit);
      }
    }
    for (const HttpMaterial& http : capture.http) {
      if (http.url == source.uri) {
        source.digest = DigestSetOf(http.digest);
      }
    }
    args.erase(context);
  }
  if (const auto file = args.find("filename"); file != args.end() && !file->second.empty()) {
    source.path = file->second;
    args.erase(file);
  }
  return source;
}

}  // namespace

std::map<std::string, std::string> CommitDigestSet(const std::string& commit) {
  return {{commit.size() == 64 ? "sha256" : "sha1", commit}};
}

bool SameRequest(const RequestPtr& a, const RequestPtr& b) {
  if (a == nullptr || b == nullptr) {
    return a == b;
  }
  if (a->frontend != b->frontend || a->args != b->args || a->source != b->source ||
      a->inputs.size() != b->inputs.size()) {
    return false;
  }
  for (auto left = a->inputs.begin(), right = b->inputs.begin(); left != a->inputs.end(); ++left, ++right) {
    if (left->first != right->first || !SameRequest(left->second, right->second)) {
      return false;
    }
  }
  return SameRequest(a->root, b->root);
}

Request DescribeRequest(std::string frontend, std::map<std::string, std::string> args, const Capture& capture) {
  Request request;
  request.source = TakeConfigSource(capture, args);
  request.frontend = std::move(frontend);
  request.args = std::move(args);
  return request;
}

}  // namespace loam::provenance
