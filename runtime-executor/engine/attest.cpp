// JobState::Attest: provenance of results, and their contents as scanners find them.
#include <fmt/format.h>

#include "base/csv.h"
#include "base/strings.h"
#include "llb-emit/read.h"
#include "runtime-executor/engine/cache_collector.h"
#include "runtime-executor/engine/job_state.h"
#include "runtime-executor/engine/sbom_definition.h"
#include "runtime-executor/ops/fs_result.h"

namespace loam::engine {
namespace {

using AttributeMap = std::map<std::string, std::string>;

constexpr std::string_view kAttest = "attest:";
constexpr std::string_view kAttestArgument = "build-arg:BUILDKIT_ATTEST_";
constexpr const char* kDefaultScanner = "docker/buildkit-syft-scanner:stable-1";

// Attributes by kind: "provenance", "sbom".
Result<std::map<std::string, AttributeMap>> ReadAttests(const AttributeMap& options) {
  std::map<std::string, AttributeMap> attests;
  for (const auto& [key, value] : options) {
    const std::string_view prefix = key.starts_with(kAttest) ? kAttest : kAttestArgument;
    if (!key.starts_with(prefix)) {
      continue;
    }
    const std::string kind = ToLowerAscii(std::string_view(key).substr(prefix.size()));
    if (kind != "provenance" && kind != "sbom") {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unknown attestation type \"{}\"", kind));
    }
    AttributeMap& attributes = attests[kind];
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

bool HasSbom(const std::vector<PlatformResult>& results) {
  for (const PlatformResult& result : results) {
    for (const exporter::Attestation& attestation : result.attestations) {
      if (attestation.predicate_type == exporter::kSpdxPredicate) {
        return true;
      }
    }
  }
  return false;
}

std::string FieldOf(const solver::Preimage& preimage, std::string_view name) {
  for (const solver::Preimage::Field& field : preimage.fields) {
    if (field.name == name) {
      return field.value;
    }
  }
  return {};
}

}  // namespace

Result<provenance::Capture> JobState::CaptureOf(const PlatformResult& result) {
  provenance::Capture capture;
  capture.frontend = result.request.frontend;
  capture.args = provenance::ShownOptions(result.request.options);
  if (!result.definition.empty()) {
    std::map<Digest, std::string> pins;
    for (const solver::StepReport& step : solver_job_->Report()) {
      pins[step.vertex] = FieldOf(step.preimage, "source.digest");
    }
    const llb::Graph graph = LOAM_TRY(llb::ReadDefinition(result.definition));
    if (!graph.is_scratch()) {
      for (const llb::VertexIndex index : graph.order()) {
        LOAM_TRY(capture.AddOp(graph.vertex(index).op, pins[graph.vertex(index).digest]));
      }
    }
  }
  {
    const std::lock_guard lock(resolved_mutex_);
    const Platform wanted = LOAM_TRY(ParsePlatform(result.platform));
    for (const provenance::ImageMaterial& image : resolved_) {
      if (!image.platform || (image.platform->os == wanted.os && image.platform->architecture == wanted.architecture)) {
        capture.AddImage(image);
      }
    }
  }
  capture.Finish();
  return capture;
}

Result<std::string> JobState::ProvenanceOf(const provenance::Capture& capture, const provenance::Settings& settings,
                                           const std::string& definition, std::size_t number) {
  provenance::Run run;
  run.invocation_id = Digest::Of(fmt::format("{}|{}|{}", options_.title, started_.time_since_epoch().count(), number))
                          .Hex()
                          .substr(0, 25);
  run.started = started_;
  run.finished = engine_->clock.Now();
  run.definition = definition;
  if (settings.max) {
    for (const solver::CacheGraphNode& node : LOAM_TRY(GraphOf(definition))) {
      if (node.result == nullptr) {
        continue;
      }
      // Layers of which a blob exists; making them is the exporters' business.
      std::vector<content::Descriptor> layers;
      const std::vector<snapshot::LayerId> ids = ops::FsOf(node.result).layer_ids();
      for (const snapshot::LayerId id : ids) {
        for (const content::Descriptor& blob : LOAM_TRY(engine_->layers->Blobs(id))) {
          if (engine_->content->Contains(blob)) {
            layers.push_back(blob);
            break;
          }
        }
      }
      if (!layers.empty() && layers.size() == ids.size()) {
        run.layers[{node.vertex.ToString(), node.output}].push_back(std::move(layers));
      }
    }
  }
  return provenance::MakePredicate(capture, settings, run);
}

Result<> JobState::AddSboms(std::vector<PlatformResult>& results, const AttributeMap& attributes, bool use_cache,
                            const std::string& resolve_mode, const std::stop_token& stop) {
  ImageRequest request;
  AttributeMap parameters;
  request.ref = kDefaultScanner;
  for (const auto& [key, value] : attributes) {
    if (key != "generator") {
      parameters[key] = value;
    } else if (value.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "sbom generator cannot be empty");
    } else {
      request.ref = value;
    }
  }
  request.ref = LOAM_TRY_CONTEXT("failed to parse sbom generator " + request.ref, ParseImageReference(request.ref))
                    .WithDefaultTag()
                    .ToString();
  request.platform = HostPlatform();
  request.resolve_mode = resolve_mode;
  request.log_name = "[internal] load metadata for " + request.ref;
  const ResolvedImage scanner = LOAM_TRY(ResolveImage(request, stop));
  for (PlatformResult& result : results) {
    if (result.definition.empty()) {
      continue;
    }
    const std::string definition = LOAM_TRY(MakeScanDefinition({.scanner = scanner.pinned_ref,
                                                                .scanner_config = scanner.config,
                                                                .platform = HostPlatform(),
                                                                .name = result.platform,
                                                                .parameters = parameters,
                                                                .use_cache = use_cache},
                                                               result.definition));
    const std::string_view view = definition;
    exporter::Attestation attestation;
    attestation.bundle = true;
    attestation.metadata[std::string(exporter::kAttestationReason)] = "sbom";
    attestation.metadata[std::string(exporter::kAttestationSbomCore)] = "sbom";
    attestation.predicate_type = exporter::kSpdxPredicate;
    attestation.fs = LOAM_TRY(SolveAll(std::span(&view, 1), std::span(options_.cache_imports), stop, {})).front();
    result.attestations.push_back(std::move(attestation));
  }
  return {};
}

