// Attributes of exporters as BuildKit reads them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime-executor/content/compression.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

// Go's strconv.ParseBool. kInvalidArgument names the attribute.
Result<bool> ParseBool(std::string_view key, std::string_view value);
// As many attributes are read: the value alone ("push" or "push=") means true.
Result<bool> ParseFlag(std::string_view key, std::string_view value);
// Seconds since 1970; "" is nullopt (an override that says "none").
Result<std::optional<std::int64_t>> ParseEpoch(std::string_view key, std::string_view value);

// Annotations of one kind of object each.
struct Annotations {
  std::map<std::string, std::string> index;
  std::map<std::string, std::string> index_descriptor;
  std::map<std::string, std::string> manifest;
  std::map<std::string, std::string> manifest_descriptor;
};

// By platform ("linux/amd64"); "" is every platform. Keys: annotation[-<kind>][[<platform>]].<key>, kind by default
// manifest.
class AnnotationSet {
 public:
  // False if `key` is no annotation key.
  Result<bool> Add(std::string_view key, const std::string& value);
  [[nodiscard]] const std::map<std::string, Annotations>& by_platform() const { return by_platform_; }
  // What applies to one platform; index annotations are the same for all. "": only the index's and the general ones.
  [[nodiscard]] Annotations For(const std::string& platform) const;

 private:
  std::map<std::string, Annotations> by_platform_;
};

struct ImageAttributes {
  std::string name;  // "a,b:tag"; "*": metadata `image.name`
  content::Compression compression;
  bool force_compression = false;
  bool oci_media_types = true;
  bool oci_media_types_set = false;
  bool prefer_nondistributable = false;
  bool rewrite_timestamp = false;
  // The manifest of attestations as an OCI artifact; nullopt: with OCI media types.
  std::optional<bool> oci_artifact;
  // Attestations that are only for where they are asked for are wanted here; nullopt: as the exporter has it.
  std::optional<bool> attestation_inline;
  // Set: SOURCE_DATE_EPOCH was given to the exporter; the inner nullopt: given as "none".
  std::optional<std::optional<std::int64_t>> epoch;
  AnnotationSet annotations;
};

// Takes what it knows out of `attributes`.
Result<ImageAttributes> TakeImageAttributes(Attributes& attributes);

// The epoch of a build: the exporter's, else that of the frontend's metadata, for the platform or for all.
Result<std::optional<std::int64_t>> EpochFor(const std::optional<std::optional<std::int64_t>>& attribute,
                                             const ExportInput& input, const std::string& platform);

// Normalised references with tag of a comma-separated list; kInvalidArgument for a name that is none.
Result<std::vector<std::string>> NormalizedNames(std::string_view names);

}  // namespace loam::exporter
