#include "compiler/sema/dockerfile/mount_options.h"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "base/check.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

using ir::MountKind;

std::string_view KindName(MountKind kind) {
  switch (kind) {
    case MountKind::kBind:
      return "bind";
    case MountKind::kSecret:
      return "secret";
    case MountKind::kSsh:
      return "ssh";
    case MountKind::kCache:
      return "cache";
    case MountKind::kTmpfs:
      return "tmpfs";
  }
  LOAM_UNREACHABLE("mount kind outside the enum");
}

std::optional<MountKind> FindKind(std::string_view name) {
  for (const MountKind kind :
       {MountKind::kBind, MountKind::kSecret, MountKind::kSsh, MountKind::kCache, MountKind::kTmpfs}) {
    if (KindName(kind) == name) {
      return kind;
    }
  }
  return std::nullopt;
}

const std::vector<std::string>& Keys() {
  static const std::vector<std::string> keys{"type",        "from", "source", "target",    "readonly", "id",  "sharing",
                                             "required",    "size", "mode",   "uid",       "gid",      "src", "dst",
                                             "destination", "ro",   "rw",     "readwrite", "env"};
  return keys;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  auto near = NearestWord(word, candidates);
  if (!near && word.size() > 1) {
    const auto longer = std::find_if(candidates.begin(), candidates.end(),
                                     [&](const std::string& candidate) { return candidate.starts_with(word); });
    near = longer == candidates.end() ? near : std::optional<std::string>(*longer);
  }
  return near ? fmt::format("did you mean `{}`?", *near) : fmt::format("known are: {}", Join(candidates, ", "));
}

class OptionReader {
 public:
  OptionReader(const ExpandValue& expand, MountMistake& mistake) : expand_(expand), mistake_(mistake) {}

  bool Field(const ast::CsvField& field) { return field.has_value ? WithValue(field) : WithoutValue(field); }

  bool Finish(source::SourceRange where) {
    mistake_.range = where;
    const bool file_like =
        out_.kind == MountKind::kSecret || out_.kind == MountKind::kSsh || out_.kind == MountKind::kCache;
    if (!file_like && out_.has_owner()) {
      return Fail(fmt::format("`{}` is not allowed for a mount of type `{}`",
                              out_.mode  ? "mode"
                              : out_.uid ? "uid"
                                         : "gid",
                              KindName(out_.kind)));
    }
    if (!access_given_) {
      out_.readonly = out_.kind != MountKind::kCache && out_.kind != MountKind::kTmpfs;
    }
    if (out_.kind == MountKind::kSecret) {
      if (!out_.from.empty()) {
        return Fail("a secret mount has no `from`");
      }
      if (out_.sharing) {
        return Fail("a secret mount has no `sharing`");
      }
      if (out_.source.empty() && out_.target.empty() && out_.id.empty()) {
        return Fail("a secret mount needs an `id` or a `target`");
      }
      if (!out_.source.empty() && !out_.id.empty()) {
        return Fail("`source` and `id` of a secret mount mean the same; give one");
      }
    }
    if (out_.sharing && out_.kind != MountKind::kCache) {
      return Fail(fmt::format("`sharing` is not allowed for a mount of type `{}`", KindName(out_.kind)));
    }
    return true;
  }

  MountOptions Take() { return out_; }

 private:
  bool Fail(std::string message, std::string hint = {}) {
    mistake_.message = std::move(message);
    mistake_.hint = std::move(hint);
    return false;
  }
  bool NotForKind(std::string_view key) {
    return Fail(fmt::format("`{}` is not allowed for a mount of type `{}`", key, KindName(out_.kind)));
  }
  [[nodiscard]] bool is_credential() const { return out_.kind == MountKind::kSecret || out_.kind == MountKind::kSsh; }

  bool WithoutValue(const ast::CsvField& field) {
    mistake_.range = field.field.range;
    if (field.key == "readonly" || field.key == "ro") {
      out_.readonly = access_given_ = true;
    } else if (field.key == "readwrite" || field.key == "rw") {
      out_.readonly = false;
      access_given_ = true;
    } else if (field.key == "required") {
      out_.required = true;
      return is_credential() || NotForKind(field.key);
    } else {
      return Fail(fmt::format("`{}` must be a key=value pair", field.field.text));
    }
    return true;
  }

