#include "runtime-executor/provenance/predicate.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/go_json.h"
#include "base/redact_urls.h"
#include "base/strings.h"
#include "llb-emit/print.h"
#include "llb-emit/read.h"
#include "runtime-executor/exporter/attestation.h"

namespace loam::provenance {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kBuildType1 =
    "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md";
constexpr std::string_view kBuildType02 = "https://mobyproject.org/buildkit@v1";

ordered_json DigestSet(const std::string& digest) {
  const auto pair = SplitOnce(digest, ':');
  return pair ? ordered_json{{pair->first, pair->second}} : ordered_json::object();
}

// The blob that a repository was read from; linked to the repository.
Result<ordered_json> BundleMaterial(const GitMaterial& git) {
  const std::size_t scheme = git.bundle.find("://");
  const std::size_t at = git.bundle.rfind('@');
  if (scheme == std::string::npos || at == std::string::npos || at < scheme) {
    return Unexpected(ErrorCode::kInvalidArgument, "invalid git bundle " + git.bundle);
  }
  const bool local = git.bundle.starts_with("oci-layout");
  std::string purl =
      LOAM_TRY(exporter::ImagePurl(local ? "oci" : "docker", git.bundle.substr(scheme + 3, at - scheme - 3),
                                   std::nullopt, {{"ref_type", "bundle"}, {"vcs_url", git.url}}));
  return ordered_json{{"uri", std::move(purl)}, {"digest", DigestSet(git.bundle.substr(at + 1))}};
}

Result<ordered_json> Materials(const Capture& capture) {
  ordered_json materials = ordered_json::array();
  for (const ImageMaterial& image : capture.images) {
    ordered_json material = {
        {"uri", LOAM_TRY(exporter::ImagePurl(image.local ? "oci" : "docker", image.reference, image.platform))}};
    if (!image.digest.empty()) {
      material["digest"] = DigestSet(image.digest);
    }
    materials.push_back(std::move(material));
  }
  for (const BlobMaterial& blob : capture.blobs) {
    std::string purl = LOAM_TRY(
        exporter::ImagePurl(blob.local ? "oci" : "docker", blob.reference, std::nullopt, {{"ref_type", "blob"}}));
    materials.push_back({{"uri", std::move(purl)}, {"digest", DigestSet(blob.digest)}});
  }
  for (const GitMaterial& git : capture.git) {
    materials.push_back({{"uri", git.url}, {"digest", CommitDigestSet(git.commit)}});
    if (!git.bundle.empty()) {
      materials.push_back(LOAM_TRY(BundleMaterial(git)));
    }
  }
  for (const HttpMaterial& http : capture.http) {
    materials.push_back({{"uri", http.url}, {"digest", DigestSet(http.digest)}});
  }
  return materials;
}

ordered_json ConfigSourceJson(const ConfigSource& source, const char* path_key) {
  ordered_json json = ordered_json::object();
  if (!source.uri.empty()) {
    json["uri"] = source.uri;
  }
  if (!source.digest.empty()) {
    json["digest"] = source.digest;
  }
  if (!source.path.empty()) {
    json[path_key] = source.path;
  }
  return json;
}

bool IsPrivate(const std::string& arg) {
  return arg.starts_with("build-arg:") || arg.starts_with("label:");
}

// A request below another one; clears `complete` if something of it is not told.
ordered_json RequestJson(const RequestPtr& asked, bool max, bool& complete);

void AddNested(const std::map<std::string, RequestPtr>& inputs, const RequestPtr& root, bool max, bool& complete,
               ordered_json& request) {
  for (const auto& [name, input] : inputs) {
    request["inputs"][name] = RequestJson(input, max, complete);
  }
  if (root != nullptr) {
    request["root"] = RequestJson(root, max, complete);
  }
}

ordered_json RequestJson(const RequestPtr& asked, bool max, bool& complete) {
  ordered_json request = ordered_json::object();
  if (!asked->frontend.empty()) {
    request["frontend"] = asked->frontend;
  }
  for (const auto& [name, value] : asked->args) {
    if (!max && IsPrivate(name)) {
      complete = false;
    } else {
      request["args"][name] = value;
    }
  }
  AddNested(asked->inputs, asked->root, max, complete, request);
  return {{"configSource", ConfigSourceJson(asked->source, "path")}, {"request", std::move(request)}};
}

ordered_json CredentialList(const std::vector<Credential>& credentials) {
  ordered_json list = ordered_json::array();
  for (const Credential& credential : credentials) {
    ordered_json entry = {{"id", credential.id}};
    if (credential.optional) {
      entry["optional"] = true;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

// Ops numbered as the provenance names them: inputs first, the definition's last op at the end.
struct Steps {
  ordered_json list = ordered_json::array();
  std::map<std::string, std::size_t> number_of;
};

Result<Steps> StepsOf(const std::string& definition_text) {
  Steps steps;
  if (definition_text.empty()) {
    return steps;
  }
  const llb::Graph graph = LOAM_TRY(llb::ReadDefinition(definition_text));
  if (graph.is_scratch()) {
    return steps;
  }
  std::map<std::string, ordered_json> printed;
  const std::string text = llb::PrintJson(graph);
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty()) {
      ordered_json parsed = ordered_json::parse(line);
      printed[parsed["Digest"].get<std::string>()] = std::move(parsed["Op"]);
    }
  }
  std::vector<std::string> order;
  for (const llb::VertexIndex index : graph.order()) {
    order.push_back(graph.vertex(index).digest.ToString());
  }
  order.push_back(graph.op_digests().back().ToString());
  for (const std::string& digest : order) {
    steps.number_of.try_emplace(digest, steps.number_of.size());
  }
  for (const std::string& digest : order) {
    ordered_json op = std::move(printed[digest]);
    ordered_json step = {{"id", fmt::format("step{}", steps.number_of[digest])}};
    ordered_json inputs = ordered_json::array();
    if (op.contains("inputs")) {
      for (const ordered_json& input : op["inputs"]) {
        inputs.push_back(
            fmt::format("step{}:{}", steps.number_of[input.value("digest", std::string())], input.value("index", 0)));
      }
      op.erase("inputs");
    }
    if (op.contains("Op") && op["Op"].contains("source") && op["Op"]["source"].contains("attrs")) {
      ordered_json& attributes = op["Op"]["source"]["attrs"];
      attributes.erase("local.session");
      attributes.erase("local.unique");
      if (attributes.empty()) {
        op["Op"]["source"].erase("attrs");
      }
    }
    step["op"] = std::move(op);
    if (!inputs.empty()) {
      step["inputs"] = std::move(inputs);
    }
    steps.list.push_back(std::move(step));
  }
  return steps;
}

ordered_json DigestMapping(const Steps& steps) {
  ordered_json mapping = ordered_json::object();
  for (const auto& [digest, number] : steps.number_of) {
    mapping[digest] = fmt::format("step{}", number);
  }
  return mapping;
}

ordered_json LocationsJson(const pb::Locations& locations) {
  ordered_json list = ordered_json::array();
  for (const pb::Location& location : locations.locations()) {
    ordered_json entry = ordered_json::object();
    if (location.sourceindex() != 0) {
      entry["sourceIndex"] = location.sourceindex();
    }
    for (const pb::Range& range : location.ranges()) {
      ordered_json spot = ordered_json::object();
      const auto position = [](const pb::Position& at) {
        ordered_json json = ordered_json::object();
        if (at.line() != 0) {
          json["line"] = at.line();
        }
        if (at.character() != 0) {
          json["character"] = at.character();
        }
        return json;
      };
      spot["start"] = position(range.start());
      spot["end"] = position(range.end());
      entry["ranges"].push_back(std::move(spot));
    }
    list.push_back(std::move(entry));
  }
  return list.empty() ? ordered_json::object() : ordered_json{{"locations", std::move(list)}};
}

// The files that the definition was made from, and where in them each step is.
Result<ordered_json> SourceJson(const std::string& definition_text, const Steps& steps) {
  ordered_json source = ordered_json::object();
  pb::Definition definition;
  if (!definition.ParseFromString(definition_text) || !definition.has_source() || definition.source().infos().empty()) {
    return source;
  }
  std::map<std::string, ordered_json> locations;
  for (const auto& [digest, list] : definition.source().locations()) {
    const auto number = steps.number_of.find(digest);
    if (number != steps.number_of.end()) {
      locations[fmt::format("step{}", number->second)] = LocationsJson(list);
    }
  }
  if (!locations.empty()) {
    source["locations"] = locations;
  }
  for (const pb::SourceInfo& info : definition.source().infos()) {
    ordered_json entry = ordered_json::object();
    if (!info.filename().empty()) {
      entry["filename"] = info.filename();
    }
    if (!info.language().empty()) {
      entry["language"] = info.language();
    }
    if (!info.data().empty()) {
      entry["data"] = Base64Encode(info.data());
    }
    const Steps below = LOAM_TRY(StepsOf(info.definition().SerializeAsString()));
    if (!below.list.empty()) {
      entry["llbDefinition"] = below.list;
      entry["digestMapping"] = DigestMapping(below);
    }
    source["infos"].push_back(std::move(entry));
  }
  return source;
}

ordered_json LayersJson(const Run& run, const Steps& steps) {
  std::map<std::string, ordered_json> layers;
  for (const auto& [edge, chains] : run.layers) {
    const auto number = steps.number_of.find(edge.first);
    if (number == steps.number_of.end()) {
      continue;
    }
    ordered_json& list = layers[fmt::format("step{}:{}", number->second, edge.second)];
    for (const std::vector<content::Descriptor>& chain : chains) {
      ordered_json descriptors = ordered_json::array();
      for (const content::Descriptor& layer : chain) {
        descriptors.push_back(ToJson(layer));
      }
      list.push_back(std::move(descriptors));
    }
  }
  return layers.empty() ? ordered_json() : ordered_json(layers);
}

Result<bool> Flag(const std::map<std::string, std::string>& attributes, const std::string& name) {
  const auto found = attributes.find(name);
  if (found == attributes.end()) {
    return false;
  }
  static constexpr std::string_view kYes[] = {"1", "t", "T", "true", "TRUE", "True"};
  static constexpr std::string_view kNo[] = {"0", "f", "F", "false", "FALSE", "False"};
  if (std::find(std::begin(kYes), std::end(kYes), found->second) != std::end(kYes)) {
    return true;
  }
  if (std::find(std::begin(kNo), std::end(kNo), found->second) != std::end(kNo)) {
    return false;
  }
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("failed to parse {} flag \"{}\"", name, found->second));
}

std::string TextOr(const std::map<std::string, std::string>& attributes, const std::string& name,
                   const std::string& fallback) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? fallback : found->second;
}

}  // namespace

