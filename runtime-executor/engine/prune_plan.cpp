#include "runtime-executor/engine/prune_plan.h"

#include <algorithm>
#include <map>

namespace loam::engine {
namespace {

// Which units stand on each other in a circle: those get the same number. Merged filesystems stack the same layers in
// any order.
class Circles {
 public:
  explicit Circles(const std::vector<std::vector<std::size_t>>& parents)
      : parents_(parents), number_(parents.size(), kNone), low_(parents.size()), at_(parents.size()) {
    for (std::size_t i = 0; i < parents.size(); ++i) {
      if (at_[i] == 0) {
        Visit(i);
      }
    }
  }

  [[nodiscard]] bool Same(std::size_t a, std::size_t b) const { return number_[a] == number_[b]; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Step {
    std::size_t unit;
    std::size_t next_parent = 0;
  };

  // Tarjan's strongly connected components; with a stack of its own, for chains are long.
  void Visit(std::size_t start) {
    std::vector<Step> path;
    const auto enter = [&](std::size_t unit) {
      at_[unit] = low_[unit] = ++visited_;
      open_.push_back(unit);
      path.push_back({unit});
    };
    enter(start);
    while (!path.empty()) {
      const std::size_t unit = path.back().unit;
      if (path.back().next_parent < parents_[unit].size()) {
        const std::size_t parent = parents_[unit][path.back().next_parent++];
        if (at_[parent] == 0) {
          enter(parent);
        } else if (number_[parent] == kNone) {
          low_[unit] = std::min(low_[unit], at_[parent]);
        }
        continue;
      }
      path.pop_back();
      if (!path.empty()) {
        low_[path.back().unit] = std::min(low_[path.back().unit], low_[unit]);
      }
      if (low_[unit] == at_[unit]) {
        std::size_t last = kNone;
        do {
          last = open_.back();
          open_.pop_back();
          number_[last] = unit;
        } while (last != unit);
      }
    }
  }

  const std::vector<std::vector<std::size_t>>& parents_;
  std::vector<std::size_t> number_;  // kNone: not known yet
  std::vector<std::size_t> low_;
  std::vector<std::size_t> at_;  // when it was visited; 0: not yet
  std::size_t visited_ = 0;
  std::vector<std::size_t> open_;
};

class Plan {
 public:
  Plan(std::span<const CacheUnit> units, WallTime now, std::int64_t disk_free)
      : units_(units), now_(now), disk_free_(disk_free), gone_(units.size(), false), users_(units.size(), 0) {
    std::map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < units.size(); ++i) {
      index.emplace(units[i].id, i);
    }
    parents_.resize(units.size());
    for (std::size_t i = 0; i < units.size(); ++i) {
      for (const std::string& parent : units[i].parents) {
        if (const auto found = index.find(parent); found != index.end()) {
          parents_[i].push_back(found->second);
        }
      }
    }
    const Circles circles(parents_);
    for (std::size_t i = 0; i < units.size(); ++i) {
      std::erase_if(parents_[i], [&](std::size_t parent) { return circles.Same(i, parent); });
      for (const std::size_t parent : parents_[i]) {
        ++users_[parent];
      }
    }
  }

  void Apply(const PruneRule& rule) {
    std::int64_t total = 0;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      total += gone_[i] || units_[i].shared ? 0 : units_[i].size;
    }
    const std::int64_t keep = BytesToKeep(rule, total, disk_free_);
    while (keep == 0 || total >= keep) {
      std::vector<std::size_t> candidates = Candidates(rule);
      if (candidates.empty()) {
        return;
      }
      if (keep != 0) {
        candidates = {LeastUseful(candidates)};
      }
      for (const std::size_t i : candidates) {
        Remove(i);
        total -= units_[i].size;
        disk_free_ += units_[i].size;
      }
    }
  }

  std::vector<std::string> Take() { return std::move(removed_); }

 private:
  [[nodiscard]] WallTime LastUsed(std::size_t i) const { return units_[i].last_used.value_or(units_[i].created); }

  [[nodiscard]] std::vector<std::size_t> Candidates(const PruneRule& rule) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      const CacheUnit& unit = units_[i];
      const bool internal = unit.type == "internal" || unit.type == "frontend";
      if (gone_[i] || users_[i] != 0 || unit.in_use || (!rule.all && (internal || unit.shared)) ||
          (rule.keep_duration.count() != 0 && LastUsed(i) + rule.keep_duration > now_) ||
          (rule.matches && !rule.matches(unit))) {
        continue;
      }
      found.push_back(i);
    }
    return found;
  }

  // Rank by age and rank by number of uses count the same.
  [[nodiscard]] std::size_t LeastUseful(const std::vector<std::size_t>& candidates) const {
    std::vector<WallTime> times;
    std::vector<std::int64_t> uses;
    for (const std::size_t i : candidates) {
      times.push_back(LastUsed(i));
      uses.push_back(units_[i].usage_count);
    }
    const auto rank = [](auto& values) {
      std::sort(values.begin(), values.end());
      values.erase(std::unique(values.begin(), values.end()), values.end());
    };
    rank(times);
    rank(uses);
    const auto share = [](const auto& values, const auto& value) {
      const auto at = std::lower_bound(values.begin(), values.end(), value) - values.begin() + 1;
      return static_cast<double>(at) / static_cast<double>(values.size());
    };
    const auto worth = [&](std::size_t i) { return share(times, LastUsed(i)) + share(uses, units_[i].usage_count); };
    return *std::min_element(candidates.begin(), candidates.end(),
                             [&](std::size_t a, std::size_t b) { return worth(a) < worth(b); });
  }

  void Remove(std::size_t i) {
    gone_[i] = true;
    removed_.push_back(units_[i].id);
    for (const std::size_t parent : parents_[i]) {
      --users_[parent];
    }
  }

  const std::span<const CacheUnit> units_;
  const WallTime now_;
  std::int64_t disk_free_;
  std::vector<bool> gone_;
  std::vector<int> users_;                         // units that are still there and stand on it
  std::vector<std::vector<std::size_t>> parents_;  // without those of the same circle
  std::vector<std::string> removed_;
};

}  // namespace

std::int64_t BytesToKeep(const PruneRule& rule, std::int64_t total, std::int64_t disk_free) {
  if (rule.max_used == 0 && rule.reserved == 0 && rule.min_free == 0) {
    return 0;
  }
  std::int64_t keep = rule.max_used;
  const std::int64_t lacking = rule.min_free - disk_free;
  if (rule.min_free != 0 && lacking > 0) {
    keep = keep == 0 ? total - lacking : std::min(keep, total - lacking);
  } else if (rule.min_free != 0 && keep == 0) {
    keep = total + 1;  // enough is free: nothing goes
  }
  // Not 0, which would be no limit.
  return std::max({keep, rule.reserved, std::int64_t{1}});
}

std::vector<std::string> PlanPrune(std::span<const CacheUnit> units, std::span<const PruneRule> rules, WallTime now,
                                   std::int64_t disk_free) {
  Plan plan(units, now, disk_free);
  for (const PruneRule& rule : rules) {
    plan.Apply(rule);
  }
  return plan.Take();
}

}  // namespace loam::engine
