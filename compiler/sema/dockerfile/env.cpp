// ENV and LABEL.
#include <algorithm>

#include <fmt/format.h>

#include "compiler/sema/dockerfile/converter.h"

namespace loam::sema {
namespace {

struct Pair {
  std::string_view key;
  std::string_view value;
};

constexpr std::size_t kIndexFrom = 64;

// Replaces the variable where it stands in an image's list, or adds it.
void SetInConfig(std::vector<std::string_view>& env, std::unordered_map<std::string_view, std::size_t>& index,
                 std::string_view key, std::string_view entry) {
  if (env.size() >= kIndexFrom) {
    if (index.empty()) {
      for (std::size_t i = 0; i < env.size(); ++i) {
        index.emplace(env[i].substr(0, env[i].find('=')), i);
      }
    }
    const auto [place, added] = index.emplace(key, env.size());
    if (added) {
      env.push_back(entry);
    } else {
      env[place->second] = entry;
    }
    return;
  }
  const auto found = std::find_if(env.begin(), env.end(), [&](std::string_view other) {
    return other.starts_with(key) && (other.size() == key.size() || other[key.size()] == '=');
  });
  if (found != env.end()) {
    *found = entry;
  } else {
    env.push_back(entry);
  }
}

}  // namespace

bool Converter::DoEnv(Stage& stage, const ast::Env& env) {
  // All values see the environment in front of the instruction.
  std::vector<Pair> pairs;
  for (const ast::KeyValue& pair : env.pairs) {
    Pair& out = pairs.emplace_back();
    if (!Expand(stage, pair.key, env, out.key) || !Expand(stage, pair.value, env, out.value)) {
      return false;
    }
  }
  std::string text = "ENV";
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Pair& pair = pairs[i];
    if (observer() != nullptr) {
      observer()->OnVariable(pair.key, env.pairs[i].legacy);
    }
    const std::string_view entry = Intern(fmt::format("{}={}", pair.key, pair.value));
    text.append(" ").append(entry);
    stage.state.env.Set(pair.key, pair.value);
    SetInConfig(stage.image.env, stage.env_index, pair.key, entry);
  }
  AddHistory(stage, std::move(text), false, false);
  return true;
}

bool Converter::DoLabel(Stage& stage, const ast::Label& label) {
  std::vector<Pair> pairs;
  for (const ast::KeyValue& pair : label.pairs) {
    Pair& out = pairs.emplace_back();
    if (!Expand(stage, pair.key, label, out.key) || !Expand(stage, pair.value, label, out.value)) {
      return false;
    }
  }
  std::string text = "LABEL";
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Pair& out = pairs[i];
    if (observer() != nullptr) {
      observer()->OnVariable(out.key, label.pairs[i].legacy);
    }
    text.append(" ").append(out.key).append("=").append(out.value);
    stage.image.labels.emplace_back(out.key, out.value);
  }
  AddHistory(stage, std::move(text), false, false);
  return true;
}

}  // namespace loam::sema
