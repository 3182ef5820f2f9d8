#include "compiler/driver/fix.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "compiler/sema/forwarding_build_host.h"

namespace loam::driver {
namespace {

using Json = nlohmann::json;

// Every round makes at least one fix; more rounds than this mean that two rules disagree.
constexpr int kMaxRounds = 50;
// Changes that a report lists.
constexpr std::size_t kMaxChanges = 8;

// Asks for every image once: a proof compiles the same file many times.
class RememberingHost : public sema::ForwardingBuildHost {
 public:
  using ForwardingBuildHost::ForwardingBuildHost;

  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& query) override {
    const std::string key =
        fmt::format("{}|{}|{}|{}|{}|{}", query.ref, query.platform.os, query.platform.architecture,
                    query.platform.variant, query.resolve_mode, query.oci_store ? query.oci_store->store_id : "");
    const std::scoped_lock lock(images_mutex_);
    if (const auto found = images_.find(key); found != images_.end()) {
      return found->second;
    }
    auto answer = host().ResolveImage(query);
    if (answer) {
      images_.emplace(key, *answer);
    }
    return answer;
  }

 private:
  std::mutex images_mutex_;
  std::map<std::string, sema::ImageMetadata> images_;
};

// What a file builds, for one target and platform.
struct Built {
  std::vector<std::string> ops;
  std::string head;
  std::string image;
  std::string base_image;
  std::optional<std::int64_t> epoch;

  friend bool operator==(const Built&, const Built&) = default;
};

// By "target platform"; or why it does not compile.
struct Everything {
  std::map<std::string, Built> built;
  std::string error;

  friend bool operator==(const Everything&, const Everything&) = default;
};

class Prover {
 public:
  Prover(const std::string& name, const CompileOptions& options, sema::BuildHost& host)
      : name_(name), options_(options), host_(host) {
    options_.lint = false;
    options_.more_checks = {};
    options_.metadata = false;
    options_.all_stages = false;
    options_.stop_after = StopAfter::kEmission;
  }

  Result<Everything> Build(const std::string& text) {
    Everything everything;
    // The stages are those of the default target's AST.
    std::vector<std::string> targets = {options_.dockerfile.target};
    for (std::size_t i = 0; i < targets.size(); ++i) {
      source::SourceManager sources;
      diag::CollectingConsumer diagnostics;
      diag::Emitter emitter(diagnostics);
      const source::Buffer* buffer = LOAM_TRY(sources.AddText(name_, text));
      CompileOptions options = options_;
      options.dockerfile.target = targets[i];
      const CompileResult result = LOAM_TRY(Compile(sources, *buffer, options, host_, emitter));
      if (!result.ok) {
        const auto& all = diagnostics.diagnostics();
        const auto error = std::find_if(all.begin(), all.end(), [](const auto& each) { return each.is_error(); });
        everything.error = error == all.end() ? "it does not compile"
                                              : fmt::format("{}{}", Where(*buffer, error->range), error->message);
        return everything;
      }
      if (i == 0) {
        for (const ast::Stage& stage : result.dockerfile.stages) {
          if (!stage.from->stage_id.empty()) {
            targets.emplace_back(stage.from->stage_id);
          }
        }
      }
      for (const CompiledPlatform& platform : result.platforms) {
        Built built;
        for (const llb::EmittedOp& op : platform.definition.ops) {
          built.ops.push_back(op.digest.ToString());
        }
        built.head = platform.definition.head.ToString();
        built.image = platform.image_config;
        built.base_image = platform.base_image_config;
        built.epoch = platform.epoch;
        const std::string label = targets[i].empty() ? "the image" : fmt::format("stage `{}`", targets[i]);
        everything.built.emplace(
            result.platforms.size() == 1 ? label : fmt::format("{} for {}", label, platform.platform),
            std::move(built));
      }
    }
    return everything;
  }

 private:
  static std::string Where(const source::Buffer& buffer, source::SourceRange range) {
    return range.valid() && range.file == buffer.id() ? fmt::format("line {}: ", buffer.lines().Line(range.begin))
                                                      : std::string();
  }

  const std::string& name_;
  CompileOptions options_;
  sema::BuildHost& host_;
};

void DescribeJson(const Json& before, const Json& after, const std::string& path, std::vector<std::string>& out) {
  if (before == after) {
    return;
  }
  const auto show = [](const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); };
  if (before.is_object() && after.is_object()) {
    Json all = before;
    all.update(after);
    for (const auto& [key, unused] : all.items()) {
      DescribeJson(before.value(key, Json()), after.value(key, Json()), path.empty() ? key : path + "." + key, out);
    }
  } else if (before.is_array() && after.is_array() && before.size() == after.size()) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      DescribeJson(before[i], after[i], fmt::format("{}[{}]", path, i), out);
    }
  } else if (before.is_null()) {
    out.push_back(fmt::format("{} becomes {}", path, show(after)));
  } else if (after.is_null()) {
    out.push_back(fmt::format("{} is gone; it was {}", path, show(before)));
  } else {
    out.push_back(fmt::format("{} becomes {}; it was {}", path, show(after), show(before)));
  }
}

