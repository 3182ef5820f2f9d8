// Texts of the typed tree that are not what stands in the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::ast::earthfile {

// Line continuations removed, with the comments and blanks that belong to them: backslash, blanks, an optional comment,
// line end (LF or CRLF), then any number of blank and comment lines, and the blanks in front of what follows.
std::string RemoveContinuations(std::string_view text);
// Whether that would change `text`, at little cost; may be true although it would not.
bool MayHaveContinuation(std::string_view text);

// `[a-zA-Z_]+[a-zA-Z0-9_]*`: what ENV, ARG, LET and SET take for a name.
bool IsVariableName(std::string_view text);

// A JSON array of strings as encoding/json decodes it into []string; null elements are empty strings.
struct JsonWords {
  struct Item {
    std::string text;
    std::size_t begin = 0, end = 0;  // in the JSON, with the quotes
  };
  bool is_null = false;  // the whole is `null`
  std::vector<Item> items;
};
// nullopt if `text` is anything else.
std::optional<JsonWords> ParseJsonWords(std::string_view text);

// Documentation out of the comments above something: blanks around and the marker removed, and the blanks that follow
// it in the first line from each. Each line ends with LF.
std::string DocsOf(const std::vector<std::string_view>& comments);

}  // namespace loam::ast::earthfile
