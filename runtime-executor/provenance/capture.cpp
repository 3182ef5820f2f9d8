#include "runtime-executor/provenance/capture.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>

#include "base/image_reference.h"
#include "base/redact_urls.h"
#include "base/strings.h"

namespace loam::provenance {
namespace {

constexpr std::string_view kDefaultAgent = "default";

std::string AttributeOf(const pb::SourceOp& op, const std::string& name) {
  const auto found = op.attrs().find(name);
  return found == op.attrs().end() ? std::string() : found->second;
}

void AddCredential(std::vector<Credential>& list, Credential credential) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const Credential& other) { return other.id == credential.id; });
  if (found == list.end()) {
    list.push_back(std::move(credential));
  } else {
    found->optional = found->optional && credential.optional;
  }
}

bool SamePlatform(const std::optional<Platform>& a, const std::optional<Platform>& b) {
  return a.has_value() == b.has_value() && (!a || (a->os == b->os && a->architecture == b->architecture &&
                                                   a->variant == b->variant && a->os_version == b->os_version));
}

std::optional<Platform> PlatformOf(const pb::Op& op) {
  if (!op.has_platform()) {
    return std::nullopt;
  }
  const pb::Platform& platform = op.platform();
  return Platform{platform.os(), platform.architecture(), platform.variant(), platform.osversion(), {}};
}

// The URL of a repository with its ref, as the identifier has it, without a directory in it.
std::string GitUrl(const pb::SourceOp& op, std::string_view rest) {
  const auto parts = SplitOnce(rest, '#');
  std::string url = AttributeOf(op, "git.fullurl");
  if (url.empty()) {
    url = "https://" + std::string(parts ? parts->first : rest);
  }
  const std::string ref(parts ? parts->second.substr(0, parts->second.find(':')) : "");
  return RedactUrls(ref.empty() ? url : url + "#" + ref);
}

struct NamedReference {
  std::string name_and_tag;
  bool by_digest = false;
};

NamedReference Named(const std::string& text) {
  Result<ImageReference> reference = ParseImageReference(text);
  if (!reference) {
    return {text, false};
  }
  NamedReference named;
  named.by_digest = !reference->digest.empty();
  reference->digest.clear();
  named.name_and_tag = reference->WithDefaultTag().ToString();
  return named;
}

}  // namespace

void Capture::AddImage(ImageMaterial image) {
  const auto same = [&](const ImageMaterial& other) {
    return other.reference == image.reference && other.local == image.local &&
           SamePlatform(other.platform, image.platform);
  };
  if (std::none_of(images.begin(), images.end(), same)) {
    images.push_back(std::move(image));
  }
}

void Capture::AddHttp(HttpMaterial file) {
  if (std::none_of(http.begin(), http.end(), [&](const HttpMaterial& other) { return other.url == file.url; })) {
    http.push_back(std::move(file));
  }
}

void Capture::AddLocal(const std::string& name) {
  if (std::find(locals.begin(), locals.end(), name) == locals.end()) {
    locals.push_back(name);
  }
}

