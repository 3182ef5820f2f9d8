// LoopbackRegistry: an OCI registry on 127.0.0.1 that has one image, for as long as the object lives. A daemon on this
// machine pulls from it what it lacks. Read-only; its repository has a name that nobody can guess, since every user of
// the machine can reach the port.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/exporter/image_writer.h"

namespace loam::exporter {

class LoopbackRegistry {
 public:
  // `store` has the blobs and outlives the registry.
  static Result<std::unique_ptr<LoopbackRegistry>> Start(const CommittedManifest& image, content::ContentStore& store);
  ~LoopbackRegistry();
  LoopbackRegistry(const LoopbackRegistry&) = delete;
  LoopbackRegistry& operator=(const LoopbackRegistry&) = delete;

  // "127.0.0.1:40123/loam-load-…"; its one tag is kTag.
  [[nodiscard]] const std::string& repository() const { return repository_; }
  static constexpr std::string_view kTag = "latest";
  // Whether anybody asked for anything: if not, the daemon does not reach this machine's loopback interface.
  [[nodiscard]] bool was_reached() const { return reached_; }
  // Layers of which bytes were sent.
  [[nodiscard]] std::size_t layers_sent() const;

 private:
  LoopbackRegistry(const CommittedManifest& image, content::ContentStore& store) : image_(image), store_(store) {}
  struct Request {
    std::string method;
    std::string path;
    std::uint64_t range_start = 0;
    bool close = false;
  };

  void Accept();
  void Serve(int fd);
  // False: the connection is of no more use.
  bool Answer(int fd, const Request& request);
  bool SendBlob(int fd, const Request& request, const content::Descriptor& blob);

  const CommittedManifest image_;
  content::ContentStore& store_;
  std::string path_;
  std::string repository_;
  UniqueFd listener_;
  std::atomic<bool> reached_ = false;
  mutable std::mutex mutex_;  // guards the rest
  bool stopping_ = false;
  std::list<std::pair<int, std::thread>> connections_;
  std::map<Digest, bool> sent_;
  std::thread acceptor_;
};

}  // namespace loam::exporter
