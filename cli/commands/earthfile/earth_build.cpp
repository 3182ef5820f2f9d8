#include "cli/commands/earthfile/earth_build.h"

#include <unistd.h>

#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "base/platform.h"
#include "base/print.h"
#include "base/strings.h"
#include "cli/build_engine.h"
#include "cli/commands/earthfile/earth_config.h"
#include "cli/commands/earthfile/earth_log.h"
#include "cli/commands/earthfile/earth_secrets.h"
#include "cli/commands/earthfile/earthly_words.h"
#include "cli/commands/earthfile/exec_stats.h"
#include "cli/commands/earthfile/load_images.h"
#include "cli/commands/missing_file.h"
#include "cli/commands/plan_printer.h"
#include "cli/docker_endpoint.h"
#include "cli/progress/earth_display.h"
#include "cli/remote_program.h"
#include "cli/terminal.h"
#include "compiler/diagnostics/render.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/dotenv.h"
#include "compiler/sema/earthfile/reference.h"
#include "runtime-executor/gateway/earthfile/auto_skip_db.h"
#include "runtime-executor/gateway/earthfile/client.h"
#include "runtime-executor/gateway/earthfile/earthfile_build.h"
#include "runtime-executor/gateway/earthfile/engine_site.h"
#include "runtime-executor/session/local_client_services.h"
#include "runtime-executor/solver/op.h"
#include "runtime-executor/source/image_store.h"

namespace loam::cli {
namespace {

using gateway::earthfile::EarthfileBuildReport;
using gateway::earthfile::EarthfileBuildRequest;
using gateway::earthfile::WrittenOutput;
using Values = std::map<std::string, std::string>;

// Exit codes of earthly that scripts look at.
constexpr int kEarthlyInterrupted = 2;
constexpr int kEarthlyNotPrivileged = 9;

// The version of the language's reference that this program stands for.
constexpr std::string_view kLanguageVersion = "v0.8.16";

Error Mistake(std::string message, std::string hint = {}) {
  Error error(ErrorCode::kInvalidArgument, std::move(message));
  return hint.empty() ? std::move(error) : std::move(error).WithHint(std::move(hint));
}

// Behind the reference every `--name` is an arg of the target.
std::string FlagsComeFirst(std::string_view flag) {
  return fmt::format("flags come before the target; behind it, `--{}` is an arg of the target", flag);
}

// The words after the flags.
struct Words {
  std::vector<std::string> references;
  std::vector<std::pair<std::string, std::string>> args;
};

Result<Words> ReadWords(const std::vector<std::string>& words) {
  Words result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with('-') || word == "-") {
      result.references.push_back(word);
      continue;
    }
    const std::string bare = word.substr(word.starts_with("--") ? 2 : 1);
    if (const auto pair = SplitOnce(bare, '=')) {
      result.args.emplace_back(pair->first, pair->second);
    } else if (i + 1 < words.size()) {
      result.args.emplace_back(bare, words[++i]);
    } else {
      return Unexpected(Mistake(fmt::format("no value provided for --{}", bare),
                                IsEarthFlag(bare) ? FlagsComeFirst(bare) : fmt::format("write `--{}=VALUE`", bare)));
    }
  }
  return result;
}

// What is missing is no mistake unless the user named the file.
Result<Values> ReadDotenv(const std::string& path, bool must_exist) {
  const auto text = LOAM_TRY(ReadFileIfExists(path));
  if (!text) {
    if (must_exist) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("read {0}: open {0}: no such file or directory", path));
    }
    return Values();
  }
  return LOAM_TRY_CONTEXT(path, sema::earthfile::ParseDotenv(*text));
}

struct SideFiles {
  Values args;
  Values secrets;
  std::string secrets_name;
};

