#include "compiler/driver/frontend/dockerfile_text.h"

#include <fmt/format.h>

#include "base/redact_urls.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/remote_context.h"

namespace loam::driver {
namespace {

constexpr std::string_view kDefaultName = "Dockerfile";

// What reads the file of that name, wherever it is.
using Reader = std::function<Result<std::string>(const std::string&)>;

// A file of the default name may also be written in lower case.
Result<std::string> ReadWithFallback(const Reader& read, const std::string& name) {
  Result<std::string> text = read(name);
  if (text || !text.error().Is(ErrorCode::kNotFound) || !name.ends_with(kDefaultName)) {
    return text;
  }
  const std::string directory = name.substr(0, name.size() - kDefaultName.size());
  if (!directory.empty() && !directory.ends_with('/')) {
    return text;
  }
  Result<std::string> lower = read(directory + ToLowerAscii(kDefaultName));
  return lower ? std::move(lower) : std::move(text);
}

}  // namespace

Result<DockerfileText> ReadDockerfile(const DockerfileRequest& request, const sema::DockerfileOptions& options,
                                      sema::BuildHost& host) {
  DockerfileText dockerfile;
  dockerfile.file_name = options.file_name;
  Reader read;
  // Lives as long as the values in it.
  ir::Graph graph;
  std::string place;
  const auto key = request.options.find("dockerfilekey");
  if (key != request.options.end() && !key->second.empty()) {
    read = [&](const std::string& name) { return host.ReadContextFile(key->second, name); };
  } else if (!options.remote_context.empty()) {
    const std::string shown = RedactUrls(options.remote_context);
    place = fmt::format(" in {}", shown);
    const sema::RemoteContext remote =
        LOAM_TRY_CONTEXT(fmt::format("the build context {}", shown), sema::LoadRemoteContext(graph, options, host));
    if (remote.is_lone_dockerfile) {
      dockerfile.file_name = sema::kLoneDockerfile;
    }
    read = [&graph, &host, files = remote.files](const std::string& name) {
      return host.ReadFile(graph, files, name, 0);
    };
  } else if (request.inputs.count("dockerfile") != 0) {
    const ir::Value files = LOAM_TRY(host.LoadInput(graph, "dockerfile"));
    place = " in the input `dockerfile`";
    read = [&graph, &host, files](const std::string& name) { return host.ReadFile(graph, files, name, 0); };
  } else {
    read = [&](const std::string& name) { return host.ReadDockerfileNeighbour(name); };
  }
  Result<std::string> text = ReadWithFallback(read, dockerfile.file_name);
  if (!text && text.error().Is(ErrorCode::kNotFound) && text.error().detail() == nullptr) {
    const std::string display = request.display_name.empty() ? dockerfile.file_name : request.display_name;
    return Unexpected(
        Error(ErrorCode::kNotFound, fmt::format("failed to read dockerfile: {}: no such file{}", display, place))
            .WithHint("name the Dockerfile by -f, or the directory that holds it"));
  }
  if (!text) {
    return Unexpected(std::move(text).error().Wrap("failed to read dockerfile"));
  }
  dockerfile.text = std::move(*text);
  return dockerfile;
}

}  // namespace loam::driver
