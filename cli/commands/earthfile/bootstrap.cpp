// `earthly bootstrap`: there is no daemon to set up; with --with-autocomplete the shells learn to complete `earthly`.
#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/print.h"
#include "cli/commands/earthfile/earth_verbs.h"

namespace loam::cli {
namespace {

namespace fs = std::filesystem;

struct Wishes {
  bool completion = false;
  std::string source;  // --source: print the entry for this shell
};

Result<Wishes> ReadWishes(const std::vector<std::string>& words) {
  Wishes wishes;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool has_next = i + 1 < words.size();
    if (word == "--with-autocomplete") {
      wishes.completion = true;
    } else if (word == "--source" && has_next) {
      wishes.source = words[++i];
    } else if (word.starts_with("--source=")) {
      wishes.source = word.substr(word.find('=') + 1);
    } else if (word == "--certs-hostname" && has_next) {
      ++i;  // certificates were the daemon's
    } else if (word != "--no-buildkit" && !word.starts_with("--certs-hostname=")) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is no flag of bootstrap", word))
                            .WithHint("there are --with-autocomplete, --source SHELL and --no-buildkit"));
    }
  }
  return wishes;
}

// The command that a shell runs with COMP_LINE to complete `earthly`.
Result<std::string> Completer() {
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  if (failed) {
    return Unexpected(ErrorCode::kUnavailable, "read /proc/self/exe: " + failed.message());
  }
  return fmt::format("{} earthly", self.string());
}

Result<std::string> Entry(std::string_view shell) {
  const std::string complete = fmt::format("complete -o nospace -C '{}' earthly\n", LOAM_TRY(Completer()));
  if (shell == "bash") {
    return complete;
  }
  if (shell == "zsh") {
    return "#compdef _earthly earthly\n\n_earthly() {\n  autoload -Uz bashcompinit\n  bashcompinit\n  " + complete +
           "}\n";
  }
  return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("no completion for the shell `{}`", shell))
                        .WithHint("there are bash and zsh"));
}

// Where bash-completion looks: root's for everybody, a user's below the home directory.
std::string BashFile(const Context& context) {
  if (::geteuid() == 0) {
    return "/usr/share/bash-completion/completions/earthly";
  }
  std::string base = context.Env("BASH_COMPLETION_USER_DIR");
  if (base.empty()) {
    base = context.Env("XDG_DATA_HOME");
  }
  if (base.empty()) {
    base = context.Env("HOME") + "/.local/share";
  }
  return base + "/bash-completion/completions/earthly";
}

// Writes an entry unless there is one; directories are not made: without them the shell does not look there.
void Install(const Context& context, std::string_view shell, const std::string& path) {
  std::error_code ignored;
  const std::string directory = fs::path(path).parent_path().string();
  if (!fs::is_directory(directory, ignored)) {
    PrintTo(context.err, "warning: no {}-completion: {} does not exist\n", shell, directory);
    return;
  }
  if (fs::exists(path, ignored)) {
    PrintTo(context.err, "{}-completion already present at {}\n", shell, path);
    return;
  }
  const Result<std::string> entry = Entry(shell);
  const Result<> written = entry ? WriteFileAtomic(path, *entry) : tl::unexpected(entry.error());
  if (!written) {
    PrintTo(context.err, "warning: no {}-completion: {}\n", shell, written.error().message());
    return;
  }
  PrintTo(context.err, "successfully enabled {}-completion at {}\n", shell, path);
}

}  // namespace

Exit RunEarthBootstrap(Context& context, const EarthSettings&, const std::vector<std::string>& words,
                       EarthDialect dialect) {
  const Result<Wishes> wishes = ReadWishes(words);
  if (!wishes) {
    PrintEarthError(context, wishes.error(), dialect);
    return Exit::kFailed;
  }
  if (!wishes->source.empty()) {
    const Result<std::string> entry = Entry(wishes->source);
    if (!entry) {
      PrintEarthError(context, entry.error(), dialect);
      return Exit::kFailed;
    }
    PrintTo(context.out, "{}", *entry);
    return Exit::kOk;
  }
  if (wishes->completion) {
    Install(context, "bash", BashFile(context));
    std::error_code ignored;
    for (const char* const directory : {"/usr/local/share/zsh/site-functions", "/usr/share/zsh/site-functions"}) {
      if (fs::is_directory(directory, ignored)) {
        Install(context, "zsh", std::string(directory) + "/_earthly");
        break;
      }
    }
    PrintTo(context.err, "new shells complete `earthly`; `exec $SHELL` makes this one a new one\n");
  }
  PrintTo(context.err, "nothing else to set up: the build engine is part of this program\n");
  return Exit::kOk;
}

}  // namespace loam::cli