Result<> JobState::Attest(std::vector<PlatformResult>& results, const AttributeMap& options, std::stop_token stop) {
  const std::map<std::string, AttributeMap> attests = LOAM_TRY(ReadAttests(options));
  const auto provenance = attests.find("provenance");
  const auto sbom = attests.find("sbom");
  std::optional<provenance::Settings> settings;
  std::vector<provenance::Capture> captures;
  if (provenance != attests.end()) {
    settings = LOAM_TRY(provenance::ReadSettings(provenance->second));
    // Before scanners run: they are no part of what was built.
    for (const PlatformResult& result : results) {
      captures.push_back(LOAM_TRY(CaptureOf(result)));
      LOAM_TRY(provenance::CheckMaterials(captures.back(), *settings));
    }
  }
  if (sbom != attests.end() && !HasSbom(results)) {
    const auto no_cache = options.find("no-cache");
    const auto resolve_mode = options.find("image-resolve-mode");
    LOAM_TRY(AddSboms(results, sbom->second, no_cache == options.end() || !no_cache->second.empty(),
                      resolve_mode == options.end() ? std::string() : resolve_mode->second, stop));
  }
  for (std::size_t i = 0; i < captures.size(); ++i) {
    exporter::Attestation attestation;
    attestation.metadata[std::string(exporter::kAttestationReason)] = "provenance";
    attestation.metadata[std::string(exporter::kAttestationInlineOnly)] = settings->inline_only ? "true" : "false";
    attestation.predicate_type = provenance::PredicateType(*settings);
    attestation.path = settings->filename;
    attestation.content = [self = shared_from_this(), capture = captures[i], settings = *settings,
                           definition = results[i].definition,
                           i] { return self->ProvenanceOf(capture, settings, definition, i); };
    results[i].attestations.push_back(std::move(attestation));
  }
  return {};
}

}  // namespace loam::engine
