#include "cli/remote_program.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/strings.h"

namespace loam::cli {

Exit BecomeRemoteProgram(const Context& context) {
  std::error_code failed;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto command_line = ReadFile("/proc/self/cmdline");
  if (failed || !command_line) {
    PrintError(context, Error(ErrorCode::kInternal, "this program does not find itself in /proc"));
    return Exit::kFailed;
  }
  std::vector<std::string> words;
  for (const std::string_view word : Split(*command_line, '\0')) {
    words.emplace_back(word);
  }
  words.pop_back();  // after the last end of a word
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  for (const char* const place : {"loam-remote", "../libexec/loam/loam-remote"}) {
    ::execv((self.parent_path() / place).c_str(), arguments.data());
  }
  PrintError(context,
             Error::FromErrno(errno, "start loam-remote, which talks to remote engines")
                 .WithHint("it belongs beside loam, or into libexec/loam; this loam may be built without gRPC"));
  return Exit::kFailed;
}

}  // namespace loam::cli
