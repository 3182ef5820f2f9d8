// A Dockerfile as hadolint's rules look at it: stages that know their base stage, triggers of ONBUILD as instructions,
// and the commands of every RUN.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/lint/hadolint/pragmas.h"
#include "compiler/lint/shell_words.h"
#include "compiler/source/source_manager.h"

namespace loam::lint {
struct HadolintOptions;
}

namespace loam::lint::hadolint {

struct StageView;

struct InstructionView {
  const ast::Instruction* instruction = nullptr;
  bool trigger = false;              // of an ONBUILD
  const StageView* stage = nullptr;  // null above the first FROM
  std::size_t number = 0;            // in FileView::instructions
  // Of a RUN: its commands, none if the shell is no POSIX shell.
  shell::Script script;
  // The words of the SHELL that is set here.
  std::vector<std::string> shell;

  template <class T>
  [[nodiscard]] const T* As() const {
    return ast::As<T>(instruction);
  }
};

struct StageView {
  const ast::From* from = nullptr;
  std::size_t index = 0;
  std::string_view name;                             // lower case; "" without one
  std::string image;                                 // as written, without quotes
  const StageView* base = nullptr;                   // the stage it is made from; null if that is an image
  std::vector<const InstructionView*> instructions;  // with triggers, without FROM
};

struct FileView {
  const ast::Dockerfile* file = nullptr;
  const source::Buffer* buffer = nullptr;
  const HadolintOptions* options = nullptr;
  const Pragmas* pragmas = nullptr;
  std::deque<InstructionView> instructions;
  std::deque<StageView> stages;

  // What VariableAt and FindStage look up; in the order of the file.
  struct Setting {
    std::size_t number = 0;            // of the instruction
    const StageView* stage = nullptr;  // of an ENV; null for an ARG, which holds for the whole file
    std::string value;
  };
  std::map<std::string, std::vector<Setting>, std::less<>> variables;
  std::map<std::string, std::vector<const StageView*>, std::less<>> stages_by_name;  // lower case

  // A stage by name or number, in front of the stage `before`; null if there is none.
  [[nodiscard]] const StageView* FindStage(std::string_view reference, std::size_t before) const;
};

FileView MakeFileView(const ast::Dockerfile& file, const source::Buffer& buffer, const HadolintOptions& options,
                      const Pragmas& pragmas);

// ---- Facts about instructions

// Removes one pair of quotes around a word.
std::string_view Unquote(std::string_view word);
// `$` outside of an escape.
bool HasVariable(std::string_view word);
// Sources and destination of COPY or ADD; words in quotes may have blanks inside, as Docker does not read them.
std::vector<std::string> Paths(const ast::FileTransfer& transfer);
// A cache or tmpfs is mounted at one of these directories.
bool HasVolatileMount(const ast::Run& run, const std::vector<std::string_view>& directories);
// The value of an option of a mount, "" if it is not given.
std::string_view MountOption(const ast::Mount& mount, std::string_view key);
// False for PowerShell and cmd.
bool IsPosixShell(const std::vector<std::string>& shell);
// The last path element, with `/` or `\` as separators.
std::string_view FileName(std::string_view path);
// The value of a variable that an ENV of this stage or its bases, or any ARG above, has set; "" if an ARG has none.
std::optional<std::string> VariableAt(const FileView& file, const InstructionView& at, std::string_view name);
// The word with the variables that are known; those that an ARG declares without a value become "1".
std::string ExpandKnown(const FileView& file, const InstructionView& at, std::string_view word);
// The stage or one that it is built from, directly or not, is `base`.
bool IsBuiltFrom(const StageView& stage, const StageView& base);

// Where a byte of a RUN's script is in the file; nullopt if it is not in it as written (exec form, `<<-`).
std::optional<std::uint32_t> SourceOffset(const FileView& file, const InstructionView& run, std::uint32_t offset);
// The offsets of all bytes of a text that continuations and comments may cut through; empty if they cannot be told.
std::vector<std::uint32_t> SourceOffsets(const ast::Text& text, const source::Buffer& buffer, char escape);

// ---- Walking

template <class T, class Visit>
void EachWithTriggers(const FileView& file, const Visit& visit) {
  for (const InstructionView& each : file.instructions) {
    if (const T* instruction = each.As<T>(); instruction != nullptr) {
      visit(each, *instruction);
    }
  }
}
template <class T, class Visit>
void Each(const FileView& file, const Visit& visit) {
  EachWithTriggers<T>(file, [&](const InstructionView& each, const T& instruction) {
    if (!each.trigger) {
      visit(each, instruction);
    }
  });
}

}  // namespace loam::lint::hadolint
