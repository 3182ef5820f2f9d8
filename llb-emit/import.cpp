#include "llb-emit/import.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "llb-emit/caps.h"
#include "llb-emit/op_writer.h"

namespace loam::llb {

namespace {

constexpr ir::OpKind kSources[] = {
    ir::OpKind::kSourceImage,   ir::OpKind::kSourceImageBlob, ir::OpKind::kSourceOciLayout,
    ir::OpKind::kSourceOciBlob, ir::OpKind::kSourceLocal,     ir::OpKind::kSourceGit,
};

// Views of a repeated string field.
std::vector<std::string_view> Views(const google::protobuf::RepeatedPtrField<std::string>& strings) {
  return {strings.begin(), strings.end()};
}

template <class Map>
std::vector<ir::KeyValue> SortedPairs(const Map& map) {
  std::vector<ir::KeyValue> pairs;
  for (const auto& [key, value] : map) {
    pairs.push_back({key, value});
  }
  std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return pairs;
}

class Importer {
 public:
  Importer(const Graph& graph, ir::Graph& target, bool with_locations)
      : graph_(graph), target_(target), with_locations_(with_locations) {}

  Result<> Sources(ir::Module& module) {
    for (const pb::SourceInfo& info : graph_.definition().source().infos()) {
      ir::SourceFile& file = module.sources.emplace_back();
      file.filename = info.filename();
      file.language = info.language();
      file.data = info.data();
      if (info.has_definition()) {
        return Unexpected(
            ErrorCode::kUnimplemented,
            fmt::format("the source `{}` lies in a build state, which cannot be imported", info.filename()));
      }
    }
    return {};
  }

  Result<ir::Value> Root() {
    values_.resize(graph_.vertices().size());
    for (const VertexIndex index : graph_.order()) {
      const Vertex& vertex = graph_.vertex(index);
      values_[index.value()] = LOAM_TRY_CONTEXT(vertex.digest.ToString(), Import(vertex));
    }
    return graph_.is_scratch() ? ir::Value() : ValueOf(graph_.root());
  }

 private:
  [[nodiscard]] ir::Value ValueOf(const Edge& edge) const {
    ir::Value value = values_[edge.vertex.value()];
    value.result = edge.output;
    return value;
  }

  Result<ir::Value> Import(const Vertex& vertex) {
    const pb::Op& op = vertex.op;
    operands_.clear();
    for (const Edge& edge : vertex.inputs) {
      operands_.push_back(ValueOf(edge));
    }
    ir::NodeOptions options;
    ir::Platform platform;
    const std::vector<std::string_view> features = Views(op.platform().osfeatures());
    if (op.has_platform()) {
      platform = {.os = op.platform().os(),
                  .architecture = op.platform().architecture(),
                  .variant = op.platform().variant(),
                  .os_version = op.platform().osversion(),
                  .os_features = features};
      options.platform = &platform;
    }
    const std::vector<std::string_view> filter = Views(op.constraints().filter());
    options.worker_constraints = filter;
    const ir::Value value = LOAM_TRY(AddNode(op, options));
    Annotate(vertex, value);
    return value;
  }

  Result<ir::Value> AddNode(const pb::Op& op, const ir::NodeOptions& options) {
    switch (op.op_case()) {
      case pb::Op::kSource:
        return AddSource(op.source(), options);
      case pb::Op::kExec:
        return AddExec(op.exec(), options);
      case pb::Op::kFile:
        return AddFile(op.file(), options);
      case pb::Op::kBuild:
        return AddBuild(op.build(), options);
      case pb::Op::kMerge:
        return target_.Add<ir::OpKind::kMerge>(operands_, {}, options);
      case pb::Op::kDiff:
        return target_.Add<ir::OpKind::kDiff>(
            operands_, {.lower = op.diff().lower().input(), .upper = op.diff().upper().input()}, options);
      case pb::Op::kPassthrough: {
        const std::vector<std::int64_t> outputs(op.passthrough().outputs().begin(), op.passthrough().outputs().end());
        return target_.Add<ir::OpKind::kPassthrough>(operands_, {.id = op.passthrough().id(), .outputs = outputs},
                                                     options);
      }
      case pb::Op::OP_NOT_SET:
        break;
    }
    return Unexpected(ErrorCode::kInvalidArgument, "an op of no known kind");
  }

