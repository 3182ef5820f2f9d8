// JobState::Attest: provenance of results, and their contents as scanners find them.
#include <fmt/format.h>

#include "base/attest_options.h"
#include "base/strings.h"
#include "llb-emit/read.h"
#include "llb-emit/scan.h"
#include "runtime-executor/engine/cache_collector.h"
#include "runtime-executor/engine/job_state.h"
#include "runtime-executor/ops/fs_result.h"

namespace loam::engine {
namespace {

using AttributeMap = std::map<std::string, std::string>;

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

// The layers of what a step made, each way that it is known; not held.
Result<std::vector<std::vector<snapshot::LayerId>>> LayersOf(const solver::CacheGraphNode& node) {
  std::vector<std::vector<snapshot::LayerId>> ways;
  if (node.result != nullptr) {
    ways.push_back(ops::FsOf(node.result).layer_ids());
    return ways;
  }
  for (const solver::CacheRecord& record : node.records) {
    ways.push_back(LOAM_TRY(snapshot::ParseLayerIds(record.blob)));
  }
  return ways;
}

provenance::Request Described(const FrontendRequest& request, const provenance::Capture& capture) {
  provenance::Request described =
      provenance::DescribeRequest(request.frontend, provenance::ShownOptions(request.options), capture);
  described.inputs = request.inputs;
  return described;
}

// Null where the request itself is what the client asked, or where the client asked for nothing in particular.
provenance::RequestPtr RootOf(const FrontendRequest& request, const provenance::Capture& capture) {
  if (request.root == nullptr) {
    return nullptr;
  }
  auto root = std::make_shared<const provenance::Request>(Described(*request.root, capture));
  const bool says_nothing = root->frontend.empty() && root->args.empty() && root->inputs.empty();
  const auto own = std::make_shared<const provenance::Request>(Described(request, capture));
  return says_nothing || provenance::SameRequest(root, own) ? nullptr : root;
}

}  // namespace

Result<> JobState::CaptureDefinition(const std::string& definition, provenance::Capture& capture) {
  if (definition.empty()) {
    return {};
  }
  const llb::Graph graph = LOAM_TRY(llb::ReadDefinition(definition));
  if (graph.is_scratch()) {
    return {};
  }
  std::map<Digest, std::string> pins;
  for (const solver::StepReport& step : solver_job_->Report()) {
    pins[step.vertex] = FieldOf(step.preimage, "source.digest");
  }
  for (const llb::VertexIndex index : graph.order()) {
    const llb::Vertex& vertex = graph.vertex(index);
    LOAM_TRY(capture.AddOp(vertex.op, pins[vertex.digest]));
    CaptureProxied(vertex.digest, vertex.op, capture);
  }
  return {};
}

void JobState::CaptureProxied(const Digest& vertex, const pb::Op& op, provenance::Capture& capture) {
  if (options_.step_proxies == nullptr || !op.has_exec() || op.exec().network() == pb::NONE) {
    return;
  }
  capture.proxy_network = true;
  const std::lock_guard lock(resolved_mutex_);
  const auto found = proxied_.find(vertex);
  if (found == proxied_.end()) {
    return;  // from the cache
  }
  std::map<std::string, Digest> files;
  for (const ops::ProxiedFile& file : found->second.files) {
    files[file.url] = file.digest;
  }
  // What a file was asked for first is the file as well.
  for (bool added = true; added;) {
    added = false;
    for (const ops::ProxiedRequest& request : found->second.requests) {
      const auto target = files.find(request.redirect);
      added = (target != files.end() && files.emplace(request.url, target->second).second) || added;
    }
  }
  for (const auto& [url, digest] : files) {
    capture.AddHttp({url, digest.ToString()});
  }
  const std::vector<std::string> words(op.exec().meta().args().begin(), op.exec().meta().args().end());
  for (const ops::IncompleteRequest& request : found->second.incomplete) {
    capture.incomplete_materials = true;
    capture.proxy_incomplete.push_back(
        {vertex.ToString(), Join(words, " "), request.method, request.url, request.reason});
  }
}

Result<provenance::Capture> JobState::CaptureOf(const PlatformResult& result) {
  provenance::Capture capture;
  const FrontendRequest& request = result.request;
  capture.frontend = request.frontend;
  capture.args = provenance::ShownOptions(request.options);
  capture.inputs = request.inputs;
  LOAM_TRY(CaptureDefinition(result.definition, capture));
  capture.root = RootOf(request, capture);
  if (result.sources != nullptr) {
    for (const std::string& definition : result.sources->definitions) {
      LOAM_TRY(CaptureDefinition(definition, capture));
    }
    for (const std::string& name : result.sources->locals) {
      capture.AddLocal(name);
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
                                           const std::string& definition) {
  provenance::Run run;
  // One for all that a build makes.
  run.invocation_id =
      Digest::Of(fmt::format("{}|{}", options_.title, started_.time_since_epoch().count())).Hex().substr(0, 25);
  run.compatibility_version = options_.compatibility_version;
  run.environment = engine_->options.provenance_environment;
  run.dockerfile_version = engine_->options.dockerfile_version;
  run.started = started_;
  run.finished = engine_->clock.Now();
  run.definition = definition;
  if (settings.max) {
    // Steps stand on the same layers: each is asked for once.
    std::map<snapshot::LayerId, std::optional<content::Descriptor>> blobs;
    const auto blob_of = [&](snapshot::LayerId id) -> Result<std::optional<content::Descriptor>> {
      if (const auto known = blobs.find(id); known != blobs.end()) {
        return known->second;
      }
      std::optional<content::Descriptor>& found = blobs[id];
      for (const content::Descriptor& blob : LOAM_TRY(engine_->layers->Blobs(id))) {
        if (engine_->content->Contains(blob)) {
          found = blob;
          break;
        }
      }
      return found;
    };
    for (const solver::CacheGraphNode& node : LOAM_TRY(GraphOf(definition))) {
      for (const std::vector<snapshot::LayerId>& ids : LOAM_TRY(LayersOf(node))) {
        // Layers of which a blob exists; making them is the exporters' business.
        std::vector<content::Descriptor> layers;
        for (const snapshot::LayerId id : ids) {
          std::optional<content::Descriptor> blob = LOAM_TRY(blob_of(id));
          if (!blob) {
            break;
          }
          layers.push_back(*std::move(blob));
        }
        if (!layers.empty() && layers.size() == ids.size()) {
          run.layers[{node.vertex.ToString(), node.output}].push_back(std::move(layers));
          break;
        }
      }
    }
  }
  return provenance::MakePredicate(capture, settings, run);
}

Result<provenance::RequestPtr> JobState::Describe(const FrontendRequest& request, const std::string& definition) {
  provenance::Capture capture;
  LOAM_TRY(CaptureDefinition(definition, capture));
  capture.Finish();
  return std::make_shared<const provenance::Request>(Described(request, capture));
}

Result<std::vector<std::string>> JobState::HistoryProvenance(std::span<const PlatformResult> results,
                                                             const AttributeMap& options) {
  provenance::Settings settings;
  const std::map<std::string, AttributeMap> attests = LOAM_TRY(ReadAttestOptions(options));
  if (const auto asked = attests.find("provenance"); asked != attests.end()) {
    if (const auto builder = asked->second.find("builder-id"); builder != asked->second.end()) {
      settings.builder_id = builder->second;
    }
  }
  std::vector<std::string> predicates;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const provenance::Capture capture = LOAM_TRY(CaptureOf(results[i]));
    predicates.push_back(LOAM_TRY(ProvenanceOf(capture, settings, results[i].definition)));
  }
  return predicates;
}

Result<> JobState::AddSboms(std::vector<PlatformResult>& results, const AttributeMap& attributes, bool use_cache,
                            const std::string& resolve_mode, const std::stop_token& stop) {
  ImageRequest request;
  const SbomScanner asked = LOAM_TRY(ReadSbomScanner(attributes));
  request.ref = asked.image;
  request.platform = HostPlatform();
  request.resolve_mode = resolve_mode;
  request.log_name = "[internal] load metadata for " + request.ref;
  const ResolvedImage scanner = LOAM_TRY(ResolveImage(request, stop));
  for (PlatformResult& result : results) {
    if (result.definition.empty()) {
      continue;
    }
    const std::string definition =
        LOAM_TRY(llb::MakeScanDefinition({.scanner = scanner.pinned_ref,
                                          .scanner_config = scanner.config,
                                          .platform = HostPlatform(),
                                          .name = result.platform,
                                          .parameters = asked.parameters,
                                          .extras = result.scan.definitions,
                                          .use_cache = use_cache && !result.scan.ignore_cache},
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
  const std::map<std::string, AttributeMap> attests = LOAM_TRY(ReadAttestOptions(options));
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
                           definition = results[i].definition] {
      return self->ProvenanceOf(capture, settings, definition);
    };
    results[i].attestations.push_back(std::move(attestation));
  }
  return {};
}

}  // namespace loam::engine
