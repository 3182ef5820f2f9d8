// Both printers share one walk: the tree becomes JSON, and the text form is that JSON's outline. So the two never
// differ in what they show.
#include "compiler/ast/dockerfile/print.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "compiler/syntax/quote.h"

namespace loam::ast {

namespace {

using Json = nlohmann::ordered_json;

class Converter {
 public:
  explicit Converter(const source::Buffer& buffer) : buffer_(buffer) {}

  Json Convert(const Dockerfile& dockerfile) {
    Json json = {{"escape", std::string(1, dockerfile.escape)}};
    json["directives"] = Json::array();
    for (const Directive& directive : dockerfile.directives) {
      json["directives"].push_back(
          {{"name", directive.name.text}, {"value", Of(directive.value)}, {"line", directive.line}});
    }
    json["instructions"] = Json::array();
    for (const Instruction* instruction : dockerfile.instructions) {
      json["instructions"].push_back(Of(*instruction));
    }
    json["stages"] = Json::array();
    for (const Stage& stage : dockerfile.stages) {
      json["stages"].push_back({{"name", stage.from->stage_id},
                                {"base", stage.from->base.text},
                                {"instructions", stage.instructions.size()}});
    }
    return json;
  }

 private:
  std::string Place(SourceRange range) const {
    const source::LineColumn begin = buffer_.lines().ByteColumn(range.begin);
    const source::LineColumn end = buffer_.lines().ByteColumn(range.end);
    return fmt::format("{}:{}-{}:{}", begin.line, begin.column, end.line, end.column);
  }
  Json Of(const Text& text) const { return {{"text", text.text}, {"at", Place(text.range)}}; }
  Json Of(List<Text> texts) const {
    Json json = Json::array();
    for (const Text& text : texts) {
      json.push_back(Of(text));
    }
    return json;
  }
  void AddIfPresent(Json& json, const char* name, const Text& text) const {
    if (text.present()) {
      json[name] = Of(text);
    }
  }

  Json Of(const Instruction& node) {
    Json json = {{"kind", node.kind == InstructionKind::kUnknown ? "unknown" : KeywordOf(node.kind)},
                 {"at", Place(node.range)},
                 {"keyword", node.keyword.text},
                 {"original", node.original},
                 {"lines", {node.lines.first, node.lines.last}}};
    if (node.last_header_line != node.lines.last) {
      json["last_header_line"] = node.last_header_line;
    }
    if (node.invalid) {
      json["invalid"] = true;
    }
    if (node.has_empty_continuation) {
      json["empty_continuation"] = true;
    }
    if (!node.comments.empty()) {
      json["comments"] = Of(node.comments);
    }
    for (const Flag& flag : node.flags) {
      Json item = {{"name", Of(flag.name)}};
      if (flag.has_value) {
        item["value"] = Of(flag.value);
      }
      json["flags"].push_back(std::move(item));
    }
    for (const Heredoc& heredoc : node.heredocs) {
      json["heredocs"].push_back(Of(heredoc));
    }
    if (!node.invalid) {
      AddArguments(json, node);
    }
    return json;
  }

  Json Of(const Heredoc& heredoc) const {
    return {{"name", heredoc.name},
            {"expand", heredoc.expand},
            {"chomp", heredoc.chomp},
            {"fd", heredoc.fd},
            {"content", heredoc.content},
            {"word_at", Place(heredoc.word_range)},
            {"content_at", heredoc.content_range.valid() ? Place(heredoc.content_range) : "none"}};
  }

  Json Of(const CommandLine& command) const { return {{"json", command.json}, {"args", Of(command.args)}}; }

  Json Of(List<KeyValue> pairs) const {
    Json json = Json::array();
    for (const KeyValue& pair : pairs) {
      Json& item = json.emplace_back(Json{{"key", Of(pair.key)}, {"value", Of(pair.value)}});
      if (pair.legacy) {
        item["legacy"] = true;
      }
    }
    return json;
  }

