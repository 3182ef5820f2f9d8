#include "runtime-executor/exporter/attestation.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/go_json.h"
#include "base/image_reference.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "runtime-executor/exporter/image_config.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::exporter {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMaxAttestationSize = std::size_t{40} << 20;
constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";

std::string Metadata(const std::map<std::string, std::string>& metadata, std::string_view key) {
  const auto found = metadata.find(std::string(key));
  return found == metadata.end() ? std::string() : found->second;
}

std::string_view BaseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view Stem(std::string_view name) {
  return name.substr(0, name.find('.'));
}

bool IsInlineOnly(const Attestation& attestation) {
  return Metadata(attestation.metadata, kAttestationInlineOnly) == "true";
}

ordered_json ParseOrDiscarded(std::string_view text) {
  return ordered_json::parse(text, nullptr, false);
}

class Reader {
 public:
  Reader(snapshot::LayerStore& layers, const std::stop_token& stop) : layers_(layers), stop_(stop) {}

  Result<> Add(const Attestation& attestation) {
    if (!attestation.bundle && attestation.path.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "attestation does not have set path");
    }
    if (attestation.bundle) {
      return AddBundle(attestation);
    }
    ReadAttestation read;
    read.metadata = attestation.metadata;
    read.path = attestation.path;
    read.predicate_type = attestation.predicate_type;
    read.subjects = attestation.subjects;
    if (attestation.content) {
      read.predicate = LOAM_TRY(attestation.content());
    } else {
      if (read.predicate_type.starts_with(kSlsaPredicatePrefix)) {
        return Unexpected(ErrorCode::kInvalidArgument, "frontend may not set provenance attestations");
      }
      const snapshot::MountedFs mounted = LOAM_TRY(layers_.Mount(attestation.fs, stop_));
      read.predicate = LOAM_TRY_CONTEXT("cannot read in-toto attestation", ReadRegular(mounted.fd(), attestation.path));
    }
    done_.push_back(std::move(read));
    return {};
  }

  std::vector<ReadAttestation> Take() {
    std::stable_partition(done_.begin(), done_.end(), [](const ReadAttestation& attestation) {
      const std::string core = Metadata(attestation.metadata, kAttestationSbomCore);
      return !core.empty() && Stem(attestation.path) == core;
    });
    return std::move(done_);
  }

 private:
  static Result<std::string> ReadRegular(int root_fd, const std::string& path) {
    const UniqueFd fd = LOAM_TRY(OpenInRoot(root_fd, path, O_PATH));
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
      return UnexpectedErrno("stat " + path);
    }
    if (!S_ISREG(status.st_mode)) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} is not a regular file", path));
    }
    if (static_cast<std::uint64_t>(status.st_size) > kMaxAttestationSize) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} exceeds {} bytes", path, kMaxAttestationSize));
    }
    return ReadFileInRoot(root_fd, path, kMaxAttestationSize);
  }

  Result<> AddBundle(const Attestation& bundle) {
    const snapshot::MountedFs mounted = LOAM_TRY(layers_.Mount(bundle.fs, stop_));
    const std::string directory = bundle.path.empty() ? "/" : bundle.path;
    const UniqueFd dir =
        LOAM_TRY_CONTEXT("attestation bundle", OpenInRoot(mounted.fd(), directory, O_RDONLY | O_DIRECTORY));
    std::vector<std::string> names;
    for (const DirEntry& entry : LOAM_TRY(ReadDir(dir.get()))) {
      names.push_back(entry.name);
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      const std::string path =
          (bundle.path.empty() || bundle.path.ends_with('/') ? bundle.path : bundle.path + "/") + name;
      const ordered_json statement = ParseOrDiscarded(LOAM_TRY(ReadRegular(mounted.fd(), path)));
      if (!statement.is_object() || !statement.contains("predicate")) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{}: cannot decode in-toto statement", path));
      }
      ReadAttestation read;
      read.metadata = bundle.metadata;
      read.path = path;
      read.predicate_type = statement.value("predicateType", std::string());
      if (!bundle.predicate_type.empty() && read.predicate_type != bundle.predicate_type) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("bundle entry {} does not match required predicate type {}", read.predicate_type,
                                      bundle.predicate_type));
      }
      if (read.predicate_type.starts_with(kSlsaPredicatePrefix)) {
        return Unexpected(ErrorCode::kInvalidArgument, "frontend may not bundle provenance attestations");
      }
      read.predicate = EscapeLikeGo(statement["predicate"].dump());
      for (const ordered_json& subject : statement.value("subject", ordered_json::array())) {
        AttestationSubject parsed;
        parsed.self = false;
        parsed.name = subject.value("name", std::string());
        const ordered_json digests = subject.value("digest", ordered_json::object());
        for (const auto& [algorithm, hex] : digests.items()) {
          parsed.digests.push_back(algorithm + ":" + hex.get<std::string>());
        }
        read.subjects.push_back(std::move(parsed));
      }
      done_.push_back(std::move(read));
    }
    return {};
  }

  snapshot::LayerStore& layers_;
  const std::stop_token stop_;
  std::vector<ReadAttestation> done_;
};

