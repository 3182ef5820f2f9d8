// Line continuations of Earthfiles: lines that continue a statement move together, so that how they lie to each other
// stays. A continuation is a backslash, blanks, an optional comment and a line end; blank lines and lines with nothing
// but a comment behind it belong to it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::format {

std::string_view TrimBlanks(std::string_view text);
std::string_view TrimBlanksRight(std::string_view text);
// Columns of blanks; a tab goes to the next multiple of four.
int WidthOf(std::string_view blanks);

// Whether a line continuation is in `text` (a blank token, or a word).
bool IsContinued(std::string_view text);
// The least indentation of the lines in `text` that continue something; comments do not count. nullopt if there are
// none.
std::optional<int> ContinuedIndent(std::string_view text);
// The comments in the continuations of `text`, without blanks around them.
void AppendContinuedComments(std::string_view text, std::vector<std::string>& comments);

class ContinuedLines {
 public:
  // Lines whose indentation is `least` get `wanted`, the others move with them. `keep_blanks`: those in front of a
  // backslash between words stay.
  ContinuedLines(std::optional<int> least, int wanted, std::string_view line_end, bool keep_blanks)
      : shift_(least ? wanted - *least : 0), line_end_(line_end), keep_blanks_(keep_blanks) {}

  // A blank token with continuations.
  [[nodiscard]] std::string Gap(std::string_view text) const;
  // A word; continuations may cut through it.
  [[nodiscard]] std::string Word(std::string_view text) const;

 private:
  [[nodiscard]] std::string Reindent(std::string_view text) const;

  int shift_;
  std::string_view line_end_;
  bool keep_blanks_;
};

}  // namespace loam::format
