#include "compiler/driver/frontend/dockerfile_frontend.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/attest_options.h"
#include "base/strings.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/driver/check_report.h"
#include "compiler/driver/describe_report.h"
#include "compiler/driver/emit.h"
#include "compiler/driver/frontend/dockerfile_text.h"
#include "compiler/driver/frontend/target_contexts.h"
#include "compiler/driver/frontend/wire_message.h"
#include "compiler/driver/outline_report.h"
#include "compiler/driver/targets_report.h"
#include "compiler/parse/dockerfile/directives.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::driver {
namespace {

constexpr const char* kDefaultDockerfile = "Dockerfile";
constexpr const char* kSyntaxArgument = "build-arg:BUILDKIT_SYNTAX";
// What clients may ask for by "frontend.caps".
constexpr std::array<std::string_view, 4> kFrontendCaps{
    "moby.buildkit.frontend.inputs", "moby.buildkit.frontend.subrequests", "moby.buildkit.frontend.contexts",
    "moby.buildkit.frontend.gitquerystring"};

std::string OptionOr(const DockerfileRequest& request, const std::string& name, const std::string& fallback) {
  const auto found = request.options.find(name);
  return found == request.options.end() || found->second.empty() ? fallback : found->second;
}

// The capability that is wanted and not there; `forwards`: another frontend may have it.
struct MissingCap {
  std::string name;
  bool may_forward = false;
};
std::optional<MissingCap> FindMissingCap(std::string_view wanted) {
  std::optional<MissingCap> missing;
  if (wanted.empty()) {
    return missing;
  }
  for (const std::string_view item : Split(wanted, ',')) {
    const std::string_view name = item.substr(0, item.find('+'));
    if (std::find(kFrontendCaps.begin(), kFrontendCaps.end(), name) == kFrontendCaps.end()) {
      const bool may_forward = item.find("+forward") != std::string_view::npos;
      missing = MissingCap{std::string(name), may_forward};
      if (!may_forward) {
        return missing;
      }
    }
  }
  return missing;
}

// What an old solver does not know is left out, as upstream's frontend does it.
void LeaveOut(const DockerfileRequest& request, sema::DockerfileOptions& options) {
  const auto has = [&](std::string_view cap) { return !request.llb_caps || request.llb_caps->contains(cap); };
  options.can_merge = has("mergeop");
  if (!has("exec.meta.ulimit")) {
    options.ulimits.clear();
  }
  if (!has("exec.mount.tmpfs.size")) {
    options.shm_size = 0;
  }
  if (!has("exec.meta.cgroup.parent")) {
    options.cgroup_parent.clear();
  }
  if (!has("exec.meta.linux.resources")) {
    options.resources.reset();
  }
}

class Frontend {
 public:
  Frontend(const DockerfileRequest& request, const DockerfileFrontendHost& host, DockerfileFrontendReport& report)
      : request_(request), host_(host), report_(report) {}

  Result<DockerfileAnswer> Run() {
    const std::optional<MissingCap> missing = FindMissingCap(OptionOr(request_, "frontend.caps", ""));
    const auto refuse = [&] {
      return Unexpected(
          Error(ErrorCode::kUnimplemented, fmt::format("unsupported frontend capability {}", missing->name))
              .WithDetail(std::make_shared<const NotSupported>(NotSupported::Kind::kCapability, missing->name)));
    };
    if (missing && !missing->may_forward) {
      return refuse();
    }
    CompileOptions options = LOAM_TRY(OptionsOf(request_));
    LOAM_TRY(Load(options.dockerfile));
    if (host_.forwards && request_.options.count("cmdline") == 0) {
      if (std::optional<ForwardedBuild> forwarded = FindForward()) {
        return DockerfileAnswer(*std::move(forwarded));
      }
    }
    if (missing) {
      return refuse();
    }
    if (host_.is_foreign && host_.is_foreign(report_.file_name, report_.buffer->text())) {
      return DockerfileAnswer(ForeignFile{});
    }
    if (const auto question = request_.options.find("requestid"); question != request_.options.end()) {
      return DockerfileAnswer(SubrequestAnswer{LOAM_TRY(Answer(question->second))});
    }
    return DockerfileAnswer(LOAM_TRY(Build()));
  }

