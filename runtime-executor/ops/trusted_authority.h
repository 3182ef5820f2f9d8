// A certificate authority that a root filesystem trusts for a while: in its bundle of authorities, if it has one.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::ops {

class TrustedAuthority {
 public:
  // Adds `pem` to the bundle below `root_fd`, at `selector`. Nothing is done where there is none, or nothing can be
  // written.
  static Result<TrustedAuthority> Add(int root_fd, const std::string& selector, const std::string& pem);
  // Takes it out again, whatever else became of the bundle.
  Result<> Remove();

 private:
  UniqueFd root_;
  std::string path_;  // empty: nothing to remove
  std::string added_;
};

}  // namespace loam::ops