  void AddTransfer(Json& json, const FileTransfer& node) {
    json["json"] = node.json;
    for (const FileSource& source : node.sources) {
      Json item = Of(source.path);
      if (source.heredoc != nullptr) {
        item["heredoc"] = source.heredoc->name;
      }
      json["sources"].push_back(std::move(item));
    }
    json["destination"] = Of(node.destination);
    AddIfPresent(json, "chown", node.chown);
    AddIfPresent(json, "chmod", node.chmod);
    if (node.link) {
      json["link"] = true;
    }
    if (!node.excludes.empty()) {
      json["excludes"] = Of(node.excludes);
    }
  }

  void AddRun(Json& json, const Run& node) {
    json["command"] = Of(node.command);
    if (node.script != nullptr) {
      json["script"] = node.script->name;
    }
    for (const Mount& mount : node.mounts) {
      Json fields = Json::array();
      for (const CsvField& field : mount.fields) {
        Json item = {{"key", field.key}, {"at", Place(field.field.range)}};
        if (field.has_value) {
          item["value"] = Of(field.value);
        }
        fields.push_back(std::move(item));
      }
      json["mounts"].push_back(std::move(fields));
    }
    for (const Device& device : node.devices) {
      json["devices"].push_back({{"name", device.name}, {"required", device.required}});
    }
    json["network"] = node.network;
    json["security"] = node.security;
  }

  void AddHealthcheck(Json& json, const Healthcheck& node) {
    json["none"] = node.none;
    if (node.none) {
      return;
    }
    json["command"] = Of(node.command);
    json["interval"] = node.interval;
    json["timeout"] = node.timeout;
    json["start_period"] = node.start_period;
    json["start_interval"] = node.start_interval;
    json["retries"] = node.retries;
  }

  void AddArguments(Json& json, const Instruction& node) {
    switch (node.kind) {
      case InstructionKind::kAdd: {
        const auto& add = *As<Add>(&node);
        AddTransfer(json, add);
        AddIfPresent(json, "checksum", add.checksum);
        if (add.keep_git_dir) {
          json["keep_git_dir"] = *add.keep_git_dir;
        }
        if (add.unpack) {
          json["unpack"] = *add.unpack;
        }
        return;
      }
      case InstructionKind::kCopy: {
        const auto& copy = *As<Copy>(&node);
        AddTransfer(json, copy);
        AddIfPresent(json, "from", copy.from);
        if (copy.parents) {
          json["parents"] = true;
        }
        return;
      }
      case InstructionKind::kArg:
        for (const ArgItem& item : As<Arg>(&node)->items) {
          Json& entry = json["items"].emplace_back(Json{{"key", Of(item.key)}});
          if (item.has_value) {
            entry["value"] = Of(item.value);
          }
          if (!item.doc_comment.empty()) {
            entry["doc"] = item.doc_comment;
          }
        }
        return;
      case InstructionKind::kCmd:
        json["command"] = Of(As<Cmd>(&node)->command);
        return;
      case InstructionKind::kEntrypoint:
        json["command"] = Of(As<Entrypoint>(&node)->command);
        return;
      case InstructionKind::kShell:
        json["command"] = Of(As<Shell>(&node)->command);
        return;
      case InstructionKind::kEnv:
        json["pairs"] = Of(As<Env>(&node)->pairs);
        return;
      case InstructionKind::kLabel:
        json["pairs"] = Of(As<Label>(&node)->pairs);
        return;
      case InstructionKind::kExpose:
        json["ports"] = Of(As<Expose>(&node)->ports);
        return;
      case InstructionKind::kFrom: {
        const auto& from = *As<From>(&node);
        json["base"] = Of(from.base);
        AddIfPresent(json, "as", from.as_keyword);
        AddIfPresent(json, "stage_name", from.stage_name);
        if (!from.stage_id.empty()) {
          json["stage_id"] = from.stage_id;
        }
        AddIfPresent(json, "platform", from.platform);
        if (!from.doc_comment.empty()) {
          json["doc"] = from.doc_comment;
        }
        return;
      }
      case InstructionKind::kHealthcheck:
        return AddHealthcheck(json, *As<Healthcheck>(&node));
      case InstructionKind::kMaintainer:
        json["name"] = Of(As<Maintainer>(&node)->name);
        return;
      case InstructionKind::kOnbuild: {
        const auto& onbuild = *As<Onbuild>(&node);
        json["expression"] = onbuild.expression;
        if (onbuild.trigger != nullptr) {
          json["trigger"] = Of(*onbuild.trigger);
        }
        return;
      }
      case InstructionKind::kRun:
        return AddRun(json, *As<Run>(&node));
      case InstructionKind::kStopSignal:
        json["signal"] = Of(As<StopSignal>(&node)->signal);
        return;
      case InstructionKind::kUser:
        json["user"] = Of(As<User>(&node)->user);
        return;
      case InstructionKind::kVolume:
        json["json"] = As<Volume>(&node)->json;
        json["paths"] = Of(As<Volume>(&node)->paths);
        return;
      case InstructionKind::kWorkdir:
        json["path"] = Of(As<Workdir>(&node)->path);
        return;
      case InstructionKind::kUnknown:
        AddIfPresent(json, "arguments", As<Unknown>(&node)->arguments);
        return;
    }
  }

