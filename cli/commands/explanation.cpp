#include "cli/commands/explanation.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/print.h"

namespace loam::cli {

namespace {

using engine::BuildRecord;
using engine::Difference;
using engine::Explanation;

constexpr std::size_t kShownDifferences = 20;

std::string Quote(const std::string& text) {
  constexpr std::size_t kLongest = 120;
  return text.size() > kLongest ? fmt::format("`{}…`", text.substr(0, kLongest)) : fmt::format("`{}`", text);
}

std::string Describe(const Difference& difference) {
  const std::string& subject = difference.subject;
  const auto change = [&](std::string_view what) {
    if (difference.before.empty()) {
      return fmt::format("{} is new: {}", what, Quote(difference.after));
    }
    if (difference.after.empty()) {
      return fmt::format("{} is gone (it was {})", what, Quote(difference.before));
    }
    return fmt::format("{} changed: {} → {}", what, Quote(difference.before), Quote(difference.after));
  };
  switch (difference.kind) {
    case Difference::Kind::kCommand:
      return change("the command");
    case Difference::Kind::kEnvironment:
      return change(fmt::format("the variable or build argument {}", subject));
    case Difference::Kind::kSecret:
      return change(fmt::format("the secret or SSH mount {}", subject));
    case Difference::Kind::kMount:
      return change(fmt::format("the mount at {}", subject));
    case Difference::Kind::kSource:
      return change(fmt::format("the source of {}", subject));
    case Difference::Kind::kSourceDigest:
      return change(fmt::format("what {} points to", subject));
    case Difference::Kind::kSetting:
      return change(subject);
    case Difference::Kind::kFileAdded:
      return fmt::format("the file {} is new", subject);
    case Difference::Kind::kFileRemoved:
      return fmt::format("the file {} is gone", subject);
    case Difference::Kind::kFileChanged:
      return fmt::format("the file {} changed", subject);
    case Difference::Kind::kEarlierStep:
      return fmt::format("the earlier step {} is not what it was", subject);
    case Difference::Kind::kInputs:
      return "it builds on other steps than before";
  }
  LOAM_UNREACHABLE("difference kind");
}

void PrintDifferences(std::FILE* out, const std::vector<Difference>& differences, std::string_view indent) {
  for (std::size_t i = 0; i < differences.size() && i < kShownDifferences; ++i) {
    PrintTo(out, "{}{}\n", indent, Describe(differences[i]));
  }
  if (differences.size() > kShownDifferences) {
    PrintTo(out, "{}and {} more\n", indent, differences.size() - kShownDifferences);
  }
}

}  // namespace

const BuildRecord* PreviousBuild(const std::vector<BuildRecord>& builds, std::string_view build_key,
                                 std::size_t first) {
  for (std::size_t i = first; i < builds.size(); ++i) {
    if (builds[i].build_key == build_key && !builds[i].steps.empty()) {
      return &builds[i];
    }
  }
  return nullptr;
}

void PrintReasons(std::FILE* out, const Explanation& explanation, std::string_view indent) {
  switch (explanation.verdict) {
    case Explanation::Verdict::kCached:
    case Explanation::Verdict::kNotReached:
      return;
    case Explanation::Verdict::kFirstTime:
      PrintTo(out, "{}no earlier build has this step\n", indent);
      return;
    case Explanation::Verdict::kIgnoredCache:
      PrintTo(out, "{}the cache is turned off for it\n", indent);
      return;
    case Explanation::Verdict::kResultGone:
      PrintTo(out, "{}nothing changed, but the result of the earlier run is not in the cache\n", indent);
      return;
    case Explanation::Verdict::kChanged:
      break;
  }
  PrintDifferences(out, explanation.differences, indent);
}

void PrintExplanation(std::FILE* out, const solver::StepReport& step, const Explanation& explanation) {
  PrintTo(out, "{}\n", step.name);
  switch (explanation.verdict) {
    case Explanation::Verdict::kCached:
      PrintTo(out, "  did not run: its result came from the cache\n");
      return;
    case Explanation::Verdict::kFirstTime:
      PrintTo(out, "  ran because no earlier build has this step\n");
      return;
    case Explanation::Verdict::kIgnoredCache:
      PrintTo(out, "  ran because the cache was turned off for it (--no-cache)\n");
      return;
    case Explanation::Verdict::kResultGone:
      PrintTo(out,
              "  ran although nothing changed: the result of the earlier run is not in the cache (pruned, or that "
              "run did not succeed)\n");
      return;
    case Explanation::Verdict::kNotReached:
      PrintTo(out, "  did not run: the build ended before\n");
      return;
    case Explanation::Verdict::kChanged:
      break;
  }
  PrintTo(out, "  ran because\n");
  PrintDifferences(out, explanation.differences, "    ");
  if (!explanation.origin.empty()) {
    PrintTo(out, "  it began with {}\n", explanation.origin);
    PrintDifferences(out, explanation.origin_differences, "    ");
  }
}

}  // namespace loam::cli
