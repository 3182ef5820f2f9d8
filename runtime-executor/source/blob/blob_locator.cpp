#include "runtime-executor/source/blob/blob_locator.h"

#include <limits>

#include <fmt/format.h>

namespace loam::source {

Result<BlobLocator> ParseBlobLocator(std::string_view locator, const std::string& store_id) {
  const std::size_t separator = locator.find("://");
  const std::string_view scheme = locator.substr(0, separator);
  if (separator == std::string_view::npos || (scheme != kImageBlobScheme && scheme != kLayoutBlobScheme)) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("`{}` names no blob ({}:// or {}://)", locator, kImageBlobScheme, kLayoutBlobScheme));
  }
  BlobLocator blob;
  blob.layout = scheme == kLayoutBlobScheme;
  blob.reference = LOAM_TRY(ParseImageReference(locator.substr(separator + 3)));
  if (blob.reference.digest.empty() || !blob.reference.tag.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("`{}` must name a blob by its digest, without a tag", locator));
  }
  blob.digest = LOAM_TRY_CONTEXT(fmt::format("`{}`", locator), Digest::Parse(blob.reference.digest));
  blob.store_id = store_id.empty() ? blob.reference.Name() : store_id;
  return blob;
}

Result<> CopyLayoutBlob(session::OciLayouts& layouts, const std::string& store_id, const std::string& name,
                        const content::Descriptor& blob, std::uint64_t limit, content::ContentStore& store,
                        const registry::TransferProgress& progress, std::stop_token stop) {
  if (store.Contains(blob.digest)) {
    return {};
  }
  const std::string context = fmt::format("OCI layout `{}`, blob {}", name, blob.digest.ToString());
  const UniqueFd fd = LOAM_TRY_CONTEXT(context, layouts.OpenBlob(store_id, blob.digest, stop));
  content::FdSource source(fd.get(), context);
  auto ingest = LOAM_TRY(store.StartIngest());
  std::string buffer(1U << 20U, '\0');
  for (;;) {
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    const std::size_t got = LOAM_TRY(source.Read(buffer));
    if (got == 0) {
      break;
    }
    if (ingest.offset() + got > limit) {
      return Unexpected(ErrorCode::kDataLoss, fmt::format("{}: it is longer than {} bytes", context, limit));
    }
    LOAM_TRY(ingest.Write(std::string_view(buffer).substr(0, got)));
    if (progress) {
      progress(blob, ingest.offset(), blob.size);
    }
  }
  LOAM_TRY_CONTEXT(context, ingest.Commit(blob.digest));
  return {};
}

Result<> FetchBlob(registry::RegistryClient& registry, const BlobLocator& locator, SourceContext& context,
                   content::ContentStore& store) {
  content::Descriptor blob;
  blob.digest = locator.digest;
  const std::string name = locator.reference.Familiar();
  if (locator.layout) {
    return CopyLayoutBlob(*context.client->oci_layouts(), locator.store_id, name, blob,
                          std::numeric_limits<std::uint64_t>::max(), store, {}, context.stop);
  }
  const registry::Access access{context.client->registry_auth(), false};
  blob =
      LOAM_TRY_CONTEXT("`" + name + "`", registry.ResolveBlob(locator.reference, locator.digest, access, context.stop));
  LOAM_TRY_CONTEXT("`" + name + "`", registry.FetchBlob(locator.reference, blob, store, access, {}, context.stop));
  return {};
}

}  // namespace loam::source
