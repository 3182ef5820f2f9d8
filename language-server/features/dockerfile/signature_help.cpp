#include <algorithm>

#include "base/strings.h"
#include "language-server/features/dockerfile/cursor.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/language.h"

namespace loam::lsp::dockerfile {
namespace {

using Kind = ast::InstructionKind;

struct Form {
  std::string_view label;
  std::vector<std::string_view> parameters;
};

SignatureHelp Make(const std::vector<Form>& forms, std::string_view documentation, std::uint32_t active) {
  SignatureHelp help;
  for (const Form& form : forms) {
    Signature signature{std::string(form.label), std::string(documentation), {}};
    for (const std::string_view parameter : form.parameters) {
      signature.parameters.push_back({std::string(parameter), {}});
    }
    help.signatures.push_back(std::move(signature));
  }
  help.active_parameter = active;
  return help;
}

std::string_view SummaryOf(Kind kind) {
  const InstructionInfo* info = FindInstructionInfo(kind);
  return info == nullptr ? std::string_view() : info->summary;
}

// `[ "a", …, "z" ]`: index of the parameter at the cursor. `head` is "[", `middle` how many named strings there are in
// front of `…`, `tail` whether a last one follows it.
std::optional<std::uint32_t> JsonParameter(const Cursor& cursor, std::size_t open, std::uint32_t named, bool tail) {
  const std::string_view text = cursor.view.text;
  std::uint32_t strings_before = 0;
  std::uint32_t strings = 0;
  bool quoted = false;
  std::optional<std::size_t> close;
  std::uint32_t commas_before = 0;
  for (std::size_t at = open + 1; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
      strings += quoted ? 1 : 0;
    } else if (!quoted && c == ',') {
      commas_before += at < cursor.at ? 1 : 0;
    } else if (!quoted && c == ']') {
      close = at;
      break;
    }
  }
  strings_before = commas_before;
  const std::uint32_t last = named + 1 + (tail ? 1 : 0);  // index of "]" minus one, counted from "["
  if (cursor.at <= open) {
    return 0;
  }
  if (close && cursor.at > *close) {
    return cursor.at == *close + 1 ? std::optional(last + 1) : std::nullopt;
  }
  if (tail) {
    // "source", …, "dest"
    if (strings_before == 0) {
      return 1;
    }
    const bool is_last = strings_before + 1 >= strings;
    return is_last ? 3U : 2U;
  }
  return std::min(strings_before + 1, named + 1);
}

// Words of a shell form: the first `named` ones have names, the rest is `…`.
std::uint32_t WordParameter(std::size_t index, std::uint32_t named) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(index, named));
}

// The argument that the cursor is in, counted from 0 behind the flags; one that does not exist yet if it is between
// two.
std::size_t ArgumentIndex(const Cursor& cursor) {
  const std::size_t first = cursor.FirstArgument();
  const std::size_t at = cursor.in_word() ? cursor.word : cursor.words_before;
  return at > first ? at - first : 0;
}

std::size_t ArgumentCount(const Cursor& cursor) {
  return cursor.words.size() - cursor.FirstArgument();
}

SignatureHelp TransferHelp(const Cursor& cursor, bool json, std::size_t open) {
  const bool add = cursor.kind == Kind::kAdd;
  if (json) {
    const auto parameter = JsonParameter(cursor, open, 1, true);
    return Make({{add ? "ADD [flags] [ \"source\", ..., \"dest\" ]" : "COPY [flags] [ \"source\", ..., \"dest\" ]",
                  {"[flags]", "[", "\"source\"", "...", "\"dest\"", "]"}}},
                SummaryOf(cursor.kind), parameter.value_or(4) + 1);
  }
  const std::size_t count = ArgumentCount(cursor);
  const std::size_t index = ArgumentIndex(cursor);
  const bool flag = cursor.in_word() && cursor.word < cursor.FirstArgument();
  std::uint32_t parameter = 1;
  if (flag) {
    parameter = 0;
  } else if (index > 0) {
    parameter = index + 1 >= count ? 3 : 2;
  }
  const Form plain{add ? "ADD [flags] source ... dest" : "COPY [flags] source ... dest",
                   {"[flags]", "source", "...", "dest"}};
  const Form array{add ? "ADD [flags] [ \"source\", ..., \"dest\" ]" : "COPY [flags] [ \"source\", ..., \"dest\" ]",
                   {"[flags]", "[", "\"source\"", "...", "\"dest\"", "]"}};
  if (count == 0) {
    return Make({array, plain}, SummaryOf(cursor.kind), flag || cursor.words.empty() ? 0 : 1);
  }
  return Make({plain}, SummaryOf(cursor.kind), parameter);
}

