#include "compiler/driver/proof.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace loam::driver {
namespace {

using Json = nlohmann::json;

// Changes that a report lists.
constexpr std::size_t kMaxChanges = 8;

std::string Where(const source::Buffer& buffer, source::SourceRange range) {
  return range.valid() && range.file == buffer.id() ? fmt::format("line {}: ", buffer.lines().Line(range.begin))
                                                    : std::string();
}

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

}  // namespace

Prover::Prover(const std::string& name, const CompileOptions& options, sema::BuildHost& host)
    : name_(name), options_(options), host_(host) {
  options_.lint = false;
  options_.more_checks = {};
  options_.metadata = false;
  options_.all_stages = false;
  options_.stop_after = StopAfter::kEmission;
}

Result<Everything> Prover::Build(const std::string& text) {
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
      everything.error = error == all.end() ? "it does not compile" : error->message;
      everything.error_place = error == all.end() ? "" : Where(*buffer, error->range);
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
          result.platforms.size() == 1 ? label : fmt::format("{} for {}", label, platform.platform), std::move(built));
    }
  }
  return everything;
}

std::vector<std::string> Differences(const Everything& before, const Everything& after) {
  if (!after.error.empty()) {
    return {fmt::format("the file would no longer compile: {}{}", after.error_place, after.error)};
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

}  // namespace loam::driver