std::vector<std::string> Differences(const Everything& before, const Everything& after) {
  if (!after.error.empty()) {
    return {fmt::format("the file would no longer compile: {}", after.error)};
  }
  std::vector<std::string> out;
  std::set<std::string> seen;  // of the image config: the same in every stage that inherits it
  for (const auto& [label, old] : before.built) {
    const auto found = after.built.find(label);
    if (found == after.built.end()) {
      out.push_back(fmt::format("{} is gone", label));
      continue;
    }
    const Built& now = found->second;
    if (old.ops != now.ops || old.head != now.head) {
      const std::set<std::string> known(old.ops.begin(), old.ops.end());
      // The last op only points at the result.
      const auto changed = std::count_if(now.ops.begin(), now.ops.end() - (now.ops.empty() ? 0 : 1),
                                         [&](const auto& op) { return !known.contains(op); });
      out.push_back(fmt::format("{}: {} of {} operations are other ones", label, changed,
                                now.ops.empty() ? 0 : now.ops.size() - 1));
    }
    std::vector<std::string> config;
    DescribeJson(Json::parse(old.image, nullptr, false), Json::parse(now.image, nullptr, false), "", config);
    if (config.empty() && old.image != now.image) {
      config.emplace_back("other bytes");
    }
    for (const std::string& each : config) {
      if (seen.insert(each).second) {
        out.push_back(fmt::format("{}: image config: {}", label, each));
      }
    }
    if (old.base_image != now.base_image) {
      out.push_back(fmt::format("{}: the config of the base image is another one", label));
    }
    if (old.epoch != now.epoch) {
      out.push_back(fmt::format("{}: the time of the build is another one", label));
    }
  }
  for (const auto& [label, unused] : after.built) {
    if (!before.built.contains(label)) {
      out.push_back(fmt::format("{} is new", label));
    }
  }
  if (out.size() > kMaxChanges) {
    const std::size_t more = out.size() - kMaxChanges;
    out.resize(kMaxChanges);
    out.push_back(fmt::format("and {} more", more));
  }
  return out;
}

struct Candidate {
  FixReport report;
  const lint::Fix* fix = nullptr;
};

bool Overlap(const diag::Edit& a, const diag::Edit& b) {
  return a.range.begin == b.range.begin || (a.range.begin < b.range.end && b.range.begin < a.range.end);
}

bool Overlap(const lint::Fix& a, const lint::Fix& b) {
  return std::any_of(a.edits.begin(), a.edits.end(), [&](const diag::Edit& x) {
    return std::any_of(b.edits.begin(), b.edits.end(), [&](const diag::Edit& y) { return Overlap(x, y); });
  });
}

// One fix a warning, those that do not stand in the way of an earlier one.
std::vector<Candidate> Candidates(const std::vector<lint::Warning>& warnings, lint::FixSafety safety) {
  std::vector<Candidate> candidates;
  for (const lint::Warning& warning : warnings) {
    for (const lint::Fix& fix : warning.fixes) {
      if (fix.safety != safety || std::any_of(candidates.begin(), candidates.end(),
                                              [&](const Candidate& other) { return Overlap(*other.fix, fix); })) {
        continue;
      }
      candidates.push_back({{std::string(warning.rule->name), warning.lines, fix.title, false, {}}, &fix});
      break;
    }
  }
  return candidates;
}

std::string Apply(std::string_view text, const std::vector<Candidate>& candidates) {
  std::vector<diag::Edit> edits;
  for (const Candidate& candidate : candidates) {
    edits.insert(edits.end(), candidate.fix->edits.begin(), candidate.fix->edits.end());
  }
  return ApplyEdits(text, std::move(edits));
}

class Fixer {
 public:
  Fixer(const std::string& name, const CompileOptions& options, sema::BuildHost& host, const FixOptions& fix_options)
      : name_(name), options_(options), host_(host), prover_(name, options, host_), fix_options_(fix_options) {
    options_.lint = true;
    options_.all_stages = options.dockerfile.target.empty();
    options_.stop_after = StopAfter::kSema;
    // What ShellCheck proposes changes scripts.
    options_.more_checks.shellcheck = options.more_checks.shellcheck && fix_options.unsafe;
  }

