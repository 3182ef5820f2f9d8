#include "base/pattern_matcher.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "base/strings.h"

namespace loam {
namespace {

constexpr char32_t kInvalidRune = 0xFFFD;

struct Rune {
  char32_t value;
  std::size_t size;
};

// As Go decodes: an invalid byte is one rune U+FFFD.
Rune DecodeRune(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return {first, 1};
  }
  std::size_t size = 0;
  char32_t value = 0;
  char32_t least = 0;
  if ((first & 0xE0U) == 0xC0) {
    size = 2, value = first & 0x1FU, least = 0x80;
  } else if ((first & 0xF0U) == 0xE0) {
    size = 3, value = first & 0x0FU, least = 0x800;
  } else if ((first & 0xF8U) == 0xF0) {
    size = 4, value = first & 0x07U, least = 0x10000;
  }
  if (size == 0 || text.size() < size) {
    return {kInvalidRune, 1};
  }
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) {
      return {kInvalidRune, 1};
    }
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    return {kInvalidRune, 1};
  }
  return {value, size};
}

// --- path.Match ---

struct Range {
  char32_t low;
  char32_t high;
};

struct GlobToken {
  enum class Kind : std::uint8_t { kLiteral, kAny, kStar, kClass };
  Kind kind;
  std::string literal = {};
  bool negated = false;
  std::vector<Range> ranges = {};
};

tl::unexpected<Error> BadPattern(std::string_view pattern) {
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("syntax error in pattern `{}`", pattern));
}

// One, perhaps escaped, character of a class; false if there is none.
bool TakeClassRune(std::string_view* rest, char32_t* value) {
  if (rest->empty() || rest->front() == '-' || rest->front() == ']') {
    return false;
  }
  if (rest->front() == '\\') {
    rest->remove_prefix(1);
    if (rest->empty()) {
      return false;
    }
  }
  const Rune rune = DecodeRune(*rest);
  if (rune.value == kInvalidRune && rune.size == 1) {
    return false;
  }
  rest->remove_prefix(rune.size);
  *value = rune.value;
  return !rest->empty();
}

Result<std::vector<GlobToken>> ParseGlob(std::string_view pattern) {
  using Kind = GlobToken::Kind;
  std::vector<GlobToken> tokens;
  std::string_view rest = pattern;
  while (!rest.empty()) {
    const char c = rest.front();
    if (c == '*') {
      rest.remove_prefix(1);
      if (tokens.empty() || tokens.back().kind != Kind::kStar) {
        tokens.push_back({.kind = Kind::kStar});
      }
    } else if (c == '?') {
      rest.remove_prefix(1);
      tokens.push_back({.kind = Kind::kAny});
    } else if (c == '[') {
      rest.remove_prefix(1);
      GlobToken token{.kind = Kind::kClass};
      if (!rest.empty() && rest.front() == '^') {
        token.negated = true;
        rest.remove_prefix(1);
      }
      while (rest.empty() || rest.front() != ']' || token.ranges.empty()) {
        Range range{};
        if (!TakeClassRune(&rest, &range.low)) {
          return BadPattern(pattern);
        }
        range.high = range.low;
        if (rest.front() == '-') {
          rest.remove_prefix(1);
          if (!TakeClassRune(&rest, &range.high)) {
            return BadPattern(pattern);
          }
        }
        token.ranges.push_back(range);
      }
      rest.remove_prefix(1);
      tokens.push_back(std::move(token));
    } else {
      if (c == '\\') {
        rest.remove_prefix(1);
        if (rest.empty()) {
          return BadPattern(pattern);
        }
      }
      if (tokens.empty() || tokens.back().kind != Kind::kLiteral) {
        tokens.push_back({.kind = Kind::kLiteral});
      }
      tokens.back().literal += rest.front();
      rest.remove_prefix(1);
    }
  }
  return tokens;
}

// Matches the token at the start of `name`; the number of bytes it takes, or npos. Not for kStar.
std::size_t MatchToken(const GlobToken& token, std::string_view name) {
  switch (token.kind) {
    case GlobToken::Kind::kLiteral:
      return name.starts_with(token.literal) ? token.literal.size() : std::string_view::npos;
    case GlobToken::Kind::kAny:
      return name.empty() || name.front() == '/' ? std::string_view::npos : DecodeRune(name).size;
    case GlobToken::Kind::kClass: {
      if (name.empty()) {
        return std::string_view::npos;
      }
      const Rune rune = DecodeRune(name);
      const bool in = std::any_of(token.ranges.begin(), token.ranges.end(), [&](const Range& range) {
        return range.low <= rune.value && rune.value <= range.high;
      });
      return in != token.negated ? rune.size : std::string_view::npos;
    }
    case GlobToken::Kind::kStar:
      break;
  }
  return std::string_view::npos;
}