Result<SideFiles> ReadSideFiles(const Context& context, EarthSettings& settings) {
  SideFiles files;
  Values env = LOAM_TRY(ReadDotenv(settings.String("env-file-path", ".env"), settings.IsSet("env-file-path")));
  settings.set_file_values(env);
  const std::string arg_file =
      settings.Has("build-arg-file") ? settings.String("build-arg-file") : settings.String("arg-file-path", ".arg");
  files.secrets_name = settings.String("secret-file-path", ".secret");
  files.args =
      LOAM_TRY(ReadDotenv(arg_file, settings.IsSet("arg-file-path") || settings.flags().Has("build-arg-file")));
  files.secrets = LOAM_TRY(ReadDotenv(files.secrets_name, settings.IsSet("secret-file-path")));
  if (::access(arg_file.c_str(), F_OK) != 0 && ::access(files.secrets_name.c_str(), F_OK) != 0) {
    const std::vector<std::string> known = EarthVariables();
    for (const auto& [name, value] : env) {
      const std::string other = name.starts_with("EARTH_") ? "EARTHLY_" + name.substr(6) : name;
      if (std::find(known.begin(), known.end(), other) == known.end()) {
        PrintTo(context.err,
                "warning: unexpected env \"{}\": as of v0.7.0, --build-arg values must be defined in .arg (and "
                "--secret values in .secret)\n",
                name);
      }
    }
  }
  return files;
}

std::string UniqueId() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}", device(), device(), device());
}

// Everything that a build needs from the command line.
struct Prepared {
  EarthfileBuildRequest request;
  std::shared_ptr<session::ClientServices> client;
  std::unique_ptr<sema::earthfile::AutoSkipStore> auto_skip;
  std::string title;
};

// A switch that is neither on nor off: of a variable, or of `.env`.
Result<> CheckSwitches(const EarthSettings& settings) {
  for (const Flag& flag : EarthFlags()) {
    const std::string text = flag.kind == FlagKind::kBool ? settings.String(flag.name) : std::string();
    if (!text.empty() && !IsTrueText(text) && !IsFalseText(text)) {
      return Unexpected(Mistake(fmt::format("could not parse \"{}\" as bool value from environment variable \"{}\"",
                                            text, EarthVariable(flag.name)),
                                "a switch is `true` or `false`"));
    }
  }
  return {};
}

Result<> SetPolicy(const EarthSettings& settings, EarthfileBuildRequest& request) {
  sema::earthfile::EvaluateOptions& options = request.options;
  const bool artifact = settings.Bool("artifact");
  const bool image = settings.Bool("image");
  if (artifact && image) {
    return Unexpected(Mistake("--artifact and --image exclude each other"));
  }
  options.mode = artifact ? sema::earthfile::OutputMode::kArtifact
                 : image  ? sema::earthfile::OutputMode::kImage
                          : sema::earthfile::OutputMode::kAll;
  options.ci = settings.Bool("ci");
  options.strict = settings.Bool("strict") || options.ci;
  options.no_output = settings.Bool("no-output");
  if (options.ci) {
    options.no_output = (options.no_output || !settings.Bool("output")) && !artifact && !image;
    if (settings.Bool("interactive")) {
      return Unexpected(Mistake("--ci and --interactive exclude each other"));
    }
  } else if (options.no_output && (artifact || image)) {
    return Unexpected(Mistake("--no-output cannot be used with --artifact or --image"));
  }
  options.push = settings.Bool("push");
  options.no_cache = settings.Bool("no-cache");
  options.allow_privileged = settings.Bool("allow-privileged");
  options.interactive = settings.Bool("interactive");
  options.auto_skip = settings.Bool("auto-skip");
  options.no_auto_skip = settings.Bool("no-auto-skip");
  if (options.auto_skip && options.no_cache) {
    return Unexpected(Mistake("--no-cache cannot be used with --auto-skip"));
  }
  if (options.auto_skip && options.no_auto_skip) {
    return Unexpected(Mistake("--no-auto-skip cannot be used with --auto-skip"));
  }
  options.resolve_mode = settings.Bool("pull") ? "pull" : "default";
  const std::vector<std::string> platforms = settings.List("platform");
  if (platforms.size() > 1) {
    return Unexpected(Mistake("--platform takes one value here",
                              "several platforms are built by `BUILD --platform=… --platform=…` in the Earthfile"));
  }
  options.platform = platforms.empty() ? std::string() : platforms[0];
  return {};
}

