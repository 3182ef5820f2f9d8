#include "base/attest_options.h"

#include <string_view>

#include <fmt/format.h>

#include "base/csv.h"
#include "base/image_reference.h"
#include "base/strings.h"

namespace loam {
namespace {

constexpr std::string_view kAttest = "attest:";
constexpr std::string_view kAttestArgument = "build-arg:BUILDKIT_ATTEST_";
constexpr const char* kDefaultScanner = "docker/buildkit-syft-scanner:stable-1";

}  // namespace

Result<std::map<std::string, std::map<std::string, std::string>>> ReadAttestOptions(
    const std::map<std::string, std::string>& options) {
  std::map<std::string, std::map<std::string, std::string>> attests;
  for (const auto& [key, value] : options) {
    const std::string_view prefix = key.starts_with(kAttest) ? kAttest : kAttestArgument;
    if (!key.starts_with(prefix)) {
      continue;
    }
    const std::string kind = ToLowerAscii(std::string_view(key).substr(prefix.size()));
    if (kind != "provenance" && kind != "sbom") {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unknown attestation type \"{}\"", kind));
    }
    std::map<std::string, std::string>& attributes = attests[kind];
    if (value.empty()) {
      continue;
    }
    const auto fields = SplitCsv(value);
    if (!fields) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("failed to parse {}: a quote is not closed", kind));
    }
    for (const std::string& field : *fields) {
      const auto pair = SplitOnce(field, '=');
      attributes[std::string(pair ? pair->first : field)] = std::string(pair ? pair->second : "");
    }
  }
  return attests;
}

Result<SbomScanner> ReadSbomScanner(const std::map<std::string, std::string>& attributes) {
  SbomScanner scanner;
  scanner.image = kDefaultScanner;
  for (const auto& [key, value] : attributes) {
    if (key != "generator") {
      scanner.parameters[key] = value;
    } else if (value.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "sbom generator cannot be empty");
    } else {
      scanner.image = value;
    }
  }
  scanner.image =
      LOAM_TRY_CONTEXT("failed to parse sbom generator " + scanner.image, ParseImageReference(scanner.image))
          .WithDefaultTag()
          .ToString();
  return scanner;
}

}  // namespace loam
