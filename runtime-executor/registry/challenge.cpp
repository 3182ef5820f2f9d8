#include "runtime-executor/registry/challenge.h"

#include <optional>

#include "base/strings.h"

namespace loam::registry {
namespace {

bool IsTokenCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const { return position_ == text_.size(); }
  void SkipSpace() { SkipAny(" \t"); }
  void SkipSeparators() { SkipAny(" \t,"); }
  bool Take(char c) {
    if (done() || text_[position_] != c) {
      return false;
    }
    ++position_;
    return true;
  }
  std::string_view Token() {
    const std::size_t start = position_;
    while (!done() && IsTokenCharacter(text_[position_])) {
      ++position_;
    }
    return text_.substr(start, position_ - start);
  }
  // token or quoted-string; nullopt if the quotes do not close.
  std::optional<std::string> Value() {
    if (!Take('"')) {
      // Some registries do not quote values that must be.
      const std::size_t start = position_;
      while (!done() && std::string_view(" \t,").find(text_[position_]) == std::string_view::npos) {
        ++position_;
      }
      return std::string(text_.substr(start, position_ - start));
    }
    std::string value;
    while (!done()) {
      char c = text_[position_++];
      if (c == '"') {
        return value;
      }
      if (c == '\\' && !done()) {
        c = text_[position_++];
      }
      value += c;
    }
    return std::nullopt;
  }
  void SkipOne() { ++position_; }

 private:
  void SkipAny(std::string_view characters) {
    while (!done() && characters.find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
  }
  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

std::string_view Challenge::Parameter(std::string_view name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<Challenge> ParseChallenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Reader reader(header);
  for (;;) {
    reader.SkipSeparators();
    if (reader.done()) {
      return challenges;
    }
    const std::string_view word = reader.Token();
    if (word.empty()) {
      reader.SkipOne();
      continue;
    }
    reader.SkipSpace();
    if (!reader.Take('=')) {
      challenges.push_back({ToLowerAscii(word), {}});
      continue;
    }
    reader.SkipSpace();
    auto value = reader.Value();
    if (!value) {
      return challenges;
    }
    if (!challenges.empty()) {
      challenges.back().parameters.emplace(ToLowerAscii(word), std::move(*value));
    }
  }
}

}  // namespace loam::registry