Result<> SetReferences(const EarthSettings& settings, const Words& words, EarthDialect dialect,
                       EarthfileBuildRequest& request) {
  const std::string_view program = ProgramOf(dialect);
  const bool artifact = settings.Bool("artifact");
  if (words.references.empty()) {
    return Unexpected(
        artifact ? Mistake("no artifact reference provided", fmt::format("try `{} --artifact +TARGET/PATH`", program))
        : settings.Bool("image")
            ? Mistake("no image reference provided", fmt::format("try `{} --image +TARGET`", program))
            : Mistake("no target reference provided", fmt::format("try `{} +TARGET`", program)));
  }
  if (words.references.size() > (artifact ? 2 : 1)) {
    return Unexpected(Mistake(fmt::format("invalid arguments {}", Join(words.references, " ")),
                              artifact ? "one artifact and where to write it" : "one target at a time"));
  }
  const std::string& reference = words.references[0];
  if (artifact) {
    if (const auto parsed = sema::earthfile::ParseArtifactReference(reference, request.options.home); !parsed) {
      return Unexpected(Mistake(fmt::format("invalid artifact {}: {}", reference, parsed.error().message())));
    }
    request.artifact_destination = words.references.size() > 1 ? words.references[1] : "./";
  } else if (const auto parsed = sema::earthfile::ParseTargetReference(reference, request.options.home); !parsed) {
    Error error = Mistake(fmt::format("invalid target {}: {}", reference, parsed.error().message()));
    if (sema::earthfile::ParseTargetReference("+" + reference, request.options.home)) {
      error = std::move(error).WithHint(fmt::format("did you mean `{} +{}`?", program, reference));
    } else if (sema::earthfile::IsArtifact(reference)) {
      error =
          std::move(error).WithHint(fmt::format("an artifact is written by `{} --artifact {}`", program, reference));
    }
    return Unexpected(std::move(error));
  }
  request.roots = {reference};
  return {};
}

Result<> SetArgs(const Context& context, const EarthSettings& settings, const SideFiles& files, const Words& words,
                 EarthfileBuildRequest& request) {
  for (const auto& [name, value] : files.args) {
    request.args.emplace_back(name, value);
  }
  for (const std::string& text : settings.List("build-arg")) {
    if (const auto pair = SplitOnce(text, '=')) {
      request.args.emplace_back(pair->first, pair->second);
    } else {
      if (std::getenv(text.c_str()) == nullptr) {
        return Unexpected(
            Mistake(fmt::format("`--build-arg {}`: there is no variable {} in the environment", text, text),
                    fmt::format("set it, or write `--build-arg {}=VALUE`", text)));
      }
      request.args.emplace_back(text, context.Env(text.c_str()));
    }
  }
  request.args.insert(request.args.end(), words.args.begin(), words.args.end());
  // What files and the environment have may be meant for other targets.
  for (const std::string& text : settings.flags().List("build-arg")) {
    request.asked_args.emplace_back(text.substr(0, text.find('=')), "");
  }
  for (const auto& [name, value] : words.args) {
    request.asked_args.emplace_back(name, IsEarthFlag(name) ? FlagsComeFirst(name) : "");
  }
  for (const auto& [name, value] : request.args) {
    if (sema::earthfile::IsBuiltinArg(name)) {
      return Unexpected(Mistake(fmt::format("the builtin arg `{}` cannot be passed on the command line", name),
                                "the program gives it its value"));
    }
  }
  return {};
}

