// The comparison of two builds, step by step.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "runtime-executor/engine/build_record.h"
#include "runtime-executor/engine/step_name.h"

namespace loam::engine {
namespace {

using solver::Preimage;
using solver::StepReport;
using Outcome = StepReport::Outcome;

bool Worked(const StepReport& step) {
  return step.outcome == Outcome::kRan || step.outcome == Outcome::kFailed;
}

// Finds the earlier run of a step by ever weaker likeness.
class Matcher {
 public:
  explicit Matcher(const BuildRecord* previous) {
    if (previous == nullptr) {
      return;
    }
    for (const StepReport& step : previous->steps) {
      const StepName name = ParseStepName(step.name);
      by_digest_.emplace(step.vertex, &step);
      by_name_.emplace(step.name, &step);
      by_text_.emplace(std::pair(name.stage, name.text), &step);
      if (name.position > 0) {
        by_position_.emplace(std::tuple(name.stage, name.position, name.instruction), &step);
      }
      by_instruction_[{name.stage, name.instruction}].push_back(&step);
    }
  }

  const StepReport* Match(const StepReport& step) const {
    const StepName name = ParseStepName(step.name);
    if (const auto found = by_digest_.find(step.vertex); found != by_digest_.end()) {
      return found->second;
    }
    if (const auto found = by_name_.find(step.name); found != by_name_.end()) {
      return found->second;
    }
    if (const auto found = by_text_.find({name.stage, name.text}); found != by_text_.end()) {
      return found->second;
    }
    if (const auto found = by_position_.find({name.stage, name.position, name.instruction});
        found != by_position_.end()) {
      return found->second;
    }
    // The only one of its kind in the stage, then the one whose text begins most alike.
    const auto kind = by_instruction_.find({name.stage, name.instruction});
    if (kind == by_instruction_.end()) {
      return nullptr;
    }
    const StepReport* best = nullptr;
    std::size_t best_length = name.instruction.size();
    for (const StepReport* candidate : kind->second) {
      const std::string_view text = ParseStepName(candidate->name).text;
      const auto difference = std::mismatch(text.begin(), text.end(), name.text.begin(), name.text.end());
      const auto length = static_cast<std::size_t>(difference.first - text.begin());
      if (length > best_length) {
        best = candidate;
        best_length = length;
      }
    }
    return best;
  }

