#include "compiler/sema/earthfile/evaluate.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "compiler/sema/earthfile/auto_skip.h"
#include "compiler/sema/earthfile/check.h"
#include "compiler/sema/earthfile/interpreter.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;

// A root, read: the target, and for --artifact the path in it.
struct Root {
  Reference reference;
  std::string path;
};

Checked<Root> ReadRoot(std::string_view text, const EvaluateRequest& request) {
  Root root;
  std::string target(text);
  if (request.options.mode == OutputMode::kArtifact) {
    auto artifact = ParseArtifactReference(text, request.options.home);
    if (!artifact) {
      return Fail<Kind::kEarthBadReference>({}, text, artifact.error().message());
    }
    root.path = artifact->path;
    target = artifact->target.ToString();
  }
  Reference here;
  here.local_path = ".";
  root.reference = LOAM_TRY(request.project->Resolve(target, here, ImportScopes(), {})).reference;
  if (!IsTargetName(root.reference.name)) {
    return Fail<Kind::kEarthBadReference>({}, text, "it names a function, and functions are only run by DO");
  }
  return root;
}

Checked<PlatformResolver> ReadPlatforms(const EvaluateOptions& options) {
  const auto parse = [](std::string_view text) -> Checked<Platform> {
    if (text.empty()) {
      return HostPlatform();
    }
    auto platform = ParsePlatform(text);
    if (!platform) {
      return Fail<Kind::kEarthBadValue>({}, "platform", text, platform.error().message());
    }
    return *platform;
  };
  const PlatformResolver resolver(LOAM_TRY(parse(options.native_platform)), LOAM_TRY(parse(options.user_platform)));
  auto wanted = ParseEarthPlatform(options.platform, true);
  if (!wanted) {
    return Fail<Kind::kEarthBadValue>({}, "platform", options.platform, wanted.error().message());
  }
  return resolver.ForTarget(*wanted);
}

// The outputs of the root only: --image.
SaveScope ImagesOnly(const SaveScope& scope) {
  SaveScope out;
  for (const SaveScope::Entry& entry : scope.entries) {
    if (entry.item != nullptr && std::holds_alternative<ImageItem>(*entry.item)) {
      out.entries.push_back(entry);
    }
  }
  return out;
}

// The hash of a root for --auto-skip; nullopt if it was built before and need not be again.
Checked<std::optional<std::string>> AutoSkip(const Root& root, const TargetCall& call, Interpreter& interpreter) {
  const EvaluateOptions& options = interpreter.options();
  AutoSkipOptions skip;
  skip.version = options.version;
  skip.build_sha = options.version_sha;
  skip.ci = options.ci;
  skip.push = options.push;
  skip.platform = options.platform;
  skip.platforms = &call.platforms;
  const AutoSkipHash hash = LOAM_TRY(HashTarget(interpreter.project(), root.reference, call.overriding, skip, {}));
  const std::string name = root.reference.Canonical();
  const auto known = interpreter.effects().WasBuilt(name, hash.hash);
  if (!known) {
    interpreter.effects().Warning(name, fmt::format("Unable to check if target {} (hash {}) has already been run: {}",
                                                    name, hash.hash, known.error().message()));
    return std::optional<std::string>("");
  }
  if (*known) {
    interpreter.effects().Notice(name,
                                 fmt::format("Target {} (hash {}) has already been run. Skipping.", name, hash.hash));
    return std::optional<std::string>();
  }
  return std::optional(hash.hash);
}