SignatureHelp PairHelp(const Cursor& cursor) {
  const bool env = cursor.kind == Kind::kEnv;
  const Form space{env ? "ENV key value" : "LABEL key value", {"key", "value"}};
  const Form one{env ? "ENV key=value" : "LABEL key=value", {"key", "value"}};
  const Form two{env ? "ENV key=value key2=value2" : "LABEL key=value key2=value2", {"key", "value", "key2", "value2"}};
  const std::string_view summary = SummaryOf(cursor.kind);
  if (cursor.words.empty()) {
    return Make({space, one, two}, summary, 0);
  }
  const std::size_t equals = cursor.TextOf(cursor.words[0]).find('=');
  const std::size_t index = ArgumentIndex(cursor);
  if (equals == std::string_view::npos) {
    const bool key = index == 0;
    return cursor.words.size() == 1 && key ? Make({space, one, two}, summary, 0) : Make({space}, summary, key ? 0 : 1);
  }
  std::uint32_t parameter = 0;
  if (cursor.in_word()) {
    const Cursor::Word word = cursor.words[cursor.word];
    const std::size_t at = cursor.TextOf(word).find('=');
    const bool value = at != std::string_view::npos && cursor.at > word.begin + at;
    parameter = (cursor.word == 0 ? 0U : 2U) + (value ? 1U : 0U);
  } else {
    parameter = 2;
  }
  return cursor.words.size() == 1 && cursor.in_word() ? Make({one, two}, summary, parameter)
                                                      : Make({two}, summary, parameter);
}

SignatureHelp FromHelp(const Cursor& cursor) {
  std::vector<Form> forms = {{"FROM baseImage", {"baseImage"}},
                             {"FROM baseImage:tag", {"baseImage", "tag"}},
                             {"FROM baseImage@digest", {"baseImage", "digest"}},
                             {"FROM baseImage AS stage", {"baseImage", "", "AS", "stage"}},
                             {"FROM baseImage:tag AS stage", {"baseImage", "tag", "AS", "stage"}},
                             {"FROM baseImage@digest AS stage", {"baseImage", "digest", "AS", "stage"}}};
  const std::size_t first = cursor.FirstArgument();
  std::uint32_t parameter = 0;
  if (first < cursor.words.size()) {
    const Cursor::Word image = cursor.words[first];
    const std::string_view text = cursor.TextOf(image);
    const bool digest = text.find('@') != std::string_view::npos;
    const std::size_t mark = digest ? text.find('@') : text.rfind(':');
    const bool tag = !digest && mark != std::string_view::npos && text.find('/', mark) == std::string_view::npos;
    const std::size_t index = ArgumentIndex(cursor);
    const bool stage = cursor.words.size() > first + 1 || index > 0;
    std::erase_if(forms, [&](const Form& form) {
      const bool wrong_mark = (digest && form.label.find('@') == std::string_view::npos) ||
                              (tag && form.label.find(':') == std::string_view::npos);
      return wrong_mark || (stage && form.parameters.size() < 4);
    });
    if (index == 0) {
      parameter = (digest || tag) && cursor.at > image.begin + mark ? 1 : 0;
    } else {
      parameter = index == 1 ? 2 : 3;
    }
  }
  return Make(forms, SummaryOf(Kind::kFrom), parameter);
}

std::optional<SignatureHelp> FlagHelp(const Cursor& cursor) {
  if (!cursor.in_word() || cursor.word >= cursor.FirstArgument()) {
    return std::nullopt;
  }
  const Cursor::Word word = cursor.words[cursor.word];
  const std::string_view text = cursor.TextOf(word);
  const std::size_t equals = text.find('=');
  if (!text.starts_with("--") || equals == std::string_view::npos || cursor.at <= word.begin + equals) {
    return std::nullopt;
  }
  const FlagInfo* flag = FindFlagInfo(cursor.kind, text.substr(2, equals - 2));
  if (flag == nullptr) {
    return std::nullopt;
  }
  SignatureHelp help;
  const std::string value(flag->placeholder.empty() ? flag->values : flag->placeholder);
  std::string label = "--" + std::string(flag->name) + "=" + value;
  if (cursor.kind == Kind::kHealthcheck) {
    label = "HEALTHCHECK " + label + " ...";
  }
  help.signatures.push_back({std::move(label), std::string(flag->text), {{value, std::string(flag->text)}}});
  help.active_parameter = 0;
  return help;
}