Result<Prepared> Prepare(const Context& context, EarthSettings& settings, const std::vector<std::string>& command_words,
                         EarthDialect dialect) {
  Prepared prepared;
  EarthfileBuildRequest& request = prepared.request;
  const std::string home = context.Env("HOME");
  std::error_code failed;
  const std::string directory = std::filesystem::current_path(failed).string();
  if (failed) {
    return Unexpected(ErrorCode::kFailedPrecondition, "the current directory cannot be found: " + failed.message());
  }
  const SideFiles files = LOAM_TRY(ReadSideFiles(context, settings));
  LOAM_TRY(CheckSwitches(settings));
  std::string config_path = settings.String("config");
  if (config_path.empty()) {
    config_path = context.Env("earthly_config");
  }
  const EarthConfig config = LOAM_TRY(LoadEarthConfig(config_path, home, settings.String("installation-name")));
  const Words words = LOAM_TRY(ReadWords(command_words));

  sema::earthfile::EvaluateOptions& options = request.options;
  options.home = home;
  options.invocation_directory = directory;
  const std::string host_platform = HostPlatform().ToString();
  options.native_platform = host_platform;
  options.user_platform = host_platform;
  options.version = fmt::format("{}+loam{}", kLanguageVersion, LOAM_VERSION);
  options.version_sha = LOAM_VERSION;
  options.built_by = fmt::format("loam {}", LOAM_VERSION);
  options.session_id = UniqueId();
  if (config.conversion_parallelism > 0) {
    options.parallelism = static_cast<std::size_t>(config.conversion_parallelism);
  }
  LOAM_TRY(SetPolicy(settings, request));
  LOAM_TRY(SetReferences(settings, words, dialect, request));
  LOAM_TRY(SetArgs(context, settings, files, words, request));
  request.project.directory = directory;
  request.project.git_branch = settings.String("git-branch");
  request.project.sites = config.sites;
  request.feature_overrides = settings.String("version-flag-overrides");

  EarthSecretSources secrets;
  secrets.secrets = settings.List("secret");
  secrets.secret_files = settings.List("secret-file");
  secrets.file_values = files.secrets;
  secrets.file_name = files.secrets_name;
  secrets.provider = config.secret_provider;
  options.project_secrets = !config.secret_provider.empty();
  options.mark_env_secrets = true;
  secrets.home = home;
  const std::shared_ptr<session::SecretStore> store = LOAM_TRY(MakeEarthSecrets(context, secrets));
  session::LocalClientOptions client;
  const std::string agent = settings.String("ssh-auth-sock", context.Env("SSH_AUTH_SOCK"));
  if (!agent.empty()) {
    client.ssh["default"] = {.paths = {agent}};
  }
  prepared.client =
      gateway::earthfile::EarthfileClient(session::MakeLocalClientServices(std::move(client)),
                                          std::make_shared<gateway::earthfile::ProjectDirs>(directory), store);
  prepared.title = request.roots[0];
  return prepared;
}

// --auto-skip works without its database, only nothing is ever skipped.
void OpenAutoSkip(const Context& context, const EarthSettings& settings, const std::string& root, Prepared& prepared) {
  const std::string path = settings.String("auto-skip-db-path", root + "/auto-skip.db");
  auto store = gateway::earthfile::OpenAutoSkipStore(path);
  if (!store) {
    if (settings.Has("auto-skip-db-path") || prepared.request.options.auto_skip) {
      PrintTo(context.err, "auto-skip | Failed to initialize auto-skip database: {}\n", store.error().message());
    }
    return;
  }
  prepared.auto_skip = std::move(*store);
  prepared.request.auto_skip = prepared.auto_skip.get();
}

