// Authority: vouches for hosts in the name of a proxy that decrypts what is said to them.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"

struct ssl_ctx_st;

namespace loam::proxy {

// Thread-safe.
class Authority {
 public:
  static Result<std::unique_ptr<Authority>> Make();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // PEM.
  [[nodiscard]] const std::string& certificate() const { return pem_; }
  // A server's context with a certificate for `host`, a name or an address.
  Result<std::shared_ptr<ssl_ctx_st>> ContextFor(const std::string& host);

 private:
  struct Keys;
  explicit Authority(std::unique_ptr<Keys> keys, std::string pem);

  const std::unique_ptr<Keys> keys_;
  const std::string pem_;
  std::mutex mutex_;  // guards contexts_ and age_
  std::unordered_map<std::string, std::shared_ptr<ssl_ctx_st>> contexts_;
  std::list<std::string> age_;  // the oldest first
};

}  // namespace loam::proxy