  const source::Buffer& buffer_;
};

bool IsText(const Json& json) {
  return json.is_object() && json.size() == 2 && json.contains("text") && json.contains("at");
}

std::string Scalar(const Json& json) {
  return json.is_string() ? syntax::Quote(json.get_ref<const std::string&>())
                          : json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void Outline(const Json& json, int indent, std::string& out);

void OutlineMember(std::string_view name, const Json& value, int indent, std::string& out) {
  if (IsText(value)) {
    out += fmt::format("{:{}}{}: {} @{}\n", "", indent, name, Scalar(value["text"]),
                       value["at"].get_ref<const std::string&>());
  } else if (value.is_array() && !value.empty() && value.front().is_number()) {
    out += fmt::format("{:{}}{}: {}\n", "", indent, name, value.dump());
  } else if (value.is_array()) {
    for (const Json& item : value) {
      OutlineMember(name, item, indent, out);
    }
  } else if (value.is_object()) {
    out += fmt::format("{:{}}{}:\n", "", indent, name);
    Outline(value, indent + 2, out);
  } else {
    out += fmt::format("{:{}}{}: {}\n", "", indent, name, Scalar(value));
  }
}

void Outline(const Json& json, int indent, std::string& out) {
  for (const auto& [name, value] : json.items()) {
    OutlineMember(name, value, indent, out);
  }
}

// "FROM 1:1-1:12", the rest of the instruction below it.
void OutlineInstruction(Json json, std::string& out) {
  out += fmt::format("{} {}\n", json["kind"].get_ref<const std::string&>(), json["at"].get_ref<const std::string&>());
  json.erase("kind");
  json.erase("at");
  Outline(json, 2, out);
}

}  // namespace

std::string PrintText(const Dockerfile& dockerfile, const source::Buffer& buffer) {
  const Json json = Converter(buffer).Convert(dockerfile);
  std::string out;
  for (const Json& directive : json["directives"]) {
    out += "directive\n";
    Outline(directive, 2, out);
  }
  for (const Json& instruction : json["instructions"]) {
    OutlineInstruction(instruction, out);
  }
  for (const Json& stage : json["stages"]) {
    out += "stage\n";
    Outline(stage, 2, out);
  }
  return out;
}

std::string PrintJson(const Dockerfile& dockerfile, const source::Buffer& buffer) {
  return Converter(buffer).Convert(dockerfile).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace loam::ast