  bool WithValue(const ast::CsvField& field) {
    mistake_.range = field.field.range;
    const auto expanded = expand_(field.value);
    if (!expanded) {
      mistake_.message.clear();
      return false;
    }
    const std::string_view key = field.key;
    const std::string_view value = *expanded;
    const auto invalid = [&] { return Fail(fmt::format("`{}` is no value for `{}`", value, key)); };
    const auto id = [&](std::optional<std::uint32_t>& out, int base) {
      const auto number = ParseUint(value, base, 32);
      if (!number) {
        return invalid();
      }
      out = static_cast<std::uint32_t>(*number);
      return true;
    };
    if (key == "type") {
      const auto kind = FindKind(ToLowerAscii(value));
      if (!kind) {
        return Fail(fmt::format("there is no mount type `{}`", value),
                    DidYouMean(value, {"bind", "cache", "tmpfs", "secret", "ssh"}));
      }
      out_.kind = *kind;
    } else if (key == "from") {
      out_.from = value;
    } else if (key == "source" || key == "src") {
      out_.source = value;
    } else if (key == "target" || key == "dst" || key == "destination") {
      out_.target = value;
    } else if (key == "readonly" || key == "ro" || key == "readwrite" || key == "rw") {
      const auto flag = ParseBool(value);
      if (!flag) {
        return Fail(fmt::format("`{}` is no value for `{}`", value, key), "write true or false");
      }
      out_.readonly = key == "readonly" || key == "ro" ? *flag : !*flag;
      access_given_ = true;
    } else if (key == "required") {
      const auto flag = ParseBool(value);
      if (!is_credential()) {
        return NotForKind(key);
      }
      if (!flag) {
        return Fail(fmt::format("`{}` is no value for `{}`", value, key), "write true or false");
      }
      out_.required = *flag;
    } else if (key == "size") {
      if (out_.kind != MountKind::kTmpfs) {
        return NotForKind(key);
      }
      const auto size = ParseByteSize(value);
      if (!size) {
        return invalid();
      }
      out_.size = *size;
    } else if (key == "id") {
      out_.id = value;
    } else if (key == "sharing") {
      const std::string name = ToLowerAscii(value);
      if (name != "shared" && name != "private" && name != "locked") {
        return Fail(fmt::format("there is no sharing mode `{}`", value),
                    DidYouMean(value, {"shared", "private", "locked"}));
      }
      out_.sharing = name == "shared"    ? ir::CacheSharing::kShared
                     : name == "private" ? ir::CacheSharing::kPrivate
                                         : ir::CacheSharing::kLocked;
    } else if (key == "mode") {
      return id(out_.mode, 8);
    } else if (key == "uid") {
      return id(out_.uid, 10);
    } else if (key == "gid") {
      return id(out_.gid, 10);
    } else if (key == "env") {
      out_.env = value;
    } else {
      return Fail(fmt::format("unknown key `{}`", key), DidYouMean(key, Keys()));
    }
    return true;
  }

  const ExpandValue& expand_;
  MountMistake& mistake_;
  MountOptions out_;
  bool access_given_ = false;
};

}  // namespace

std::optional<MountOptions> ReadMountOptions(const ast::Mount& mount, const ExpandValue& expand,
                                             MountMistake& mistake) {
  OptionReader reader(expand, mistake);
  for (const ast::CsvField& field : mount.fields) {
    if (!reader.Field(field)) {
      return std::nullopt;
    }
  }
  if (!reader.Finish(mount.flag->range)) {
    return std::nullopt;
  }
  return reader.Take();
}

std::optional<std::int64_t> ParseByteSize(std::string_view text) {
  const std::size_t last = text.find_last_of("0123456789. ");
  if (last == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string number(text.substr(0, text[last] == ' ' ? last : last + 1));
  const std::string suffix = ToLowerAscii(text.substr(last + 1));
  char* end = nullptr;
  const double size = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || !(size >= 0) || size > 9e18 ||
      number.find_first_of(" xX") != std::string::npos) {
    return std::nullopt;
  }
  double factor = 1;
  if (!suffix.empty() && suffix != "b") {
    const std::size_t power = std::string_view("kmgtp").find(suffix.front());
    const std::string_view rest = std::string_view(suffix).substr(1);
    if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) {
      return std::nullopt;
    }
    factor = std::pow(1024.0, static_cast<double>(power + 1));
  }
  const double bytes = size * factor;
  return bytes < 9.2e18 ? std::optional(static_cast<std::int64_t>(bytes)) : std::nullopt;
}

}  // namespace loam::sema
