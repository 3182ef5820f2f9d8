#include "compiler/sema/dockerfile/git_reference.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::optional<std::string> Unescape(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const auto byte = ParseUint(text.substr(i + 1, 2), 16, 8);
      if (!byte || i + 2 >= text.size()) {
        return std::nullopt;
      }
      out += static_cast<char>(*byte);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

using Query = std::map<std::string, std::vector<std::string>>;

Query ParseQuery(std::string_view text) {
  Query query;
  for (std::string_view pair : Split(text, '&')) {
    if (pair.empty() || pair.find(';') != std::string_view::npos) {
      continue;
    }
    const std::size_t equals = pair.find('=');
    const auto key = Unescape(pair.substr(0, equals), true);
    const auto value = equals == std::string_view::npos ? std::string() : Unescape(pair.substr(equals + 1), true);
    if (key && value) {
      query[*key].push_back(*value);
    }
  }
  return query;
}

struct Url {
  std::string scheme;
  std::string host;
  std::string path;
  std::string query;
  std::string fragment;
  std::string plain;  // without query and fragment
};

std::optional<Url> ParseUrl(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })) {
    return std::nullopt;
  }
  Url url;
  const std::size_t hash = text.find('#');
  if (hash != std::string_view::npos) {
    const auto fragment = Unescape(text.substr(hash + 1), false);
    if (!fragment) {
      return std::nullopt;
    }
    url.fragment = *fragment;
    text = text.substr(0, hash);
  }
  const std::size_t mark = text.find('?');
  if (mark != std::string_view::npos) {
    url.query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  const std::size_t colon = text.find("://");
  std::string_view rest = text;
  if (colon != std::string_view::npos) {
    url.scheme = ToLowerAscii(text.substr(0, colon));
    rest = text.substr(colon + 3);
    const std::size_t slash = rest.find('/');
    std::string_view authority = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
    url.plain = fmt::format("{}://{}{}", url.scheme, authority, rest);
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
      authority.remove_prefix(at + 1);
    }
    const std::size_t port = authority.rfind(':');
    if (authority.find(' ') != std::string_view::npos ||
        (port != std::string_view::npos && authority.find(']', port) == std::string_view::npos &&
         !std::all_of(authority.begin() + static_cast<std::ptrdiff_t>(port) + 1, authority.end(),
                      [](char c) { return c >= '0' && c <= '9'; }))) {
      return std::nullopt;
    }
    url.host = authority;
  } else {
    url.plain = text;
  }
  const auto path = Unescape(rest, false);
  if (!path) {
    return std::nullopt;
  }
  url.path = *path;
  return url;
}

// "git@github.com:a/b.git?query#fragment"
std::optional<Url> ParseScpUrl(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 ||
      !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at),
                   [](char c) { return IsAlnum(c) || c == '-' || c == '_'; })) {
    return std::nullopt;
  }
  const std::size_t colon = text.find(':', at);
  const std::string_view host = text.substr(at + 1, colon == std::string_view::npos ? colon : colon - at - 1);
  if (colon == std::string_view::npos || host.empty() || text.find('\n') != std::string_view::npos ||
      !std::all_of(host.begin(), host.end(), [](char c) { return IsAlnum(c) || c == '-' || c == '.'; })) {
    return std::nullopt;
  }
  Url url;
  url.scheme = "ssh";
  url.host = host;
  std::string_view rest = text.substr(colon + 1);
  const std::size_t end = rest.find_first_of("?#");
  url.path = rest.substr(0, end);
  url.plain = fmt::format("{}:{}", text.substr(0, colon), url.path);
  if (end != std::string_view::npos && rest[end] == '?') {
    rest = rest.substr(end + 1);
    const std::size_t hash = rest.find('#');
    url.query = rest.substr(0, hash);
    if (hash != std::string_view::npos) {
      url.fragment = rest.substr(hash + 1);
    }
  } else if (end != std::string_view::npos) {
    url.fragment = rest.substr(end + 1);
  }
  return url;
}