Result<> Capture::AddOp(const pb::Op& op, const std::string& pin) {
  if (op.has_build()) {
    incomplete_materials = true;
  }
  if (op.has_exec()) {
    for (const pb::Mount& mount : op.exec().mounts()) {
      if (mount.mounttype() == pb::SECRET) {
        AddCredential(secrets, {mount.secretopt().id(), mount.secretopt().optional()});
      } else if (mount.mounttype() == pb::SSH) {
        const std::string& id = mount.sshopt().id();
        AddCredential(ssh, {id.empty() ? std::string(kDefaultAgent) : id, mount.sshopt().optional()});
      }
    }
    for (const pb::SecretEnv& secret : op.exec().secretenv()) {
      AddCredential(secrets, {secret.id(), secret.optional()});
    }
    network_access = network_access || op.exec().network() != pb::NONE;
  }
  if (!op.has_source()) {
    return {};
  }
  const pb::SourceOp& source = op.source();
  const auto parts = source.identifier().find("://");
  if (parts == std::string::npos) {
    return Unexpected(ErrorCode::kInvalidArgument, "invalid source " + source.identifier());
  }
  const std::string scheme = source.identifier().substr(0, parts);
  const std::string rest = source.identifier().substr(parts + 3);
  if (scheme == "docker-image" || scheme == "oci-layout") {
    AddImage({rest, PlatformOf(op), pin, scheme == "oci-layout"});
  } else if (scheme == "git") {
    const std::string url = GitUrl(source, rest);
    const std::string bundle = AttributeOf(source, "git.bundle");
    if (std::none_of(git.begin(), git.end(),
                     [&](const GitMaterial& other) { return other.url == url && other.bundle == bundle; })) {
      git.push_back({url, pin, bundle});
    }
    for (const char* attribute : {"git.authtokensecret", "git.authheadersecret"}) {
      if (const std::string id = AttributeOf(source, attribute); !id.empty()) {
        AddCredential(secrets, {id, true});
      }
    }
    if (const std::string id = AttributeOf(source, "git.mountsshsock"); !id.empty()) {
      AddCredential(ssh, {id, true});
    }
  } else if (scheme == "docker-image+blob" || scheme == "oci-layout+blob") {
    const bool local = scheme == "oci-layout+blob";
    if (std::none_of(blobs.begin(), blobs.end(),
                     [&](const BlobMaterial& other) { return other.reference == rest && other.local == local; })) {
      blobs.push_back({rest, pin, local});
    }
  } else if (scheme == "http" || scheme == "https") {
    AddHttp({RedactUrls(source.identifier()), pin});
  } else if (scheme == "local") {
    AddLocal(rest);
  } else {
    incomplete_materials = true;
  }
  return {};
}

void Capture::Finish() {
  std::set<std::string> by_tag;
  for (const ImageMaterial& image : images) {
    const NamedReference named = Named(image.reference);
    if (!named.by_digest) {
      by_tag.insert(named.name_and_tag);
    }
  }
  std::erase_if(images, [&](const ImageMaterial& image) {
    const NamedReference named = Named(image.reference);
    return named.by_digest && by_tag.contains(named.name_and_tag);
  });
  const auto by_id = [](const Credential& a, const Credential& b) { return a.id < b.id; };
  std::stable_sort(images.begin(), images.end(),
                   [](const auto& a, const auto& b) { return a.reference < b.reference; });
  std::stable_sort(blobs.begin(), blobs.end(), [](const auto& a, const auto& b) { return a.reference < b.reference; });
  std::stable_sort(git.begin(), git.end(), [](const auto& a, const auto& b) { return a.url < b.url; });
  std::stable_sort(http.begin(), http.end(), [](const auto& a, const auto& b) { return a.url < b.url; });
  std::stable_sort(proxy_incomplete.begin(), proxy_incomplete.end(), [](const auto& a, const auto& b) {
    return std::tie(a.op, a.url, a.method) < std::tie(b.op, b.url, b.method);
  });
  std::sort(locals.begin(), locals.end());
  std::stable_sort(secrets.begin(), secrets.end(), by_id);
  std::stable_sort(ssh.begin(), ssh.end(), by_id);
}

std::map<std::string, std::string> ShownOptions(const std::map<std::string, std::string>& options) {
  static const std::set<std::string> kOfTheHost = {"cgroup-parent", "image-resolve-mode", "platform", "cache-imports"};
  const auto named = options.find("contextkey");
  const std::string context = named != options.end() && !named->second.empty() ? named->second : "context";
  std::map<std::string, std::string> shown;
  for (const auto& [key, value] : options) {
    if (kOfTheHost.contains(key) || key.starts_with("attest:")) {
      continue;
    }
    shown[key] = key == context || key.starts_with("context:") ? RedactUrls(value) : value;
  }
  return shown;
}

}  // namespace loam::provenance