Result<Settings> ReadSettings(const std::map<std::string, std::string>& attributes) {
  Settings settings;
  const std::string version = TextOr(attributes, "version", "v1");
  if (version != "v1" && version != "v0.2") {
    return Unexpected(ErrorCode::kInvalidArgument, "invalid provenance SLSA version: " + version);
  }
  settings.v02 = version == "v0.2";
  const std::string mode = TextOr(attributes, "mode", "max");
  if (mode != "max" && mode != "full" && mode != "min") {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid mode \"{}\"", mode));
  }
  settings.max = mode != "min";
  settings.reproducible = LOAM_TRY(Flag(attributes, "reproducible"));
  settings.complete_materials = LOAM_TRY(Flag(attributes, "complete-materials"));
  const Result<bool> inline_only = Flag(attributes, "inline-only");
  settings.inline_only = inline_only && *inline_only;
  settings.builder_id = TextOr(attributes, "builder-id", "");
  settings.filename = TextOr(attributes, "filename", settings.filename);
  return settings;
}

std::string_view PredicateType(const Settings& settings) {
  return settings.v02 ? "https://slsa.dev/provenance/v0.2" : "https://slsa.dev/provenance/v1";
}

Result<> CheckMaterials(const Capture& capture, const Settings& settings) {
  if (!settings.complete_materials || (capture.locals.empty() && !capture.incomplete_materials)) {
    return {};
  }
  std::string message =
      "provenance materials are incomplete\n\nThe build requested complete provenance materials, but not all "
      "dependencies could be captured.";
  if (!capture.locals.empty()) {
    message += "\n\nUncaptured local sources:";
    for (const std::string& name : capture.locals) {
      message += fmt::format("\n  - {}\n    reason: local_source", name);
    }
  }
  if (!capture.proxy_incomplete.empty()) {
    message += "\n\nUncaptured requests:";
    for (const ProxyIncomplete& request : capture.proxy_incomplete) {
      message += fmt::format("\n  - {}\n    method: {}\n    url: {}\n    reason: {}", request.name, request.method,
                             request.url, request.reason);
    }
  }
  return Unexpected(ErrorCode::kFailedPrecondition, std::move(message));
}