std::string Count(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

void PrintOutputs(const Context& context, const EarthfileBuildReport& report, bool pushing) {
  const auto only_here = [](const WrittenOutput& output) {
    return output.kind == WrittenOutput::Kind::kImage && !output.loaded;
  };
  for (const WrittenOutput& output : report.written) {
    switch (output.kind) {
      case WrittenOutput::Kind::kArtifact:
        PrintTo(context.err, "Artifact {} output as {}\n", output.what, output.where);
        break;
      case WrittenOutput::Kind::kImage:
        PrintTo(context.err, "Image {} output as {}{}\n", output.target, output.what,
                output.loaded ? ", loaded into Docker" : "");
        break;
      case WrittenOutput::Kind::kPush:
        PrintTo(context.err, "Pushed image {} as {}\n", output.target, output.what);
        break;
    }
  }
  if (std::any_of(report.written.begin(), report.written.end(), only_here)) {
    PrintTo(context.err, "Images are in loam's own store (`loam image ls`): no Docker runs here to load them into\n");
  }
  if (!report.notes.empty()) {
    PrintTo(context.err, "Push {}\n", pushing ? "" : "(disabled)");
  }
  for (const std::string& note : report.notes) {
    PrintTo(context.err, "  {}\n", note);
  }
}

void PrintSummary(const Context& context, const Prepared& prepared, const ProgressModel& model, WallTime started,
                  bool ok) {
  const bool colors = context.Colors();
  std::size_t ran = 0;
  for (const Step& step : model.steps()) {
    // What the build does for itself (asking for an image, exporting) is no step of a target: "+target | RUN …".
    ran += step.state == StepState::kDone && step.name.find(" | ") != std::string::npos ? 1 : 0;
  }
  PrintTo(context.err, "{}{}{} {} in {}: {}, {} cached\n", colors ? (ok ? "\x1b[1;32m" : "\x1b[1;31m") : "",
          ok ? "SUCCESS" : "FAILURE", colors ? "\x1b[0m" : "", prepared.title,
          FormatSeconds(SystemClock().Now() - started), Count(ran, "step") + " ran", model.cached());
}

// `step_told`: the display has shown the failed step; what followed from it elsewhere is not repeated.
void PrintDiagnostics(const Context& context, const EarthfileBuildReport& report, bool step_told,
                      EarthDialect dialect) {
  std::vector<diag::Diagnostic> sorted = report.diagnostics;
  if (step_told) {
    std::erase_if(sorted, [](const diag::Diagnostic& item) { return item.kind == diag::Kind::kEarthHostFailure; });
  }
  if (sorted.empty()) {
    return;
  }
  diag::SortByPosition(sorted);
  PrintTo(context.err, "{}", diag::RenderTerminal(sorted, *report.sources, {.color = context.Colors()}));
  if (dialect == EarthDialect::kEarthly) {
    PrintTo(context.err, "{}", RenderEarthlyWords(sorted, *report.sources));
  }
}

std::string BuildKey(const Prepared& prepared) {
  return prepared.request.options.invocation_directory + "\n" + prepared.title;
}

// The names of steps are those of the display.
PlanName PlanNameBy(const gateway::earthfile::StepRegistry& steps) {
  return [&steps](const solver::StepReport& step) -> std::optional<std::string> {
    const auto known = steps.Find(step.vertex, step.name);
    if (!known || known->target.empty() || known->command.empty() || known->internal) {
      return std::nullopt;
    }
    return fmt::format("{} | {}", known->target, known->command);
  };
}

Exit Explain(const Context& context, engine::Engine& engine, Prepared& prepared) {
  EarthfileBuildReport report;
  engine::Job job = engine.StartJob({.client = prepared.client,
                                     .progress = std::make_shared<solver::NullProgressSink>(),
                                     .entitlements = {.network_host = true,
                                                      .security_insecure = prepared.request.options.allow_privileged,
                                                      .devices = {}},
                                     .title = prepared.title,
                                     .build_key = BuildKey(prepared),
                                     .plan = true});
  prepared.request.messages.notice = [&](std::string_view target, std::string_view text) {
    PrintTo(context.err, "{}{}{}\n", target, target.empty() ? "" : " | ", text);
  };
  prepared.request.messages.warning = prepared.request.messages.notice;
  const auto site = gateway::earthfile::MakeEngineSite(job, *prepared.client);
  const Result<> planned = gateway::earthfile::PlanEarthfile(*site, prepared.request, report, context.stop);
  if (context.stop.stop_requested()) {
    return Exit::kInterrupted;
  }
  const Result<> printed = PrintPlan(context, engine, job, PlanNameBy(*report.steps));
  if (!printed) {
    PrintError(context, printed.error());
    return Exit::kFailed;
  }
  if (planned) {
    return Exit::kOk;
  }
  PrintTo(context.err, "the plan ends there:\n");
  PrintDiagnostics(context, report, false, EarthDialect::kLoam);
  if (report.diagnostics.empty()) {
    PrintError(context, planned.error());
  }
  return Exit::kFailed;
}

// Where to build, if not here. The container that earthly kept its own daemon in counts as here.
std::vector<std::string> EnginesOf(const Context& context, const EarthSettings& settings) {
  constexpr std::string_view kOfEarthly = "docker-container://earthly-buildkitd";
  std::vector<std::string> engines = EnginesOf(context, settings.flags());
  if (const std::string host = settings.String("buildkit-host");
      engines.empty() && !host.empty() && host != kOfEarthly) {
    engines.push_back(host);
  }
  return engines;
}

// --verbose: a file of a context whose contents had to be read, which earthly would have sent to its daemon.
std::string DescribeRead(const std::string& invocation_directory, const std::string& path, std::uint64_t bytes,
                         EarthDialect dialect) {
  const std::filesystem::path shown = std::filesystem::path(path).lexically_proximate(invocation_directory);
  return fmt::format("{} {} ({})", dialect == EarthDialect::kEarthly ? "sent data for" : "read", shown.string(),
                     HumanBytes(bytes));
}

struct Builder {
  std::unique_ptr<engine::Engine> here;  // null: elsewhere
  std::unique_ptr<BuildEngine> engine;
};

Result<Builder> OpenBuilder(const Context& context, const EarthSettings& settings,
                            const std::vector<std::string>& engines,
                            const std::function<void(engine::EngineOptions&)>& adjust) {
  Builder builder;
  if (engines.empty()) {
    builder.here = LOAM_TRY(OpenEngine(context, settings.flags(), adjust));
    builder.engine = MakeLocalBuildEngine(*builder.here);
  } else {
    builder.engine = LOAM_TRY(context.remote_engine(engines, settings.flags()));
  }
  return builder;
}

// Why a file of a COPY is not there; "" for what is not known, as of other repositories.
std::string CopyHint(const Error& error, const gateway::earthfile::Step& step,
                     const std::string& invocation_directory) {
  const std::string project = step.target.substr(0, step.target.find('+'));
  if (!project.empty() && !project.starts_with('.') && !project.starts_with('/')) {
    return {};
  }
  return MissingEarthfileCopyHint(error, step.command, CleanPath(invocation_directory + "/" + project));
}

// What only `-P` would allow has a code of its own for earthly, a refusal of what another repository asks for has not.
bool LacksPrivilege(const EarthfileBuildReport& report, const EarthfileBuildRequest& request) {
  return !request.options.allow_privileged &&
         std::any_of(report.diagnostics.begin(), report.diagnostics.end(), [](const diag::Diagnostic& diagnostic) {
           return diagnostic.kind == diag::Kind::kEarthPermission && !diagnostic.hints.empty() &&
                  diagnostic.hints.front().find("(-P)") != std::string::npos;
         });
}

}  // namespace

