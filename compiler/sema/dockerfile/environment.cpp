#include "compiler/sema/dockerfile/environment.h"

#include <cstring>

namespace loam::sema {
namespace {
constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
}  // namespace

std::size_t Environment::Position(std::string_view key) const {
  if (!index_.empty()) {
    const auto found = index_.find(key);
    return found == index_.end() ? kNowhere : found->second;
  }
  for (std::size_t i = entries_.size(); i-- > 0;) {
    if (!entries_[i].removed && entries_[i].key == key) {
      return i;
    }
  }
  return kNowhere;
}

void Environment::Compact() {
  std::erase_if(entries_, [](const Entry& entry) { return entry.removed; });
  removed_ = 0;
  index_.clear();
  if (entries_.size() > kIndexFrom) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      index_.emplace(entries_[i].key, i);
    }
  }
}

void Environment::Set(std::string_view key, std::string_view value) {
  Remove(key);
  if (!index_.empty()) {
    index_.emplace(key, entries_.size());
  }
  entries_.push_back({key, value, {}, false});
  if (index_.empty() && entries_.size() > kIndexFrom) {
    Compact();
  }
  changed_ = true;
}

void Environment::Remove(std::string_view key) {
  const std::size_t position = Position(key);
  if (position == kNowhere) {
    return;
  }
  entries_[position].removed = true;
  index_.erase(key);
  changed_ = true;
  if (++removed_ * 2 > entries_.size()) {
    Compact();
  }
}

std::optional<std::string_view> Environment::Find(std::string_view name) const {
  const std::size_t position = Position(name);
  return position == kNowhere ? std::nullopt : std::optional(entries_[position].value);
}

std::vector<std::string_view> Environment::Keys() const {
  std::vector<std::string_view> keys;
  for (const Entry& entry : entries_) {
    if (!entry.removed) {
      keys.push_back(entry.key);
    }
  }
  return keys;
}

ir::Strings Environment::Render(ir::Graph& graph) {
  if (!changed_) {
    return rendered_;
  }
  std::vector<std::string_view> all;
  all.reserve(entries_.size());
  for (Entry& entry : entries_) {
    if (entry.removed) {
      continue;
    }
    if (entry.rendered.empty()) {
      const std::size_t size = entry.key.size() + 1 + entry.value.size();
      char* text = static_cast<char*>(graph.Allocate(size, 1));
      char* end = text;
      if (!entry.key.empty()) {
        std::memcpy(end, entry.key.data(), entry.key.size());
        end += entry.key.size();
      }
      *end++ = '=';
      if (!entry.value.empty()) {
        std::memcpy(end, entry.value.data(), entry.value.size());
      }
      entry.rendered = {text, size};
    }
    all.push_back(entry.rendered);
  }
  rendered_ = graph.CopyArray<std::string_view>(all);
  changed_ = false;
  return rendered_;
}

}  // namespace loam::sema
