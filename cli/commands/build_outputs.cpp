#include "cli/commands/build_outputs.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "base/csv.h"
#include "base/strings.h"
#include "cli/docker_endpoint.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::cli {

namespace {

using Attributes = std::map<std::string, std::string>;

Result<engine::ExportRequest> ParseOutput(const std::string& text) {
  engine::ExportRequest request;
  if (text == "-") {
    request.type = "tar";
    request.attributes["dest"] = "-";
    return request;
  }
  const std::optional<std::vector<std::string>> split = SplitCsv(text);
  if (!split) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`--output={}`: a quote is not closed", text));
  }
  const std::vector<std::string>& fields = *split;
  if (fields.size() == 1 && text.find('=') == std::string::npos) {
    request.type = "local";
    request.attributes["dest"] = text;
    return request;
  }
  for (const std::string& field : fields) {
    const auto pair = SplitOnce(field, '=');
    if (!pair) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("`--output={}`: `{}` is not of the form key=value", text, field));
    }
    const std::string key = ToLowerAscii(TrimSpace(pair->first));
    if (key == "type") {
      request.type = std::string(pair->second);
    } else {
      request.attributes[key] = std::string(pair->second);
    }
  }
  if (request.type.empty()) {
    return Unexpected(
        Error(ErrorCode::kInvalidArgument, fmt::format("`--output={}` has no type", text))
            .WithHint("for example `-o type=oci,dest=image.tar`; types: image, registry, oci, docker, local, tar"));
  }
  return request;
}

// --annotation [TYPE[\[PLATFORM\]][,…]:]KEY=VALUE, as an attribute of exporters: "annotation-index.KEY".
Result<Attributes> ParseAnnotations(const std::vector<std::string>& texts) {
  constexpr std::string_view kTypes[] = {"manifest", "index", "manifest-descriptor", "index-descriptor"};
  Attributes attributes;
  for (const std::string& text : texts) {
    const auto wrong = [&](std::string_view why) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`--annotation={}`: {}", text, why))
                            .WithHint("write KEY=VALUE, or index:KEY=VALUE, manifest[linux/arm64]:KEY=VALUE"));
    };
    const auto pair = SplitOnce(text, '=');
    if (!pair || pair->first.empty()) {
      return wrong("expected KEY=VALUE");
    }
    std::string_view key = pair->first;
    std::vector<std::string_view> places = {""};
    const auto typed = SplitOnce(key, ':');
    const auto is_type = [&](std::string_view place) {
      const std::string_view name = place.substr(0, place.find('['));
      return std::find(std::begin(kTypes), std::end(kTypes), name) != std::end(kTypes);
    };
    if (typed && is_type(Split(typed->first, ',').front())) {
      places = Split(typed->first, ',');
      key = typed->second;
    }
    if (key.empty()) {
      return wrong("expected KEY=VALUE");
    }
    for (const std::string_view place : places) {
      if (!place.empty() && !is_type(place)) {
        return wrong(fmt::format("there are no annotations of `{}`", place));
      }
      attributes[fmt::format("annotation{}{}.{}", place.empty() ? "" : "-", place, key)] = std::string(pair->second);
    }
  }
  return attributes;
}

bool IsImageType(const std::string& type) {
  return type == "image" || type == "oci" || type == "docker";
}

Result<> Complete(const Context& context, engine::ExportRequest& request, const std::string& names) {
  if (request.type == "registry") {
    request.type = "image";
    request.attributes.try_emplace("push", "true");
  }
  if (IsImageType(request.type) && !names.empty()) {
    request.attributes.try_emplace("name", names);
  }
  const bool needs_destination = request.type != "image";
  if (!needs_destination || request.attributes.contains("dest")) {
    return {};
  }
  const bool streams = request.type == "oci" || request.type == "docker" || request.type == "tar";
  if (!streams) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`--output type={}` needs `dest=PATH`", request.type));
  }
  if (::isatty(::fileno(context.out)) == 1) {
    return Unexpected(Error(ErrorCode::kInvalidArgument,
                            fmt::format("`--output type={}` would write an archive to the terminal", request.type))
                          .WithHint("add `dest=FILE`, or redirect standard output"));
  }
  request.attributes["dest"] = "-";
  return {};
}

