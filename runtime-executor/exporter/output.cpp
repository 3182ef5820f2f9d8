#include "runtime-executor/exporter/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

namespace loam::exporter {

Result<Output> Output::Open(const std::string& dest, const ExporterServices& services) {
  Output output;
  if (dest == "-") {
    if (::isatty(services.output_fd) != 0) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, "an archive is not written to a terminal")
                            .WithHint("redirect the output, or give a path: dest=PATH"));
    }
    output.sink_ = std::make_unique<content::FdSink>(services.output_fd, "standard output");
    return output;
  }
  std::string path = dest;
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the destination {} is a directory", dest));
    }
    if (!S_ISREG(status.st_mode)) {
      output.stream_ = LOAM_TRY(OpenFile(path, O_WRONLY));
      output.sink_ = std::make_unique<content::FdSink>(output.stream_.get(), path);
      return output;
    }
    // What a symbolic link leads to is replaced, not the link.
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
    if (real != nullptr) {
      path = real.get();
    }
  }
  output.file_.emplace(LOAM_TRY(AtomicFile::Create(path)));
  output.sink_ = std::make_unique<content::FdSink>(output.file_->fd(), dest);
  return output;
}

Result<> Output::Commit() {
  return file_ ? file_->Commit() : Result<>();
}

}  // namespace loam::exporter