  Result<ir::Value> AddSource(const pb::SourceOp& source, const ir::NodeOptions& options) {
    const std::vector<ir::KeyValue> attrs = SortedPairs(source.attrs());
    for (const ir::OpKind kind : kSources) {
      const std::string_view scheme = SourceScheme(kind);
      if (source.identifier().starts_with(scheme)) {
        const ir::SourceAttrs made{.identifier = std::string_view(source.identifier()).substr(scheme.size()),
                                   .attrs = attrs};
        return target_.AddAny(kind, operands_, &made, options);
      }
    }
    if (!source.identifier().starts_with("http://") && !source.identifier().starts_with("https://")) {
      return Unexpected(ErrorCode::kUnimplemented,
                        fmt::format("the source `{}` is of no known kind", source.identifier()));
    }
    return target_.Add<ir::OpKind::kSourceHttp>(operands_, {.identifier = source.identifier(), .attrs = attrs},
                                                options);
  }

  static ir::MountCredential Credential(const auto& opt) {
    return {.id = opt.id(), .uid = opt.uid(), .gid = opt.gid(), .mode = opt.mode(), .optional = opt.optional()};
  }

  static Result<ir::Mount> ImportMount(const pb::Mount& mount) {
    ir::Mount made{.kind = static_cast<ir::MountKind>(mount.mounttype()),
                   .input = mount.input(),
                   .selector = mount.selector(),
                   .dest = mount.dest(),
                   .output = mount.output(),
                   .readonly = mount.readonly(),
                   .tmpfs_size = mount.tmpfsopt().size(),
                   .cache_id = mount.cacheopt().id(),
                   .cache_sharing = static_cast<ir::CacheSharing>(mount.cacheopt().sharing()),
                   .credential = std::nullopt,
                   .content_cache = static_cast<ir::ContentCache>(mount.contentcache())};
    if (mount.has_secretopt()) {
      made.credential = Credential(mount.secretopt());
    } else if (mount.has_sshopt()) {
      made.credential = Credential(mount.sshopt());
    }
    if (made.kind == ir::MountKind::kSecret || made.kind == ir::MountKind::kSsh) {
      if (mount.output() != 0) {
        return Unexpected(ErrorCode::kUnimplemented, fmt::format("the secret at `{}` has an output", mount.dest()));
      }
      made.output = -1;
    }
    if (!mount.resultid().empty()) {
      return Unexpected(ErrorCode::kUnimplemented, fmt::format("the mount at `{}` has a result id", mount.dest()));
    }
    return made;
  }

  Result<ir::Value> AddExec(const pb::ExecOp& exec, const ir::NodeOptions& options) {
    const pb::Meta& meta = exec.meta();
    const auto args = Views(meta.args());
    const auto env = Views(meta.env());
    std::vector<ir::ExtraHost> hosts;
    for (const pb::HostIP& host : meta.extrahosts()) {
      hosts.push_back({host.host(), host.ip()});
    }
    std::vector<ir::Ulimit> ulimits;
    for (const pb::Ulimit& ulimit : meta.ulimit()) {
      ulimits.push_back({ulimit.name(), ulimit.soft(), ulimit.hard()});
    }
    const std::vector<std::int32_t> exit_codes(meta.validexitcodes().begin(), meta.validexitcodes().end());
    std::vector<ir::Mount> mounts;
    for (const pb::Mount& mount : exec.mounts()) {
      mounts.push_back(LOAM_TRY(ImportMount(mount)));
    }
    std::vector<ir::SecretEnv> secrets;
    for (const pb::SecretEnv& secret : exec.secretenv()) {
      secrets.push_back({secret.id(), secret.name(), secret.optional()});
    }
    std::vector<ir::Device> devices;
    for (const pb::CDIDevice& device : exec.cdidevices()) {
      devices.push_back({device.name(), device.optional()});
    }
    ir::ExecAttrs made;
    made.args = args;
    made.env = env;
    made.cwd = meta.cwd();
    made.user = meta.user();
    if (meta.has_proxy_env()) {
      made.proxy_env = ir::ProxyEnv{.http_proxy = meta.proxy_env().http_proxy(),
                                    .https_proxy = meta.proxy_env().https_proxy(),
                                    .ftp_proxy = meta.proxy_env().ftp_proxy(),
                                    .no_proxy = meta.proxy_env().no_proxy(),
                                    .all_proxy = meta.proxy_env().all_proxy()};
    }
    made.extra_hosts = hosts;
    made.hostname = meta.hostname();
    made.ulimits = ulimits;
    made.cgroup_parent = meta.cgroupparent();
    made.remove_mount_stubs_recursive = meta.removemountstubsrecursive();
    made.valid_exit_codes = exit_codes;
    made.mounts = mounts;
    made.network = static_cast<ir::Network>(exec.network());
    made.security = static_cast<ir::Security>(exec.security());
    made.secret_env = secrets;
    made.devices = devices;
    return target_.Add<ir::OpKind::kExec>(operands_, made, options);
  }