std::optional<SignatureHelp> CommandHelp(const Cursor& cursor, bool json, std::size_t open) {
  const std::string_view summary = SummaryOf(cursor.kind);
  struct Forms {
    Kind kind;
    std::vector<Form> json;
    Form words;
    std::uint32_t named;
  };
  static const std::vector<Forms> kForms = {
      {Kind::kCmd,
       {{"CMD [ \"executable\", \"parameter\", ... ]", {"[", "\"executable\"", "\"parameter\"", "...", "]"}},
        {"CMD [ \"parameter\", \"parameter2\", ... ]", {"[", "\"parameter\"", "\"parameter2\"", "...", "]"}}},
       {"CMD executable parameter ...", {"executable", "parameter", "..."}},
       2},
      {Kind::kEntrypoint,
       {{"ENTRYPOINT [ \"executable\", \"parameter\", ... ]", {"[", "\"executable\"", "\"parameter\"", "...", "]"}}},
       {"ENTRYPOINT executable parameter ...", {"executable", "parameter", "..."}},
       2},
      {Kind::kRun,
       {{"RUN [ \"command\", \"parameter\", ... ]", {"[", "\"command\"", "\"parameter\"", "...", "]"}}},
       {"RUN command parameter ...", {"command", "parameter", "..."}},
       2},
      {Kind::kShell,
       {{"SHELL [ \"executable\", \"parameter\", ... ]", {"[", "\"executable\"", "\"parameter\"", "...", "]"}}},
       {},
       2},
      {Kind::kVolume,
       {{"VOLUME [ \"/vol\", ... ]", {"[", "\"/vol\"", "...", "]"}}},
       {"VOLUME /vol ...", {"/vol", "..."}},
       1},
  };
  for (const Forms& forms : kForms) {
    if (forms.kind != cursor.kind) {
      continue;
    }
    if (json) {
      const auto parameter = JsonParameter(cursor, open, forms.named, false);
      return parameter ? std::optional(Make(forms.json, summary, *parameter)) : std::nullopt;
    }
    std::vector<Form> all = forms.json;
    if (!forms.words.label.empty()) {
      if (cursor.words.empty()) {
        if (cursor.kind == Kind::kRun) {
          all.insert(all.begin(), forms.words);
        } else {
          all.push_back(forms.words);
        }
      } else {
        all = {forms.words};
      }
    } else if (!cursor.words.empty()) {
      return std::nullopt;
    }
    return Make(all, summary, WordParameter(ArgumentIndex(cursor), forms.named));
  }
  return std::nullopt;
}

std::optional<SignatureHelp> SimpleHelp(const Cursor& cursor) {
  const std::string_view summary = SummaryOf(cursor.kind);
  const std::size_t index = ArgumentIndex(cursor);
  switch (cursor.kind) {
    case Kind::kArg: {
      const std::size_t equals =
          cursor.words.empty() ? std::string_view::npos : cursor.TextOf(cursor.words[0]).find('=');
      if (equals == std::string_view::npos) {
        return index > 0
                   ? std::nullopt
                   : std::optional(Make({{"ARG name", {"name"}}, {"ARG name=defaultValue", {"name", "defaultValue"}}},
                                        summary, 0));
      }
      return Make({{"ARG name=defaultValue", {"name", "defaultValue"}}}, summary,
                  cursor.at > cursor.words[0].begin + equals ? 1 : 0);
    }
    case Kind::kExpose:
      return Make({{"EXPOSE port ...", {"port", "..."}}}, summary, WordParameter(index, 1));
    case Kind::kMaintainer:
      return Make({{"MAINTAINER name", {"name"}}}, summary, 0);
    case Kind::kStopSignal:
      return Make({{"STOPSIGNAL signal", {"signal"}}}, summary, 0);
    case Kind::kWorkdir:
      return Make({{"WORKDIR /the/workdir/path", {"/the/workdir/path"}}}, summary, 0);
    case Kind::kUser: {
      const std::vector<Form> forms = {{"USER user", {"user"}},
                                       {"USER user:group", {"user", "group"}},
                                       {"USER uid", {"uid"}},
                                       {"USER uid:gid", {"uid", "gid"}}};
      const std::size_t colon =
          cursor.words.empty() ? std::string_view::npos : cursor.TextOf(cursor.words[0]).find(':');
      if (colon == std::string_view::npos) {
        return Make(forms, summary, 0);
      }
      return Make({forms[1], forms[3]}, summary, cursor.at > cursor.words[0].begin + colon ? 1 : 0);
    }
    case Kind::kHealthcheck: {
      const std::size_t first = cursor.FirstArgument();
      const std::string_view word =
          first < cursor.words.size() ? cursor.TextOf(cursor.words[first]) : std::string_view();
      const Form none{"HEALTHCHECK NONE", {"NONE"}};
      const Form check{"HEALTHCHECK [flags] CMD ...", {"[flags]", "CMD", "..."}};
      if (word.empty()) {
        return cursor.words.empty() ? Make({check, none}, summary, 0)
                                    : Make({check}, summary, cursor.in_word() ? 0 : 1);
      }
      if (ToUpperAscii(word).starts_with("NO")) {
        return Make({none}, summary, 0);
      }
      const bool flag = cursor.in_word() && cursor.word < first;
      return Make({check}, summary, flag ? 0 : WordParameter(index + 1, 2));
    }
    case Kind::kOnbuild:
      return Make({{"ONBUILD INSTRUCTION", {"INSTRUCTION"}}}, SummaryOf(Kind::kOnbuild), 0);
    case Kind::kAdd:
    case Kind::kCmd:
    case Kind::kCopy:
    case Kind::kEntrypoint:
    case Kind::kEnv:
    case Kind::kFrom:
    case Kind::kLabel:
    case Kind::kRun:
    case Kind::kShell:
    case Kind::kVolume:
    case Kind::kUnknown:
      return std::nullopt;
  }
  return std::nullopt;
}

