#include "runtime-executor/daemon/filter.h"

#include <algorithm>

#include <fmt/format.h>
#include <re2/re2.h>
#include <nlohmann/json.hpp>

namespace loam::daemon {

// filter    = selector *("," selector)
// selector  = field *("." field) [("==" / "!=" / "~=") value]
// field     = letter *(letter / digit / "_" / "-" / "/") or a quoted string
// value     = a quoted string, or everything up to "," or white space
class Filter::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<Selector>> Run() {
    std::vector<Selector> selectors;
    SkipSpace();
    while (true) {
      selectors.push_back(LOAM_TRY(ParseSelector()));
      SkipSpace();
      if (at_ == text_.size()) {
        return selectors;
      }
      if (text_[at_] != ',') {
        return Fail("expected a separator");
      }
      ++at_;
      SkipSpace();
    }
  }

 private:
  [[nodiscard]] tl::unexpected<Error> Fail(std::string_view what) const {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("parse error: [{} >|{}|< ]: {}", text_.substr(0, at_), text_.substr(at_), what));
  }
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) {
      ++at_;
    }
  }
  [[nodiscard]] bool IsQuote() const { return at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '`'); }

  Result<std::string> Quoted() {
    const char quote = text_[at_];
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) {
      end += text_[end] == '\\' && quote == '"' ? 2 : 1;
    }
    if (end >= text_.size()) {
      return Fail("a quoted string has no end");
    }
    const std::string_view whole = text_.substr(at_, end + 1 - at_);
    std::string value;
    if (quote == '`') {
      value = whole.substr(1, whole.size() - 2);
    } else {
      const auto parsed = nlohmann::json::parse(whole, nullptr, false);
      if (!parsed.is_string()) {
        return Fail("a quoted string is malformed");
      }
      value = parsed.get<std::string>();
    }
    at_ = end + 1;
    return value;
  }

  Result<std::string> Field() {
    if (IsQuote()) {
      return Quoted();
    }
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto is_inner = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '/'; };
    std::size_t end = at_;
    if (end < text_.size() && is_letter(text_[end])) {
      while (end < text_.size() && is_inner(text_[end])) {
        ++end;
      }
    }
    if (end == at_) {
      return Fail("expected a field");
    }
    std::string field(text_.substr(at_, end - at_));
    at_ = end;
    return field;
  }

  Result<std::string> Value() {
    if (IsQuote()) {
      return Quoted();
    }
    const std::size_t end = std::min(text_.find_first_of(", \t", at_), text_.size());
    if (end == at_) {
      return Fail("expected a value");
    }
    std::string value(text_.substr(at_, end - at_));
    at_ = end;
    return value;
  }

  Result<Selector> ParseSelector() {
    Selector selector;
    selector.path.push_back(LOAM_TRY(Field()));
    while (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      selector.path.push_back(LOAM_TRY(Field()));
    }
    SkipSpace();
    const std::string_view rest = text_.substr(at_);
    if (rest.empty() || rest.front() == ',') {
      return selector;
    }
    if (rest.starts_with("==")) {
      selector.op = Operator::kEqual;
    } else if (rest.starts_with("!=")) {
      selector.op = Operator::kNotEqual;
    } else if (rest.starts_with("~=")) {
      selector.op = Operator::kMatches;
    } else {
      return Fail("unsupported operator");
    }
    at_ += 2;
    SkipSpace();
    selector.value = LOAM_TRY(Value());
    if (selector.op == Operator::kMatches) {
      auto pattern = std::make_shared<const re2::RE2>(selector.value, re2::RE2::Quiet);
      if (!pattern->ok()) {
        return Fail(pattern->error());
      }
      selector.pattern = std::move(pattern);
    }
    return selector;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

Result<Filter> Filter::Parse(std::span<const std::string> filters) {
  Filter result;
  bool everything = false;
  for (const std::string& filter : filters) {
    if (filter.empty()) {
      everything = true;
    } else {
      result.any_.push_back(LOAM_TRY(Parser(filter).Run()));
    }
  }
  if (everything) {
    result.any_.clear();
  }
  return result;
}

bool Filter::Matches(const FieldReader& fields) const {
  const auto holds = [&fields](const Selector& selector) {
    const std::optional<std::string> value = fields(selector.path);
    switch (selector.op) {
      case Operator::kPresent:
        return value.has_value();
      case Operator::kEqual:
        return value.has_value() && *value == selector.value;
      case Operator::kNotEqual:
        return value.value_or("") != selector.value;
      case Operator::kMatches:
        // A field that is not there is empty.
        return re2::RE2::PartialMatch(value.value_or(""), *selector.pattern);
    }
    return false;
  };
  return any_.empty() || std::any_of(any_.begin(), any_.end(), [&holds](const std::vector<Selector>& all) {
           return std::all_of(all.begin(), all.end(), holds);
         });
}

}  // namespace loam::daemon