  static std::optional<ir::User> ImportUser(const pb::UserOpt& user) {
    if (user.user_case() == pb::UserOpt::kByName) {
      return ir::User{.name = user.byname().name(), .input = user.byname().input(), .id = 0};
    }
    return ir::User{.name = {}, .input = -1, .id = user.byid()};
  }

  static std::optional<ir::Owner> ImportOwner(bool present, const pb::ChownOpt& owner) {
    if (!present) {
      return std::nullopt;
    }
    ir::Owner made;
    if (owner.has_user()) {
      made.user = ImportUser(owner.user());
    }
    if (owner.has_group()) {
      made.group = ImportUser(owner.group());
    }
    return made;
  }

  Result<ir::Value> AddFile(const pb::FileOp& file, const ir::NodeOptions& options) {
    std::vector<ir::FileAction> actions;
    // Lists that the actions refer to until the node is made; a deque-like store whose elements stay in place.
    std::vector<std::unique_ptr<std::vector<std::string_view>>> lists;
    const auto keep = [&lists](const google::protobuf::RepeatedPtrField<std::string>& strings) -> ir::Strings {
      return *lists.emplace_back(std::make_unique<std::vector<std::string_view>>(Views(strings)));
    };
    for (const pb::FileAction& action : file.actions()) {
      ir::FileAction& made = actions.emplace_back();
      made.kind = static_cast<ir::FileActionKind>(action.action_case());
      made.input = action.input();
      made.secondary_input = action.secondaryinput();
      made.output = action.output();
      switch (action.action_case()) {
        case pb::FileAction::kCopy: {
          const pb::FileActionCopy& copy = action.copy();
          made.source = copy.src();
          made.path = copy.dest();
          made.owner = ImportOwner(copy.has_owner(), copy.owner());
          made.mode = copy.mode();
          made.mode_text = copy.modestr();
          made.timestamp = copy.timestamp();
          made.allow_wildcard = copy.allowwildcard();
          made.allow_empty_wildcard = copy.allowemptywildcard();
          made.follow_symlink = copy.followsymlink();
          made.dir_copy_contents = copy.dircopycontents();
          made.attempt_unpack = copy.attemptunpackdockercompatibility();
          made.create_dest_path = copy.createdestpath();
          made.always_replace_existing_dest_paths = copy.alwaysreplaceexistingdestpaths();
          made.include_patterns = keep(copy.include_patterns());
          made.exclude_patterns = keep(copy.exclude_patterns());
          made.required_paths = keep(copy.required_paths());
          break;
        }
        case pb::FileAction::kMkfile:
          made.path = action.mkfile().path();
          made.mode = action.mkfile().mode();
          made.data = action.mkfile().data();
          made.owner = ImportOwner(action.mkfile().has_owner(), action.mkfile().owner());
          made.timestamp = action.mkfile().timestamp();
          break;
        case pb::FileAction::kMkdir:
          made.path = action.mkdir().path();
          made.mode = action.mkdir().mode();
          made.make_parents = action.mkdir().makeparents();
          made.owner = ImportOwner(action.mkdir().has_owner(), action.mkdir().owner());
          made.timestamp = action.mkdir().timestamp();
          break;
        case pb::FileAction::kRm:
          made.path = action.rm().path();
          made.allow_not_found = action.rm().allownotfound();
          made.allow_wildcard = action.rm().allowwildcard();
          break;
        case pb::FileAction::kSymlink:
          made.source = action.symlink().oldpath();
          made.path = action.symlink().newpath();
          made.owner = ImportOwner(action.symlink().has_owner(), action.symlink().owner());
          made.timestamp = action.symlink().timestamp();
          break;
        case pb::FileAction::ACTION_NOT_SET:
          break;
      }
    }
    return target_.Add<ir::OpKind::kFile>(operands_, {.actions = actions}, options);
  }