 private:
  std::unordered_map<Digest, const StepReport*> by_digest_;
  std::map<std::string_view, const StepReport*> by_name_;
  std::map<std::pair<std::string_view, std::string_view>, const StepReport*> by_text_;
  std::map<std::tuple<std::string_view, int, std::string_view>, const StepReport*> by_position_;
  std::map<std::pair<std::string_view, std::string_view>, std::vector<const StepReport*>> by_instruction_;
};

bool HasPrefix(std::string_view text, std::string_view prefix) {
  return text.rfind(prefix, 0) == 0;
}

Difference::Kind KindOfField(std::string_view name) {
  using Kind = Difference::Kind;
  if (name == "op" || HasPrefix(name, "arg:") || HasPrefix(name, "action:")) {
    return Kind::kCommand;
  }
  if (HasPrefix(name, "env:")) {
    return Kind::kEnvironment;
  }
  if (HasPrefix(name, "secret:") || HasPrefix(name, "ssh:")) {
    return Kind::kSecret;
  }
  if (HasPrefix(name, "mount:")) {
    return Kind::kMount;
  }
  if (name == "source") {
    return Kind::kSource;
  }
  if (name == "source.digest") {
    return Kind::kSourceDigest;
  }
  return Kind::kSetting;
}

std::string SubjectOfField(std::string_view name, const StepReport& step) {
  const Difference::Kind kind = KindOfField(name);
  if (kind == Difference::Kind::kSource || kind == Difference::Kind::kSourceDigest) {
    for (const Preimage::Field& field : step.preimage.fields) {
      if (kind == Difference::Kind::kSourceDigest && field.name == "source") {
        return field.value;
      }
    }
    return step.name;
  }
  if (kind == Difference::Kind::kCommand) {
    return {};
  }
  const std::size_t colon = name.find(':');
  return std::string(kind == Difference::Kind::kSetting || colon == std::string_view::npos ? name
                                                                                           : name.substr(colon + 1));
}

// The words of a command belong together.
std::map<std::string, std::vector<std::string>> FieldsOf(const Preimage& preimage) {
  std::map<std::string, std::vector<std::string>> fields;
  std::string command;
  for (const Preimage::Field& field : preimage.fields) {
    if (HasPrefix(field.name, "arg:")) {
      command += (command.empty() ? "" : " ") + field.value;
    } else {
      fields[field.name].push_back(field.value);
    }
  }
  if (!command.empty()) {
    fields["arg:"] = {command};
  }
  return fields;
}

std::string JoinedOrEmpty(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    text += (text.empty() ? "" : ", ") + value;
  }
  return text;
}

void CompareFields(const StepReport& before, const StepReport& after, std::vector<Difference>& differences) {
  const auto old_fields = FieldsOf(before.preimage);
  const auto new_fields = FieldsOf(after.preimage);
  std::set<std::string> names;
  for (const auto& [name, values] : old_fields) {
    names.insert(name);
  }
  for (const auto& [name, values] : new_fields) {
    names.insert(name);
  }
  for (const std::string& name : names) {
    const auto was = old_fields.find(name);
    const auto is = new_fields.find(name);
    const std::vector<std::string> nothing;
    const std::vector<std::string>& old_values = was == old_fields.end() ? nothing : was->second;
    const std::vector<std::string>& new_values = is == new_fields.end() ? nothing : is->second;
    if (old_values != new_values) {
      differences.push_back(
          {KindOfField(name), SubjectOfField(name, after), JoinedOrEmpty(old_values), JoinedOrEmpty(new_values)});
    }
  }
}

std::string PathIn(const std::string& base, std::string_view path) {
  return base.empty() ? std::string(path) : path.empty() ? base : fmt::format("{}/{}", base, path);
}

void CompareFiles(const std::string& base, const std::vector<Preimage::File>& before,
                  const std::vector<Preimage::File>& after, std::vector<Difference>& differences) {
  std::map<std::string_view, const Digest*> old_files;
  for (const Preimage::File& file : before) {
    old_files.emplace(file.path, &file.digest);
  }
  for (const Preimage::File& file : after) {
    const auto found = old_files.find(file.path);
    if (found == old_files.end()) {
      differences.push_back({Difference::Kind::kFileAdded, PathIn(base, file.path), {}, file.digest.ToString()});
      continue;
    }
    if (*found->second != file.digest) {
      differences.push_back(
          {Difference::Kind::kFileChanged, PathIn(base, file.path), found->second->ToString(), file.digest.ToString()});
    }
    old_files.erase(found);
  }
  for (const auto& [path, digest] : old_files) {
    differences.push_back({Difference::Kind::kFileRemoved, PathIn(base, path), digest->ToString(), {}});
  }
}

class Comparison {
 public:
  Comparison(const BuildRecord* previous, const BuildRecord& current)
      : previous_(previous), current_(current), matcher_(previous) {
    // Inputs come first, so one pass tells for every step whether what it stands for is new.
    for (const StepReport& step : current.steps) {
      steps_.emplace(step.vertex, &step);
      changed_.emplace(step.vertex, Changed(step));
    }
  }

  Explanation Explain(const StepReport& step) const {
    Explanation explanation;
    switch (step.outcome) {
      case Outcome::kCached:
        explanation.verdict = Explanation::Verdict::kCached;
        return explanation;
      case Outcome::kCanceled:
      case Outcome::kNotReached:
        explanation.verdict = Explanation::Verdict::kNotReached;
        return explanation;
      case Outcome::kRan:
      case Outcome::kFailed:
        break;
    }
    if (step.ignore_cache) {
      explanation.verdict = Explanation::Verdict::kIgnoredCache;
      return explanation;
    }
    const StepReport* before = matcher_.Match(step);
    if (before == nullptr) {
      explanation.verdict = Explanation::Verdict::kFirstTime;
      return explanation;
    }
    bool own = false;
    explanation.differences = Differences(*before, step, own);
    explanation.verdict =
        explanation.differences.empty() ? Explanation::Verdict::kResultGone : Explanation::Verdict::kChanged;
    if (!explanation.differences.empty() && !own) {
      FindOrigin(step, explanation);
    }
    return explanation;
  }

 private:
  const StepReport* Step(const Digest& vertex) const {
    const auto found = steps_.find(vertex);
    return found == steps_.end() ? nullptr : found->second;
  }