// `# escape=`: its one parameter.
std::optional<SignatureHelp> DirectiveHelp(const Query& query, std::uint32_t offset) {
  const lsp::Text& text = query.document.text();
  const std::uint32_t line = text.LineAt(offset);
  for (std::uint32_t i = 0; i < line; ++i) {
    if (!TrimSpace(text.LineText(i)).starts_with("#")) {
      return std::nullopt;
    }
  }
  const std::string_view typed = TrimSpace(text.Of({text.LineBegin(line), offset}));
  const auto pair = SplitOnce(typed.substr(std::min<std::size_t>(typed.size(), 1)), '=');
  for (const DirectiveInfo& info : Directives()) {
    if (pair && EqualsIgnoreCase(info.name, TrimSpace(pair->first))) {
      const std::string value = info.name == "escape" ? "\\" : std::string(info.placeholder);
      SignatureHelp help;
      help.signatures.push_back(
          {std::string(info.name) + "=" + value, std::string(info.text), {{value, std::string(info.text)}}});
      help.active_parameter = 0;
      return help;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<SignatureHelp> Signatures(const Query& query, std::uint32_t offset) {
  const Cursor cursor = CursorAt(query.document, offset);
  if (cursor.place == Cursor::Place::kComment) {
    return DirectiveHelp(query, offset);
  }
  if (cursor.onbuild && cursor.place == Cursor::Place::kKeyword) {
    return Make({{"ONBUILD INSTRUCTION", {"INSTRUCTION"}}}, SummaryOf(Kind::kOnbuild), 0);
  }
  if (cursor.place != Cursor::Place::kArguments) {
    return std::nullopt;
  }
  if (auto help = FlagHelp(cursor)) {
    return help;
  }
  const std::size_t first = cursor.FirstArgument();
  const std::size_t open = first < cursor.words.size() ? cursor.words[first].begin : std::string::npos;
  const bool json =
      open != std::string::npos && cursor.view.text[open] == '[' && (cursor.at >= open || cursor.kind == Kind::kShell);
  switch (cursor.kind) {
    case Kind::kAdd:
    case Kind::kCopy:
      return TransferHelp(cursor, json, open);
    case Kind::kEnv:
    case Kind::kLabel:
      return PairHelp(cursor);
    case Kind::kFrom:
      return FromHelp(cursor);
    case Kind::kCmd:
    case Kind::kEntrypoint:
    case Kind::kRun:
    case Kind::kShell:
    case Kind::kVolume:
      return CommandHelp(cursor, json, open);
    case Kind::kArg:
    case Kind::kExpose:
    case Kind::kHealthcheck:
    case Kind::kMaintainer:
    case Kind::kOnbuild:
    case Kind::kStopSignal:
    case Kind::kUser:
    case Kind::kWorkdir:
    case Kind::kUnknown:
      return SimpleHelp(cursor);
  }
  return std::nullopt;
}

}  // namespace loam::lsp::dockerfile
