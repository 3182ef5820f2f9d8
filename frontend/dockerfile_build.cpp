#include "frontend/dockerfile_build.h"

#include <memory>
#include <vector>

#include <fmt/format.h>

#include "base/attest_options.h"
#include "base/platform.h"
#include "base/strings.h"
#include "compiler/driver/frontend/dockerfile_frontend.h"
#include "compiler/sema/forwarding_build_host.h"
#include "frontend/build_result.h"
#include "frontend/gateway_build_host.h"
#include "frontend/status.h"
#include "llb-emit/scan.h"

namespace loam::frontend {
namespace {

constexpr const char* kGatewayFrontend = "gateway.v0";
constexpr const char* kLanguage = "Dockerfile";
constexpr std::string_view kLocalSession = "local-sessionid:";

class Build {
 public:
  Build(GatewayClient& client, const Environment& environment, const std::map<std::string, std::string>& inputs)
      : client_(client), environment_(environment), inputs_(inputs) {}

  Result<std::variant<api::Result, EarthfileFound>> Run() {
    driver::DockerfileRequest request;
    request.options = environment_.options;
    request.inputs = inputs_;
    request.optimization_level = 0;
    request.session_id = environment_.session_id;
    request.build_platform = environment_.build_platform;
    request.llb_caps = client_.llb_caps();

    driver::DockerfileFrontendHost host;
    host.make = [this](const std::map<std::string, std::string>& inputs) { return MakeHost(inputs); };
    host.step = [this](const std::string&, const std::function<Result<>()>& body) -> Result<> {
      LOAM_TRY(body());
      origin_ = hosts_.back()->last_read();
      return {};
    };
    host.dockerfile_definition = [this] { return origin_.definition; };
    host.forwards = true;
    host.is_foreign = IsEarthfile;
    Result<driver::DockerfileAnswer> answer = driver::RunDockerfileFrontend(request, host, report_);
    LOAM_TRY(Warn());
    if (!answer) {
      return Unexpected(Explain(std::move(answer).error()));
    }
    if (std::holds_alternative<driver::ForeignFile>(*answer)) {
      return EarthfileFound{report_.file_name};
    }
    if (const auto* const forwarded = std::get_if<driver::ForwardedBuild>(&*answer)) {
      return LOAM_TRY(Forward(*forwarded));
    }
    if (auto* const said = std::get_if<driver::SubrequestAnswer>(&*answer)) {
      api::Result result;
      for (auto& [key, value] : said->metadata) {
        (*result.mutable_metadata())[key] = std::move(value);
      }
      return result;
    }
    return LOAM_TRY(Solve(std::get<driver::CompiledDockerfile>(*answer)));
  }

 private:
  std::unique_ptr<sema::BuildHost> MakeHost(const std::map<std::string, std::string>& inputs) {
    if (hosts_.empty() || inputs != last_inputs_) {
      GatewayBuildHostOptions options;
      options.inputs = last_inputs_ = inputs;
      options.session_id = environment_.session_id;
      for (const auto& [key, value] : environment_.options) {
        if (key.starts_with(kLocalSession)) {
          options.local_session_ids[key.substr(kLocalSession.size())] = value;
        }
      }
      const auto set = [&](const char* key, std::string& target) {
        const auto found = environment_.options.find(key);
        if (found != environment_.options.end() && !found->second.empty()) {
          target = found->second;
        }
      };
      set("dockerfilekey", options.dockerfile_directory);
      set("filename", options.dockerfile_name);
      hosts_.push_back(std::make_unique<GatewayBuildHost>(client_, std::move(options)));
    }
    return std::make_unique<sema::ForwardingBuildHost>(*hosts_.back());
  }

  Result<> Warn() {
    for (const lint::Warning& warning : report_.warnings) {
      api::WarnRequest request;
      request.set_digest(origin_.vertex);
      request.set_level(1);
      request.set_short_(driver::WarningLine(warning));
      request.add_detail(std::string(warning.rule->description));
      request.set_url(std::string(warning.rule->url));
      pb::SourceInfo& info = *request.mutable_info();
      info.set_filename(report_.file_name);
      info.set_language(kLanguage);
      info.set_data(std::string(report_.buffer->text()));
      if (!info.mutable_definition()->ParseFromString(origin_.definition)) {
        return Unexpected(ErrorCode::kInternal, "the Dockerfile came from no definition");
      }
      if (warning.lines.first > 0) {
        pb::Range& range = *request.add_ranges();
        range.mutable_start()->set_line(static_cast<std::int32_t>(warning.lines.first));
        range.mutable_end()->set_line(static_cast<std::int32_t>(warning.lines.last));
      }
      LOAM_TRY(client_.Warn(request));
    }
    return {};
  }

  // A mistake in the file instead of "has mistakes", with its place.
  Error Explain(Error error) const {
    const driver::Mistakes mistakes = driver::MistakesOf(report_.diagnostics, report_.buffer);
    if (mistakes.message.empty()) {
      return error;
    }
    return WithSource(Error(error.code(), mistakes.message), mistakes.lines);
  }

