#include "llb-emit/metadata_writer.h"

namespace loam::llb {

namespace {

void WriteMetadata(WireWriter& out, const ir::Metadata& metadata, const CapSet& caps) {
  out.Bool(1, metadata.ignore_cache);
  for (const ir::KeyValue& entry : metadata.description) {
    out.MapEntry(2, entry.key, entry.value);
  }
  if (metadata.export_cache) {
    out.Message(4, [&] { out.Bool(1, *metadata.export_cache); });
  }
  for (const std::string_view cap : caps) {
    out.Message(5, [&] {
      out.AlwaysString(1, cap);
      out.AlwaysInt(2, 1);
    });
  }
  if (metadata.progress_group) {
    out.Message(6, [&] {
      out.String(1, metadata.progress_group->id);
      out.String(2, metadata.progress_group->name);
      out.Bool(3, metadata.progress_group->weak);
    });
  }
  if (metadata.linux_resources) {
    const ir::LinuxResources& limits = *metadata.linux_resources;
    out.Message(7, [&] {
      out.Int(1, limits.memory);
      out.Int(2, limits.memory_swap);
      out.Int(3, static_cast<std::int64_t>(limits.cpu_shares));
      out.Int(4, static_cast<std::int64_t>(limits.cpu_period));
      out.Int(5, limits.cpu_quota);
      out.String(6, limits.cpuset_cpus);
      out.String(7, limits.cpuset_mems);
    });
  }
}

void WritePosition(WireWriter& out, std::uint32_t field, std::int32_t line, std::int32_t character) {
  out.Message(field, [&] {
    out.Int(1, line);
    out.Int(2, character);
  });
}

}  // namespace

void WriteMetadataEntry(WireWriter& out, std::string_view digest, const ir::Metadata& metadata, const CapSet& caps) {
  out.Message(2, [&] {
    out.Raw(1, digest);
    out.Message(2, [&] { WriteMetadata(out, metadata, caps); });
  });
}

void WriteLocationsEntry(WireWriter& out, std::string_view digest, std::span<const ir::SourceLocation> locations,
                         std::span<const std::int32_t> source_index) {
  out.Message(1, [&] {
    out.Raw(1, digest);
    out.Message(2, [&] {
      for (const ir::SourceLocation& location : locations) {
        out.Message(1, [&] {
          out.Int(1, source_index[static_cast<std::size_t>(location.source)]);
          for (const ir::SourceRange& range : location.ranges) {
            out.Message(2, [&] {
              WritePosition(out, 1, range.start_line, range.start_character);
              WritePosition(out, 2, range.end_line, range.end_character);
            });
          }
        });
      }
    });
  });
}

}  // namespace loam::llb