Checked<> EvaluateRoots(const EvaluateRequest& request, Interpreter& interpreter, EvaluateOutcome& outcome) {
  const EvaluateOptions& options = request.options;
  const PlatformResolver platforms = LOAM_TRY(ReadPlatforms(options));
  Scope overriding;
  for (const auto& [name, value] : request.args) {
    overriding.insert_or_assign(name, value);
  }
  const bool saves = options.mode != OutputMode::kArtifact && !options.no_output;
  OutputCollector outputs;
  OutputCollector after_push;
  for (const std::string& text : request.roots) {
    const Root root = LOAM_TRY(ReadRoot(text, request));
    TargetCall call{.reference = root.reference, .platforms = platforms};
    call.overriding = overriding;
    call.allow_privileged = true;
    call.saves = saves;
    call.pushes = options.push;
    if (options.auto_skip && !options.no_auto_skip) {
      const std::optional<std::string> hash = LOAM_TRY(AutoSkip(root, call, interpreter));
      if (!hash) {
        continue;
      }
      if (!hash->empty()) {
        interpreter.auto_skip().emplace_back(root.reference.Canonical(), *hash);
      }
    }
    const std::shared_ptr<TargetResult> result = LOAM_TRY(interpreter.Evaluate(call, nullptr));
    outcome.roots.push_back(result->state.fs);
    switch (options.mode) {
      case OutputMode::kAll:
        outputs.Add(result->scopes.front(), saves, options.push);
        if (result->push_state) {
          after_push.AddState(*result->push_state);
          after_push.Add(result->after_push, saves, options.push);
        }
        after_push.AddAfterPush(result->scopes.front(), saves, options.push);
        break;
      case OutputMode::kImage:
        outputs.Add(ImagesOnly(result->scopes.front()), saves, options.push);
        break;
      case OutputMode::kArtifact:
        if (!result->has_artifacts) {
          return Fail<Kind::kEarthArtifact>(
              source::SourceRange(),
              fmt::format("artifact {} not found; no SAVE ARTIFACT command was issued in {}", text, result->name));
        }
        outcome.artifact = WantedArtifact{result->artifacts, root.path, result->name};
        break;
    }
  }
  interpreter.Join(false);
  for (const ir::Value state : interpreter.states()) {
    outputs.AddState(state);
  }
  interpreter.NoteUnpushed(outputs);
  interpreter.NoteUnpushed(after_push);
  outcome.outputs = LOAM_TRY(outputs.Take());
  outcome.after_push = LOAM_TRY(after_push.Take());
  return {};
}

// The static check of all roots; false if it found errors.
bool CheckRoots(const EvaluateRequest& request, diag::Emitter& emitter) {
  diag::CollectingConsumer findings;
  diag::Emitter collector(findings);
  CheckOptions options;
  options.chains = true;
  options.asked = request.asked_args;
  for (const auto& [name, value] : request.args) {
    options.args.insert_or_assign(name, value);
  }
  for (const std::string& text : request.roots) {
    // What is wrong with the text of a root is told by the evaluation.
    if (const Checked<Root> root = ReadRoot(text, request)) {
      CheckProject(*request.project, root->reference, options, collector);
    }
  }
  std::vector<diag::Diagnostic> found = findings.Take();
  if (request.warnings && !collector.has_errors()) {
    if (!found.empty()) {
      request.warnings(found);
    }
    return true;
  }
  for (diag::Diagnostic& finding : found) {
    emitter.Report(std::move(finding));
  }
  return !collector.has_errors();
}

// The gate, held.
class Held {
 public:
  explicit Held(Gate& gate) : gate_(gate) { gate_.Acquire(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { gate_.Release(); }

 private:
  Gate& gate_;
};

}  // namespace

Result<std::optional<EvaluateOutcome>> Evaluate(const EvaluateRequest& request, diag::Emitter& emitter) {
  const Held held(*request.gate);
  if (!CheckRoots(request, emitter)) {
    return std::optional<EvaluateOutcome>();
  }
  EvaluateOutcome outcome;
  std::optional<Failure> failure;
  {
    Interpreter interpreter(request, outcome.module);
    Checked<> done = EvaluateRoots(request, interpreter, outcome);
    interpreter.Join(true);
    if (!done) {
      failure = std::move(done).error();
    }
    outcome.auto_skip = std::move(interpreter.auto_skip());
    outcome.notes = std::move(interpreter.notes());
  }
  if (!failure) {
    return std::optional(std::move(outcome));
  }
  Report(emitter, *failure);
  if (failure->error()) {
    return tl::unexpected<Error>(*failure->error());
  }
  return std::optional<EvaluateOutcome>();
}

}  // namespace loam::sema::earthfile
