#include "language-server/features/dockerfile/names.h"

#include <algorithm>
#include <deque>

#include "base/strings.h"
#include "compiler/sema/dockerfile/word_expander.h"
#include "language-server/features/dockerfile/name_collector.h"

namespace loam::lsp::dockerfile {
namespace {

// Stages that start from each other, at most: a chain is as long as the file, and each link is looked at for a name.
constexpr int kMaxChain = 1000;

}  // namespace

Names::Names(const DockerfileAnalysis& analysis, StoreFacts& store) : analysis_(&analysis) {
  NameCollector(*this, store).Run();
}

const Name* Names::At(std::uint32_t offset) const {
  const Name* best = nullptr;
  for (const Name& name : names_) {
    if (name.span.begin > offset) {
      break;
    }
    // At the border of two names the one that begins there counts.
    if (name.span.Touches(offset) &&
        (best == nullptr || name.span.size() <= best->span.size() || name.span.begin == offset)) {
      best = &name;
    }
  }
  return best;
}

std::vector<const Name*> Names::Same(const Name& name) const {
  std::vector<const Name*> same;
  if (name.group == Name::kNoGroup) {
    return same;
  }
  for (const Name& other : names_) {
    if (other.group == name.group) {
      same.push_back(&other);
    }
  }
  return same;
}

std::optional<Names::Found> Names::Find(std::string_view variable, std::uint32_t region,
                                        std::uint32_t before_instruction, bool args) const {
  for (int step = 0; step < kMaxChain; ++step) {
    const Region& at = by_region_[region];
    if (const auto found = at.definitions.find(variable); found != at.definitions.end()) {
      for (auto index = found->second.rbegin(); index != found->second.rend(); ++index) {
        const Name& name = names_[*index];
        if (name.instruction < before_instruction && name.is_arg == args) {
          return Found{&name, name.value};
        }
      }
    }
    if (!at.base) {
      break;
    }
    region = *at.base;
    before_instruction = UINT32_MAX;
  }
  if (!args) {
    const auto& env = by_region_[region].image_env;
    if (const auto found = env.find(variable); found != env.end()) {
      return Found{nullptr, found->second};
    }
  }
  return std::nullopt;
}

std::optional<Names::Found> Names::FindVariable(std::string_view variable, std::uint32_t instruction) const {
  const std::uint32_t region = instruction < regions_.size() ? regions_[instruction] : 0;
  const bool from =
      instruction < regions_.size() && analysis_->file().instructions[instruction]->kind == ast::InstructionKind::kFrom;
  // ENV wins over ARG, wherever they stand.
  if (!from) {
    if (auto found = Find(variable, region, instruction, false)) {
      return found;
    }
  }
  return Find(variable, from ? 0 : region, instruction, true);
}

std::optional<std::string> Names::ValueAt(std::string_view variable, std::uint32_t instruction) const {
  const auto found = FindVariable(variable, instruction);
  return found ? found->value : std::nullopt;
}

std::vector<const Name*> Names::Chain(std::string_view variable, std::uint32_t instruction) const {
  std::vector<const Name*> chain;
  auto found = FindVariable(variable, instruction);
  while (found && found->name != nullptr && chain.size() < 16) {
    const Name* name = found->name;
    chain.push_back(name);
    if (name->is_arg && !name->has_value && name->region != 0) {
      found = Find(variable, 0, UINT32_MAX, true);
      continue;
    }
    // What it was made of, if it mentions itself: ENV PATH=/x:$PATH.
    const bool mentions_itself = name->written.find("$" + std::string(variable)) != std::string::npos ||
                                 name->written.find("${" + std::string(variable)) != std::string::npos;
    found = mentions_itself ? FindVariable(variable, name->instruction) : std::nullopt;
  }
  return chain;
}

std::map<std::string, const Name*, std::less<>> Names::VisibleAt(std::uint32_t instruction) const {
  std::map<std::string, const Name*, std::less<>> visible;
  const bool from =
      instruction < regions_.size() && analysis_->file().instructions[instruction]->kind == ast::InstructionKind::kFrom;
  std::optional<std::uint32_t> region = from || instruction >= regions_.size() ? 0 : regions_[instruction];
  if (instruction >= regions_.size() && !by_region_.empty()) {
    region = static_cast<std::uint32_t>(by_region_.size() - 1);
  }
  std::uint32_t before = instruction;
  for (int step = 0; region && step < kMaxChain; ++step) {
    for (const auto& [text, indices] : by_region_[*region].definitions) {
      for (const std::uint32_t index : indices) {
        const Name& name = names_[index];
        if (name.instruction < before && (!from || name.is_arg)) {
          visible.emplace(text, &name);
        }
      }
    }
    for (const auto& [text, value] : by_region_[*region].image_env) {
      visible.emplace(text, nullptr);
    }
    region = by_region_[*region].base;
    before = UINT32_MAX;
  }
  return visible;
}

std::optional<std::string> Names::Expand(std::string_view text, std::uint32_t instruction) const {
  class Lookup : public sema::Variables {
   public:
    Lookup(const Names& names, std::uint32_t at) : names_(names), at_(at) {}
    [[nodiscard]] std::optional<std::string_view> Find(std::string_view name) const override {
      auto found = names_.FindVariable(name, at_);
      if (!found) {
        unset_ = true;
        return std::nullopt;
      }
      if (!found->value) {
        unset_ = true;
        return std::nullopt;
      }
      kept_.push_back(std::move(*found->value));
      return kept_.back();
    }
    [[nodiscard]] bool unset() const { return unset_; }

   private:
    const Names& names_;
    std::uint32_t at_;
    mutable std::deque<std::string> kept_;
    mutable bool unset_ = false;
  };
  const char escape = analysis_->file().escape;
  if (!sema::WordExpander::NeedsExpansion(text, escape)) {
    return std::string(text);
  }
  const Lookup lookup(*this, instruction);
  sema::WordExpander expander(lookup, {.escape = escape});
  std::string out;
  // ${X:-default} of an unset variable is known; a plain $X is not.
  if (!expander.Expand(text, out) || (lookup.unset() && !expander.unmatched().empty())) {
    return std::nullopt;
  }
  return out;
}

std::optional<std::uint32_t> Names::FindStage(std::string_view name, std::uint32_t before_stage) const {
  const auto& stages = analysis_->file().stages;
  const auto count = std::min<std::uint32_t>(before_stage, static_cast<std::uint32_t>(stages.size()));
  for (std::uint32_t i = count; i-- > 0;) {
    if (stages[i].from != nullptr && stages[i].from->stage_name.present() &&
        EqualsIgnoreCase(stages[i].from->stage_name.text, name)) {
      return i;
    }
  }
  const bool number = !name.empty() && name.size() < 7 &&
                      std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (number) {
    const auto index = static_cast<std::uint32_t>(std::stoul(std::string(name)));
    if (index < count) {
      return index;
    }
  }
  return std::nullopt;
}

const Names& NamesOf(const Query& query) {
  const DockerfileAnalysis& analysis = DockerfileAnalysis::Of(query.document);
  return analysis.names(query.store);
}

}  // namespace loam::lsp::dockerfile
