#include "runtime-executor/ops/trusted_authority.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>

#include "base/rooted_fs.h"

namespace loam::ops {
namespace {

// Where distributions keep it; the first that is there counts.
constexpr std::array<const char*, 6> kBundles = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
};
constexpr off_t kMaxBundle = off_t{10} << 20;

struct Bundle {
  UniqueFd fd;
  struct stat facts {};
  std::string text;
};

// nullopt: it is not there, or nothing that can be written.
Result<std::optional<Bundle>> Open(int root, const std::string& path) {
  auto fd = OpenInRoot(root, path, O_RDWR | O_NONBLOCK | O_NOCTTY);
  Bundle bundle;
  if (!fd || ::fstat(fd->get(), &bundle.facts) != 0 || !S_ISREG(bundle.facts.st_mode) ||
      bundle.facts.st_size > kMaxBundle) {
    return std::optional<Bundle>();
  }
  bundle.fd = *std::move(fd);
  bundle.text.resize(static_cast<std::size_t>(bundle.facts.st_size));
  const ssize_t got = ::pread(bundle.fd.get(), bundle.text.data(), bundle.text.size(), 0);
  if (got < 0) {
    return Unexpected(Error::FromErrno(errno, "read " + path));
  }
  bundle.text.resize(static_cast<std::size_t>(got));
  return std::optional(std::move(bundle));
}

Result<> Write(const Bundle& bundle, std::string_view text, const std::string& path) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::pwrite(bundle.fd.get(), text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (written < 0) {
      return Unexpected(Error::FromErrno(errno, "write " + path));
    }
    done += static_cast<std::size_t>(written);
  }
  // As if nobody had been here.
  const std::array<timespec, 2> times = {bundle.facts.st_atim, bundle.facts.st_mtim};
  if (::ftruncate(bundle.fd.get(), static_cast<off_t>(text.size())) != 0 ||
      ::futimens(bundle.fd.get(), times.data()) != 0) {
    return Unexpected(Error::FromErrno(errno, "write " + path));
  }
  return {};
}

}  // namespace

Result<TrustedAuthority> TrustedAuthority::Add(int root_fd, const std::string& selector, const std::string& pem) {
  TrustedAuthority result;
  auto root = OpenInRoot(root_fd, selector.empty() ? "/" : selector, O_PATH | O_DIRECTORY);
  if (!root) {
    return result;
  }
  result.root_ = *std::move(root);
  for (const char* path : kBundles) {
    const std::optional<Bundle> bundle = LOAM_TRY(Open(result.root_.get(), path));
    if (!bundle) {
      continue;
    }
    result.added_ = "\n# build proxy: begin\n" + pem + "# build proxy: end\n";
    LOAM_TRY(Write(*bundle, bundle->text + result.added_, path));
    result.path_ = path;
    break;
  }
  return result;
}

Result<> TrustedAuthority::Remove() {
  if (path_.empty()) {
    return {};
  }
  const std::optional<Bundle> bundle = LOAM_TRY(Open(root_.get(), path_));
  const std::size_t at = bundle ? bundle->text.find(added_) : std::string::npos;
  if (at == std::string::npos) {
    return {};
  }
  std::string text = bundle->text;
  return Write(*bundle, text.erase(at, added_.size()), path_);
}

}  // namespace loam::ops
