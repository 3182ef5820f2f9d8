// Where a word of an Earthfile ends.
//
// A word is a run of plain characters, escapes, quoted parts and `$(...)`, the latter with quotes and further `$(...)`
// inside. What a quote or a `$(` is depends on what follows: `$(` that is never closed is plain text, and so on. The
// language takes the reading that makes the word longest, so all readings are followed at once; text that has only one
// (nearly all of it) is read by a simple loop.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace loam::parse::earthfile {

enum class WordPlace : std::uint8_t {
  kArgument,  // `=` is plain
  kKey,       // in front of the `=` of ENV, ARG, LET, SET, LABEL: `=` ends the word, `'` is plain too
};

class WordMatcher {
 public:
  explicit WordMatcher(std::string_view text);

  // The end of the longest word that begins at `begin`; `begin` if none does. Linear in the text over all calls
  // together: when the readings of a hostile text grow too many, the longest word found so far is the answer.
  std::uint32_t Match(std::uint32_t begin, WordPlace place);

 private:
  // A nesting of quotes and `$(`: a node is what is open innermost, and the node around it.
  enum class Open : std::uint8_t { kNothing, kDouble, kSingle, kShell };
  struct Nesting {
    std::uint32_t around = 0;
    Open open = Open::kNothing;
    std::uint32_t inner[3] = {0, 0, 0};  // the node for one more of kDouble, kSingle, kShell; 0 if not made yet
  };
  // What came directly before.
  enum class State : std::uint8_t {
    kPlain,
    kDollar,        // `$`
    kShellStart,    // `$(` that was taken as such
    kBlank,         // in `$(`: a blank, so that a line continuation may follow
    kEscape,        // a backslash that takes the next character
    kContinuation,  // a backslash that continues the line, which has not ended yet
    kNextLine,      // the line end after it, or blanks behind that
    kComment,       // a comment in a line continuation; it may end anywhere
    kTail,          // blanks behind such an end
  };
  // One reading: nesting * 16 + state.
  using Reading = std::uint32_t;

  // From `begin`, where nothing is open. Returns where one reading is left and nothing is open (`*resumed`), or the end
  // of the longest word.
  std::uint32_t FollowAll(std::uint32_t begin, WordPlace place, bool* resumed);
  void Step(Reading reading, char c, WordPlace place);
  void StepPlain(std::uint32_t nesting, State state, bool after_blank, char c, WordPlace place);
  std::uint32_t Inside(std::uint32_t nesting, Open open);
  void Add(std::uint32_t nesting, State state) { next_.push_back(nesting * 16 + static_cast<std::uint32_t>(state)); }
  // The position behind the closing quote; 0 without one, or at a `$(`.
  std::uint32_t SimpleQuoteEnd(std::uint32_t begin, char quote, bool* needs_readings);

  std::string_view text_;
  std::uint32_t size_;
  // Steps that may still be spent on text that turns out not to be part of a word.
  std::uint64_t budget_;
  std::vector<Nesting> nestings_;
  std::vector<Reading> now_, next_;
};

}  // namespace loam::parse::earthfile