  Result<ir::Value> AddBuild(const pb::BuildOp& build, const ir::NodeOptions& options) {
    std::vector<ir::BuildInput> inputs;
    for (const auto& [name, input] : build.inputs()) {
      inputs.push_back({name, input.input()});
    }
    std::sort(inputs.begin(), inputs.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    const std::vector<ir::KeyValue> attrs = SortedPairs(build.attrs());
    if (build.has_def()) {
      return Unexpected(ErrorCode::kUnimplemented, "a build op with a definition of its own");
    }
    return target_.Add<ir::OpKind::kBuild>(
        operands_, {.builder = build.builder(), .inputs = inputs, .definition = {}, .attrs = attrs}, options);
  }

  void Annotate(const Vertex& vertex, ir::Value value) {
    ir::Metadata made;
    std::vector<ir::KeyValue> description;
    std::vector<std::string_view> extra_caps;
    if (vertex.metadata != nullptr) {
      const pb::OpMetadata& metadata = *vertex.metadata;
      made.ignore_cache = metadata.ignore_cache();
      description = SortedPairs(metadata.description());
      if (metadata.has_export_cache()) {
        made.export_cache = metadata.export_cache().value();
      }
      if (metadata.has_progress_group()) {
        made.progress_group = ir::ProgressGroup{.id = metadata.progress_group().id(),
                                                .name = metadata.progress_group().name(),
                                                .weak = metadata.progress_group().weak()};
      }
      if (metadata.has_linux_resources()) {
        const pb::LinuxResources& limits = metadata.linux_resources();
        made.linux_resources = ir::LinuxResources{.memory = limits.memory(),
                                                  .memory_swap = limits.memoryswap(),
                                                  .cpu_shares = limits.cpushares(),
                                                  .cpu_period = limits.cpuperiod(),
                                                  .cpu_quota = limits.cpuquota(),
                                                  .cpuset_cpus = limits.cpusetcpus(),
                                                  .cpuset_mems = limits.cpusetmems()};
      }
      CapSet implied;
      AddOpCaps(target_.node(value), made.linux_resources.has_value(), implied);
      for (const auto& [cap, needed] : metadata.caps()) {
        if (needed && !implied.Contains(cap)) {
          extra_caps.push_back(cap);
        }
      }
      std::sort(extra_caps.begin(), extra_caps.end());
    }
    std::vector<std::vector<ir::SourceRange>> ranges;
    std::vector<ir::SourceLocation> locations;
    if (with_locations_ && vertex.locations != nullptr) {
      for (const pb::Location& location : vertex.locations->locations()) {
        std::vector<ir::SourceRange>& made_ranges = ranges.emplace_back();
        for (const pb::Range& range : location.ranges()) {
          made_ranges.push_back({.start_line = range.start().line(),
                                 .start_character = range.start().character(),
                                 .end_line = range.end().line(),
                                 .end_character = range.end().character()});
        }
        locations.push_back({.source = location.sourceindex(), .ranges = {}});
      }
      for (std::size_t i = 0; i < locations.size(); ++i) {
        locations[i].ranges = ranges[i];
      }
    }
    made.description = description;
    made.extra_caps = extra_caps;
    made.locations = locations;
    target_.Annotate(value, made);
  }

  const Graph& graph_;
  ir::Graph& target_;
  const bool with_locations_;
  std::vector<ir::Value> values_;  // by vertex
  std::vector<ir::Value> operands_;
};

}  // namespace

Result<ir::Module> ImportModule(const Graph& graph) {
  ir::Module module;
  Importer importer(graph, module.graph, true);
  LOAM_TRY(importer.Sources(module));
  const ir::Value root = LOAM_TRY(importer.Root());
  module.results.emplace_back().fs = root;
  return module;
}

Result<ir::Value> ImportInto(ir::Graph& target, const Graph& graph) {
  return Importer(graph, target, false).Root();
}

Result<ir::Value> ImportInput(ir::Graph& target, std::string_view name, std::string_view definition) {
  if (definition.empty()) {
    return Unexpected(ErrorCode::kUnknown, "invalid nil input definition to definition op");
  }
  const Graph graph = LOAM_TRY_CONTEXT(fmt::format("input `{}`", name), ReadDefinition(definition));
  return ImportInto(target, graph);
}

}  // namespace loam::llb
