#include "base/image_reference.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam {
namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::size_t kLongestPath = 255;
constexpr std::size_t kLongestTag = 128;

bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsUpper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsAlnum(char c) {
  return IsLower(c) || IsUpper(c) || IsDigit(c);
}
bool IsHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

template <class P>
bool All(std::string_view text, P predicate) {
  return !text.empty() && std::all_of(text.begin(), text.end(), predicate);
}

// Runs of [a-z0-9], joined by one of `.`, `_`, `__` or any number of dashes.
bool IsPathComponent(std::string_view text) {
  const auto is_atom = [](char c) { return IsLower(c) || IsDigit(c); };
  std::size_t i = 0;
  for (;;) {
    const std::size_t start = i;
    while (i < text.size() && is_atom(text[i])) {
      ++i;
    }
    if (i == start) {
      return false;
    }
    if (i == text.size()) {
      return true;
    }
    const std::size_t separator = i;
    if (text[i] == '-') {
      while (i < text.size() && text[i] == '-') {
        ++i;
      }
    } else if (text[i] == '.' || text[i] == '_') {
      ++i;
      if (text[separator] == '_' && i < text.size() && text[i] == '_') {
        ++i;
      }
    } else {
      return false;
    }
  }
}

bool IsPath(std::string_view text) {
  for (const std::string_view part : Split(text, '/')) {
    if (!IsPathComponent(part)) {
      return false;
    }
  }
  return true;
}

bool IsDomain(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos ||
        !All(text.substr(1, close - 1), [](char c) { return IsHex(c) || c == ':'; })) {
      return false;
    }
    text.remove_prefix(close + 1);
    return text.empty() || (text.front() == ':' && All(text.substr(1), IsDigit));
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && !All(text.substr(colon + 1), IsDigit)) {
    return false;
  }
  for (const std::string_view part : Split(text.substr(0, colon), '.')) {
    if (!All(part, [](char c) { return IsAlnum(c) || c == '-'; }) || part.front() == '-' || part.back() == '-') {
      return false;
    }
  }
  return true;
}

bool IsTag(std::string_view text) {
  const auto is_word = [](char c) { return IsAlnum(c) || c == '_'; };
  return !text.empty() && text.size() <= kLongestTag && is_word(text.front()) &&
         All(text, [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool IsDigest(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return false;
  }
  const std::string_view algorithm = text.substr(0, colon);
  const std::string_view hex = text.substr(colon + 1);
  const auto lower_hex = [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); };
  // The algorithms that exist, each with its length.
  const std::size_t size = algorithm == "sha256" ? 64 : algorithm == "sha384" ? 96 : algorithm == "sha512" ? 128 : 0;
  return size != 0 && hex.size() == size && All(hex, lower_hex);
}

}  // namespace

std::string ImageReference::Name() const {
  return domain.empty() ? path : domain + "/" + path;
}

std::string ImageReference::ToString() const {
  std::string out = Name();
  if (!tag.empty()) {
    out += ":" + tag;
  }
  if (!digest.empty()) {
    out += "@" + digest;
  }
  return out;
}

ImageReference ImageReference::WithDefaultTag() const {
  ImageReference tagged = *this;
  if (tag.empty() && digest.empty()) {
    tagged.tag = "latest";
  }
  return tagged;
}

std::string ImageReference::Familiar() const {
  ImageReference familiar = *this;
  if (domain == kDefaultDomain) {
    familiar.domain.clear();
    if (path.starts_with("library/") && path.find('/', 8) == std::string::npos) {
      familiar.path = path.substr(8);
    }
  }
  return familiar.ToString();
}

Result<ImageReference> ParseImageReference(std::string_view text) {
  const auto invalid = [](std::string message) { return Unexpected(ErrorCode::kInvalidArgument, std::move(message)); };
  if (text.size() == 64 && All(text, [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); })) {
    return invalid(fmt::format("`{}` looks like an image ID, not like a name", text));
  }
  ImageReference reference;
  std::string_view remainder = text;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view first = text.substr(0, slash);
    if (first == "localhost" || first.find_first_of(".:") != std::string_view::npos ||
        std::any_of(first.begin(), first.end(), IsUpper)) {
      reference.domain = first == "index.docker.io" ? kDefaultDomain : first;
      remainder = text.substr(slash + 1);
    }
  }
  std::string path;
  if (reference.domain.empty()) {
    reference.domain = kDefaultDomain;
  }
  if (reference.domain == kDefaultDomain && remainder.find('/') == std::string_view::npos) {
    path = "library/";
  }
  path += remainder;
  const std::string_view name = std::string_view(path).substr(0, path.find(':'));
  if (std::any_of(name.begin(), name.end(), IsUpper)) {
    return invalid(fmt::format("the repository name `{}` must be in lower case", name));
  }

  std::string_view rest = path;
  const std::size_t at = rest.find('@');
  if (at != std::string_view::npos) {
    reference.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!IsDigest(reference.digest)) {
      return invalid(fmt::format("`{}` is no digest", reference.digest));
    }
  }
  const std::size_t colon = rest.find(':');
  if (colon != std::string_view::npos) {
    reference.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!IsTag(reference.tag)) {
      return invalid(fmt::format("`{}` is no tag", reference.tag));
    }
  }
  if (!IsDomain(reference.domain)) {
    return invalid(fmt::format("`{}` is no registry name", reference.domain));
  }
  if (!IsPath(rest)) {
    return invalid(fmt::format("`{}` is no repository name", rest));
  }
  if (rest.size() > kLongestPath) {
    return invalid("the repository name is longer than 255 characters");
  }
  reference.path = rest;
  return reference;
}

}  // namespace loam