  Error WithSource(Error error, source::LineSpan lines) const {
    if (report_.buffer == nullptr || lines.first == 0) {
      return error;
    }
    auto detail = std::make_shared<SourceDetail>();
    detail->filename = report_.file_name;
    detail->language = kLanguage;
    detail->text = report_.buffer->text();
    detail->definition = origin_.definition;
    detail->lines = {{lines.first, lines.last}};
    detail->inner = error.detail();
    return std::move(error).WithDetail(std::move(detail));
  }

  Result<api::Result> Forward(const driver::ForwardedBuild& forwarded) {
    std::map<std::string, std::string> options = environment_.options;
    options["cmdline"] = forwarded.cmdline;
    options["source"] = forwarded.source;
    Result<api::Result> result = client_.SolveFrontend(kGatewayFrontend, options, inputs_);
    if (result) {
      return result;
    }
    Error error = std::move(result).error();
    if (forwarded.lines.first == 0) {
      error = std::move(error).Wrap(fmt::format("failed with build-arg:BUILDKIT_SYNTAX = {}", forwarded.cmdline));
    }
    return Unexpected(WithSource(std::move(error), forwarded.lines));
  }

  struct Scanner {
    SbomScanner asked;
    std::string pinned_ref;
    std::string config;
  };

  Result<std::optional<Scanner>> FindScanner() {
    const auto attests = LOAM_TRY(ReadAttestOptions(environment_.options));
    const auto sbom = attests.find("sbom");
    if (sbom == attests.end()) {
      return std::optional<Scanner>();
    }
    Scanner scanner;
    scanner.asked = LOAM_TRY(ReadSbomScanner(sbom->second));
    const auto mode = environment_.options.find("image-resolve-mode");
    const Platform platform = ScannerPlatform();
    const std::string log_name = "[internal] load metadata for " + scanner.asked.image;
    sema::ImageQuery query;
    query.ref = scanner.asked.image;
    query.platform = ir::Platform{platform.os, platform.architecture, platform.variant, platform.os_version, {}};
    query.resolve_mode = mode == environment_.options.end() ? std::string_view() : std::string_view(mode->second);
    query.log_name = log_name;
    sema::ImageMetadata image = LOAM_TRY(hosts_.back()->ResolveImage(query));
    scanner.pinned_ref = image.digest.empty() ? scanner.asked.image : scanner.asked.image + "@" + image.digest;
    scanner.config = std::move(image.config);
    return std::optional(std::move(scanner));
  }

  [[nodiscard]] Platform ScannerPlatform() const {
    const auto platform = ParsePlatform(environment_.build_platform);
    return platform ? *platform : HostPlatform();
  }

  // What the scanner writes about one platform's result, and about what the Dockerfile names beside it.
  Result<Ref> Scan(const Scanner& scanner, const driver::CompiledPlatform& platform) {
    return client_.Solve(LOAM_TRY(llb::MakeScanDefinition({.scanner = scanner.pinned_ref,
                                                           .scanner_config = scanner.config,
                                                           .platform = ScannerPlatform(),
                                                           .name = platform.platform,
                                                           .parameters = scanner.asked.parameters,
                                                           .extras = platform.scans,
                                                           .use_cache = !platform.scan_anew},
                                                          platform.definition.bytes)));
  }

  Result<api::Result> Solve(const driver::CompiledDockerfile& made) {
    ResultBuilder result(client_, made.options.multi_platform || made.compiled.platforms.size() > 1);
    const std::optional<Scanner> scanner = LOAM_TRY(FindScanner());
    for (const driver::CompiledPlatform& platform : made.compiled.platforms) {
      BuiltPlatform built;
      built.id = platform.platform;
      if (!platform.definition.bytes.empty()) {
        built.ref = LOAM_TRY(client_.Solve(platform.definition.bytes));
      }
      built.config = platform.image_config;
      built.base_config = platform.base_image_config;
      built.epoch = platform.epoch;
      if (scanner && !platform.definition.bytes.empty()) {
        built.sbom = LOAM_TRY(Scan(*scanner, platform));
      }
      LOAM_TRY(result.Add(std::move(built)));
    }
    return result.Finish();
  }

  GatewayClient& client_;
  const Environment& environment_;
  const std::map<std::string, std::string>& inputs_;
  std::map<std::string, std::string> last_inputs_;
  // Those of earlier inputs are still in use.
  std::vector<std::unique_ptr<GatewayBuildHost>> hosts_;
  driver::DockerfileFrontendReport report_;
  // Of the Dockerfile.
  GatewayBuildHost::Origin origin_;
};

}  // namespace

Result<std::variant<api::Result, EarthfileFound>> BuildDockerfile(GatewayClient& client, const Environment& environment,
                                                                  const std::map<std::string, std::string>& inputs) {
  return Build(client, environment, inputs).Run();
}

bool IsEarthfile(std::string_view name, std::string_view text) {
  const std::string_view base = name.substr(name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/') + 1);
  if (base == "Earthfile" || base.ends_with(".earth")) {
    return true;
  }
  for (const std::string_view line : Split(text, '\n')) {
    const std::string_view words = TrimSpace(line);
    if (!words.empty() && !words.starts_with('#')) {
      return words.starts_with("VERSION ");
    }
  }
  return false;
}

}  // namespace loam::frontend
