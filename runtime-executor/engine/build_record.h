// BuildRecord: what a build did, step by step, with everything its cache keys were made of; and the comparison of two
// of them, which answers "why did this step run again" (`loam why`).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "runtime-executor/solver/job.h"

namespace loam::engine {

struct BuildRecord {
  std::int64_t id = 0;
  std::string title;
  // Equal for builds that can be compared: same context, Dockerfile and target.
  std::string build_key;
  WallTime started;
  WallTime completed;
  // Empty if the build succeeded.
  std::string error;
  // Inputs before their users.
  std::vector<solver::StepReport> steps;
  // What the content keys of the steps' inputs were made of, as far as it is known.
  std::map<Digest, std::shared_ptr<const solver::Preimage>> contents;

  [[nodiscard]] const solver::StepReport* Find(const Digest& vertex) const;
};

// The step that `query` names: a step's whole name, its bracketed position ("2/5", "build 2/5"), a digest or its
// beginning, or a part of the name that only one step has. kNotFound and kInvalidArgument (several) list the choices.
Result<const solver::StepReport*> FindStep(const BuildRecord& build, std::string_view query);

// The same step in an earlier build: same stage and position in it, or else the most similar name of that stage; null
// if there is none.
const solver::StepReport* MatchStep(const BuildRecord& previous, const solver::StepReport& step);

// One fact that differs between two runs of a step.
struct Difference {
  enum class Kind : std::uint8_t {
    kCommand,       // the words of the command, or what a file operation does
    kEnvironment,   // an environment variable or build ARG; `subject` is its name
    kSecret,        // a secret or SSH mount appeared, disappeared, moved; `subject` is its id
    kMount,         // another mount; `subject` is its path
    kSource,        // what a source is (another image, URL); `subject` is what the step is called
    kSourceDigest,  // the same source now points to other content: base image digest, commit
    kSetting,       // user, working directory, network, platform…; `subject` is its name
    kFileAdded,     // of an input; `subject` is the path
    kFileRemoved,
    kFileChanged,
    kEarlierStep,  // an input comes from a step that itself ran anew; `subject` is its name
    kInputs,       // the step takes other inputs than before
  };
  Kind kind;
  std::string subject;
  std::string before;
  std::string after;
};

struct Explanation {
  enum class Verdict : std::uint8_t {
    kCached,        // it did not run
    kChanged,       // `differences` say why
    kFirstTime,     // no earlier build has this step
    kIgnoredCache,  // --no-cache
    kResultGone,    // the same step ran before, but its result was pruned or never recorded (the build failed)
    kNotReached,    // the build ended before
  };
  Verdict verdict = Verdict::kCached;
  std::vector<Difference> differences;
  // If an earlier step is the reason: the step where it began (the first that changed by itself), and its differences.
  std::string origin;
  std::vector<Difference> origin_differences;
};

// Why `step` of `current` ran, seen from `previous` (null: there is none).
Explanation ExplainStep(const BuildRecord* previous, const BuildRecord& current, const solver::StepReport& step);

// The first steps that ran by themselves rather than because of an earlier step; what `loam why` shows without a name.
std::vector<const solver::StepReport*> OriginsOfWork(const BuildRecord* previous, const BuildRecord& current);

}  // namespace loam::engine
