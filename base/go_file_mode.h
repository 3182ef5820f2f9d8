// Go's os.FileMode bits, as BuildKit's wire messages carry modes (fsutil.types.Stat, gateway API).
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace loam {

namespace go_file_mode {
inline constexpr std::uint32_t kDir = 1U << 31;
inline constexpr std::uint32_t kSymlink = 1U << 27;
inline constexpr std::uint32_t kDevice = 1U << 26;
inline constexpr std::uint32_t kPipe = 1U << 25;
inline constexpr std::uint32_t kSocket = 1U << 24;
inline constexpr std::uint32_t kSetuid = 1U << 23;
inline constexpr std::uint32_t kSetgid = 1U << 22;
inline constexpr std::uint32_t kCharDevice = 1U << 21;
inline constexpr std::uint32_t kSticky = 1U << 20;
inline constexpr std::uint32_t kIrregular = 1U << 19;
// All bits that say what kind of file it is.
inline constexpr std::uint32_t kType = kDir | kSymlink | kPipe | kSocket | kDevice | kCharDevice | kIrregular;
}  // namespace go_file_mode

// From the st_mode of stat(2).
inline std::uint32_t GoFileMode(mode_t mode) {
  std::uint32_t go = mode & 0777U;
  go |= S_ISDIR(mode) ? go_file_mode::kDir : 0;
  go |= S_ISLNK(mode) ? go_file_mode::kSymlink : 0;
  go |= S_ISBLK(mode) ? go_file_mode::kDevice : 0;
  go |= S_ISCHR(mode) ? go_file_mode::kDevice | go_file_mode::kCharDevice : 0;
  go |= S_ISFIFO(mode) ? go_file_mode::kPipe : 0;
  go |= S_ISSOCK(mode) ? go_file_mode::kSocket : 0;
  go |= (mode & S_ISUID) != 0 ? go_file_mode::kSetuid : 0;
  go |= (mode & S_ISGID) != 0 ? go_file_mode::kSetgid : 0;
  go |= (mode & S_ISVTX) != 0 ? go_file_mode::kSticky : 0;
  return go;
}

// The permissions with the set-id and sticky bits.
inline mode_t PermissionsOfGo(std::uint32_t go) {
  mode_t mode = go & 0777U;
  mode |= (go & go_file_mode::kSetuid) != 0 ? S_ISUID : 0;
  mode |= (go & go_file_mode::kSetgid) != 0 ? S_ISGID : 0;
  mode |= (go & go_file_mode::kSticky) != 0 ? S_ISVTX : 0;
  return mode;
}

}  // namespace loam
