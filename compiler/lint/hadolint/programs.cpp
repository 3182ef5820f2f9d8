// Command lines of package managers, and names of images.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsPipName(std::string_view name) {
  return name.starts_with("pip") && name.find_first_not_of("0123456789.", 3) == std::string_view::npos;
}
bool IsPythonName(std::string_view name) {
  return name.starts_with("python") && name.find_first_not_of("0123456789.", 6) == std::string_view::npos;
}

bool HasRpmVersion(std::string_view package) {
  if (package.ends_with(".rpm") || package.find('/') != std::string_view::npos) {
    return true;
  }
  for (std::size_t dash = package.find('-'); dash != std::string_view::npos; dash = package.find('-', dash + 1)) {
    if (dash + 1 < package.size() && package[dash + 1] >= '0' && package[dash + 1] <= '9') {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<Fix> InsertWord(const FileView& file, const InstructionView& run,
                            const std::vector<const shell::Command*>& commands, std::string_view behind,
                            std::string_view word) {
  Fix fix{fmt::format("add `{}`", word), {}, FixSafety::kUnsafe};
  for (const shell::Command* command : commands) {
    const shell::Word* place = nullptr;
    for (const shell::Word& each : command->words) {
      if (behind.empty() || each.text == behind) {
        place = &each;
        break;
      }
    }
    const auto last = place == nullptr || place->end == 0 ? std::nullopt : SourceOffset(file, run, place->end - 1);
    if (!last) {
      return {};
    }
    fix.edits.push_back({file.buffer->Range(*last + 1, *last + 1), fmt::format(" {}", word)});
  }
  return {std::move(fix)};
}

std::optional<std::vector<std::string_view>> Subcommand(const shell::Command& command, Names programs,
                                                        Names subcommands,
                                                        const std::vector<std::string_view>& with_value) {
  if (!IsOneOf(command.name(), programs)) {
    return std::nullopt;
  }
  std::vector<std::string_view> operands = command.Operands(with_value);
  if (operands.empty() || !IsOneOf(operands.front(), subcommands)) {
    return std::nullopt;
  }
  operands.erase(operands.begin());
  return operands;
}

bool Removes(const shell::Command& command, Names directories) {
  if (command.name() != "rm") {
    return false;
  }
  const auto operands = command.Operands();
  return std::any_of(operands.begin(), operands.end(), [&](std::string_view path) {
    return std::any_of(directories.begin(), directories.end(),
                       [&](std::string_view directory) { return path.starts_with(directory); });
  });
}

bool MattersToImage(const FileView& file, const InstructionView& view) {
  return view.trigger || view.stage == nullptr || IsBuiltFrom(file.stages.back(), *view.stage);
}

const std::vector<std::string_view>& AptOptions() {
  static const std::vector<std::string_view> kOptions = {
      "t", "target-release", "default-release", "o", "option", "c", "config-file", "a", "host-architecture"};
  return kOptions;
}

const std::vector<std::string_view>& PipOptions() {
  static const std::vector<std::string_view> kOptions = {"abi",
                                                         "b",
                                                         "build",
                                                         "c",
                                                         "cert",
                                                         "client-cert",
                                                         "config-settings",
                                                         "constraint",
                                                         "e",
                                                         "editable",
                                                         "exists-action",
                                                         "extra-index-url",
                                                         "f",
                                                         "find-links",
                                                         "global-option",
                                                         "i",
                                                         "implementation",
                                                         "index-url",
                                                         "install-option",
                                                         "log",
                                                         "no-binary",
                                                         "only-binary",
                                                         "platform",
                                                         "prefix",
                                                         "progress-bar",
                                                         "proxy",
                                                         "python",
                                                         "python-version",
                                                         "r",
                                                         "report",
                                                         "requirement",
                                                         "retries",
                                                         "root",
                                                         "root-user-action",
                                                         "src",
                                                         "t",
                                                         "target",
                                                         "timeout",
                                                         "trusted-host",
                                                         "upgrade-strategy"};
  return kOptions;
}

std::optional<std::vector<std::string_view>> PipPackages(const shell::Command& command, bool with_pipx) {
  std::vector<std::string_view> operands = command.Operands(PipOptions());
  if (IsPythonName(command.name())) {
    const auto arguments = command.Arguments();
    const auto module = std::find(arguments.begin(), arguments.end(), "-m");
    if (module == arguments.end() || module + 1 == arguments.end() || *(module + 1) != "pip" || operands.empty()) {
      return std::nullopt;
    }
    operands.erase(operands.begin());
  } else if (!IsPipName(command.name()) && !(with_pipx && command.name() == "pipx")) {
    return std::nullopt;
  }
  if (operands.empty() || operands.front() != "install") {
    return std::nullopt;
  }
  operands.erase(operands.begin());
  return operands;
}

bool HasUnversionedRpm(const FileView& file, const InstructionView& view, Names programs) {
  static const std::vector<std::string_view> kOptions = {"c",          "config",      "disablerepo", "enablerepo",
                                                         "exclude",    "repo",        "setopt",      "x",
                                                         "releasever", "installroot", "d",           "e"};
  const auto any = [&](const std::vector<std::string_view>& packages, const auto& good) {
    return std::any_of(packages.begin(), packages.end(),
                       [&](std::string_view package) { return !good(ExpandKnown(file, view, package)); });
  };
  return std::any_of(view.script.commands.begin(), view.script.commands.end(), [&](const shell::Command& command) {
    if (const auto packages = Subcommand(command, programs, {"install", "in"}, kOptions)) {
      return any(*packages, HasRpmVersion);
    }
    auto streams = Subcommand(command, programs, {"module"}, kOptions);
    if (!streams || streams->empty() || streams->front() != "install") {
      return false;
    }
    streams->erase(streams->begin());
    return any(*streams, [](std::string_view name) { return name.find(':') != std::string_view::npos; });
  });
}

ImageName ReadImageName(std::string_view image) {
  ImageName name;
  if (const std::size_t at = image.find('@'); at != std::string_view::npos) {
    name.has_digest = true;
    image = image.substr(0, at);
  }
  const std::size_t last_slash = image.rfind('/');
  const std::size_t colon = image.rfind(':');
  if (colon != std::string_view::npos && (last_slash == std::string_view::npos || colon > last_slash)) {
    name.tag = std::string(Unquote(image.substr(colon + 1)));
  }
  const std::string_view first = image.substr(0, image.find('/'));
  const bool is_registry =
      first.size() < image.size() && (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
  name.registry = is_registry ? std::string(first) : "docker.io";
  return name;
}

}  // namespace loam::lint::hadolint
