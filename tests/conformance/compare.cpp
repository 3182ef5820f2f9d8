#include "tests/conformance/compare.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <nlohmann/json.hpp>

#include "llb-emit/print.h"
#include "llb-emit/read.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::conformance {
namespace {

std::vector<std::string> Paragraphs(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t pos = 0;
  while (pos < text.size()) {
    std::size_t end = text.find("\n\n", pos);
    end = end == std::string::npos ? text.size() : end + 2;
    parts.push_back(text.substr(pos, end - pos));
    pos = end;
  }
  return parts;
}

std::string DescribeText(const std::string& ours, const std::string& theirs, const char* what) {
  const auto a = Paragraphs(ours);
  const auto b = Paragraphs(theirs);
  std::string out;
  int shown = 0;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()) && shown < 3; ++i) {
    const std::string none = "(nothing)\n";
    const std::string& mine = i < a.size() ? a[i] : none;
    const std::string& other = i < b.size() ? b[i] : none;
    if (mine != other) {
      out += fmt::format("  {} {} ours:\n{}\n  {} {} recorded:\n{}\n", what, i, mine, what, i, other);
      ++shown;
    }
  }
  return out;
}

std::string ReadRecorded(const std::string& dir, const Case& test) {
  std::ifstream in(dir + "/llb/" + test.sha256.substr(0, 16) + ".pb", std::ios::binary);
  std::ostringstream recorded;
  recorded << in.rdbuf();
  return std::move(recorded).str();
}

std::string Deterministic(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

// One line a difference.
std::string CompareMetadata(const std::string& ours_bytes, const std::string& theirs_bytes) {
  pb::Definition ours;
  pb::Definition theirs;
  if (!ours.ParseFromString(ours_bytes) || !theirs.ParseFromString(theirs_bytes)) {
    return "  unreadable definition\n";
  }
  for (pb::Definition* definition : {&ours, &theirs}) {
    for (auto& [digest, metadata] : *definition->mutable_metadata()) {
      if (metadata.has_progress_group()) {
        metadata.mutable_progress_group()->set_id("");
      }
    }
  }
  std::string out;
  const auto describe = [](const pb::OpMetadata& metadata) {
    std::string text;
    for (const auto& [key, value] :
         std::map<std::string, std::string>(metadata.description().begin(), metadata.description().end())) {
      text += fmt::format(" {}={}", key, value);
    }
    for (const auto& [cap, on] : std::map<std::string, bool>(metadata.caps().begin(), metadata.caps().end())) {
      text += fmt::format(" {}", cap);
    }
    return text;
  };
  for (const auto& [digest, metadata] : theirs.metadata()) {
    const auto found = ours.metadata().find(digest);
    if (found == ours.metadata().end()) {
      out += fmt::format("  metadata of {} is missing\n", digest);
    } else if (Deterministic(found->second) != Deterministic(metadata)) {
      out += fmt::format("  metadata of {}\n    ours:    {}\n    recorded:{}\n", digest, describe(found->second),
                         describe(metadata));
    }
  }
  if (theirs.source().infos_size() == 0) {
    return out;  // recorded without a source map
  }
  for (const auto& [digest, locations] : theirs.source().locations()) {
    const auto found = ours.source().locations().find(digest);
    if (found == ours.source().locations().end() || Deterministic(found->second) != Deterministic(locations)) {
      out += fmt::format("  locations of {}\n", digest);
    }
  }
  if (theirs.source().locations().size() != ours.source().locations().size() ||
      theirs.metadata().size() != ours.metadata().size()) {
    out += fmt::format("  {} locations and {} metadata ours, {} and {} recorded\n", ours.source().locations().size(),
                       ours.metadata().size(), theirs.source().locations().size(), theirs.metadata().size());
  }
  for (int i = 0; i < theirs.source().infos_size(); ++i) {
    if (i >= ours.source().infos_size() ||
        Deterministic(theirs.source().infos(i)) != Deterministic(ours.source().infos(i))) {
      out += fmt::format("  source {} differs\n", i);
    }
  }
  return out;
}

// Upstream walks the unset variables of a word in Go's random map order: neighbours of that rule at one place are
// sorted.
void SortRandomOrder(nlohmann::json& warnings) {
  for (auto first = warnings.begin(); first != warnings.end();) {
    auto last = std::next(first);
    while (last != warnings.end() && first->value("rule", "") == "UndefinedVar" &&
           last->value("rule", "") == "UndefinedVar" && last->at("lines") == first->at("lines")) {
      ++last;
    }
    std::sort(first, last);
    first = last;
  }
}

std::string DescribeWarnings(const Case& test, const Outcome& outcome) {
  return SameWarnings(test, outcome)
             ? std::string()
             : fmt::format("  warnings ours:     {}\n  warnings recorded: {}\n", outcome.warnings, test.warnings);
}

// As they are recorded: one pair of lines for each line.
std::string WarningsJson(const std::vector<lint::Warning>& warnings) {
  auto rows = nlohmann::json::array();
  for (const lint::Warning& warning : warnings) {
    auto lines = nlohmann::json::array();
    for (auto line = warning.lines.first; line <= std::max(warning.lines.first, warning.lines.last); ++line) {
      lines.push_back({line, line});
    }
    rows.push_back({{"rule", warning.rule->name}, {"message", warning.message}, {"lines", std::move(lines)}});
  }
  return rows.dump();
}

}  // namespace