// A star needs no second thought once a later star was reached, so one point to go back to is enough.
bool MatchGlob(const std::vector<GlobToken>& tokens, std::string_view name) {
  std::size_t token = 0;
  std::size_t at = 0;
  std::size_t star_token = std::string_view::npos;
  std::size_t star_at = 0;
  while (true) {
    if (token < tokens.size() && tokens[token].kind == GlobToken::Kind::kStar) {
      star_token = token++;
      star_at = at;
      continue;
    }
    if (token == tokens.size() && at == name.size()) {
      return true;
    }
    if (token < tokens.size()) {
      const std::size_t taken = MatchToken(tokens[token], name.substr(at));
      if (taken != std::string_view::npos) {
        at += taken;
        ++token;
        continue;
      }
    }
    if (star_token == std::string_view::npos || star_at >= name.size() || name[star_at] == '/') {
      return false;
    }
    at = ++star_at;
    token = star_token + 1;
  }
}

}  // namespace

// --- patternmatcher ---

struct PatternMatcher::Pattern {
  enum class Kind : std::uint8_t { kExact, kPrefix, kSuffix, kSimple, kRegexp };
  enum class Op : std::uint8_t {
    kRune,       // this character
    kAny,        // one character but '/'
    kStar,       // any characters but '/'
    kDirs,       // nothing, or anything that ends with '/'
    kEverything  // anything up to the end
  };
  struct Step {
    Op op;
    char32_t rune = 0;
  };

  std::string text;
  bool exception = false;
  Kind kind = Kind::kExact;
  // kPrefix and kSuffix: the literal. kSimple: what every match starts and ends with.
  std::string prefix;
  std::string suffix;
  std::vector<Step> steps;
  std::unique_ptr<re2::RE2> regexp;

  Result<> Compile();
  [[nodiscard]] bool Match(std::string_view path) const;

 private:
  [[nodiscard]] bool MatchSteps(std::string_view path) const;
  void SetSimple();
};

