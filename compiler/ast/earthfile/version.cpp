#include "compiler/ast/earthfile/version.h"

#include <vector>

#include "base/utf8.h"

namespace loam::ast::earthfile {

namespace {

// The reference's scanner reads no line, line feed included, that is longer.
constexpr std::size_t kMostLineBytes = 65536;

// White-space separated pieces.
std::vector<std::string_view> Fields(std::string_view text) {
  std::vector<std::string_view> out;
  for (text = TrimUnicodeSpaceLeft(text); !text.empty(); text = TrimUnicodeSpaceLeft(text)) {
    std::size_t size = 0;
    while (size < text.size()) {
      const Rune rune = DecodeRune(text.substr(size));
      if (IsUnicodeSpace(rune.value)) {
        break;
      }
      size += rune.size;
    }
    out.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace

const Version* ScanVersion(syntax::earthfile::Tree& tree, diag::Emitter& emitter) {
  const source::Buffer& buffer = tree.buffer();
  const std::string_view text = buffer.text();
  const auto range_of = [&](std::string_view part) {
    const auto begin = static_cast<std::size_t>(part.data() - text.data());
    return buffer.Range(begin, begin + part.size());
  };
  Version version;
  bool found = false;
  std::vector<Word> args;
  std::uint32_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    ++number;
    const std::size_t line_feed = text.find('\n', begin);
    const std::size_t end = line_feed == std::string_view::npos ? text.size() : line_feed;
    if (end - begin >= kMostLineBytes) {
      return nullptr;
    }
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with("\r")) {
      line.remove_suffix(1);
    }
    begin = end + 1;
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.empty() || fields.front().starts_with("#")) {
      continue;
    }
    bool continues = false;
    for (const std::string_view field : fields) {
      if (field.starts_with("#")) {
        break;
      }
      if (continues) {
        emitter.Emit<diag::Kind::kEarthMalformedVersion>(range_of(field), field)
            .Hint("a backslash continues the line only at its end");
        return nullptr;
      }
      if (field == "VERSION" && !found) {
        found = true;
        version.first_line = number;
        version.range = range_of(field);
      } else if (field == "\\") {
        continues = true;
      } else if (!found) {
        return nullptr;
      } else {
        version.range = source::Cover(version.range, range_of(field));
        args.push_back({field, range_of(field)});
      }
    }
    if (continues) {
      continue;
    }
    version.args = tree.arena().Copy(args);
    version.last_line = number;
    version.last_line_width = static_cast<std::uint32_t>(line.size());
    return tree.arena().New<Version>(version);
  }
  return nullptr;
}

}  // namespace loam::ast::earthfile
