// loam run: runs an image of the local store once.
#include <cstdlib>

#include <fmt/format.h>

#include "cli/commands/common.h"
#include "cli/commands/verbs.h"
#include "runtime-executor/engine/run_image.h"
#include "runtime-executor/session/local_client_services.h"

namespace loam::cli {

namespace {

constexpr Flag kFlags[] = {
    {.name = "env",
     .short_name = 'e',
     .kind = FlagKind::kList,
     .value_name = "NAME[=VALUE]",
     .help = "an environment variable; without a value, as it is here"},
    {.name = "interactive",
     .short_name = 'i',
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "accepted, as `docker run` has it: the container always gets standard input"},
    {.name = "rm",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "accepted, as `docker run` has it: nothing of the container is ever kept"},
    {.name = "entrypoint",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "PROGRAM",
     .help = "instead of the image's ENTRYPOINT"},
    {.name = "user",
     .short_name = 'u',
     .kind = FlagKind::kString,
     .value_name = "USER[:GROUP]",
     .help = "instead of the image's USER"},
    {.name = "workdir",
     .short_name = 'w',
     .kind = FlagKind::kString,
     .value_name = "DIR",
     .help = "instead of the image's WORKDIR"},
    {.name = "network",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "MODE",
     .help = "host or none (default host)",
     .completion = "host|none"},
    kRootFlag,
    kRuntimeFlag,
    kSnapshotterFlag,
};

class PassThrough final : public worker::OutputSink {
 public:
  explicit PassThrough(const Context& context) : context_(context) {}
  void Write(worker::OutputStream stream, std::string_view bytes) override {
    std::FILE* const file = stream == worker::OutputStream::kStdout ? context_.out : context_.err;
    std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fflush(file);
  }

 private:
  const Context& context_;
};

Exit Run(Context& context, const Flags& flags) {
  if (flags.positional().empty()) {
    return UsageError(context, kRunCommand, Error(ErrorCode::kInvalidArgument, "name an image"));
  }
  const std::string network = flags.String("network");
  if (!network.empty() && network != "host" && network != "none") {
    return UsageError(
        context, kRunCommand,
        Error(ErrorCode::kInvalidArgument, fmt::format("`--network={}`: expected host or none", network)));
  }
  engine::RunImageRequest request;
  request.image = flags.positional()[0];
  request.arguments.assign(flags.positional().begin() + 1, flags.positional().end());
  for (const std::string& item : flags.List("env")) {
    if (item.empty() || item.starts_with('=')) {
      return UsageError(context, kRunCommand,
                        Error(ErrorCode::kInvalidArgument, fmt::format("`--env={}`: expected NAME=VALUE", item)));
    }
    if (item.find('=') != std::string::npos) {
      request.env.push_back(item);
    } else if (const char* const value = std::getenv(item.c_str()); value != nullptr) {
      request.env.push_back(fmt::format("{}={}", item, value));
    }
  }
  if (flags.Has("entrypoint")) {
    request.entrypoint = flags.String("entrypoint");
  }
  request.user = flags.String("user");
  request.cwd = flags.String("workdir");
  request.network = network == "none" ? worker::NetworkMode::kNone : worker::NetworkMode::kHost;
  request.stdin_fd = context.in_fd;

  const auto engine = OpenEngine(context, flags);
  if (!engine) {
    PrintError(context, engine.error());
    return Exit::kFailed;
  }
  engine::Job job = (*engine)->StartJob({.client = session::MakeLocalClientServices({}),
                                         .progress = std::make_shared<solver::NullProgressSink>(),
                                         .entitlements = {},
                                         .title = "run " + request.image,
                                         .build_key = {}});
  PassThrough output(context);
  const Result<int> code = engine::RunImage(**engine, job, request, output, context.stop);
  if (!code) {
    if (context.stop.stop_requested()) {
      return Exit::kInterrupted;
    }
    PrintError(context, code.error());
    return Exit::kFailed;
  }
  return static_cast<Exit>(*code);
}

}  // namespace

const Command kRunCommand = {.name = "run",
                             .summary = "run an image once, in a container",
                             .usage = "loam run [FLAGS] IMAGE [COMMAND...]",
                             .flags = kFlags,
                             .run = Run,
                             .after_first = Flags::AfterFirst::kWords};

}  // namespace loam::cli
