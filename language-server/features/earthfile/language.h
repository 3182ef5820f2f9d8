// What the server says about the Earthfile language itself: commands, flags, features, builtins.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace loam::lsp::earthfile {

struct CommandInfo {
  std::string_view keyword;  // "SAVE ARTIFACT"
  std::string_view form;     // "SAVE ARTIFACT [FLAGS] source [dest] [AS LOCAL path]"
  std::string_view text;     // markdown
  std::string_view snippet;  // with `${1:name}`; "" if the keyword alone is offered
};
std::span<const CommandInfo> Commands();
// Null if there is none of this name.
const CommandInfo* FindCommand(std::string_view keyword);

// Documentation of a flag, "" if there is none; `command` decides where several have it.
std::string_view FlagText(std::string_view command, std::string_view flag);
// Fixed values of a flag, separated by `|`; "" if there are none.
std::string_view FlagValues(std::string_view command, std::string_view flag);
std::string_view BuiltinText(std::string_view name);

// Markdown by "command SAVE IMAGE", "flag RUN --secret", "builtin EARTHLY_TARGET", "feature try"; "" for others.
std::string DocumentationOf(std::string_view subject);

}  // namespace loam::lsp::earthfile
