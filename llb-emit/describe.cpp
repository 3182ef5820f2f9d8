#include "llb-emit/describe.h"

#include <algorithm>
#include <vector>

namespace loam::llb {

namespace {

using Shape = FieldSink::Shape;

// Helpers that leave out default values.
class Fields {
 public:
  explicit Fields(FieldSink& sink) : sink_(sink) {}

  void Int(std::string_view name, std::int64_t value) {
    if (value != 0) {
      sink_.Number(name, value);
    }
  }
  void Uint(std::string_view name, std::uint64_t value) {
    if (value != 0) {
      sink_.Unsigned(name, value);
    }
  }
  void Bool(std::string_view name, bool value) {
    if (value) {
      sink_.Boolean(name, value);
    }
  }
  void Text(std::string_view name, std::string_view value) {
    if (!value.empty()) {
      sink_.Text(name, value);
    }
  }
  void Bytes(std::string_view name, std::string_view value) {
    if (!value.empty()) {
      sink_.Bytes(name, value);
    }
  }
  template <class Body>
  void Object(std::string_view name, Body&& body) {
    sink_.Open(name, Shape::kObject);
    body();
    sink_.Close(Shape::kObject);
  }
  template <class Message, class Body>
  void ObjectIf(bool present, std::string_view name, const Message& message, Body&& body) {
    if (present) {
      Object(name, [&] { body(message); });
    }
  }
  template <class List, class Body>
  void Objects(std::string_view name, const List& list, Body&& body) {
    if (list.empty()) {
      return;
    }
    sink_.Open(name, Shape::kList);
    for (const auto& item : list) {
      Object("", [&] { body(item); });
    }
    sink_.Close(Shape::kList);
  }
  template <class List>
  void Texts(std::string_view name, const List& list) {
    if (list.empty()) {
      return;
    }
    sink_.Open(name, Shape::kList);
    for (const auto& item : list) {
      sink_.Text("", item);
    }
    sink_.Close(Shape::kList);
  }
  template <class List>
  void Ints(std::string_view name, const List& list) {
    if (list.empty()) {
      return;
    }
    sink_.Open(name, Shape::kList);
    for (const auto item : list) {
      sink_.Number("", item);
    }
    sink_.Close(Shape::kList);
  }
  // Sorted by key; body(key, value) writes one value under the name `key`.
  template <class Map, class Body>
  void MapOf(std::string_view name, const Map& map, Body&& body) {
    if (map.empty()) {
      return;
    }
    std::vector<const typename Map::value_type*> entries;
    for (const auto& entry : map) {
      entries.push_back(&entry);
    }
    std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    sink_.Open(name, Shape::kMap);
    for (const auto* entry : entries) {
      body(entry->first, entry->second);
    }
    sink_.Close(Shape::kMap);
  }
  template <class Map>
  void TextMap(std::string_view name, const Map& map) {
    MapOf(name, map, [this](const std::string& key, const std::string& value) { sink_.Text(key, value); });
  }

  void Exec(const pb::ExecOp& exec);
  void Mount(const pb::Mount& mount);
  void File(const pb::FileOp& file);
  void Action(const pb::FileAction& action);
  void Owner(bool present, const pb::ChownOpt& owner);
  void User(bool present, std::string_view name, const pb::UserOpt& user);
  void Copy(const pb::FileActionCopy& copy);
  void Build(const pb::BuildOp& build);
  void Definition(const pb::Definition& definition);
  void Source(const pb::Source& source);
  void Metadata(const pb::OpMetadata& metadata);
  void Op(const pb::Op& op);

