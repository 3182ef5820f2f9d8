#include "llb-emit/op_writer.h"

#include "base/check.h"

namespace loam::llb {

namespace {

// Field numbers of pb.Op's oneof (proto/solver/pb/ops.proto); those of smaller messages stand where they are written.
enum OpField : std::uint32_t {
  kExecField = 2,
  kSourceField = 3,
  kFileField = 4,
  kBuildField = 5,
  kMergeField = 6,
  kDiffField = 7,
  kPassthroughField = 8,
};

void WriteSource(WireWriter& out, std::string_view scheme, const ir::SourceAttrs& source) {
  out.JoinedString(1, scheme, source.identifier);
  for (const ir::KeyValue& attr : source.attrs) {
    out.MapEntry(2, attr.key, attr.value);
  }
}

void WriteMeta(WireWriter& out, const ir::ExecAttrs& exec) {
  out.Strings(1, exec.args);
  out.Strings(2, exec.env);
  out.String(3, exec.cwd);
  out.String(4, exec.user);
  if (exec.proxy_env) {
    out.Message(5, [&] {
      out.String(1, exec.proxy_env->http_proxy);
      out.String(2, exec.proxy_env->https_proxy);
      out.String(3, exec.proxy_env->ftp_proxy);
      out.String(4, exec.proxy_env->no_proxy);
      out.String(5, exec.proxy_env->all_proxy);
    });
  }
  for (const ir::ExtraHost& host : exec.extra_hosts) {
    out.Message(6, [&] {
      out.String(1, host.host);
      out.String(2, host.ip);
    });
  }
  out.String(7, exec.hostname);
  for (const ir::Ulimit& ulimit : exec.ulimits) {
    out.Message(9, [&] {
      out.String(1, ulimit.name);
      out.Int(2, ulimit.soft);
      out.Int(3, ulimit.hard);
    });
  }
  out.String(10, exec.cgroup_parent);
  out.Bool(11, exec.remove_mount_stubs_recursive);
  out.PackedInts(12, exec.valid_exit_codes);
}

void WriteCredential(WireWriter& out, std::uint32_t field, const ir::MountCredential& credential) {
  out.Message(field, [&] {
    out.String(1, credential.id);
    out.Int(2, credential.uid);
    out.Int(3, credential.gid);
    out.Int(4, credential.mode);
    out.Bool(5, credential.optional);
  });
}

void WriteMount(WireWriter& out, const ir::Mount& mount) {
  out.Int(1, mount.input);
  out.String(2, mount.selector);
  out.String(3, mount.dest);
  // Secrets and agents have no output; upstream leaves the field out there instead of saying so with -1.
  const bool may_have_output = mount.kind != ir::MountKind::kSecret && mount.kind != ir::MountKind::kSsh;
  out.Int(4, may_have_output ? mount.output : 0);
  out.Bool(5, mount.readonly);
  out.Int(6, static_cast<std::int64_t>(mount.kind));
  switch (mount.kind) {
    case ir::MountKind::kBind:
      break;
    case ir::MountKind::kTmpfs:
      out.Message(19, [&] { out.Int(1, mount.tmpfs_size); });
      break;
    case ir::MountKind::kCache:
      out.Message(20, [&] {
        out.String(1, mount.cache_id);
        out.Int(2, static_cast<std::int64_t>(mount.cache_sharing));
      });
      break;
    case ir::MountKind::kSecret:
      WriteCredential(out, 21, mount.credential.value_or(ir::MountCredential{}));
      break;
    case ir::MountKind::kSsh:
      WriteCredential(out, 22, mount.credential.value_or(ir::MountCredential{}));
      break;
  }
  out.Int(24, static_cast<std::int64_t>(mount.content_cache));
}

void WriteExec(WireWriter& out, const ir::ExecAttrs& exec) {
  out.Message(1, [&] { WriteMeta(out, exec); });
  for (const ir::Mount& mount : exec.mounts) {
    out.Message(2, [&] { WriteMount(out, mount); });
  }
  out.Int(3, static_cast<std::int64_t>(exec.network));
  out.Int(4, static_cast<std::int64_t>(exec.security));
  for (const ir::SecretEnv& secret : exec.secret_env) {
    out.Message(5, [&] {
      out.String(1, secret.id);
      out.String(2, secret.name);
      out.Bool(3, secret.optional);
    });
  }
  for (const ir::Device& device : exec.devices) {
    out.Message(6, [&] {
      out.String(1, device.name);
      out.Bool(2, device.optional);
    });
  }
}

void WriteUser(WireWriter& out, std::uint32_t field, const std::optional<ir::User>& user) {
  if (!user) {
    return;
  }
  out.Message(field, [&] {
    if (user->name.empty()) {
      out.AlwaysInt(2, user->id);
      return;
    }
    out.Message(1, [&] {
      out.String(1, user->name);
      out.Int(2, user->input);
    });
  });
}

void WriteOwner(WireWriter& out, std::uint32_t field, const std::optional<ir::Owner>& owner) {
  if (!owner) {
    return;
  }
  out.Message(field, [&] {
    WriteUser(out, 1, owner->user);
    WriteUser(out, 2, owner->group);
  });
}

void WriteCopy(WireWriter& out, const ir::FileAction& copy) {
  out.String(1, copy.source);
  out.String(2, copy.path);
  WriteOwner(out, 3, copy.owner);
  out.Int(4, copy.mode);
  out.Bool(5, copy.follow_symlink);
  out.Bool(6, copy.dir_copy_contents);
  out.Bool(7, copy.attempt_unpack);
  out.Bool(8, copy.create_dest_path);
  out.Bool(9, copy.allow_wildcard);
  out.Bool(10, copy.allow_empty_wildcard);
  out.Int(11, copy.timestamp);
  out.Strings(12, copy.include_patterns);
  out.Strings(13, copy.exclude_patterns);
  out.Bool(14, copy.always_replace_existing_dest_paths);
  out.String(15, copy.mode_text);
  out.Strings(16, copy.required_paths);
}

void WriteAction(WireWriter& out, const ir::FileAction& action) {
  out.Int(1, action.input);
  out.Int(2, action.secondary_input);
  out.Int(3, action.output);
  out.Message(static_cast<std::uint32_t>(action.kind), [&] {
    switch (action.kind) {
      case ir::FileActionKind::kCopy:
        WriteCopy(out, action);
        break;
      case ir::FileActionKind::kMkfile:
        out.String(1, action.path);
        out.Int(2, action.mode);
        out.Bytes(3, action.data);
        WriteOwner(out, 4, action.owner);
        out.Int(5, action.timestamp);
        break;
      case ir::FileActionKind::kMkdir:
        out.String(1, action.path);
        out.Int(2, action.mode);
        out.Bool(3, action.make_parents);
        WriteOwner(out, 4, action.owner);
        out.Int(5, action.timestamp);
        break;
      case ir::FileActionKind::kRm:
        out.String(1, action.path);
        out.Bool(2, action.allow_not_found);
        out.Bool(3, action.allow_wildcard);
        break;
      case ir::FileActionKind::kSymlink:
        out.String(1, action.source);
        out.String(2, action.path);
        WriteOwner(out, 3, action.owner);
        out.Int(4, action.timestamp);
        break;
    }
  });
}

void WriteBuild(WireWriter& out, const ir::BuildAttrs& build) {
  out.Int(1, build.builder);
  for (const ir::BuildInput& input : build.inputs) {
    out.Message(2, [&] {
      out.AlwaysString(1, input.name);
      out.Message(2, [&] { out.Int(1, input.input); });
    });
  }
  out.Bytes(3, build.definition);
  for (const ir::KeyValue& attr : build.attrs) {
    out.MapEntry(4, attr.key, attr.value);
  }
}

void WritePlatform(WireWriter& out, const ir::Platform& platform) {
  out.String(1, platform.architecture);
  out.String(2, platform.os);
  out.String(3, platform.variant);
  out.String(4, platform.os_version);
  out.Strings(5, platform.os_features);
}

void WriteOneof(WireWriter& out, const ir::Node& node) {
  switch (node.kind()) {
    case ir::OpKind::kSourceImage:
    case ir::OpKind::kSourceImageBlob:
    case ir::OpKind::kSourceOciLayout:
    case ir::OpKind::kSourceOciBlob:
    case ir::OpKind::kSourceLocal:
    case ir::OpKind::kSourceGit:
    case ir::OpKind::kSourceHttp:
      out.Message(kSourceField, [&] { WriteSource(out, SourceScheme(node.kind()), node.As<ir::SourceAttrs>()); });
      return;
    case ir::OpKind::kExec:
      out.Message(kExecField, [&] { WriteExec(out, node.As<ir::ExecAttrs>()); });
      return;
    case ir::OpKind::kFile:
      out.Message(kFileField, [&] {
        for (const ir::FileAction& action : node.As<ir::FileAttrs>().actions) {
          out.Message(2, [&] { WriteAction(out, action); });
        }
      });
      return;
    case ir::OpKind::kMerge:
      out.Message(kMergeField, [&] {
        for (std::size_t i = 0; i < node.operands().size(); ++i) {
          out.Message(1, [&] { out.Int(1, static_cast<std::int64_t>(i)); });
        }
      });
      return;
    case ir::OpKind::kDiff: {
      const auto& diff = node.As<ir::DiffAttrs>();
      out.Message(kDiffField, [&] {
        out.Message(1, [&] { out.Int(1, diff.lower); });
        out.Message(2, [&] { out.Int(1, diff.upper); });
      });
      return;
    }
    case ir::OpKind::kBuild:
      out.Message(kBuildField, [&] { WriteBuild(out, node.As<ir::BuildAttrs>()); });
      return;
    case ir::OpKind::kPassthrough: {
      const auto& passthrough = node.As<ir::PassthroughAttrs>();
      out.Message(kPassthroughField, [&] {
        out.String(1, passthrough.id);
        out.PackedInts(2, passthrough.outputs);
      });
      return;
    }
    case ir::OpKind::kCapture:
    case ir::OpKind::kFileRead:
    case ir::OpKind::kArtifactExtract:
    case ir::OpKind::kArtifactFs:
    case ir::OpKind::kStrConst:
    case ir::OpKind::kStrConcat:
    case ir::OpKind::kIntConst:
    case ir::OpKind::kPlatformConst:
    case ir::OpKind::kImageConst:
      break;
  }
  LOAM_UNREACHABLE("an op without an LLB form");
}

}  // namespace

std::string_view SourceScheme(ir::OpKind kind) {
  switch (kind) {
    case ir::OpKind::kSourceImage:
      return "docker-image://";
    case ir::OpKind::kSourceImageBlob:
      return "docker-image+blob://";
    case ir::OpKind::kSourceOciLayout:
      return "oci-layout://";
    case ir::OpKind::kSourceOciBlob:
      return "oci-layout+blob://";
    case ir::OpKind::kSourceLocal:
      return "local://";
    case ir::OpKind::kSourceGit:
      return "git://";
    case ir::OpKind::kSourceHttp:
    case ir::OpKind::kExec:
    case ir::OpKind::kFile:
    case ir::OpKind::kMerge:
    case ir::OpKind::kDiff:
    case ir::OpKind::kBuild:
    case ir::OpKind::kPassthrough:
    case ir::OpKind::kCapture:
    case ir::OpKind::kFileRead:
    case ir::OpKind::kArtifactExtract:
    case ir::OpKind::kArtifactFs:
    case ir::OpKind::kStrConst:
    case ir::OpKind::kStrConcat:
    case ir::OpKind::kIntConst:
    case ir::OpKind::kPlatformConst:
    case ir::OpKind::kImageConst:
      return "";
  }
  LOAM_UNREACHABLE("op kind outside the table");
}

bool HasLlbForm(ir::OpKind kind) {
  switch (kind) {
    case ir::OpKind::kSourceImage:
    case ir::OpKind::kSourceImageBlob:
    case ir::OpKind::kSourceOciLayout:
    case ir::OpKind::kSourceOciBlob:
    case ir::OpKind::kSourceLocal:
    case ir::OpKind::kSourceGit:
    case ir::OpKind::kSourceHttp:
    case ir::OpKind::kExec:
    case ir::OpKind::kFile:
    case ir::OpKind::kMerge:
    case ir::OpKind::kDiff:
    case ir::OpKind::kBuild:
    case ir::OpKind::kPassthrough:
      return true;
    case ir::OpKind::kCapture:
    case ir::OpKind::kFileRead:
    case ir::OpKind::kArtifactExtract:
    case ir::OpKind::kArtifactFs:
    case ir::OpKind::kStrConst:
    case ir::OpKind::kStrConcat:
    case ir::OpKind::kIntConst:
    case ir::OpKind::kPlatformConst:
    case ir::OpKind::kImageConst:
      return false;
  }
  LOAM_UNREACHABLE("op kind outside the table");
}

void WriteOp(WireWriter& out, const ir::Node& node, std::span<const OpInput> inputs) {
  for (const OpInput& input : inputs) {
    out.Message(1, [&] {
      out.Raw(1, input.digest);
      out.Int(2, input.index);
    });
  }
  if (node.platform() != nullptr) {
    out.Message(10, [&] { WritePlatform(out, *node.platform()); });
  }
  out.Message(11, [&] { out.Strings(1, node.worker_constraints()); });
  WriteOneof(out, node);
}

}  // namespace loam::llb