 private:
  Result<CompileOptions> OptionsOf(const DockerfileRequest& request) const {
    CompileOptions options;
    options.dockerfile = LOAM_TRY(sema::ParseFrontendOptions(request.options));
    options.dockerfile.file_name =
        report_.file_name.empty() ? OptionOr(request, "filename", kDefaultDockerfile) : report_.file_name;
    options.dockerfile.read_dockerignore = true;
    options.dockerfile.context_is_input =
        options.dockerfile.remote_context.empty() && request.inputs.count("context") != 0;
    options.dockerfile.session_id = request.session_id;
    options.dockerfile.build_platform = request.build_platform;
    options.file_definition = report_.definition;
    LeaveOut(request, options.dockerfile);
    options.lint = true;
    options.scans = LOAM_TRY(ReadAttestOptions(request.options)).contains("sbom");
    options.level = request.optimization_level == 0 ? passes::OptLevel::kO0 : passes::OptLevel::kO1;
    return options;
  }

  // The Dockerfile itself, as a buffer of the report's sources.
  Result<> Load(const sema::DockerfileOptions& options) {
    const auto load = [&]() -> Result<> {
      const std::unique_ptr<sema::BuildHost> host = host_.make(request_.inputs);
      DockerfileText dockerfile = LOAM_TRY(ReadDockerfile(request_, options, *host));
      report_.file_name = dockerfile.file_name;
      const std::string& shown = request_.display_name.empty() ? report_.file_name : request_.display_name;
      report_.buffer = LOAM_TRY(report_.sources->AddText(shown, std::move(dockerfile.text)));
      return {};
    };
    LOAM_TRY(host_.step ? host_.step("[internal] load build definition from " + options.file_name, load) : load());
    if (host_.dockerfile_definition) {
      report_.definition = host_.dockerfile_definition();
    }
    return {};
  }

  std::optional<ForwardedBuild> FindForward() const {
    if (const auto argument = request_.options.find(kSyntaxArgument); argument != request_.options.end()) {
      const std::string_view cmdline = TrimSpace(argument->second);
      return ForwardedBuild{std::string(cmdline.substr(0, cmdline.find(' '))), argument->second, {}};
    }
    if (const auto found = parse::DetectSyntax(report_.buffer->text())) {
      const auto line = static_cast<std::uint32_t>(found->line);
      return ForwardedBuild{found->name, found->value, {line, line}};
    }
    return std::nullopt;
  }

