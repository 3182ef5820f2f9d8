#include "compiler/parse/earthfile/word_matcher.h"

#include <algorithm>
#include <array>

namespace loam::parse::earthfile {

namespace {

constexpr std::uint64_t kStepsPerByte = 16;
constexpr std::uint64_t kLeastSteps = std::uint64_t{1} << 19;
constexpr std::uint64_t kMostSteps = std::uint64_t{1} << 23;

constexpr bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool IsLineEnd(char c) {
  return c == '\n' || c == '\r';
}

// Characters that are plain everywhere.
constexpr std::array<bool, 256> MakePlain() {
  std::array<bool, 256> plain{};
  plain.fill(true);
  for (const char c : {' ', '\t', '\r', '\n', '\\', '"', '\'', '$', '='}) {
    plain[static_cast<unsigned char>(c)] = false;
  }
  return plain;
}
constexpr auto kPlain = MakePlain();

}  // namespace

WordMatcher::WordMatcher(std::string_view text)
    : text_(text),
      size_(static_cast<std::uint32_t>(text.size())),
      budget_(std::min(kMostSteps, kLeastSteps + kStepsPerByte * text.size())) {
  nestings_.emplace_back();
}

std::uint32_t WordMatcher::Match(std::uint32_t begin, WordPlace place) {
  std::uint32_t pos = begin;
  while (pos < size_) {
    const char c = text_[pos];
    if (kPlain[static_cast<unsigned char>(c)]) {
      ++pos;
      continue;
    }
    bool needs_readings = false;
    switch (c) {
      case '=':
        if (place == WordPlace::kKey) {
          return pos;
        }
        ++pos;
        break;
      case '$':
        if (pos + 1 < size_ && text_[pos + 1] == '(') {
          needs_readings = true;
        } else {
          ++pos;
        }
        break;
      case '\\': {
        if (pos + 1 == size_) {
          return pos;
        }
        const char next = text_[pos + 1];
        if (IsBlank(next) || IsLineEnd(next) || next == '#') {
          needs_readings = true;
        } else {
          pos += 2;
        }
        break;
      }
      case '\'':
        if (place == WordPlace::kKey) {
          needs_readings = true;
          break;
        }
        [[fallthrough]];
      case '"': {
        const std::uint32_t end = SimpleQuoteEnd(pos, c, &needs_readings);
        if (!needs_readings) {
          if (end == 0) {
            return pos;
          }
          pos = end;
        }
        break;
      }
      default:
        return pos;  // a blank or a line end
    }
    if (needs_readings) {
      bool resumed = false;
      pos = FollowAll(pos, place, &resumed);
      if (!resumed) {
        return pos;
      }
    }
  }
  return pos;
}

std::uint32_t WordMatcher::SimpleQuoteEnd(std::uint32_t begin, char quote, bool* needs_readings) {
  const std::uint64_t most = begin + 1 + budget_;
  for (std::uint32_t pos = begin + 1; pos < size_ && pos < most; ++pos) {
    const char c = text_[pos];
    if (c == quote) {
      return pos + 1;
    }
    if (c == '\\') {
      ++pos;
    } else if (c == '$' && quote == '"' && pos + 1 < size_ && text_[pos + 1] == '(') {
      *needs_readings = true;
      return 0;
    }
  }
  budget_ -= std::min<std::uint64_t>(budget_, size_ - begin);
  return 0;
}

std::uint32_t WordMatcher::FollowAll(std::uint32_t begin, WordPlace place, bool* resumed) {
  std::uint32_t longest = begin;
  std::uint64_t unused_steps = 0;  // since the longest word so far
  now_.assign(1, static_cast<Reading>(State::kPlain));
  for (std::uint32_t pos = begin; pos < size_; ++pos) {
    next_.clear();
    for (const Reading reading : now_) {
      Step(reading, text_[pos], place);
    }
    if (next_.size() > 1) {
      std::sort(next_.begin(), next_.end());
      next_.erase(std::unique(next_.begin(), next_.end()), next_.end());
    }
    std::swap(now_, next_);
    if (now_.empty()) {
      break;
    }
    unused_steps += now_.size();
    // Readings with nothing open come first.
    for (std::size_t i = 0; i < now_.size() && now_[i] < 16; ++i) {
      const auto state = static_cast<State>(now_[i]);
      if (state != State::kEscape && state != State::kContinuation) {
        longest = pos + 1;
        unused_steps = 0;
      }
    }
    if (now_.size() == 1 && now_.front() == static_cast<Reading>(State::kPlain)) {
      *resumed = true;
      break;
    }
    // More readings than one are paid for even if a word comes of them.
    const std::uint64_t extra = now_.size() > 8 ? now_.size() : 0;
    if (unused_steps > budget_ || extra > budget_) {
      break;
    }
    budget_ -= extra;
  }
  budget_ -= std::min(budget_, unused_steps);
  if (nestings_.size() > 1024) {
    nestings_.resize(1);
    nestings_.front() = Nesting{};
  }
  return longest;
}

std::uint32_t WordMatcher::Inside(std::uint32_t nesting, Open open) {
  const std::size_t slot = static_cast<std::size_t>(open) - 1;
  if (const std::uint32_t made = nestings_[nesting].inner[slot]; made != 0) {
    return made;
  }
  const auto made = static_cast<std::uint32_t>(nestings_.size());
  nestings_.push_back({nesting, open, {0, 0, 0}});
  nestings_[nesting].inner[slot] = made;
  return made;
}

void WordMatcher::Step(Reading reading, char c, WordPlace place) {
  const std::uint32_t nesting = reading / 16;
  const auto state = static_cast<State>(reading % 16);
  switch (state) {
    case State::kEscape:
      Add(nesting, State::kPlain);
      return;
    case State::kContinuation:
      if (IsBlank(c)) {
        Add(nesting, State::kContinuation);
      } else if (IsLineEnd(c)) {
        Add(nesting, State::kNextLine);
      } else if (c == '#') {
        Add(nesting, State::kComment);
      }
      return;
    case State::kNextLine:
      if (IsBlank(c) || IsLineEnd(c)) {
        Add(nesting, State::kNextLine);
        return;
      }
      if (c == '#') {
        Add(nesting, State::kComment);
      }
      StepPlain(nesting, State::kPlain, true, c, place);
      return;
    case State::kComment:
      if (IsLineEnd(c)) {
        Add(nesting, State::kNextLine);
        return;
      }
      Add(nesting, State::kComment);
      if (IsBlank(c)) {
        Add(nesting, nestings_[nesting].open == Open::kShell ? State::kBlank : State::kTail);
      } else {
        StepPlain(nesting, State::kPlain, true, c, place);
      }
      return;
    case State::kTail:
      if (IsBlank(c)) {
        Add(nesting, State::kTail);
      } else {
        StepPlain(nesting, State::kPlain, true, c, place);
      }
      return;
    case State::kBlank:
      StepPlain(nesting, state, true, c, place);
      return;
    case State::kPlain:
    case State::kDollar:
    case State::kShellStart:
      StepPlain(nesting, state, false, c, place);
      return;
  }
}

void WordMatcher::StepPlain(std::uint32_t nesting, State state, bool after_blank, char c, WordPlace place) {
  const Open open = nestings_[nesting].open;
  const std::uint32_t around = nestings_[nesting].around;
  if (open == Open::kSingle) {
    if (c == '\'') {
      Add(around, State::kPlain);
    } else {
      Add(nesting, c == '\\' ? State::kEscape : State::kPlain);
    }
    return;
  }
  switch (c) {
    case ' ':
    case '\t':
      if (open == Open::kShell) {
        Add(nesting, State::kBlank);
      } else if (open == Open::kDouble) {
        Add(nesting, State::kPlain);
      }
      return;
    case '\r':
    case '\n':
      if (open == Open::kDouble) {
        Add(nesting, State::kPlain);
      }
      return;
    case '"':
      if (open == Open::kDouble) {
        Add(around, State::kPlain);
      } else {
        Add(Inside(nesting, Open::kDouble), State::kPlain);
      }
      return;
    case '\'':
      if (open == Open::kDouble) {
        Add(nesting, State::kPlain);
        return;
      }
      Add(Inside(nesting, Open::kSingle), State::kPlain);
      if (open == Open::kNothing && place == WordPlace::kKey) {
        Add(nesting, State::kPlain);
      }
      return;
    case '\\':
      Add(nesting, State::kEscape);
      if (open == Open::kNothing || (open == Open::kShell && after_blank)) {
        Add(nesting, State::kContinuation);
      }
      return;
    case '$':
      Add(nesting, State::kDollar);
      return;
    case '(':
      Add(nesting, State::kPlain);
      if (state == State::kDollar) {
        Add(Inside(nesting, Open::kShell), State::kShellStart);
      }
      return;
    case ')':
      if (open != Open::kShell) {
        Add(nesting, State::kPlain);
      } else if (state != State::kShellStart) {
        Add(around, State::kPlain);
      }
      return;
    case '=':
      if (open != Open::kNothing || place != WordPlace::kKey) {
        Add(nesting, State::kPlain);
      }
      return;
    default:
      Add(nesting, State::kPlain);
      return;
  }
}

}  // namespace loam::parse::earthfile
