#include "runtime-executor/source/policy/source_rules.h"

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/strings.h"

namespace loam::source {
namespace {

namespace policy = moby::buildkit::v1::sourcepolicy;

// One source may be converted this often.
constexpr int kMaxConversions = 20;

Result<std::unique_ptr<RE2>> Compile(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_unique<RE2>(pattern, options);
  if (!compiled->ok()) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("source policy: invalid regex \"{}\": {}", pattern, compiled->error()));
  }
  return compiled;
}

// `*` is any text; everything else is itself.
Result<std::unique_ptr<RE2>> CompileWildcard(const std::string& pattern) {
  if (pattern.find("**") != std::string::npos) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("source policy: invalid wildcard \"{}\"", pattern));
  }
  std::string regex = "^";
  for (const char c : pattern) {
    regex += c == '*' ? std::string("(.*)") : RE2::QuoteMeta(std::string(1, c));
  }
  return Compile(regex + "$");
}

using Groups = std::vector<re2::StringPiece>;

bool Match(const RE2& regex, std::string_view text, std::size_t from, Groups& groups) {
  groups.assign(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1, re2::StringPiece());
  return regex.Match(re2::StringPiece(text.data(), text.size()), from, text.size(), RE2::UNANCHORED, groups.data(),
                     static_cast<int>(groups.size()));
}

bool IsNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// The text of the group that `name` names ("1", or a name); empty if there is none.
std::string_view GroupOf(const RE2& regex, const Groups& groups, std::string_view name) {
  std::size_t number = groups.size();
  if (!name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) != 0) {
    number = 0;
    for (const char c : name) {
      if (std::isdigit(static_cast<unsigned char>(c)) == 0 || number > groups.size()) {
        return {};
      }
      number = number * 10 + static_cast<std::size_t>(c - '0');
    }
  } else if (const auto found = regex.NamedCapturingGroups().find(std::string(name));
             found != regex.NamedCapturingGroups().end()) {
    number = static_cast<std::size_t>(found->second);
  }
  return number < groups.size() ? std::string_view(groups[number].data(), groups[number].size()) : std::string_view();
}

// `$1`, `$name` and `${name}` become the groups' texts, `$$` is a dollar.
void Expand(const RE2& regex, const Groups& groups, std::string_view form, std::string& out) {
  while (!form.empty()) {
    const std::size_t dollar = form.find('$');
    out += form.substr(0, dollar);
    if (dollar == std::string_view::npos) {
      return;
    }
    form.remove_prefix(dollar + 1);
    if (form.starts_with('$')) {
      out += '$';
      form.remove_prefix(1);
      continue;
    }
    const bool braces = form.starts_with('{');
    std::size_t end = braces ? 1 : 0;
    while (end < form.size() && IsNameCharacter(form[end])) {
      ++end;
    }
    const std::string_view name = form.substr(braces ? 1 : 0, end - (braces ? 1 : 0));
    if (name.empty() || (braces && (end >= form.size() || form[end] != '}'))) {
      out += '$';
      continue;
    }
    out += GroupOf(regex, groups, name);
    form.remove_prefix(end + (braces ? 1 : 0));
  }
}

// Every match of `regex` in `text` replaced.
std::string ReplaceAll(const RE2& regex, std::string_view text, std::string_view form) {
  std::string out;
  std::size_t at = 0;
  std::size_t search = 0;
  Groups groups;
  while (search <= text.size() && Match(regex, text, search, groups)) {
    const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    const std::size_t end = begin + groups[0].size();
    out += text.substr(at, begin - at);
    Expand(regex, groups, form, out);
    at = end;
    search = end > begin ? end : end + 1;
    if (end == begin && begin < text.size()) {
      out += text[begin];
      at = begin + 1;
    }
  }
  return at < text.size() ? out + std::string(text.substr(at)) : out;
}

Result<bool> MatchesConstraints(const policy::Selector& selector, const pb::SourceOp& source) {
  for (const policy::AttrConstraint& constraint : selector.constraints()) {
    const auto found = source.attrs().find(constraint.key());
    const std::string value = found == source.attrs().end() ? std::string() : found->second;
    switch (constraint.condition()) {
      case policy::EQUAL:
        if (value != constraint.value()) {
          return false;
        }
        break;
      case policy::NOTEQUAL:
        if (value == constraint.value()) {
          return false;
        }
        break;
      case policy::MATCHES: {
        const auto regex = LOAM_TRY(Compile(constraint.value()));
        if (!RE2::PartialMatch(value, *regex)) {
          return false;
        }
        break;
      }
      default:  // protobuf's own enum
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("unknown attr condition: {}", static_cast<int>(constraint.condition())));
    }
  }
  return true;
}