Result<void> ApplyQuery(GitReference& git, const Query& query) {
  const auto fail = [](std::string message) { return Unexpected(ErrorCode::kInvalidArgument, std::move(message)); };
  std::string tag;
  std::string branch;
  const auto set = [&](std::string& field, const std::string& value, std::string_view name) -> Result<void> {
    if (!field.empty() && field != value) {
      return fail(fmt::format("{} conflicts: `{}` and `{}` are given", name, field, value));
    }
    field = value;
    return {};
  };
  for (const auto& [key, values] : query) {
    const bool may_be_empty = key == "submodules" || key == "keep-git-dir" || key == "fetch-by-commit";
    if (values.size() > 1) {
      return fail(fmt::format("query `{}` has several values", key));
    }
    const std::string& value = values.front();
    if (value.empty() && !may_be_empty) {
      return fail(fmt::format("query `{}` has no value", key));
    }
    const auto flag = value.empty() ? std::optional(true) : ParseBool(value);
    if (may_be_empty && !flag) {
      return fail(fmt::format("`{}` is no boolean value for `{}`", value, key));
    }
    if (key == "ref") {
      LOAM_TRY(set(git.ref, value, "ref"));
    } else if (key == "tag") {
      tag = value;
    } else if (key == "branch") {
      branch = value;
    } else if (key == "subdir") {
      LOAM_TRY(set(git.subdir, value, "subdir"));
    } else if (key == "checksum" || key == "commit") {
      git.checksum = value;
    } else if (key == "keep-git-dir") {
      git.keep_git_dir = flag;
    } else if (key == "submodules") {
      git.submodules = flag;
    } else if (key == "fetch-by-commit") {
      git.fetch_by_commit = *flag;
    } else if (key == "mtime") {
      if (value != "checkout" && value != "commit") {
        return fail(fmt::format("`{}` is no value for `mtime` (checkout or commit)", value));
      }
      git.mtime = value;
    } else {
      return fail(fmt::format("unknown query `{}`", key));
    }
  }
  if (!tag.empty() && !branch.empty()) {
    return fail("a branch and a tag are given");
  }
  if (!tag.empty()) {
    return set(git.ref, tag.starts_with("refs/tags/") ? tag : "refs/tags/" + tag, "ref");
  }
  if (!branch.empty()) {
    return set(git.ref, branch.starts_with("refs/heads/") ? branch : "refs/heads/" + branch, "ref");
  }
  return {};
}

}  // namespace

Result<std::optional<GitReference>> ParseGitReference(std::string_view text) {
  if (text.starts_with("./") || text.starts_with("../")) {
    return std::nullopt;
  }
  std::optional<Url> url;
  GitReference git;
  git.like_local_path = text.starts_with("github.com/");
  const std::size_t colon = text.find("://");
  if (git.like_local_path) {
    url = ParseUrl(fmt::format("https://{}", text));
  } else if (colon != std::string_view::npos && colon > 0 &&
             std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), IsAlnum)) {
    const std::string scheme = ToLowerAscii(text.substr(0, colon));
    if (scheme != "http" && scheme != "https" && scheme != "ssh" && scheme != "git") {
      return std::nullopt;
    }
    url = ParseUrl(text);
    if (url && scheme.starts_with("http") && !url->path.ends_with(".git")) {
      return std::nullopt;
    }
  } else {
    url = ParseScpUrl(text);
  }
  if (!url) {
    return std::nullopt;
  }
  git.scheme = url->scheme;
  git.host = url->host;
  git.path = url->path;
  git.remote = url->plain;
  if (!url->fragment.empty()) {
    const std::size_t split = url->fragment.find(':');
    git.ref = url->fragment.substr(0, split);
    if (split != std::string::npos) {
      git.subdir = JoinPath("/", url->fragment.substr(split + 1)).substr(1);
    }
  }
  LOAM_TRY_CONTEXT(fmt::format("git reference `{}`", text), ApplyQuery(git, ParseQuery(url->query)));
  return git;
}

bool IsHttpSource(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) {
    return false;
  }
  const auto git = ParseGitReference(text);
  return git && !git->has_value();
}

std::string HttpFileName(std::string_view text) {
  const auto url = ParseUrl(text);
  if (url) {
    const std::string_view base = BasePath(url->path);
    if (base != "." && base != "/") {
      return std::string(base);
    }
  }
  return "__unnamed__";
}

}  // namespace loam::sema