ordered_json DigestMap(const std::vector<std::string>& digests) {
  std::map<std::string, std::string> sorted;
  for (const std::string& digest : digests) {
    if (const auto pair = SplitOnce(digest, ':')) {
      sorted[std::string(pair->first)] = std::string(pair->second);
    }
  }
  return sorted;
}

ordered_json SubjectsOf(const ReadAttestation& attestation, const std::vector<StatementSubject>& defaults) {
  static const std::vector<AttestationSubject> kItself(1);
  ordered_json list = ordered_json::array();
  for (const AttestationSubject& subject : attestation.subjects.empty() ? kItself : attestation.subjects) {
    const std::string own_name = subject.name.empty() ? "_" : subject.name;
    if (!subject.self) {
      list.push_back({{"name", own_name}, {"digest", DigestMap(subject.digests)}});
      continue;
    }
    for (const StatementSubject& itself : defaults) {
      const ordered_json digest = DigestMap({itself.digest.ToString()});
      list.push_back({{"name", itself.name}, {"digest", digest}});
      if (own_name != "_") {
        list.push_back({{"name", own_name}, {"digest", digest}});
      }
    }
  }
  return list;
}

// In which layer a file was made, looked for from the top.
class LayerFinder {
 public:
  LayerFinder(const snapshot::FsRef& fs, const std::vector<Digest>& blobs, snapshot::LayerStore& layers)
      : ids_(fs.layer_ids()), blobs_(blobs), layers_(layers), opened_(ids_.size()) {}

  Result<Digest> Find(const std::string& path) {
    for (std::size_t i = ids_.size(); i-- > 0;) {
      if (!opened_[i]) {
        opened_[i] = LOAM_TRY(layers_.OpenLayer(ids_[i]));
      }
      const auto status = LstatInRoot(opened_[i]->get(), path);
      // A character device 0:0 is how overlayfs removes a file.
      if (status && *status && !(S_ISCHR((*status)->st_mode) && (*status)->st_rdev == 0)) {
        return blobs_[i];
      }
    }
    return Digest();
  }

 private:
  const std::vector<snapshot::LayerId> ids_;
  const std::vector<Digest>& blobs_;
  snapshot::LayerStore& layers_;
  std::vector<std::optional<UniqueFd>> opened_;
};

std::string EscapePathSegment(std::string_view text, std::string_view also_plain) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~").find(c) != std::string_view::npos ||
                       also_plain.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

}  // namespace

bool HasAttestations(const std::vector<Attestation>& attestations, bool keep_inline_only) {
  return std::any_of(attestations.begin(), attestations.end(),
                     [&](const Attestation& attestation) { return keep_inline_only || !IsInlineOnly(attestation); });
}