Result<bool> Matches(const policy::Selector& selector, const pb::SourceOp& source) {
  if (!LOAM_TRY(MatchesConstraints(selector, source))) {
    return false;
  }
  if (selector.identifier() == source.identifier()) {
    return true;
  }
  switch (selector.match_type()) {
    case policy::EXACT:
      return false;
    case policy::REGEX:
      return RE2::PartialMatch(source.identifier(), *LOAM_TRY(Compile(selector.identifier())));
    case policy::WILDCARD:
      return RE2::PartialMatch(source.identifier(), *LOAM_TRY(CompileWildcard(selector.identifier())));
    default:  // protobuf's own enum
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("unknown match type: {}", static_cast<int>(selector.match_type())));
  }
}

Result<std::string> Destination(const policy::Rule& rule, const std::string& identifier) {
  const std::string& form =
      rule.updates().identifier().empty() ? rule.selector().identifier() : rule.updates().identifier();
  switch (rule.selector().match_type()) {
    case policy::REGEX:
      return ReplaceAll(*LOAM_TRY(Compile(rule.selector().identifier())), identifier, form);
    case policy::WILDCARD: {
      const auto regex = LOAM_TRY(CompileWildcard(rule.selector().identifier()));
      Groups groups;
      if (!Match(*regex, identifier, 0, groups)) {
        return identifier;
      }
      std::string out;
      Expand(*regex, groups, form, out);
      return out;
    }
    default:
      return form;
  }
}

Result<bool> Convert(const policy::Rule& rule, pb::SourceOp& source) {
  if (!rule.has_updates()) {
    return Unexpected(ErrorCode::kInvalidArgument, "source policy: missing destination for convert rule");
  }
  bool changed = false;
  std::string destination = LOAM_TRY(Destination(rule, source.identifier()));
  if (!destination.empty() && destination != source.identifier()) {
    source.set_identifier(std::move(destination));
    changed = true;
  }
  for (const auto& [name, value] : rule.updates().attrs()) {
    std::string& current = (*source.mutable_attrs())[name];
    changed = changed || current != value;
    current = value;
  }
  return changed;
}

// True at the first change.
Result<bool> ApplyOnce(const SourceRules& rules, pb::SourceOp& source) {
  bool denied = false;
  for (const policy::Rule& rule : rules.rules()) {
    if (!LOAM_TRY(Matches(rule.selector(), source))) {
      continue;
    }
    switch (rule.action()) {
      case policy::ALLOW:
        denied = false;
        break;
      case policy::DENY:
        denied = true;
        break;
      case policy::CONVERT:
        if (LOAM_TRY(Convert(rule, source))) {
          return true;
        }
        break;
      default:  // protobuf's own enum
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("source policy: a rule of unknown type {}", static_cast<int>(rule.action())));
    }
  }
  if (denied) {
    return Unexpected(ErrorCode::kPermissionDenied,
                      fmt::format("source \"{}\" denied by policy: source denied by policy", source.identifier()));
  }
  return false;
}

}  // namespace

Result<> CheckRules(const SourceRules& rules) {
  for (const policy::Rule& rule : rules.rules()) {
    if (!rule.has_selector()) {
      return Unexpected(ErrorCode::kInvalidArgument, "invalid nil selector in policy");
    }
  }
  return {};
}

Result<bool> ApplyRules(std::span<const SourceRules> policies, pb::SourceOp& source) {
  bool changed = false;
  for (int round = 0; round <= kMaxConversions; ++round) {
    bool again = false;
    for (const SourceRules& rules : policies) {
      if (LOAM_TRY(ApplyOnce(rules, source))) {
        again = true;
        break;
      }
    }
    if (!again) {
      return changed;
    }
    changed = true;
  }
  return Unexpected(
      ErrorCode::kInvalidArgument,
      fmt::format("too many mutations on a single source: too many operations ({})", source.identifier()));
}

}  // namespace loam::source