  Result<FixOutcome> Run(std::string_view text) {
    FixOutcome outcome;
    outcome.text = std::string(text);
    for (int round = 0; round < kMaxRounds; ++round) {
      source::SourceManager sources;
      diag::CollectingConsumer diagnostics;
      diag::Emitter emitter(diagnostics);
      const source::Buffer* buffer = LOAM_TRY(sources.AddText(name_, outcome.text));
      const CompileResult checked = LOAM_TRY(Compile(sources, *buffer, options_, host_, emitter));
      const Everything before = LOAM_TRY(prover_.Build(outcome.text));
      if (!before.error.empty()) {
        return Unexpected(
            Error(ErrorCode::kFailedPrecondition, fmt::format("the file does not compile: {}", before.error))
                .WithHint("correct that first: a fix is proved by compiling the file before and after"));
      }
      std::vector<FixReport> left;
      if (LOAM_TRY(FixSafely(checked, before, outcome, left))) {
        continue;
      }
      if (LOAM_TRY(FixUnsafely(checked, before, outcome, left))) {
        continue;
      }
      outcome.reports.insert(outcome.reports.end(), left.begin(), left.end());
      return outcome;
    }
    return Unexpected(ErrorCode::kInternal, "the fixes do not come to an end");
  }

 private:
  // True if the text changed.
  Result<bool> FixSafely(const CompileResult& checked, const Everything& before, FixOutcome& outcome,
                         std::vector<FixReport>& left) {
    std::vector<Candidate> candidates = Candidates(checked.warnings, lint::FixSafety::kSafe);
    if (candidates.empty()) {
      return false;
    }
    std::string text = Apply(outcome.text, candidates);
    if (LOAM_TRY(prover_.Build(text)) != before) {
      // One or some of them change something: each on its own.
      std::vector<Candidate> proved;
      for (Candidate& candidate : candidates) {
        const Everything after = LOAM_TRY(prover_.Build(Apply(outcome.text, {candidate})));
        if (after == before) {
          proved.push_back(candidate);
        } else {
          candidate.report.changes = Differences(before, after);
          left.push_back(candidate.report);
        }
      }
      if (!proved.empty() && LOAM_TRY(prover_.Build(Apply(outcome.text, proved))) != before) {
        proved.resize(1);
      }
      candidates = std::move(proved);
      if (candidates.empty()) {
        return false;
      }
      text = Apply(outcome.text, candidates);
    }
    return Accept(std::move(candidates), std::move(text), outcome);
  }

  Result<bool> FixUnsafely(const CompileResult& checked, const Everything& before, FixOutcome& outcome,
                           std::vector<FixReport>& left) {
    std::vector<Candidate> accepted;
    std::vector<Candidate> candidates = Candidates(checked.warnings, lint::FixSafety::kUnsafe);
    // Safe ones that proved to change something count as unsafe.
    for (Candidate& safe : Candidates(checked.warnings, lint::FixSafety::kSafe)) {
      if (fix_options_.unsafe && std::none_of(candidates.begin(), candidates.end(),
                                              [&](const Candidate& other) { return Overlap(*other.fix, *safe.fix); })) {
        candidates.push_back(std::move(safe));
      }
    }
    std::vector<FixReport> refused;
    for (Candidate& candidate : candidates) {
      const Everything after = LOAM_TRY(prover_.Build(Apply(outcome.text, {candidate})));
      candidate.report.changes = Differences(before, after);
      if (fix_options_.unsafe && after.error.empty()) {
        accepted.push_back(std::move(candidate));
      } else {
        refused.push_back(std::move(candidate.report));
      }
    }
    if (accepted.empty()) {
      if (fix_options_.unsafe) {
        left.clear();
      }
      left.insert(left.end(), refused.begin(), refused.end());
      return false;
    }
    std::string text = Apply(outcome.text, accepted);
    if (!LOAM_TRY(prover_.Build(text)).error.empty()) {
      accepted.resize(1);
      text = Apply(outcome.text, accepted);
    }
    return Accept(std::move(accepted), std::move(text), outcome);
  }

  static bool Accept(std::vector<Candidate> candidates, std::string text, FixOutcome& outcome) {
    if (text == outcome.text) {
      return false;
    }
    for (Candidate& candidate : candidates) {
      candidate.report.applied = true;
      outcome.reports.push_back(std::move(candidate.report));
    }
    outcome.text = std::move(text);
    return true;
  }

  const std::string& name_;
  CompileOptions options_;
  RememberingHost host_;
  Prover prover_;
  FixOptions fix_options_;
};

}  // namespace

std::string ApplyEdits(std::string_view text, std::vector<diag::Edit> edits) {
  std::stable_sort(edits.begin(), edits.end(), [](const diag::Edit& a, const diag::Edit& b) {
    return a.range.begin != b.range.begin ? a.range.begin < b.range.begin : a.range.end < b.range.end;
  });
  std::string out;
  std::size_t at = 0;
  for (const diag::Edit& edit : edits) {
    if (edit.range.begin < at || edit.range.end > text.size()) {
      continue;  // overlaps: the first one counts
    }
    out += text.substr(at, edit.range.begin - at);
    out += edit.replacement;
    at = edit.range.end;
  }
  out += text.substr(at);
  return out;
}

Result<FixOutcome> FixDockerfile(const std::string& name, std::string_view text, const CompileOptions& options,
                                 sema::BuildHost& host, const FixOptions& fix_options) {
  return Fixer(name, options, host, fix_options).Run(text);
}

}  // namespace loam::driver