  // Mistakes are in the report. `outline` and `emitter` are those of a question.
  Result<CompileResult> Compile(const CompileOptions& options, const DockerfileRequest& request) {
    const std::unique_ptr<sema::BuildHost> host = host_.make(request.inputs);
    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    Result<CompileResult> compiled = driver::Compile(*report_.sources, *report_.buffer, options, *host, emitter);
    report_.diagnostics = consumer.Take();
    return compiled;
  }
  Result<CompileResult> CompileWell(const CompileOptions& options, const DockerfileRequest& request) {
    CompileResult compiled = LOAM_TRY(Compile(options, request));
    report_.warnings = std::move(compiled.warnings);
    if (!compiled.ok) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} has mistakes", report_.buffer->name()));
    }
    return compiled;
  }

  Result<CompiledDockerfile> Build() {
    DockerfileRequest whole = request_;
    LOAM_TRY(BuildTargetContexts(whole, [&](const DockerfileRequest& part) -> Result<CompileResult> {
      CompileOptions options = LOAM_TRY(OptionsOf(part));
      options.lint = false;
      return CompileWell(options, part);
    }));
    CompiledDockerfile made;
    CompileOptions options = LOAM_TRY(OptionsOf(whole));
    made.compiled = LOAM_TRY(CompileWell(options, whole));
    made.options = std::move(options.dockerfile);
    LOAM_TRY(LookIntoContext(made.options, whole));
    return made;
  }

  // Upstream's frontend reads the client's ignore file whether the context is used or not, and provenance tells that
  // the context was looked at.
  Result<> LookIntoContext(const sema::DockerfileOptions& options, const DockerfileRequest& request) {
    if (LOAM_TRY(ReadAttestOptions(request.options)).contains("provenance") && options.remote_context.empty() &&
        !options.context_is_input) {
      // Without such a file, or without a context, there is nothing to tell.
      static_cast<void>(host_.make(request.inputs)->ReadContextFile(options.context_name, ".dockerignore"));
    }
    return {};
  }

  Result<std::map<std::string, std::string>> Answer(const std::string& question) {
    CompileOptions options = LOAM_TRY(OptionsOf(request_));
    options.lint = false;
    options.level = passes::OptLevel::kO0;
    options.stop_after = StopAfter::kSema;
    if (question == "frontend.subrequests.describe") {
      return Metadata(DescribeJson(), DescribeText(), "1.0.0");
    }
    if (question == "frontend.targets") {
      options.stop_after = StopAfter::kAst;
      const CompileResult compiled = LOAM_TRY(CompileWell(options, request_));
      return Metadata(TargetsJson(compiled.dockerfile, *report_.buffer), TargetsText(compiled.dockerfile), "1.0.0");
    }
    if (question == "frontend.outline") {
      OutlineCollector collector;
      // Asked of no platform in particular.
      options.dockerfile.platforms.clear();
      options.parameters = &collector;
      LOAM_TRY(CompileWell(options, request_));
      const Outline outline = collector.Collect();
      return Metadata(OutlineJson(outline, *report_.buffer), OutlineText(outline), "1.0.0");
    }
    if (question == "frontend.lint") {
      return Lint(std::move(options));
    }
    if (question == "frontend.convertllb") {
      options.stop_after = StopAfter::kEmission;
      const CompileResult compiled = LOAM_TRY(CompileWell(options, request_));
      const std::string platform = compiled.platforms.empty() ? std::string() : compiled.platforms.front().platform;
      return std::map<std::string, std::string>{
          {"result.json", LOAM_TRY(EmitText(EmitKind::kLlbJson, compiled, *report_.buffer, platform))},
          {"version", "0.1.0"}};
    }
    return Unexpected(Error(ErrorCode::kUnimplemented, fmt::format("unsupported request {}", question))
                          .WithDetail(std::make_shared<const NotSupported>(NotSupported::Kind::kQuestion, question)));
  }

  Result<std::map<std::string, std::string>> Lint(CompileOptions options) {
    options.lint = true;
    options.all_stages = options.dockerfile.target.empty();
    const CompileResult compiled = LOAM_TRY(Compile(options, request_));
    for (diag::Diagnostic& diagnostic : report_.diagnostics) {
      const bool placed = diagnostic.range.valid() && diagnostic.range.file == report_.buffer->id();
      diagnostic.message =
          WireMessage(diagnostic, placed ? report_.buffer->LinesOf(diagnostic.range) : source::LineSpan());
    }
    const CheckReport report{compiled.warnings, report_.diagnostics, *report_.buffer};
    auto metadata = Metadata(CheckJson(report), CheckText(report), "1.0.0");
    metadata["result.statuscode"] = compiled.ok && compiled.warnings.empty() ? "0" : "1";
    // A mistake is part of the answer.
    report_.diagnostics.clear();
    return metadata;
  }

  static std::map<std::string, std::string> Metadata(std::string json, std::string text, std::string version) {
    return {{"result.json", std::move(json)}, {"result.txt", std::move(text)}, {"version", std::move(version)}};
  }

  const DockerfileRequest& request_;
  const DockerfileFrontendHost& host_;
  DockerfileFrontendReport& report_;
};

}  // namespace

Mistakes MistakesOf(const std::vector<diag::Diagnostic>& diagnostics, const source::Buffer* buffer) {
  Mistakes mistakes;
  for (const diag::Diagnostic& diagnostic : diagnostics) {
    if (!diagnostic.is_error()) {
      continue;
    }
    source::LineSpan lines;
    if (diagnostic.range.valid() && buffer != nullptr && diagnostic.range.file == buffer->id()) {
      lines = buffer->LinesOf(diagnostic.range);
    }
    mistakes.message += (mistakes.message.empty() ? "" : "\n") + WireMessage(diagnostic, lines);
    mistakes.lines = mistakes.lines.first == 0 ? lines : mistakes.lines;
  }
  return mistakes;
}

std::string WarningLine(const lint::Warning& warning) {
  std::string line = fmt::format("{}: {}", warning.rule->name, warning.message);
  if (warning.lines.first > 0) {
    line += fmt::format(" (line {})", warning.lines.first);
  }
  return line;
}

Result<DockerfileAnswer> RunDockerfileFrontend(const DockerfileRequest& request, const DockerfileFrontendHost& host,
                                               DockerfileFrontendReport& report) {
  return Frontend(request, host, report).Run();
}

}  // namespace loam::driver
