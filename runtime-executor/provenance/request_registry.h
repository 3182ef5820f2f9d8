// The requests behind the definitions that clients hold: a client may take what one build gave it, and give it to
// another build as an input. Definitions are known by the digest of their result.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "runtime-executor/provenance/request.h"

namespace loam::provenance {

// Thread-safe. Entries may outlive it.
class RequestRegistry {
 public:
  RequestRegistry();

  // `definition`, a serialised pb.Definition, was made by the request, as long as the entry lives. Null for a
  // definition without a result.
  [[nodiscard]] std::shared_ptr<void> Register(std::string_view definition, RequestPtr request);
  // Without its root. Null if there is none, or if several requests that differ made the same.
  [[nodiscard]] RequestPtr Find(std::string_view definition) const;

 private:
  struct Records {
    std::mutex mutex;  // guards the rest
    std::multimap<std::string, RequestPtr, std::less<>> by_head;
  };
  const std::shared_ptr<Records> records_;
};

}  // namespace loam::provenance