driver::CompileOptions CaseOptions() {
  driver::CompileOptions options;
  options.dockerfile.platforms = {"linux/amd64"};
  options.dockerfile.build_platform = "linux/amd64";
  options.dockerfile.local_unique_id = "golden";
  return options;
}

Outcome RunCase(Case& test) {
  driver::CompileOptions options = CaseOptions();
  options.lint = true;

  Outcome outcome;
  source::SourceManager sources;
  diag::CollectingConsumer diagnostics;
  const auto start = std::chrono::steady_clock::now();
  diag::Emitter emitter(diagnostics);
  const auto buffer = sources.AddText("Dockerfile", test.text);
  if (!buffer) {
    outcome.error = buffer.error().message();
    return outcome;
  }
  auto result = driver::Compile(sources, **buffer, options, test.host, emitter);
  outcome.microseconds = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  if (!result) {
    outcome.error = "internal: " + result.error().message();
    return outcome;
  }
  outcome.ok = result->ok;
  outcome.warnings = WarningsJson(result->warnings);
  for (const diag::Diagnostic& diagnostic : diagnostics.diagnostics()) {
    if (diagnostic.is_error()) {
      const auto lines = diagnostic.range.valid() ? sources.buffer(diagnostic.range.file).LinesOf(diagnostic.range)
                                                  : source::LineSpan{};
      outcome.error = fmt::format("{}: {}", lines.first, diagnostic.message);
      break;
    }
  }
  if (outcome.ok && !result->platforms.empty()) {
    const auto& platform = result->platforms.front();
    outcome.head = platform.definition.head.ToString();
    for (const auto& op : platform.definition.ops) {
      outcome.digests.push_back(op.digest.ToString());
    }
    outcome.image = platform.image_config;
    outcome.definition = platform.definition.bytes;
  }
  return outcome;
}

bool SameLlb(const Case& test, const Outcome& outcome) {
  return test.ok && outcome.ok && test.head == outcome.head && test.digests == outcome.digests;
}

bool SameImage(const Case& test, const Outcome& outcome) {
  if (!test.ok || !outcome.ok) {
    return false;
  }
  const auto ours = nlohmann::json::parse(outcome.image, nullptr, false);
  return ours == nlohmann::json::parse(test.image, nullptr, false);
}

bool SameMetadata(const std::string& dir, const Case& test, const Outcome& outcome) {
  return test.ok && outcome.ok && CompareMetadata(outcome.definition, ReadRecorded(dir, test)).empty();
}

bool SameWarnings(const Case& test, const Outcome& outcome) {
  auto ours = nlohmann::json::parse(outcome.warnings, nullptr, false);
  auto theirs = nlohmann::json::parse(test.warnings, nullptr, false);
  SortRandomOrder(ours);
  SortRandomOrder(theirs);
  return ours == theirs;
}

std::string DescribeDifference(const std::string& dir, const Case& test, const Outcome& outcome) {
  if (test.ok != outcome.ok) {
    return fmt::format("  recorded: {}\n  ours:     {}\n", test.ok ? "accepted" : test.error,
                       outcome.ok ? "accepted" : outcome.error);
  }
  if (!test.ok) {
    return fmt::format("  both rejected it; recorded: {}\n  ours: {}\n{}", test.error, outcome.error,
                       DescribeWarnings(test, outcome));
  }
  std::string out = DescribeWarnings(test, outcome);
  if (!SameLlb(test, outcome)) {
    const auto ours = llb::ReadDefinition(outcome.definition);
    const auto theirs = llb::ReadDefinition(ReadRecorded(dir, test));
    if (!ours || !theirs) {
      out += fmt::format("  unreadable: {}\n", !ours ? ours.error().message() : theirs.error().message());
    } else {
      out += DescribeText(llb::PrintText(*ours), llb::PrintText(*theirs), "op");
      out += fmt::format("  ops: {} ours, {} recorded\n", outcome.digests.size(), test.digests.size());
    }
  }
  out += CompareMetadata(outcome.definition, ReadRecorded(dir, test));
  if (!SameImage(test, outcome)) {
    const auto ours = nlohmann::json::parse(outcome.image, nullptr, false);
    const auto theirs = nlohmann::json::parse(test.image, nullptr, false);
    for (const auto& change : nlohmann::json::diff(theirs, ours)) {
      out += fmt::format("  image: {}\n", change.dump());
    }
  }
  return out;
}

}  // namespace loam::conformance