// What would end the build after its last step: attributes, names of images, and places that are not there.
Result<> CheckOutputs(const BuildOutputs& outputs) {
  for (const engine::ExportRequest& request : outputs.exports) {
    if (const auto made = exporter::MakeExporter(request.type, request.attributes, {});
        !made && made.error().Is(ErrorCode::kInvalidArgument)) {
      return Unexpected(made.error());
    }
    const auto dest = request.attributes.find("dest");
    if (request.type != "local" && dest != request.attributes.end() && dest->second != "-") {
      LOAM_TRY(CheckFileToWrite(fmt::format("dest={}", dest->second), dest->second));
    }
  }
  return {};
}

}  // namespace

Result<> CheckFileToWrite(std::string_view what, const std::string& path) {
  if (path.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}`: there is no name of a file", what));
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty() && ::access(folder.c_str(), W_OK) != 0) {
    return Unexpected(
        ErrorCode::kInvalidArgument,
        fmt::format("`{}`: {}", what, Error::FromErrno(errno, "write into " + folder.string()).message()));
  }
  return {};
}

Result<BuildOutputs> ParseBuildOutputs(const Context& context, const Flags& flags, bool wants_image) {
  BuildOutputs outputs;
  const std::string names = Join(flags.List("tag"), ",");
  for (const std::string& text : flags.List("output")) {
    engine::ExportRequest request = LOAM_TRY(ParseOutput(text));
    LOAM_TRY(Complete(context, request, names));
    outputs.exports.push_back(std::move(request));
  }
  if (flags.Bool("push")) {
    if (names.empty() && outputs.exports.empty()) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, "`--push` needs a name for the image")
                            .WithHint("add `-t REGISTRY/NAME:TAG`"));
    }
    bool has_image = false;
    for (engine::ExportRequest& request : outputs.exports) {
      if (request.type == "image") {
        request.attributes["push"] = "true";
        has_image = true;
      }
    }
    if (!has_image) {
      outputs.exports.push_back({.type = "image", .attributes = {{"name", names}, {"push", "true"}}});
    }
  }
  if (flags.Bool("load")) {
    engine::ExportRequest request{.type = "docker-load", .attributes = {{"host", LOAM_TRY(DockerEndpoint(context))}}};
    const std::string via = flags.Has("load-via") ? flags.String("load-via") : context.Env("LOAM_LOAD_VIA");
    if (!via.empty()) {
      request.attributes["via"] = via;
    }
    // The daemon unpacks it at once: compression would be work for both sides.
    request.attributes["compression"] = "uncompressed";
    if (!names.empty()) {
      request.attributes["name"] = names;
    }
    outputs.exports.push_back(std::move(request));
  }
  if (outputs.exports.empty() && (!names.empty() || wants_image)) {
    engine::ExportRequest request{.type = "image", .attributes = {}};
    if (!names.empty()) {
      request.attributes["name"] = names;
    }
    outputs.exports.push_back(std::move(request));
  }
  for (const auto& [key, value] : LOAM_TRY(ParseAnnotations(flags.List("annotation")))) {
    for (engine::ExportRequest& request : outputs.exports) {
      if (IsImageType(request.type)) {
        request.attributes[key] = value;
      }
    }
  }
  LOAM_TRY(CheckOutputs(outputs));
  std::size_t to_stdout = 0;
  for (const engine::ExportRequest& request : outputs.exports) {
    const auto destination = request.attributes.find("dest");
    to_stdout += destination != request.attributes.end() && destination->second == "-" ? 1 : 0;
  }
  if (to_stdout > 1) {
    return Unexpected(ErrorCode::kInvalidArgument, "only one output can go to standard output");
  }
  return outputs;
}

}  // namespace loam::cli
