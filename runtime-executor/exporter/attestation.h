// Attestations of results (in-toto): what is said of an image or of files, and by which statement files it is kept.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/platform.h"
#include "base/result.h"
#include "runtime-executor/snapshot/fs_ref.h"

namespace loam::snapshot {
class LayerStore;
}

namespace loam::exporter {

// Keys and values of Attestation::metadata.
inline constexpr std::string_view kAttestationReason = "reason";           // "provenance", "sbom"
inline constexpr std::string_view kAttestationInlineOnly = "inline-only";  // "true": only where it is asked for
inline constexpr std::string_view kAttestationSbomCore = "sbom-core";      // base name of the result's own SBOM
inline constexpr std::string_view kSpdxPredicate = "https://spdx.dev/Document";
inline constexpr std::string_view kSlsaPredicatePrefix = "https://slsa.dev/provenance/";

struct AttestationSubject {
  // True: what is exported. False: `name` and `digests` as they are.
  bool self = true;
  std::string name;                  // "" and "_": none of its own
  std::vector<std::string> digests;  // "sha256:…"
};

struct Attestation {
  // True: a directory of statements, each a file.
  bool bundle = false;
  std::map<std::string, std::string> metadata;
  // Where the predicate is: made when it is needed, or the file (or directory) `path` of `fs`.
  std::function<Result<std::string>()> content;
  snapshot::FsRef fs;
  // Also names the file of the statement, where it becomes one.
  std::string path;
  std::string predicate_type;
  // None: the result itself.
  std::vector<AttestationSubject> subjects;
};

// Of one predicate: no bundles any more, content read.
struct ReadAttestation {
  std::map<std::string, std::string> metadata;
  std::string path;
  std::string predicate_type;
  std::vector<AttestationSubject> subjects;
  std::string predicate;  // JSON
};

// Reads contents and opens bundles; the core SBOM comes first. `keep_inline_only`: those that are only for images too.
// kInvalidArgument for one without path or content, for a bundle of another predicate type, and for provenance that a
// frontend made itself.
Result<std::vector<ReadAttestation>> ReadAttestations(const std::vector<Attestation>& attestations,
                                                      bool keep_inline_only, snapshot::LayerStore& layers,
                                                      const std::stop_token& stop);
// Whether any would be kept.
bool HasAttestations(const std::vector<Attestation>& attestations, bool keep_inline_only);

// A thing that a statement speaks of.
struct StatementSubject {
  std::string name;
  Digest digest;
};
// The in-toto statement; `defaults` are what "itself" means. `indent` -1: on one line.
Result<std::string> StatementText(const ReadAttestation& attestation, const std::vector<StatementSubject>& defaults,
                                  int indent);

// Says in the SPDX document which layer each file came from (`layerID: sha256:…` as the file's comment); anything else
// is left as it is. `blobs` are those of the layers of `fs`.
Result<> SupplementSbom(ReadAttestation& attestation, const snapshot::FsRef& fs, const std::vector<Digest>& blobs,
                        snapshot::LayerStore& layers);

// The package URL of an image: "pkg:docker/alpine@3.20?platform=linux%2Famd64". `type`: "docker" or "oci". `qualifiers`
// are further ones, whose names sort behind "platform".
Result<std::string> ImagePurl(std::string_view type, std::string_view reference,
                              const std::optional<Platform>& platform,
                              const std::map<std::string, std::string>& qualifiers = {});

}  // namespace loam::exporter
