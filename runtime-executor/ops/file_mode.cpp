#include "runtime-executor/ops/file_mode.h"

#include <sys/stat.h>

#include <charconv>

#include <fmt/format.h>

namespace loam::ops {

namespace {

constexpr mode_t kAllModeBits = 07777;
constexpr mode_t kStandardBits = S_ISUID | S_ISGID | 0777;
constexpr mode_t kRead = 0444;
constexpr mode_t kWrite = 0222;
constexpr mode_t kExecute = 0111;

tl::unexpected<Error> Malformed(std::string_view text) {
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid file mode `{}`", text));
}

}  // namespace

Result<FileMode> FileMode::Parse(std::string_view text) {
  FileMode result;
  if (text.empty()) {
    return Malformed(text);
  }
  if (text[0] >= '0' && text[0] <= '9') {
    mode_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    if (error != std::errc() || end != text.data() + text.size() || value > kAllModeBits) {
      return Malformed(text);
    }
    Change change;
    change.who = kAllModeBits;
    change.clears = true;
    change.bits = value;
    result.changes_.push_back(change);
    return result;
  }
  std::size_t i = 0;
  auto at = [&] { return i < text.size() ? text[i] : '\0'; };
  while (true) {
    mode_t who = 0;
    for (bool more = true; more;) {
      switch (at()) {
        case 'a':
          who |= kStandardBits;
          break;
        case 'u':
          who |= S_ISUID | S_IRWXU;
          break;
        case 'g':
          who |= S_ISGID | S_IRWXG;
          break;
        case 'o':
          who |= S_IRWXO;
          break;
        default:
          more = false;
          continue;
      }
      ++i;
    }
    do {
      const char op = at();
      if (op != '+' && op != '-' && op != '=') {
        return Malformed(text);
      }
      ++i;
      Change change;
      change.who = who;
      change.op = op;
      change.clears = op == '=';
      const bool setid_applies = who == 0 || (who & ~static_cast<mode_t>(S_IRWXO)) != 0;
      std::vector<Change> copies;
      for (bool more = true; more;) {
        switch (at()) {
          case 'r':
            change.bits |= kRead;
            break;
          case 'w':
            change.bits |= kWrite;
            break;
          case 'x':
            change.bits |= kExecute;
            break;
          case 'X':
            if (op == '-') {
              change.bits |= kExecute;
            } else {
              change.conditional_execute = true;
            }
            break;
          case 's':
            if (setid_applies) {
              change.bits |= S_ISUID | S_ISGID;
            }
            break;
          case 't':
            if (setid_applies) {
              change.bits |= S_ISVTX;
            }
            break;
          case 'u':
          case 'g':
          case 'o': {
            Change copy;
            copy.who = who;
            copy.op = op;
            copy.copy_from = at();
            copies.push_back(copy);
            break;
          }
          default:
            more = false;
            continue;
        }
        ++i;
      }
      // `=` with a copy clears by itself when the copy is made, from the mode as it is then.
      if (!copies.empty() && change.bits == 0 && !change.conditional_execute) {
        change.clears = false;
      }
      result.changes_.push_back(change);
      result.changes_.insert(result.changes_.end(), copies.begin(), copies.end());
    } while (i < text.size() && at() != ',');
    if (i == text.size()) {
      return result;
    }
    ++i;  // the comma
  }
}

mode_t FileMode::Apply(mode_t mode, bool directory) const {
  const mode_t original = mode;
  mode &= kAllModeBits;
  for (const Change& change : changes_) {
    // Setting the sticky bit needs no class.
    const mode_t mask = change.who == 0 ? kAllModeBits : (change.who | S_ISVTX);
    if (change.copy_from != 0) {
      const int shift = change.copy_from == 'u' ? 6 : change.copy_from == 'g' ? 3 : 0;
      const mode_t value = (mode >> shift) & 07U;
      const mode_t classes = (change.who == 0 ? mode_t{0777} : change.who) & 0777U;
      const mode_t spread = (value << 6 | value << 3 | value) & classes;
      if (change.op == '=') {
        mode &= ~classes;
      }
      mode = change.op == '-' ? mode & ~spread : mode | spread;
      continue;
    }
    if (change.clears) {
      mode &= ~(change.who == 0 ? kStandardBits : change.who);
    }
    const mode_t bits = change.bits & mask;
    mode = change.op == '-' ? mode & ~bits : mode | bits;
    if (change.conditional_execute && (directory || (original & kExecute) != 0)) {
      mode |= kExecute & mask;
    }
  }
  return mode;
}

}  // namespace loam::ops