Result<std::vector<ReadAttestation>> ReadAttestations(const std::vector<Attestation>& attestations,
                                                      bool keep_inline_only, snapshot::LayerStore& layers,
                                                      const std::stop_token& stop) {
  Reader reader(layers, stop);
  for (const Attestation& attestation : attestations) {
    if (keep_inline_only || !IsInlineOnly(attestation)) {
      LOAM_TRY(reader.Add(attestation));
    }
  }
  return reader.Take();
}

Result<std::string> StatementText(const ReadAttestation& attestation, const std::vector<StatementSubject>& defaults,
                                  int indent) {
  ordered_json predicate = nullptr;
  if (!attestation.predicate.empty()) {
    predicate = ParseOrDiscarded(attestation.predicate);
    if (predicate.is_discarded()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the attestation {} is not JSON", attestation.path));
    }
  }
  const ordered_json statement = {{"_type", kStatementType},
                                  {"predicateType", attestation.predicate_type},
                                  {"subject", SubjectsOf(attestation, defaults)},
                                  {"predicate", std::move(predicate)}};
  return EscapeLikeGo(statement.dump(indent, ' ', false, ordered_json::error_handler_t::replace));
}

Result<> SupplementSbom(ReadAttestation& attestation, const snapshot::FsRef& fs, const std::vector<Digest>& blobs,
                        snapshot::LayerStore& layers) {
  const std::string core = Metadata(attestation.metadata, kAttestationSbomCore);
  if (attestation.predicate_type != kSpdxPredicate || core.empty() || Stem(BaseName(attestation.path)) != core ||
      fs.layer_ids().size() != blobs.size()) {
    return {};
  }
  ordered_json document = ParseOrDiscarded(attestation.predicate);
  if (!document.is_object() || !document.contains("spdxVersion")) {
    return {};
  }
  LayerFinder finder(fs, blobs, layers);
  if (document.contains("files") && document["files"].is_array()) {
    for (ordered_json& file : document["files"]) {
      if (!file.is_object() || !file.value("comment", std::string()).empty()) {
        continue;
      }
      const Digest layer = LOAM_TRY(finder.Find(file.value("fileName", std::string())));
      if (!layer.empty()) {
        file["comment"] = "layerID: " + layer.ToString();
      }
    }
  }
  ordered_json& creation = document["creationInfo"];
  if (creation.is_null() || creation.is_object()) {
    creation["creators"].push_back(fmt::format("Tool: loam-{}", LOAM_VERSION));
  }
  attestation.predicate = document.dump();
  return {};
}

Result<std::string> ImagePurl(std::string_view type, std::string_view reference_text,
                              const std::optional<Platform>& platform,
                              const std::map<std::string, std::string>& more_qualifiers) {
  ImageReference reference = LOAM_TRY(ParseImageReference(reference_text));
  std::vector<std::string> qualifiers;
  if (!reference.digest.empty()) {
    qualifiers.push_back("digest=" + EscapePathSegment(reference.digest, "$&+:=@"));
  }
  if (platform) {
    qualifiers.push_back("platform=" + EscapePathSegment(NormalizePlatform(*platform).ToString(), "$&+:=@"));
  }
  for (const auto& [name, value] : more_qualifiers) {
    qualifiers.push_back(fmt::format("{}={}", name, EscapePathSegment(value, "$&+:=@")));
  }
  const std::string tag = reference.digest.empty() ? reference.WithDefaultTag().tag : reference.tag;
  reference.tag.clear();
  reference.digest.clear();
  std::string purl = fmt::format("pkg:{}", type);
  const std::string familiar = reference.Familiar();
  for (const std::string_view part : Split(familiar, '/')) {
    purl += "/" + EscapePathSegment(part, "");
  }
  if (!tag.empty()) {
    purl += "@" + EscapePathSegment(tag, "$&+:=@");
  }
  return qualifiers.empty() ? purl : purl + "?" + Join(qualifiers, "&");
}

}  // namespace loam::exporter