namespace {

ordered_json NetworkJson(const Capture& capture) {
  ordered_json network = {{"mode", "proxy"}};
  for (const ProxyIncomplete& request : capture.proxy_incomplete) {
    network["proxy"]["incomplete"].push_back({{"op", request.op},
                                              {"name", request.name},
                                              {"method", request.method},
                                              {"uri", request.url},
                                              {"reason", request.reason}});
  }
  return network;
}

// What the operator of the builder says, and which Dockerfile frontend it has.
Result<> AddEnvironment(const Capture& capture, const Run& run, nlohmann::json& environment) {
  if (capture.frontend == "dockerfile.v0" && !run.dockerfile_version.empty()) {
    environment["dockerfileVersion"] = run.dockerfile_version;
  }
  if (!run.environment.empty()) {
    const nlohmann::json said = nlohmann::json::parse(run.environment, nullptr, false);
    if (!said.is_object()) {
      return Unexpected(ErrorCode::kInvalidArgument, "the environment of the provenance is no JSON object");
    }
    environment.update(said);
  }
  return {};
}

}  // namespace

Result<std::string> MakePredicate(const Capture& capture, const Settings& settings, const Run& run) {
  LOAM_TRY(CheckMaterials(capture, settings));
  const ordered_json materials = LOAM_TRY(Materials(capture));
  const bool complete = !capture.incomplete_materials && capture.locals.empty();
  bool request_complete = !capture.frontend.empty();

  Request described = DescribeRequest(capture.frontend, capture.args, capture);
  std::map<std::string, std::string>& args = described.args;
  std::map<std::string, std::string> vcs;
  for (auto arg = args.begin(); arg != args.end();) {
    const bool is_vcs = arg->first.starts_with("vcs:");
    const bool is_private = !settings.max && IsPrivate(arg->first);
    if (is_vcs && !arg->second.empty()) {
      vcs[arg->first.substr(4)] = arg->first == "vcs:source" ? RedactUrls(arg->second) : arg->second;
    }
    request_complete = request_complete && !is_private;
    arg = is_vcs || is_private ? args.erase(arg) : std::next(arg);
  }
  ordered_json request = ordered_json::object();
  if (!capture.frontend.empty()) {
    request["frontend"] = capture.frontend;
  }
  if (!args.empty()) {
    request["args"] = args;
  }
  if (settings.max && !capture.secrets.empty()) {
    request["secrets"] = CredentialList(capture.secrets);
  }
  if (settings.max && !capture.ssh.empty()) {
    request["ssh"] = CredentialList(capture.ssh);
  }
  for (const std::string& local : capture.locals) {
    request["locals"].push_back({{"name", local}});
  }
  AddNested(capture.inputs, capture.root, settings.max, request_complete, request);
  request["compatibilityVersion"] = run.compatibility_version;

  ordered_json build_config;
  ordered_json metadata_of_buildkit = ordered_json::object();
  if (!vcs.empty()) {
    metadata_of_buildkit["vcs"] = vcs;
  }
  if (settings.max) {
    const Steps steps = LOAM_TRY(StepsOf(run.definition));
    build_config = ordered_json::object();
    if (!steps.list.empty()) {
      build_config["llbDefinition"] = steps.list;
      build_config["digestMapping"] = DigestMapping(steps);
    }
    if (ordered_json source = LOAM_TRY(SourceJson(run.definition, steps)); !source.empty()) {
      metadata_of_buildkit["source"] = std::move(source);
    }
    if (ordered_json layers = LayersJson(run, steps); !layers.is_null()) {
      metadata_of_buildkit["layers"] = std::move(layers);
    }
  }
  if (capture.proxy_network) {
    metadata_of_buildkit["network"] = NetworkJson(capture);
  }
  const std::string platform = NormalizePlatform(HostPlatform()).ToString();
  const bool hermetic = complete && !capture.network_access;

  ordered_json predicate;
  if (settings.v02) {
    predicate = {{"builder", {{"id", settings.builder_id}}}, {"buildType", kBuildType02}};
    if (!materials.empty()) {
      predicate["materials"] = materials;
    }
    // With members that others named: sorted.
    nlohmann::json environment = {{"platform", platform}};
    LOAM_TRY(AddEnvironment(capture, run, environment));
    predicate["invocation"] = {{"configSource", ConfigSourceJson(described.source, "entryPoint")},
                               {"parameters", request},
                               {"environment", environment}};
    if (!build_config.is_null()) {
      predicate["buildConfig"] = build_config;
    }
    ordered_json metadata = {
        {"buildInvocationID", run.invocation_id},
        {"buildStartedOn", FormatRfc3339(run.started)},
        {"buildFinishedOn", FormatRfc3339(run.finished)},
        {"completeness", {{"parameters", request_complete}, {"environment", true}, {"materials", complete}}},
        {"reproducible", settings.reproducible},
        {"https://mobyproject.org/buildkit@v1#metadata", metadata_of_buildkit}};
    if (hermetic) {
      metadata["https://mobyproject.org/buildkit@v1#hermetic"] = true;
    }
    predicate["metadata"] = std::move(metadata);
  } else {
    ordered_json definition = {{"buildType", kBuildType1}};
    if (!materials.empty()) {
      definition["resolvedDependencies"] = materials;
    }
    definition["externalParameters"] = {{"configSource", ConfigSourceJson(described.source, "path")},
                                        {"request", request}};
    nlohmann::json internal = {{"builderPlatform", platform}};
    if (!build_config.is_null()) {
      internal["buildConfig"] = build_config;
    }
    LOAM_TRY(AddEnvironment(capture, run, internal));
    definition["internalParameters"] = std::move(internal);
    ordered_json metadata = {{"invocationId", run.invocation_id},
                             {"startedOn", FormatRfc3339(run.started)},
                             {"finishedOn", FormatRfc3339(run.finished)},
                             {"buildkit_metadata", metadata_of_buildkit}};
    if (hermetic) {
      metadata["buildkit_hermetic"] = true;
    }
    metadata["buildkit_completeness"] = {{"request", request_complete}, {"resolvedDependencies", complete}};
    if (settings.reproducible) {
      metadata["buildkit_reproducible"] = true;
    }
    predicate["buildDefinition"] = std::move(definition);
    predicate["runDetails"] = {{"builder", {{"id", settings.builder_id}}}, {"metadata", std::move(metadata)}};
  }
  return EscapeLikeGo(predicate.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace loam::provenance