// Upstream turns the pattern into a regular expression, or a plain comparison where nothing special is in it. The same
// expression is built here; those without classes are run as a small automaton instead, which is several times faster.
Result<> PatternMatcher::Pattern::Compile() {
  std::string expression = "^";
  bool needs_regexp = false;
  kind = Kind::kExact;
  bool first = true;
  std::string_view rest = text;
  for (; !rest.empty(); first = false) {
    const Rune rune = DecodeRune(rest);
    const std::string_view bytes = rest.substr(0, rune.size);
    rest.remove_prefix(rune.size);
    if (bytes == "*" && rest.starts_with('*')) {
      rest.remove_prefix(1);
      if (rest.starts_with('/')) {
        rest.remove_prefix(1);
      }
      if (rest.empty()) {
        if (kind == Kind::kExact) {
          kind = Kind::kPrefix;
        } else {
          kind = Kind::kRegexp;
        }
        expression += ".*";
        steps.push_back({Op::kEverything});
      } else {
        expression += "(.*/)?";
        kind = Kind::kRegexp;
        steps.push_back({Op::kDirs});
      }
      if (first) {
        kind = Kind::kSuffix;
      }
    } else if (bytes == "*") {
      expression += "[^/]*";
      kind = Kind::kRegexp;
      steps.push_back({Op::kStar});
    } else if (bytes == "?") {
      expression += "[^/]";
      kind = Kind::kRegexp;
      steps.push_back({Op::kAny});
    } else if (bytes == "\\" && !rest.empty()) {
      const Rune escaped = DecodeRune(rest);
      expression += '\\';
      expression += rest.substr(0, escaped.size);
      rest.remove_prefix(escaped.size);
      kind = Kind::kRegexp;
      // A backslash before a letter or digit is an operator of regular expressions.
      needs_regexp = needs_regexp || escaped.value >= 0x80 || std::isalnum(static_cast<int>(escaped.value)) != 0;
      steps.push_back({Op::kRune, escaped.value});
    } else if (bytes == "[" || bytes == "]") {
      expression += bytes;
      kind = Kind::kRegexp;
      needs_regexp = true;
    } else {
      if (bytes.size() == 1 && std::string_view(".+()|{}$\\").find(bytes[0]) != std::string_view::npos) {
        expression += '\\';
      }
      needs_regexp = needs_regexp || bytes == "^";
      expression += bytes;
      steps.push_back({Op::kRune, rune.value});
    }
  }
  switch (kind) {
    case Kind::kExact:
      return {};
    case Kind::kPrefix:
      prefix = text.substr(0, text.size() - 2);
      return {};
    case Kind::kSuffix:
      suffix = text.substr(2);
      return {};
    case Kind::kSimple:
    case Kind::kRegexp:
      break;
  }
  if (!needs_regexp && steps.size() < 64) {
    SetSimple();
    return {};
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  regexp = std::make_unique<re2::RE2>(expression + "$", options);
  if (!regexp->ok()) {
    return BadPattern(text);
  }
  return {};
}

void PatternMatcher::Pattern::SetSimple() {
  kind = Kind::kSimple;
  const auto is_ascii = [](const Step& step) { return step.op == Op::kRune && step.rune < 0x80; };
  for (auto step = steps.begin(); step != steps.end() && is_ascii(*step); ++step) {
    prefix += static_cast<char>(step->rune);
  }
  for (auto step = steps.rbegin(); step != steps.rend() && is_ascii(*step); ++step) {
    suffix.insert(suffix.begin(), static_cast<char>(step->rune));
  }
}

bool PatternMatcher::Pattern::Match(std::string_view path) const {
  switch (kind) {
    case Kind::kExact:
      return path == text;
    case Kind::kPrefix:
      return path.starts_with(prefix);
    case Kind::kSuffix:
      return path.ends_with(suffix) || (suffix.starts_with('/') && path == std::string_view(suffix).substr(1));
    case Kind::kSimple:
      return path.starts_with(prefix) && path.ends_with(suffix) && MatchSteps(path);
    case Kind::kRegexp:
      return re2::RE2::PartialMatch(re2::StringPiece(path.data(), path.size()), *regexp);
  }
  return false;
}

// Bit i of a set: steps 0…i-1 are done. kDirs, once entered, is left only after a '/'.
bool PatternMatcher::Pattern::MatchSteps(std::string_view path) const {
  const auto add = [this](std::uint64_t* set, std::size_t i) {
    for (;; ++i) {
      *set |= std::uint64_t{1} << i;
      if (i == steps.size() || steps[i].op == Op::kRune || steps[i].op == Op::kAny) {
        return;
      }
    }
  };
  std::uint64_t states = 0;
  add(&states, 0);
  while (!path.empty() && states != 0) {
    const Rune rune = DecodeRune(path);
    path.remove_prefix(rune.size);
    std::uint64_t next = 0;
    for (std::uint64_t left = states; left != 0; left &= left - 1) {
      const auto i = static_cast<std::size_t>(__builtin_ctzll(left));
      if (i == steps.size()) {
        continue;
      }
      switch (steps[i].op) {
        case Op::kRune:
          if (rune.value == steps[i].rune) {
            add(&next, i + 1);
          }
          break;
        case Op::kAny:
          if (rune.value != '/') {
            add(&next, i + 1);
          }
          break;
        case Op::kStar:
          if (rune.value != '/') {
            add(&next, i);
          }
          break;
        case Op::kDirs:
          if (rune.value != '\n') {
            next |= std::uint64_t{1} << i;
          }
          if (rune.value == '/') {
            add(&next, i + 1);
          }
          break;
        case Op::kEverything:
          if (rune.value != '\n') {
            add(&next, i);
          }
          break;
      }
    }
    states = next;
  }
  return (states >> steps.size() & 1U) != 0;
}

PatternMatcher::PatternMatcher() = default;
PatternMatcher::~PatternMatcher() = default;
PatternMatcher::PatternMatcher(PatternMatcher&&) noexcept = default;
PatternMatcher& PatternMatcher::operator=(PatternMatcher&&) noexcept = default;

Result<PatternMatcher> PatternMatcher::Create(const std::vector<std::string>& patterns) {
  PatternMatcher matcher;
  for (const std::string& source : patterns) {
    const std::string_view trimmed = TrimSpace(source);
    if (trimmed.empty()) {
      continue;
    }
    Pattern pattern;
    pattern.text = CleanPath(trimmed);
    if (pattern.text.starts_with('!')) {
      if (pattern.text.size() == 1) {
        return Unexpected(ErrorCode::kInvalidArgument, "illegal exclusion pattern: \"!\"");
      }
      pattern.exception = true;
      pattern.text.erase(0, 1);
      matcher.has_exceptions_ = true;
    }
    LOAM_TRY(ParseGlob(pattern.text));
    LOAM_TRY(pattern.Compile());
    matcher.patterns_.push_back(std::move(pattern));
  }
  return matcher;
}

bool PatternMatcher::empty() const {
  return patterns_.empty();
}
bool PatternMatcher::has_exceptions() const {
  return has_exceptions_;
}

namespace {
template <class P>
bool MatchesAnyParent(const P& pattern, std::string_view path) {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    if (pattern.Match(path.substr(0, slash))) {
      return true;
    }
  }
  return false;
}
}  // namespace

