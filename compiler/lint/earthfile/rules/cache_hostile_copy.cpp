// CacheHostileCopy: a COPY of everything in front of the installation of dependencies: each change of a file installs
// anew.
#include "compiler/lint/earthfile/rule.h"

#include <algorithm>

namespace loam::lint::earthfile {

namespace {

struct Installer {
  std::string_view program;
  std::string_view subcommand;
  std::string_view files;  // what it needs
};
constexpr Installer kInstallers[] = {
    {"npm", "ci", "package.json and package-lock.json"},
    {"npm", "install", "package.json and package-lock.json"},
    {"yarn", "install", "package.json and yarn.lock"},
    {"pnpm", "install", "package.json and pnpm-lock.yaml"},
    {"pip", "install", "requirements.txt"},
    {"pip3", "install", "requirements.txt"},
    {"poetry", "install", "pyproject.toml and poetry.lock"},
    {"pipenv", "install", "Pipfile and Pipfile.lock"},
    {"bundle", "install", "Gemfile and Gemfile.lock"},
    {"composer", "install", "composer.json and composer.lock"},
    {"go", "mod", "go.mod and go.sum"},
    {"cargo", "fetch", "Cargo.toml and Cargo.lock"},
    {"apt-get", "install", "none of them"},
    {"apk", "add", "none of them"},
};

const Installer* InstallerOf(const shell::Command& command) {
  const auto operands = command.Operands();
  if (operands.empty()) {
    return nullptr;
  }
  for (const Installer& each : kInstallers) {
    if (command.name() == each.program && operands.front() == each.subcommand) {
      return &each;
    }
  }
  return nullptr;
}

bool CopiesEverything(const ast::Command& command) {
  return command.kind == ast::CommandKind::kCopy &&
         std::any_of(command.args.begin(), command.args.end() - (command.args.empty() ? 0 : 1),
                     [](const ast::Word& word) {
                       return word.text == "." || word.text == "./" || word.text == "*" || word.text == "./*";
                     });
}

}  // namespace

void CheckCacheHostileCopy(const FileView& file, const Reporter& report) {
  std::vector<const ast::Command*> copies(file.symbols.scopes.size());
  EachCommand(file, [&](const ast::Command& command, std::size_t scope) {
    if (CopiesEverything(command) && copies[scope] == nullptr) {
      copies[scope] = &command;
    }
  });
  std::vector<bool> told(copies.size());
  for (const RunView& run : file.runs) {
    const ast::Command* copy = copies[run.scope];
    if (copy == nullptr || told[run.scope] || run.command->location.range.begin < copy->location.range.begin) {
      continue;
    }
    for (const shell::Command& command : run.script.commands) {
      if (const Installer* installer = InstallerOf(command)) {
        told[run.scope] = true;
        report(copy->location.range,
               fmt::format("each change of a file makes `{} {}` run again: it needs {}, copy the rest behind it",
                           installer->program, installer->subcommand, installer->files));
        break;
      }
    }
  }
}

}  // namespace loam::lint::earthfile