void PrintEarthError(const Context& context, const Error& error, EarthDialect dialect) {
  if (dialect == EarthDialect::kLoam) {
    PrintError(context, error);
    return;
  }
  PrintTo(context.err, "Error: {}\n", error.message());
  if (!error.hint().empty()) {
    PrintTo(context.err, "Help: {}\n", error.hint());
  }
}

std::string_view ProgramOf(EarthDialect dialect) {
  return dialect == EarthDialect::kEarthly ? "earthly" : "loam";
}

Exit BuildEarthTarget(Context& context, EarthSettings settings, const std::vector<std::string>& words,
                      EarthDialect dialect, EarthAction action) {
  const WallTime started = SystemClock().Now();
  Result<Prepared> prepared = Prepare(context, settings, words, dialect);
  if (!prepared) {
    PrintEarthError(context, prepared.error(), dialect);
    return dialect == EarthDialect::kEarthly ? Exit::kFailed : Exit::kUsage;
  }
  const Result<ProgressMode> mode = ParseProgressMode(
      settings.Bool("quiet") ? "quiet" : settings.String("progress", context.Env("BUILDKIT_PROGRESS")));
  if (!mode) {
    PrintError(context, mode.error());
    return dialect == EarthDialect::kEarthly ? Exit::kFailed : Exit::kUsage;
  }
  const std::vector<std::string> engines = EnginesOf(context, settings);
  if (!engines.empty() && action == EarthAction::kExplain) {
    PrintError(context, Error(ErrorCode::kUnimplemented, "a remote engine does not say what it would do")
                            .WithHint("`loam explain` without --engine explains a build on this machine"));
    return Exit::kFailed;
  }
  if (!engines.empty() && !context.remote_engine) {
    return BecomeRemoteProgram(context);
  }
  const bool verbose = settings.Bool("verbose") || settings.Bool("debug");
  std::shared_ptr<EarthDisplay> lines;  // outlives the engine, which tells it what it reads
  const auto say = [&](std::string_view target, std::string_view text) {
    if (lines != nullptr) {
      lines->Print(target, text);
    }
  };
  const auto adjust = [&](engine::EngineOptions& options) {
    options.git_ssh_command = [sites = prepared->request.project.sites](const std::string& remote) {
      return sema::earthfile::ConfiguredSshCommand(remote, sites);
    };
    if (verbose) {
      options.on_context_read = [&](const std::string& directory, const std::string& path, std::uint64_t bytes) {
        say("context",
            DescribeRead(prepared->request.options.invocation_directory, directory + "/" + path, bytes, dialect));
      };
    }
  };
  const Result<Builder> builder = OpenBuilder(context, settings, engines, adjust);
  if (!builder) {
    PrintError(context, builder.error());
    return Exit::kFailed;
  }
  const std::string root = StateRoot(context, settings.flags());
  EarthfileBuildRequest& request = prepared->request;
  request.project.cache_directory = root + "/git-projects";
  OpenAutoSkip(context, settings, root, *prepared);

  if (action == EarthAction::kExplain) {
    return Explain(context, *builder->here, *prepared);
  }

  EarthfileBuildReport report;
  const Result<std::shared_ptr<logbus::LogBus>> log = OpenLogBus(settings, request.options, engines, report);
  if (!log) {
    PrintError(context, log.error());
    return Exit::kFailed;
  }
  request.journal = log->get();
  const bool github = settings.Bool("github-annotations");
  const bool quiet = *mode == ProgressMode::kQuiet;
  std::shared_ptr<ProgressDisplay> display;
  if (quiet || *mode == ProgressMode::kRawJson) {
    display = MakeProgressDisplay({.mode = *mode, .out = context.err, .clock = &SystemClock()});
  } else {
    const bool live = *mode == ProgressMode::kTty || (*mode == ProgressMode::kAuto && context.ErrIsTerminal());
    lines = MakeEarthDisplay({.out = context.err,
                              .colors = context.Colors(),
                              .live = live && !github,
                              .columns_from_zero = dialect == EarthDialect::kEarthly,
                              .github = github,
                              .keys_announced = builder->here == nullptr,
                              .verbose = verbose,
                              .clock = &SystemClock(),
                              .on_text = TextSink(*log),
                              .steps = report.steps});
    display = lines;
  }
  request.messages.notice = say;
  if (verbose) {
    request.messages.file = [&](const std::string& path, std::uint64_t bytes) {
      say("output", fmt::format("{} {} ({})", dialect == EarthDialect::kEarthly ? "received data for" : "wrote", path,
                                HumanBytes(bytes)));
    };
  }
  request.messages.warning = [&](std::string_view target, std::string_view text) {
    say(target, fmt::format("warning: {}", text));
  };

  request.messages.findings = [&](const std::vector<diag::Diagnostic>& findings) {
    say({}, diag::RenderTerminal(findings, *report.sources, {.color = context.Colors()}));
  };
  const std::shared_ptr<ops::TerminalLender> terminal = MakeTerminalLender(context, display);
  if (settings.Bool("interactive") && terminal == nullptr) {
    PrintError(context, Mistake("--interactive needs a terminal: standard input and standard error must be one"));
    return dialect == EarthDialect::kEarthly ? Exit::kFailed : Exit::kUsage;
  }
  request.terminal = terminal;
  request.docker_host = DockerEndpoint(context);
  request.docker_load = LoadSavedImages(context, request.docker_host, settings.Bool("load"));
  request.docker_load.warn = [&](std::string_view text) { say({}, fmt::format("warning: {}", text)); };

  EarthBuildRequest build{.frontend = &request,
                          .client = prepared->client,
                          .entitlements = {.security_insecure = request.options.allow_privileged, .devices = {}},
                          .title = prepared->title,
                          .build_key = BuildKey(*prepared)};
  if (settings.Bool("interactive")) {
    build.on_failure = [&](const RunInFailedStep& run) { OpenShellInFailedStep(context, run, *terminal); };
  }
  ExecStats stats;
  const std::string summary = settings.String("exec-stats-summary");
  const bool tell_usage = settings.Bool("exec-stats");
  if (tell_usage || !summary.empty()) {
    build.on_usage = [&](const Digest& vertex, const std::string& name, const ops::StepUsage& usage) {
      const auto step = report.steps->Find(vertex, name);
      if (!step || step->internal) {
        return;
      }
      stats.Observe(step->target, step->command, usage);
      if (tell_usage) {
        say(step->target, DescribeUsage(usage));
      }
    };
  }
  build.keep_image = [&](const std::string& archive, const std::string& name) -> Result<> {
    const auto here = LOAM_TRY(OpenEngine(context, settings.flags()));
    LOAM_TRY(here->images().Import({.path = archive, .names = {name}}, context.stop));
    return {};
  };
  const Result<> built = builder->engine->BuildEarthfile(build, WithLog(display, *log), report, context.stop);
  const auto* const failed = built ? nullptr : built.error().Detail<solver::VertexErrorDetail>();
  display->Finish(built.has_value(), failed == nullptr ? Digest() : failed->digest);
  if (const Result<> logged = CloseLog(*log, settings, built, report, context.stop); !logged) {
    PrintError(context, logged.error());
    return Exit::kFailed;
  }
  if (!built && context.stop.stop_requested()) {
    PrintTo(context.err, "interrupted\n");
    return dialect == EarthDialect::kEarthly ? static_cast<Exit>(kEarthlyInterrupted) : Exit::kInterrupted;
  }
  const auto step = failed == nullptr ? std::nullopt : report.steps->Find(failed->digest, failed->name);
  const bool told = lines != nullptr && step.has_value();
  PrintDiagnostics(context, report, told, dialect);
  const bool has_mistakes =
      std::any_of(report.diagnostics.begin(), report.diagnostics.end(), [](const auto& d) { return d.is_error(); });
  if (!built && !told && !has_mistakes) {
    PrintError(context, built.error());
  } else if (!built && !has_mistakes) {
    const std::string hint = built.error().hint().empty() && step
                                 ? CopyHint(built.error(), *step, request.options.invocation_directory)
                                 : built.error().hint();
    PrintTo(context.err, "{}{}{}", hint.empty() ? "" : "hint: ", hint, hint.empty() ? "" : "\n");
  }
  if (!summary.empty()) {
    if (const Result<> written = stats.Write(summary, context.out); !written) {
      PrintError(context, written.error());
      return Exit::kFailed;
    }
  }
  if (lines != nullptr) {
    PrintOutputs(context, report, request.options.push);
    PrintSummary(context, *prepared, display->model(), started, built.has_value());
  }
  if (built) {
    return Exit::kOk;
  }
  return dialect == EarthDialect::kEarthly && LacksPrivilege(report, request) ? static_cast<Exit>(kEarthlyNotPrivileged)
                                                                              : Exit::kFailed;
}

}  // namespace loam::cli