bool PatternMatcher::MatchesOrParentMatches(std::string_view path) const {
  bool matched = false;
  for (const Pattern& pattern : patterns_) {
    if (pattern.exception != matched) {
      continue;
    }
    if (pattern.Match(path) || MatchesAnyParent(pattern, path)) {
      matched = !pattern.exception;
    }
  }
  return matched;
}

bool PatternMatcher::MatchesUsingParent(std::string_view path, const PatternMatchInfo& parent,
                                        PatternMatchInfo* info) const {
  PatternMatchInfo own(patterns_.size());
  bool matched = false;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const Pattern& pattern = patterns_[i];
    bool match = !parent.empty() && parent[i];
    if (!match) {
      if (pattern.exception != matched) {
        continue;
      }
      match = pattern.Match(path) || (parent.empty() && MatchesAnyParent(pattern, path));
    }
    own[i] = match;
    if (match) {
      matched = !pattern.exception;
    }
  }
  if (info != nullptr) {
    *info = std::move(own);
  }
  return matched;
}

std::vector<PatternMatcher::PatternText> PatternMatcher::patterns() const {
  std::vector<PatternText> texts;
  texts.reserve(patterns_.size());
  for (const Pattern& pattern : patterns_) {
    texts.push_back({pattern.text, pattern.exception});
  }
  return texts;
}

std::vector<std::string> ParseIgnoreFile(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
  std::vector<std::string> patterns;
  for (std::string_view line : Split(text, '\n')) {
    if (line.starts_with('#')) {
      continue;
    }
    line = TrimSpace(line);
    if (line.empty()) {
      continue;
    }
    const bool exception = line.front() == '!';
    if (exception) {
      line = TrimSpace(line.substr(1));
    }
    std::string pattern;
    if (!line.empty()) {
      pattern = CleanPath(line);
      if (pattern.size() > 1 && pattern.front() == '/') {
        pattern.erase(0, 1);
      }
    }
    patterns.push_back(exception ? "!" + pattern : pattern);
  }
  return patterns;
}

Result<bool> PathMatch(std::string_view pattern, std::string_view name) {
  return MatchGlob(LOAM_TRY(ParseGlob(pattern)), name);
}

std::string CleanPath(std::string_view path) {
  if (path.empty()) {
    return ".";
  }
  const bool rooted = path.front() == '/';
  std::string out;
  out.reserve(path.size());
  if (rooted) {
    out = "/";
  }
  // Below this size lie the ".." that cannot be removed.
  std::size_t floor = out.size();
  std::size_t pos = 0;
  while (pos < path.size()) {
    const std::size_t end = std::min(path.find('/', pos), path.size());
    const std::string_view part = path.substr(pos, end - pos);
    pos = end + 1;
    if (part.empty() || part == ".") {
      continue;
    }
    if (part == "..") {
      if (out.size() > floor) {
        const std::size_t slash = out.rfind('/');
        out.resize(slash == std::string::npos || slash < floor ? floor : slash);
      } else if (!rooted) {
        out += out.empty() ? ".." : "/..";
        floor = out.size();
      }
      continue;
    }
    if (!out.empty() && out.back() != '/') {
      out += '/';
    }
    out += part;
  }
  return out.empty() ? "." : out;
}

std::string CleanRootedPath(std::string_view path) {
  std::string rooted = "/";
  rooted += path;
  return CleanPath(rooted);
}

bool HasWildcard(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\') {
      ++i;
    } else if (path[i] == '*' || path[i] == '?' || path[i] == '[') {
      return true;
    }
  }
  return false;
}

std::pair<std::string, std::string> SplitWildcard(std::string_view path) {
  const std::string clean = path.empty() ? std::string() : CleanPath(path);
  std::string literal;
  std::string rest;
  bool found = false;
  for (const std::string_view part : Split(clean, '/')) {
    found = found || HasWildcard(part);
    std::string& out = found ? rest : literal;
    if (part.empty()) {
      out += '/';
      continue;
    }
    if (!out.empty() && out.back() != '/') {
      out += '/';
    }
    out += part;
  }
  return {literal.empty() ? literal : CleanPath(literal), rest};
}

}  // namespace loam