 private:
  FieldSink& sink_;
};

void Fields::Exec(const pb::ExecOp& exec) {
  ObjectIf(exec.has_meta(), "meta", exec.meta(), [this](const pb::Meta& meta) {
    Texts("args", meta.args());
    Texts("env", meta.env());
    Text("cwd", meta.cwd());
    Text("user", meta.user());
    ObjectIf(meta.has_proxy_env(), "proxy_env", meta.proxy_env(), [this](const pb::ProxyEnv& proxy) {
      Text("http_proxy", proxy.http_proxy());
      Text("https_proxy", proxy.https_proxy());
      Text("ftp_proxy", proxy.ftp_proxy());
      Text("no_proxy", proxy.no_proxy());
      Text("all_proxy", proxy.all_proxy());
    });
    Objects("extraHosts", meta.extrahosts(), [this](const pb::HostIP& host) {
      Text("Host", host.host());
      Text("IP", host.ip());
    });
    Text("hostname", meta.hostname());
    Objects("ulimit", meta.ulimit(), [this](const pb::Ulimit& ulimit) {
      Text("Name", ulimit.name());
      Int("Soft", ulimit.soft());
      Int("Hard", ulimit.hard());
    });
    Text("cgroupParent", meta.cgroupparent());
    Bool("removeMountStubsRecursive", meta.removemountstubsrecursive());
    Ints("validExitCodes", meta.validexitcodes());
  });
  Objects("mounts", exec.mounts(), [this](const pb::Mount& mount) { Mount(mount); });
  Int("network", exec.network());
  Int("security", exec.security());
  Objects("secretenv", exec.secretenv(), [this](const pb::SecretEnv& secret) {
    Text("ID", secret.id());
    Text("name", secret.name());
    Bool("optional", secret.optional());
  });
  Objects("cdiDevices", exec.cdidevices(), [this](const pb::CDIDevice& device) {
    Text("name", device.name());
    Bool("optional", device.optional());
  });
}

void Fields::Mount(const pb::Mount& mount) {
  const auto credential = [this](const auto& opt) {
    Text("ID", opt.id());
    Uint("uid", opt.uid());
    Uint("gid", opt.gid());
    Uint("mode", opt.mode());
    Bool("optional", opt.optional());
  };
  Int("input", mount.input());
  Text("selector", mount.selector());
  Text("dest", mount.dest());
  Int("output", mount.output());
  Bool("readonly", mount.readonly());
  Int("mountType", mount.mounttype());
  ObjectIf(mount.has_tmpfsopt(), "TmpfsOpt", mount.tmpfsopt(),
           [this](const pb::TmpfsOpt& opt) { Int("size", opt.size()); });
  ObjectIf(mount.has_cacheopt(), "cacheOpt", mount.cacheopt(), [this](const pb::CacheOpt& opt) {
    Text("ID", opt.id());
    Int("sharing", opt.sharing());
  });
  ObjectIf(mount.has_secretopt(), "secretOpt", mount.secretopt(), credential);
  ObjectIf(mount.has_sshopt(), "SSHOpt", mount.sshopt(), credential);
  Text("resultID", mount.resultid());
  Int("contentCache", mount.contentcache());
}

void Fields::User(bool present, std::string_view name, const pb::UserOpt& user) {
  ObjectIf(present, name, user, [this](const pb::UserOpt& opt) {
    Object("User", [&] {
      ObjectIf(opt.user_case() == pb::UserOpt::kByName, "byName", opt.byname(), [this](const pb::NamedUserOpt& named) {
        Text("name", named.name());
        Int("input", named.input());
      });
      if (opt.user_case() == pb::UserOpt::kByID) {
        Uint("byId", opt.byid());
      }
    });
  });
}

void Fields::Owner(bool present, const pb::ChownOpt& owner) {
  ObjectIf(present, "owner", owner, [this](const pb::ChownOpt& opt) {
    User(opt.has_user(), "user", opt.user());
    User(opt.has_group(), "group", opt.group());
  });
}

void Fields::Copy(const pb::FileActionCopy& copy) {
  Text("src", copy.src());
  Text("dest", copy.dest());
  Owner(copy.has_owner(), copy.owner());
  Int("mode", copy.mode());
  Bool("followSymlink", copy.followsymlink());
  Bool("dirCopyContents", copy.dircopycontents());
  Bool("attemptUnpackDockerCompatibility", copy.attemptunpackdockercompatibility());
  Bool("createDestPath", copy.createdestpath());
  Bool("allowWildcard", copy.allowwildcard());
  Bool("allowEmptyWildcard", copy.allowemptywildcard());
  Int("timestamp", copy.timestamp());
  Texts("include_patterns", copy.include_patterns());
  Texts("exclude_patterns", copy.exclude_patterns());
  Bool("alwaysReplaceExistingDestPaths", copy.alwaysreplaceexistingdestpaths());
  Text("modeStr", copy.modestr());
  Texts("required_paths", copy.required_paths());
}

void Fields::Action(const pb::FileAction& action) {
  sink_.Number("input", action.input());
  sink_.Number("secondaryInput", action.secondaryinput());
  sink_.Number("output", action.output());
  Object("Action", [&] {
    ObjectIf(action.has_copy(), "copy", action.copy(), [this](const pb::FileActionCopy& copy) { Copy(copy); });
    ObjectIf(action.has_mkfile(), "mkfile", action.mkfile(), [this](const pb::FileActionMkFile& mkfile) {
      Text("path", mkfile.path());
      Int("mode", mkfile.mode());
      Bytes("data", mkfile.data());
      Owner(mkfile.has_owner(), mkfile.owner());
      Int("timestamp", mkfile.timestamp());
    });
    ObjectIf(action.has_mkdir(), "mkdir", action.mkdir(), [this](const pb::FileActionMkDir& mkdir) {
      Text("path", mkdir.path());
      Int("mode", mkdir.mode());
      Bool("makeParents", mkdir.makeparents());
      Owner(mkdir.has_owner(), mkdir.owner());
      Int("timestamp", mkdir.timestamp());
    });
    ObjectIf(action.has_rm(), "rm", action.rm(), [this](const pb::FileActionRm& rm) {
      Text("path", rm.path());
      Bool("allowNotFound", rm.allownotfound());
      Bool("allowWildcard", rm.allowwildcard());
    });
    ObjectIf(action.has_symlink(), "symlink", action.symlink(), [this](const pb::FileActionSymlink& symlink) {
      Text("oldpath", symlink.oldpath());
      Text("newpath", symlink.newpath());
      Owner(symlink.has_owner(), symlink.owner());
      Int("timestamp", symlink.timestamp());
    });
  });
}

void Fields::File(const pb::FileOp& file) {
  Objects("actions", file.actions(), [this](const pb::FileAction& action) { Action(action); });
}

void Fields::Source(const pb::Source& source) {
  MapOf("locations", source.locations(), [this](const std::string& digest, const pb::Locations& locations) {
    Object(digest, [&] {
      Objects("locations", locations.locations(), [this](const pb::Location& location) {
        Int("sourceIndex", location.sourceindex());
        Objects("ranges", location.ranges(), [this](const pb::Range& range) {
          const auto position = [this](const pb::Position& at) {
            Int("line", at.line());
            Int("character", at.character());
          };
          ObjectIf(range.has_start(), "start", range.start(), position);
          ObjectIf(range.has_end(), "end", range.end(), position);
        });
      });
    });
  });
  Objects("infos", source.infos(), [this](const pb::SourceInfo& info) {
    Text("filename", info.filename());
    Bytes("data", info.data());
    ObjectIf(info.has_definition(), "definition", info.definition(),
             [this](const pb::Definition& definition) { Definition(definition); });
    Text("language", info.language());
  });
}

void Fields::Definition(const pb::Definition& definition) {
  if (!definition.def().empty()) {
    sink_.Open("def", Shape::kList);
    for (const std::string& op : definition.def()) {
      sink_.Bytes("", op);
    }
    sink_.Close(Shape::kList);
  }
  MapOf("metadata", definition.metadata(), [this](const std::string& digest, const pb::OpMetadata& metadata) {
    Object(digest, [&] { Metadata(metadata); });
  });
  ObjectIf(definition.has_source(), "Source", definition.source(),
           [this](const pb::Source& source) { Source(source); });
}

void Fields::Build(const pb::BuildOp& build) {
  Int("builder", build.builder());
  MapOf("inputs", build.inputs(), [this](const std::string& name, const pb::BuildInput& input) {
    Object(name, [&] { Int("input", input.input()); });
  });
  ObjectIf(build.has_def(), "def", build.def(), [this](const pb::Definition& definition) { Definition(definition); });
  TextMap("attrs", build.attrs());
}

void Fields::Op(const pb::Op& op) {
  Objects("inputs", op.inputs(), [this](const pb::Input& input) {
    Text("digest", input.digest());
    Int("index", input.index());
  });
  Object("Op", [&] {
    ObjectIf(op.has_exec(), "exec", op.exec(), [this](const pb::ExecOp& exec) { Exec(exec); });
    ObjectIf(op.has_source(), "source", op.source(), [this](const pb::SourceOp& source) {
      Text("identifier", source.identifier());
      TextMap("attrs", source.attrs());
    });
    ObjectIf(op.has_file(), "file", op.file(), [this](const pb::FileOp& file) { File(file); });
    ObjectIf(op.has_build(), "build", op.build(), [this](const pb::BuildOp& build) { Build(build); });
    ObjectIf(op.has_merge(), "merge", op.merge(), [this](const pb::MergeOp& merge) {
      Objects("inputs", merge.inputs(), [this](const pb::MergeInput& input) { Int("input", input.input()); });
    });
    ObjectIf(op.has_diff(), "diff", op.diff(), [this](const pb::DiffOp& diff) {
      ObjectIf(diff.has_lower(), "lower", diff.lower(), [this](const auto& side) { Int("input", side.input()); });
      ObjectIf(diff.has_upper(), "upper", diff.upper(), [this](const auto& side) { Int("input", side.input()); });
    });
    ObjectIf(op.has_passthrough(), "passthrough", op.passthrough(), [this](const pb::PassthroughOp& passthrough) {
      Text("id", passthrough.id());
      Ints("outputs", passthrough.outputs());
    });
  });
  ObjectIf(op.has_platform(), "platform", op.platform(), [this](const pb::Platform& platform) {
    Text("Architecture", platform.architecture());
    Text("OS", platform.os());
    Text("Variant", platform.variant());
    Text("OSVersion", platform.osversion());
    Texts("OSFeatures", platform.osfeatures());
  });
  ObjectIf(op.has_constraints(), "constraints", op.constraints(),
           [this](const pb::WorkerConstraints& constraints) { Texts("filter", constraints.filter()); });
}

void Fields::Metadata(const pb::OpMetadata& metadata) {
  Bool("ignore_cache", metadata.ignore_cache());
  TextMap("description", metadata.description());
  ObjectIf(metadata.has_export_cache(), "export_cache", metadata.export_cache(),
           [this](const pb::ExportCache& cache) { Bool("Value", cache.value()); });
  MapOf("caps", metadata.caps(), [this](const std::string& cap, bool needed) { sink_.Boolean(cap, needed); });
  ObjectIf(metadata.has_progress_group(), "progress_group", metadata.progress_group(),
           [this](const pb::ProgressGroup& group) {
             Text("id", group.id());
             Text("name", group.name());
             Bool("weak", group.weak());
           });
  ObjectIf(metadata.has_linux_resources(), "linux_resources", metadata.linux_resources(),
           [this](const pb::LinuxResources& limits) {
             Int("memory", limits.memory());
             Int("memorySwap", limits.memoryswap());
             Uint("cpuShares", limits.cpushares());
             Uint("cpuPeriod", limits.cpuperiod());
             Int("cpuQuota", limits.cpuquota());
             Text("cpusetCpus", limits.cpusetcpus());
             Text("cpusetMems", limits.cpusetmems());
           });
}

}  // namespace

void DescribeOp(const pb::Op& op, FieldSink& sink) {
  Fields(sink).Op(op);
}
void DescribeDefinition(const pb::Definition& definition, FieldSink& sink) {
  Fields(sink).Definition(definition);
}
void DescribeMetadata(const pb::OpMetadata& metadata, FieldSink& sink) {
  Fields(sink).Metadata(metadata);
}

}  // namespace loam::llb