  // Whether input `i` is another thing than in the earlier run.
  bool InputChanged(const StepReport& before, const StepReport& after, std::size_t i) const {
    const StepReport::Input& was = before.inputs[i];
    const StepReport::Input& is = after.inputs[i];
    if (!was.content.empty() && !is.content.empty()) {
      return was.content != is.content;
    }
    if (was.output != is.output || was.selector != is.selector) {
      return true;
    }
    const auto changed = changed_.find(is.vertex);
    return changed == changed_.end() || changed->second;
  }

  bool Changed(const StepReport& step) const {
    const StepReport* before = matcher_.Match(step);
    if (before == nullptr || step.transient || (step.ignore_cache && Worked(step)) ||
        before->op_digest != step.op_digest || before->inputs.size() != step.inputs.size()) {
      return true;
    }
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      if (InputChanged(*before, step, i)) {
        return true;
      }
    }
    return false;
  }

  // `own` is set if one of them is a fact of the step itself, or of a client's directory, rather than of an earlier
  // step.
  std::vector<Difference> Differences(const StepReport& before, const StepReport& after, bool& own) const {
    std::vector<Difference> differences;
    if (before.op_digest != after.op_digest) {
      CompareFields(before, after, differences);
      own = true;
    }
    if (before.inputs.size() != after.inputs.size()) {
      differences.push_back({Difference::Kind::kInputs, {}, {}, {}});
      own = true;
      return differences;
    }
    for (std::size_t i = 0; i < after.inputs.size(); ++i) {
      if (!InputChanged(before, after, i)) {
        continue;
      }
      const StepReport::Input& was = before.inputs[i];
      const StepReport::Input& is = after.inputs[i];
      const Preimage* old_content = ContentOf(previous_, was.content);
      const Preimage* new_content = ContentOf(&current_, is.content);
      const std::size_t known = differences.size();
      if (old_content != nullptr && new_content != nullptr) {
        CompareFiles(is.content_base, old_content->files, new_content->files, differences);
      }
      const StepReport* input = Step(is.vertex);
      own = own || (differences.size() > known && (input == nullptr || input->transient));
      if (differences.size() == known) {
        differences.push_back(
            {Difference::Kind::kEarlierStep, input == nullptr ? is.vertex.ToString() : input->name, {}, {}});
      }
    }
    return differences;
  }

  static const Preimage* ContentOf(const BuildRecord* build, const Digest& content) {
    if (build == nullptr || content.empty()) {
      return nullptr;
    }
    const auto found = build->contents.find(content);
    return found == build->contents.end() ? nullptr : found->second.get();
  }

  // Follows the first changed input down to the step that changed by itself.
  void FindOrigin(const StepReport& step, Explanation& explanation) const {
    const StepReport* current = &step;
    while (current != nullptr) {
      const StepReport* before = matcher_.Match(*current);
      if (before == nullptr) {
        explanation.origin = current->name;
        return;
      }
      bool own = false;
      const std::vector<Difference> differences = Differences(*before, *current, own);
      if (current != &step && (differences.empty() || own)) {
        explanation.origin = current->name;
        explanation.origin_differences = differences;
        return;
      }
      const StepReport* next = nullptr;
      for (std::size_t i = 0; i < current->inputs.size() && next == nullptr; ++i) {
        if (InputChanged(*before, *current, i)) {
          next = Step(current->inputs[i].vertex);
        }
      }
      current = next;
    }
  }

  const BuildRecord* previous_;
  const BuildRecord& current_;
  const Matcher matcher_;
  std::unordered_map<Digest, const StepReport*> steps_;
  std::unordered_map<Digest, bool> changed_;
};

}  // namespace

const StepReport* MatchStep(const BuildRecord& previous, const StepReport& step) {
  return Matcher(&previous).Match(step);
}

Explanation ExplainStep(const BuildRecord* previous, const BuildRecord& current, const StepReport& step) {
  return Comparison(previous, current).Explain(step);
}

std::vector<const StepReport*> OriginsOfWork(const BuildRecord* previous, const BuildRecord& current) {
  const Comparison comparison(previous, current);
  std::vector<const StepReport*> origins;
  for (const StepReport& step : current.steps) {
    // A client's directory is read in every build; that is no work.
    if (!Worked(step) || step.transient) {
      continue;
    }
    const Explanation explanation = comparison.Explain(step);
    // Because of a step that is in the list itself?
    const bool by_others = std::any_of(current.steps.begin(), current.steps.end(), [&](const StepReport& other) {
      return !explanation.origin.empty() && other.name == explanation.origin && Worked(other) && !other.transient;
    });
    if (!by_others) {
      origins.push_back(&step);
    }
  }
  return origins;
}

}  // namespace loam::engine
