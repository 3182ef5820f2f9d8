#include "compiler/driver/fix.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "compiler/driver/proof.h"
#include "compiler/sema/forwarding_build_host.h"

namespace loam::driver {
namespace {

// Every round makes at least one fix; more rounds than this mean that two rules disagree.
constexpr int kMaxRounds = 50;

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
        return Unexpected(Error(ErrorCode::kFailedPrecondition,
                                fmt::format("the file does not compile: {}{}", before.error_place, before.error))
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
