#include "llb-emit/scan.h"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::llb {
namespace {

using nlohmann::json;

constexpr const char* kSource = "/run/src/core/sbom";
constexpr const char* kExtras = "/run/src/extras";
constexpr const char* kOutput = "/run/out/";
constexpr std::int64_t kNothing = -1;

std::vector<std::string> ListOf(const json& object, const char* name) {
  std::vector<std::string> list;
  const auto found = object.find(name);
  if (found != object.end() && found->is_array()) {
    for (const json& item : *found) {
      if (item.is_string()) {
        list.push_back(item.get<std::string>());
      }
    }
  }
  return list;
}

pb::Mount* AddMount(pb::ExecOp& exec, std::int64_t input, const std::string& dest, std::int64_t output) {
  pb::Mount* mount = exec.add_mounts();
  mount->set_input(input);
  mount->set_dest(dest);
  mount->set_output(output);
  return mount;
}

Digest AddOp(pb::Definition& definition, const pb::Op& op) {
  std::string bytes = op.SerializeAsString();
  const Digest digest = Digest::Of(bytes);
  definition.add_def(std::move(bytes));
  return digest;
}

// Adds the ops of another definition, and the input that is its result; nothing for scratch.
Result<bool> AddInput(pb::Definition& definition, const std::string& other, pb::Op& scan) {
  pb::Definition parsed;
  pb::Op last;
  if (!parsed.ParseFromString(other)) {
    return Unexpected(ErrorCode::kInvalidArgument, "what is to be scanned is no definition");
  }
  if (parsed.def().empty()) {
    return false;
  }
  if (!last.ParseFromString(parsed.def(parsed.def_size() - 1)) || last.inputs_size() != 1) {
    return Unexpected(ErrorCode::kInvalidArgument, "what is to be scanned is no definition");
  }
  std::set<std::string> known(definition.def().begin(), definition.def().end());
  for (int i = 0; i + 1 < parsed.def_size(); ++i) {
    if (known.insert(parsed.def(i)).second) {
      definition.add_def(parsed.def(i));
    }
  }
  definition.mutable_metadata()->insert(parsed.metadata().begin(), parsed.metadata().end());
  *scan.add_inputs() = last.inputs(0);
  return true;
}

}  // namespace

Result<std::string> MakeScanDefinition(const ScanRequest& request, const std::string& result_definition) {
  const json config = json::parse(request.scanner_config, nullptr, false);
  const json settings = config.is_object() ? config.value("config", json::object()) : json::object();
  std::vector<std::string> args = ListOf(settings, "Entrypoint");
  for (const std::string& arg : ListOf(settings, "Cmd")) {
    args.push_back(arg);
  }
  if (args.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("scanner {} does not have cmd", request.scanner));
  }

  pb::Definition definition;
  pb::Op source;
  source.mutable_source()->set_identifier("docker-image://" + request.scanner);
  pb::Platform platform;
  platform.set_os(request.platform.os);
  platform.set_architecture(request.platform.architecture);
  platform.set_variant(request.platform.variant);
  *source.mutable_platform() = platform;
  const Digest source_digest = AddOp(definition, source);

  pb::Op scan;
  scan.add_inputs()->set_digest(source_digest.ToString());
  if (!LOAM_TRY(AddInput(definition, result_definition, scan))) {
    return Unexpected(ErrorCode::kInvalidArgument, "the result to be scanned is empty");
  }
  *scan.mutable_platform() = platform;
  pb::ExecOp& exec = *scan.mutable_exec();
  pb::Meta& meta = *exec.mutable_meta();
  meta.mutable_args()->Add(args.begin(), args.end());
  const std::string directory = settings.is_object() ? settings.value("WorkingDir", std::string()) : std::string();
  meta.set_cwd(directory.empty() ? "/" : directory);
  for (const std::string& variable : ListOf(settings, "Env")) {
    meta.add_env(variable);
  }
  meta.add_env(fmt::format("BUILDKIT_SCAN_DESTINATION={}", kOutput));
  meta.add_env(fmt::format("BUILDKIT_SCAN_SOURCE={}", kSource));
  if (!request.extras.empty()) {
    meta.add_env(fmt::format("BUILDKIT_SCAN_SOURCE_EXTRAS={}", kExtras));
  }
  for (const auto& [key, value] : request.parameters) {
    meta.add_env(fmt::format("BUILDKIT_SCAN_{}={}", key, value));
  }
  AddMount(exec, 0, "/", 0);
  AddMount(exec, kNothing, "/tmp", kNothing)->set_mounttype(pb::TMPFS);
  AddMount(exec, 1, kSource, kNothing)->set_readonly(true);
  for (const auto& [name, extra] : request.extras) {
    const std::int64_t input = scan.inputs_size();
    const bool has_files = LOAM_TRY(AddInput(definition, extra, scan));
    AddMount(exec, has_files ? input : kNothing, fmt::format("{}/sbom-{}", kExtras, name), kNothing)
        ->set_readonly(true);
  }
  AddMount(exec, kNothing, kOutput, 1);
  const Digest scan_digest = AddOp(definition, scan);
  pb::OpMetadata& metadata = (*definition.mutable_metadata())[scan_digest.ToString()];
  (*metadata.mutable_description())["llb.customname"] =
      fmt::format("[{}] generating sbom using {}", request.name, request.scanner);
  metadata.set_ignore_cache(!request.use_cache);

  pb::Op end;
  end.add_inputs()->set_digest(scan_digest.ToString());
  end.mutable_inputs(0)->set_index(1);
  AddOp(definition, end);
  return definition.SerializeAsString();
}

}  // namespace loam::llb
