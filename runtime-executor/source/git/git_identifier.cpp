#include "runtime-executor/source/git/git_identifier.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/redact_urls.h"
#include "base/strings.h"
#include "runtime-executor/source/blob/blob_locator.h"
#include "runtime-executor/source/git/git_mirror.h"

namespace loam::source {
namespace {

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// "user@host:path"; nullopt if it is not of that form.
std::optional<std::string_view> ScpHost(std::string_view remote) {
  const std::size_t at = remote.find('@');
  if (at == std::string_view::npos || at == 0 ||
      !std::all_of(remote.begin(), remote.begin() + static_cast<std::ptrdiff_t>(at),
                   [](char c) { return IsWordCharacter(c) || c == '-' || c == '_'; })) {
    return std::nullopt;
  }
  const std::size_t colon = remote.find(':', at);
  const std::string_view host = remote.substr(at + 1, colon == std::string_view::npos ? colon : colon - at - 1);
  const bool plain =
      std::all_of(host.begin(), host.end(), [](char c) { return IsWordCharacter(c) || c == '-' || c == '.'; });
  return colon == std::string_view::npos || host.empty() || !plain ? std::nullopt : std::optional(host);
}

std::string_view WithoutUser(std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  return at == std::string_view::npos ? authority : authority.substr(at + 1);
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

tl::unexpected<Error> Invalid(std::string message) {
  return Unexpected(ErrorCode::kInvalidArgument, std::move(message));
}

}  // namespace

std::string GitTransport(std::string_view remote) {
  const std::size_t colon = remote.find("://");
  if (colon != std::string_view::npos && colon > 0 &&
      std::all_of(remote.begin(), remote.begin() + static_cast<std::ptrdiff_t>(colon), IsWordCharacter)) {
    return ToLowerAscii(remote.substr(0, colon));
  }
  return ScpHost(remote) ? "ssh" : "";
}

std::string GitHost(std::string_view remote) {
  const std::size_t colon = remote.find("://");
  if (colon == std::string_view::npos) {
    return std::string(ScpHost(remote).value_or(""));
  }
  const std::string_view rest = remote.substr(colon + 3);
  return std::string(WithoutUser(rest.substr(0, rest.find_first_of("/?#"))));
}

std::string CanonicalGitIdentifier(const std::string& identifier) {
  const std::size_t fragment = identifier.find('#');
  if (!identifier.starts_with("git://") || fragment == std::string::npos) {
    return identifier;
  }
  const std::size_t colon = identifier.find(':', fragment);
  if (colon == std::string::npos) {
    return identifier;
  }
  const std::string clean = CleanRootedPath(identifier.substr(colon + 1)).substr(1);
  return identifier.substr(0, colon) + (clean.empty() ? "" : ":" + clean);
}

Result<> CheckGitRequest(const GitTreeRequest& request, bool allow_file) {
  const std::string shown = RedactUrls(request.remote);
  const std::string transport = GitTransport(request.remote);
  if (HasControlCharacter(request.remote) || HasControlCharacter(request.ref) || HasControlCharacter(request.subdir)) {
    return Invalid("a git repository is named with control characters");
  }
  if (transport.empty()) {
    return Invalid(fmt::format("`{}` is no address of a git repository", shown));
  }
  const bool is_file = transport == "file";
  if (transport != "http" && transport != "https" && transport != "ssh" && transport != "git" &&
      !(is_file && allow_file)) {
    return Invalid(fmt::format("git repositories are not fetched by `{}` ({}); http, https, ssh and git are possible",
                               transport, shown));
  }
  const std::string host = GitHost(request.remote);
  if (!is_file && (host.empty() || host.front() == '-')) {
    return Invalid(fmt::format("`{}` names no host", shown));
  }
  if (request.ref.starts_with("-")) {
    return Invalid(fmt::format("`{}` is no git ref", request.ref));
  }
  // What git check-ref-format forbids, as far as it would be a pattern, a range or another expression.
  if (request.ref.find_first_of(" ~^:?*[\\") != std::string::npos || request.ref.find("..") != std::string::npos ||
      request.ref.find("@{") != std::string::npos) {
    return Invalid(fmt::format("`{}` is no git ref", request.ref));
  }
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  if (!std::all_of(request.checksum.begin(), request.checksum.end(), is_hex)) {
    return Invalid(fmt::format("the checksum `{}` of a git repository is no commit id", request.checksum));
  }
  if (request.fetch_by_commit && !IsCommitId(request.ref) && !IsCommitId(request.checksum)) {
    return Invalid("fetching by commit needs a whole commit id as checksum");
  }
  if (!request.mtime.empty() && request.mtime != "checkout" && request.mtime != "commit") {
    return Invalid(fmt::format("`{}` is no time for files of git (checkout or commit)", request.mtime));
  }
  if (!request.bundle.empty()) {
    LOAM_TRY_CONTEXT("git.bundle", ParseBlobLocator(request.bundle, request.bundle_store));
    if (!IsCommitId(request.checksum)) {
      return Invalid("git.bundle requires git.checksum to be set to a whole commit id");
    }
    if (IsCommitId(request.ref) && request.ref != request.checksum) {
      return Invalid(fmt::format("expected checksum to match {}, got {}", request.checksum, request.ref));
    }
  }
  if (request.checkout_bundle && (request.keep_git_dir || !request.subdir.empty())) {
    return Invalid(fmt::format("git.checkoutbundle is incompatible with {}",
                               request.keep_git_dir ? "git.keepgitdir" : "git.subdir"));
  }
  return {};
}

Result<GitTreeRequest> ParseGitIdentifier(const SourceRequest& source, std::string_view reference, bool allow_file) {
  GitTreeRequest request;
  request.auth_token_secret.clear();
  request.auth_header_secret.clear();
  const std::size_t hash = reference.find('#');
  std::string remote(reference.substr(0, hash));
  remote.resize(std::min(remote.size(), remote.find('?')));
  if (hash != std::string_view::npos) {
    const std::string_view fragment = reference.substr(hash + 1);
    const std::size_t colon = fragment.find(':');
    request.ref = fragment.substr(0, colon);
    if (colon != std::string_view::npos) {
      request.subdir = CleanRootedPath(fragment.substr(colon + 1)).substr(1);
    }
  }
  for (const auto& [key, value] : source.attributes) {
    if (key == "git.keepgitdir") {
      request.keep_git_dir = value == "true";
    } else if (key == "git.fullurl") {
      remote = value;
    } else if (key == "git.authheadersecret") {
      request.auth_header_secret = value;
    } else if (key == "git.authtokensecret") {
      request.auth_token_secret = value;
    } else if (key == "git.knownsshhosts") {
      request.known_hosts = value;
    } else if (key == "git.mountsshsock") {
      request.ssh_agent = value;
    } else if (key == "git.checksum") {
      request.checksum = value;
    } else if (key == "git.skipsubmodules") {
      request.skip_submodules = value == "true";
    } else if (key == "git.mtime") {
      request.mtime = value;
    } else if (key == "git.fetchbycommit") {
      request.fetch_by_commit = value == "true";
    } else if (key == "git.bundle") {
      request.bundle = value;
    } else if (key == "oci.store") {
      request.bundle_store = value;
    } else if (key == "git.checkoutbundle") {
      request.checkout_bundle = value == "true";
    } else if (key.starts_with("git.sig.")) {
      return Unexpected(ErrorCode::kUnimplemented, fmt::format("git sources with `{}` are not supported", key));
    }
  }
  request.remote = GitTransport(remote).empty() ? "https://" + remote : remote;
  LOAM_TRY(CheckGitRequest(request, allow_file));
  return request;
}

}  // namespace loam::source
