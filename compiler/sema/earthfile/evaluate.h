// Evaluation of targets: an interpreter over the ASTs of a project that builds IR and gathers outputs.
//
// A target is evaluated once for each set of inputs: its canonical name, platform, privileges and the values of those
// arguments that it, or what it refers to, looks up.
//
// Metadata of the nodes (ir::Metadata::description), for progress and messages:
//   llb.customname   "+test | RUN make test"
//   loam.target      "+test", "./lib+build", "github.com/a/b:main+build"
//   loam.args        "--a=1 --b=2": the arguments that the target was called with and declares; absent if none
//   loam.command     "RUN make test"
//   loam.command.7   "": of command 7 of the journal, if one is kept
//   loam.place       "Earthfile:12:3"
//   loam.chain       how the command was reached, one caller a line, from the nearest: "function +COMPILE (…:5:3)"
//   loam.platform    "linux/arm64", if not the native one
//   loam.internal    "1": a step that the user did not write
//   loam.raw         "1": RUN --raw-output
//
// Local sources are named "earthfile:<directory>", absolute or relative to the invocation directory ("earthfile:.",
// "earthfile:lib"). Names of secrets are those of the Earthfile; "aws:access_key", "aws:secret_key",
// "aws:session_token" and "aws:region" with "?oidc=<escaped value>" for RUN --aws.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/ir/module.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/dockerfile/convert.h"
#include "compiler/sema/earthfile/effects_host.h"
#include "compiler/sema/earthfile/gate.h"
#include "compiler/sema/earthfile/journal.h"
#include "compiler/sema/earthfile/outputs.h"
#include "compiler/source/source_manager.h"

namespace loam::sema::earthfile {

class Project;

// Compiles the Dockerfiles of FROM DOCKERFILE; this folder does not depend on the parser of Dockerfiles. The driver
// (compiler/driver/earthfile) has the implementation.
class DockerfileCompiler {
 public:
  virtual ~DockerfileCompiler() = default;
  // Adds the results to `module` as ConvertDockerfile does; false if something was wrong, which was reported. `context`
  // is the main context.
  virtual bool Compile(std::string_view name, std::string text, const DockerfileOptions& options, ir::Value context,
                       BuildHost& host, ir::Module& module, diag::Emitter& emitter) = 0;
};

enum class OutputMode : std::uint8_t {
  kAll,       // all outputs of the targets
  kImage,     // --image: only SAVE IMAGEs of the root target
  kArtifact,  // --artifact: only the artifact that was named
};

inline constexpr std::string_view kEnvSecretSuffix = "?env";

struct EvaluateOptions {
  OutputMode mode = OutputMode::kAll;
  bool push = false;
  bool ci = false;      // EARTHLY_CI; --ci also sets no_output and strict
  bool strict = false;  // no LOCALLY, no --interactive
  bool no_output = false;
  bool no_cache = false;
  bool allow_privileged = false;
  bool auto_skip = false;
  bool no_auto_skip = false;
  // A shell in a failed step was asked for (-i); RUN --interactive works only where the invoker has a terminal.
  bool interactive = false;
  // Ids of secrets have the PROJECT of their Earthfile: "NAME?org=ORG&project=NAME" (names are URL-escaped).
  bool project_secrets = false;
  // Ids of secrets that become variables end with kEnvSecretSuffix: whoever is asked leaves out the newlines at the end
  // of the value, as `$(cat FILE)` would.
  bool mark_env_secrets = false;
  std::string resolve_mode = "default";         // of images: default, pull, local
  ir::Network network = ir::Network::kSandbox;  // of steps that do not say --network=none

  // Platforms as "os/arch[/variant]".
  std::string platform;         // --platform; "" for none
  std::string native_platform;  // of the worker
  std::string user_platform;    // of the invoker's machine

  // EARTHLY_VERSION, EARTHLY_BUILD_SHA, and the label dev.earthly.built-by.
  std::string version;
  std::string version_sha;
  std::string built_by;
  std::string home;  // of the invoker, for ~/ in references
  // Absolute directory of the invocation; paths of AS LOCAL are relative to it.
  std::string invocation_directory;
  // Session attribute of local sources, as DockerfileOptions has them.
  std::string session_id;
  std::string local_unique_id;
  // All of the invoker's files are in this one directory of a client ("context"), which is the directory of the
  // invocation: local sources have its name, and directories of the project are parts of it.
  std::string context_name;
  // How many targets may be evaluated at a time.
  std::size_t parallelism = 20;
};

struct EvaluateRequest {
  // One reference a root: "+all", "./lib+test"; for kArtifact exactly one, "+build/out/app".
  std::vector<std::string> roots;
  // Values of --NAME=value and --build-arg, stronger ones later.
  std::vector<std::pair<std::string, std::string>> args;
  // Those of them that were given for this build alone, each with a hint for the case that nothing declares it ("":
  // none better than to declare it), which is warned of.
  std::vector<std::pair<std::string, std::string>> asked_args;
  EvaluateOptions options;

  Project* project = nullptr;
  source::SourceManager* sources = nullptr;
  BuildHost* host = nullptr;
  EffectsHost* effects = nullptr;
  // Where GIT CLONE of an address really clones from: what the invoker's settings for the site make of it. May be
  // absent.
  std::function<Result<std::string>(std::string_view url)> clone_url;
  // What the static check warns of, told before anything is evaluated; if it is not set, it goes to the emitter.
  std::function<void(const std::vector<diag::Diagnostic>&)> warnings;
  // Held by no one at the call. Given to the hosts by whoever made them.
  Gate* gate = nullptr;
  DockerfileCompiler* dockerfiles = nullptr;
  // Null: none is kept.
  Journal* journal = nullptr;
};

// --artifact: what is to be written and from where; the destination is the invoker's to know.
struct WantedArtifact {
  ir::Value fs;
  std::string source;
  std::string target;
};

struct EvaluateOutcome {
  // Graph and sources of all targets; no results.
  ir::Module module;
  // Those of the outermost WAIT scope, to be performed when everything is built.
  Outputs outputs;
  // VERSION 0.6: RUN --push and what follows it, to be performed after `outputs`, in order.
  Outputs after_push;
  std::optional<WantedArtifact> artifact;
  // Filesystems of the roots, in their order.
  std::vector<ir::Value> roots;
  // Hashes to be recorded (EffectsHost::RecordBuilt) once all is done: target and hash.
  std::vector<std::pair<std::string, std::string>> auto_skip;
  // What the invoker should be told at the end: "pushes skipped, use --push".
  std::vector<std::string> notes;
};

// First the static check (check.h) of all that the roots reach: if it finds errors, they all go to `emitter` with its
// warnings, nothing is evaluated, and nullopt is returned. Then the evaluation, which ends with the first mistake that
// it meets: that goes to `emitter`, and nullopt is returned; an Error is the world's (a failed step, a host that
// cannot).
Result<std::optional<EvaluateOutcome>> Evaluate(const EvaluateRequest& request, diag::Emitter& emitter);

}  // namespace loam::sema::earthfile
