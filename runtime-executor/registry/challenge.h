// WWW-Authenticate challenges (RFC 9110, section 11.6.1), as registries send them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace loam::registry {

struct Challenge {
  std::string scheme;                                          // lower case: "bearer", "basic"
  std::map<std::string, std::string, std::less<>> parameters;  // names in lower case

  // "" if it is not there.
  [[nodiscard]] std::string_view Parameter(std::string_view name) const;
};

// What cannot be understood is left out.
std::vector<Challenge> ParseChallenges(std::string_view header);

}  // namespace loam::registry
