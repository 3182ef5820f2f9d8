#include "cli/program_beside.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/strings.h"

namespace loam::cli {

Result<std::string> PathOfSelf() {
  std::error_code failed;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) {
    return Unexpected(ErrorCode::kInternal, "this program does not find itself in /proc");
  }
  return self.string();
}

Result<std::vector<std::string>> CommandLineOfSelf() {
  const std::string command_line = LOAM_TRY(ReadFile("/proc/self/cmdline"));
  std::vector<std::string> words;
  for (const std::string_view word : Split(command_line, '\0')) {
    words.emplace_back(word);
  }
  words.pop_back();  // after the last end of a word
  return words;
}

Error BecomeProgramBeside(std::string_view name, std::string_view purpose, std::vector<std::string> arguments) {
  const Result<std::string> self = PathOfSelf();
  if (!self) {
    return self.error();
  }
  std::vector<char*> words;
  for (std::string& word : arguments) {
    words.push_back(word.data());
  }
  words.push_back(nullptr);
  const std::filesystem::path folder = std::filesystem::path(*self).parent_path();
  for (const char* const place : {"", "../libexec/loam"}) {
    ::execv((folder / place / name).c_str(), words.data());
  }
  return Error::FromErrno(errno, fmt::format("start {}, which {}", name, purpose))
      .WithHint("it belongs beside loam, or into libexec/loam");
}

}  // namespace loam::cli
