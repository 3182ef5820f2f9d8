// Job::ResolveSourceMeta: facts of a source, before it is used.
#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/file_system.h"
#include "base/image_reference.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "llb-emit/image_source.h"
#include "proto/frontend/gateway/pb/gateway.pb.h"
#include "runtime-executor/engine/job_state.h"
#include "runtime-executor/engine/source_policy.h"
#include "runtime-executor/source/image/attestation_chain.h"

namespace loam::engine {

namespace gateway_api = moby::buildkit::v1::frontend;

Result<> JobState::ResolveSourceMeta(const gateway_api::ResolveSourceMetaRequest& request,
                                     gateway_api::ResolveSourceMetaResponse& response, bool ask_client,
                                     std::stop_token stop) {
  if (!request.has_source()) {
    return Unexpected(ErrorCode::kInvalidArgument, "source is required");
  }
  pb::Op op;
  *op.mutable_source() = request.source();
  if (request.has_platform()) {
    *op.mutable_platform() = request.platform();
  }
  std::vector<std::string> rules;
  for (const auto& policy : request.sourcepolicies()) {
    rules.push_back(policy.SerializeAsString());
  }
  LOAM_TRY_CONTEXT("could not resolve image due to policy", ApplyPolicy(op, rules, !ask_client, stop));
  *response.mutable_source() = op.source();
  const std::string& identifier = op.source().identifier();
  const std::string log_name = request.logname().empty() ? "resolve image config for " + identifier : request.logname();
  const auto attribute = [&op](const char* name) {
    const auto found = op.source().attrs().find(name);
    return found == op.source().attrs().end() ? std::string() : found->second;
  };

  constexpr std::string_view kImage = "docker-image://";
  constexpr std::string_view kLayout = "oci-layout://";
  if (identifier.starts_with(kImage) || identifier.starts_with(kLayout)) {
    ImageRequest image;
    const bool layout = identifier.starts_with(kLayout);
    image.ref = identifier.substr(layout ? kLayout.size() : kImage.size());
    image.platform = llb::PlatformOf(request.platform());
    image.resolve_mode = request.resolvemode().empty() ? attribute("image.resolvemode") : request.resolvemode();
    image.log_name = log_name;
    if (layout) {
      image.oci_store_id = attribute("oci.store");
      if (image.oci_store_id.empty()) {
        image.oci_store_id = image.ref.substr(0, image.ref.find_first_of(":@"));
      }
    }
    const ResolvedImage resolved = LOAM_TRY(ResolveImageAsItIs(image, stop));
    response.mutable_image()->set_digest(resolved.digest);
    if (!request.image().noconfig()) {
      response.mutable_image()->set_config(resolved.config);
    }
    const bool chain = request.image().attestationchain() || !request.image().resolveattestations().empty();
    return chain && !layout ? AddAttestationChain(image, resolved.digest, request, response, stop) : Result<>();
  }
  source::SourceRequest source;
  source.identifier = identifier;
  source.attributes.insert(op.source().attrs().begin(), op.source().attrs().end());
  source.platform = llb::PlatformOf(request.platform());
  const auto instance = LOAM_TRY(engine_->sources.Open(source));
  return Step(log_name, [&](solver::ProgressWriter& progress) -> Result<> {
    source::SourceContext surroundings = Surroundings(progress, stop);
    source::SourceMetaRequest wanted;
    wanted.git_objects = request.git().returnobject();
    const source::SourceMeta meta = LOAM_TRY(instance->Meta(surroundings, wanted));
    if (meta.git) {
      auto& git = *response.mutable_git();
      git.set_checksum(meta.git->checksum);
      git.set_ref(meta.git->ref);
      git.set_commitchecksum(meta.git->commit_checksum);
      git.set_commitobject(meta.git->commit_object);
      git.set_tagobject(meta.git->tag_object);
    }
    if (meta.http) {
      auto& http = *response.mutable_http();
      http.set_checksum(meta.http->checksum);
      http.set_filename(meta.http->file_name);
      if (meta.http->last_modified) {
        http.mutable_lastmodified()->set_seconds(*meta.http->last_modified);
      }
      if (request.http().has_checksumrequest()) {
        const auto& checksum = request.http().checksumrequest();
        auto& answer = *http.mutable_checksumresponse();
        answer.set_digest(LOAM_TRY(ChecksumOf(*instance, surroundings, meta.http->file_name, checksum)));
        answer.set_suffix(checksum.suffix());
      }
    }
    return {};
  });
}

Result<> JobState::AddAttestationChain(const ImageRequest& image, const std::string& digest,
                                       const gateway_api::ResolveSourceMetaRequest& request,
                                       gateway_api::ResolveSourceMetaResponse& response, std::stop_token stop) {
  ImageReference reference = LOAM_TRY(ParseImageReference(image.ref));
  reference.digest = digest;
  const source::ImageProviderPtr provider = LOAM_TRY(
      source::ChooseProvider(engine_->ImageOptions(), reference, LOAM_TRY(source::ParseResolveMode(image.resolve_mode)),
                             options_.client->registry_auth()));
  const auto chain = LOAM_TRY(source::ReadAttestationChain(
      *provider, *engine_->content, image.platform.value_or(HostPlatform()),
      {request.image().resolveattestations().begin(), request.image().resolveattestations().end()}, std::move(stop)));
  if (!chain) {
    return {};
  }
  auto& wire = *response.mutable_image()->mutable_attestationchain();
  wire.set_root(chain->root.ToString());
  wire.set_imagemanifest(chain->image_manifest.ToString());
  if (!chain->attestation_manifest.empty()) {
    wire.set_attestationmanifest(chain->attestation_manifest.ToString());
  }
  for (const Digest& signature : chain->signature_manifests) {
    wire.add_signaturemanifests(signature.ToString());
  }
  for (const auto& [blob_digest, blob] : chain->blobs) {
    auto& entry = (*wire.mutable_blobs())[blob_digest.ToString()];
    entry.set_data(blob.data);
    auto& descriptor = *entry.mutable_descriptor();
    descriptor.set_media_type(blob.descriptor.media_type);
    descriptor.set_digest(blob_digest.ToString());
    descriptor.set_size(static_cast<std::int64_t>(blob.descriptor.size));
    descriptor.mutable_annotations()->insert(blob.descriptor.annotations.begin(), blob.descriptor.annotations.end());
  }
  return {};
}

// The digest of a downloaded file with bytes put behind it, by an algorithm of the caller's choice.
Result<std::string> JobState::ChecksumOf(source::SourceInstance& instance, source::SourceContext& surroundings,
                                         const std::string& file_name, const gateway_api::ChecksumRequest& request) {
  const EVP_MD* algorithm = nullptr;
  std::string name;
  switch (request.algo()) {
    case gateway_api::ChecksumRequest::CHECKSUM_ALGO_SHA256:
      algorithm = EVP_sha256();
      name = "sha256";
      break;
    case gateway_api::ChecksumRequest::CHECKSUM_ALGO_SHA384:
      algorithm = EVP_sha384();
      name = "sha384";
      break;
    case gateway_api::ChecksumRequest::CHECKSUM_ALGO_SHA512:
      algorithm = EVP_sha512();
      name = "sha512";
      break;
    default:  // protobuf's own enum
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("unsupported checksum algorithm {}", static_cast<int>(request.algo())));
  }
  const snapshot::FsRef fs = LOAM_TRY(instance.Fetch(surroundings));
  const snapshot::MountedFs mounted = LOAM_TRY(Mount(fs, surroundings.stop));
  const UniqueFd file = LOAM_TRY(OpenInRoot(mounted.fd(), file_name, O_RDONLY));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), algorithm, nullptr);
  std::string buffer(std::size_t{64} << 10, '\0');
  while (true) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got < 0) {
      return UnexpectedErrno("read " + file_name);
    }
    if (got == 0) {
      break;
    }
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(got));
  }
  EVP_DigestUpdate(context.get(), request.suffix().data(), request.suffix().size());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(context.get(), digest, &size);
  std::string text = name + ":";
  for (unsigned int i = 0; i < size; ++i) {
    text += fmt::format("{:02x}", digest[i]);
  }
  return text;
}

}  // namespace loam::engine
