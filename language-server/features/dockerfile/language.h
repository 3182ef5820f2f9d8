// What the server says about the Dockerfile language itself: instructions, flags, directives, mount options, built-in
// variables; their forms and their documentation.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "compiler/ast/dockerfile/ast.h"

namespace loam::lsp::dockerfile {

struct FlagInfo {
  ast::InstructionKind instruction;
  std::string_view name;         // without dashes
  std::string_view placeholder;  // of its value; "" for a flag without one
  std::string_view values;       // separated by `|`; "" if there is no fixed set
  std::string_view text;         // markdown
};
std::span<const FlagInfo> Flags();
const FlagInfo* FindFlagInfo(ast::InstructionKind instruction, std::string_view name);

// A way to write an instruction. In the form, `${1:name}` is a place to fill in.
struct SnippetInfo {
  std::string_view id;  // "ARG_DefaultValue"
  ast::InstructionKind instruction;
  std::string_view form;
};
std::span<const SnippetInfo> Snippets();

struct InstructionInfo {
  ast::InstructionKind kind;
  std::string_view summary;  // markdown
  std::string_view forms;    // one a line
};
const InstructionInfo* FindInstructionInfo(ast::InstructionKind kind);

// Keys of --mount=…: "type", "target", … of the mount types in `types` ("bind|cache").
struct MountKeyInfo {
  std::string_view key;
  std::string_view types;
  std::string_view values;
  std::string_view text;
};
std::span<const MountKeyInfo> MountKeys();

struct VariableInfo {
  std::string_view name;
  std::string_view text;
};
// Arguments that need no ARG: proxies.
std::span<const VariableInfo> PredefinedArguments();
// Arguments of the platform, which an ARG makes visible in a stage.
std::span<const VariableInfo> PlatformArguments();

struct DirectiveInfo {
  std::string_view name;
  std::string_view placeholder;
  std::string_view text;
};
std::span<const DirectiveInfo> Directives();

// Markdown of an instruction, a directive ("syntax"), a flag ("COPY --from"): summary, forms, link. "" if there is
// none.
std::string DocumentationOf(std::string_view subject);

}  // namespace loam::lsp::dockerfile
