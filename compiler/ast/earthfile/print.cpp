#include "compiler/ast/earthfile/print.h"

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "compiler/syntax/earth_tree.h"

namespace loam::ast::earthfile {

namespace {

using Json = nlohmann::ordered_json;

class Printer {
 public:
  Printer(const source::Buffer& buffer, const PrintOptions& options) : buffer_(buffer), options_(options) {
    if (options.source_map) {
      // Bytes that start no code point. A byte that is not UTF-8 is a code point of its own.
      std::string_view rest = buffer.text();
      const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
      if (!std::all_of(rest.begin(), rest.end(), is_ascii)) {
        FindInnerBytes(rest);
      }
    }
  }

  Json File(const Earthfile& file) {
    Json out = Json::object();
    if (file.version != nullptr) {
      Json version{{"args", Words(file.version->args)}};
      if (options_.source_map) {
        version["sourceLocation"] = {{"file", buffer_.name()},
                                     {"startLine", file.version->first_line},
                                     {"startColumn", 0},
                                     {"endLine", file.version->last_line},
                                     {"endColumn", file.version->last_line_width}};
      }
      out["version"] = std::move(version);
    }
    out["baseRecipe"] = BlockOrNull(file.base_recipe);
    for (const Target& target : file.targets) {
      Json item{{"name", target.name}};
      AddDocs(item, target.docs);
      item["recipe"] = BlockOrNull(target.recipe);
      AddLocation(item, target.location);
      out["targets"].push_back(std::move(item));
    }
    for (const Function& function : file.functions) {
      Json item{{"name", function.name}, {"recipe", BlockOrNull(function.recipe)}};
      AddLocation(item, function.location);
      out["functions"].push_back(std::move(item));
    }
    if (options_.source_map) {
      out["sourceLocation"] = {
          {"file", buffer_.name()}, {"startLine", 0}, {"startColumn", 0}, {"endLine", 0}, {"endColumn", 0}};
    }
    return out;
  }

 private:
  void FindInnerBytes(std::string_view text);

  static Json Words(List<Word> words) {
    Json out = Json::array();
    for (const Word& word : words) {
      out.push_back(word.text);
    }
    return out;
  }
  static Json Words(List<Word> words, bool is_null) { return is_null ? Json(nullptr) : Words(words); }

  static void AddDocs(Json& item, std::string_view docs) {
    if (!docs.empty()) {
      item["docs"] = docs;
    }
  }

  Json BlockOrNull(Block block) {
    Json out = nullptr;
    for (const Statement& statement : block) {
      out.push_back(StatementJson(statement));
    }
    return out;
  }

  Json CommandJson(const Command& command) {
    Json out{{"name", command.kind == CommandKind::kStopSignal ? "STOP SIGNAL" : KeywordOf(command.kind)}};
    AddDocs(out, command.docs);
    out["args"] = Words(command.args, command.null_args);
    if (command.exec_mode) {
      out["execMode"] = true;
    }
    AddLocation(out, command.location);
    return out;
  }

  void AddCondition(Json& item, const Condition& condition) {
    item["expression"] = Words(condition.words, condition.null_words);
    if (condition.exec_mode) {
      item["execMode"] = true;
    }
  }

  Json StatementJson(const Statement& statement) {
    Json out = Json::object();
    switch (statement.kind) {
      case StatementKind::kCommand:
        out["command"] = CommandJson(*statement.command);
        break;
      case StatementKind::kWith: {
        Json with{{"command", CommandJson(statement.with->command)}, {"body", BlockOrNull(statement.with->body)}};
        AddLocation(with, statement.location);
        out["with"] = std::move(with);
        break;
      }
      case StatementKind::kIf:
        out["if"] = IfJson(*statement.if_, statement.location);
        break;
      case StatementKind::kTry: {
        Json attempt{{"tryBody", BlockOrNull(statement.try_->body)}};
        if (!statement.try_->catch_body.empty()) {
          attempt["catchBody"] = BlockOrNull(statement.try_->catch_body);
        }
        if (!statement.try_->finally_body.empty()) {
          attempt["finallyBody"] = BlockOrNull(statement.try_->finally_body);
        }
        AddLocation(attempt, statement.location);
        out["try"] = std::move(attempt);
        break;
      }
      case StatementKind::kFor: {
        Json loop{{"args", Words(statement.for_->args)}, {"body", BlockOrNull(statement.for_->body)}};
        AddLocation(loop, statement.location);
        out["for"] = std::move(loop);
        break;
      }
      case StatementKind::kWait: {
        Json wait{{"args", Words(statement.wait->args, !statement.wait->has_args)},
                  {"body", BlockOrNull(statement.wait->body)}};
        AddLocation(wait, statement.location);
        out["wait"] = std::move(wait);
        break;
      }
    }
    AddLocation(out, statement.location);
    return out;
  }

  Json IfJson(const If& branch, const Location& location) {
    Json out = Json::object();
    AddCondition(out, branch.condition);
    out["ifBody"] = BlockOrNull(branch.body);
    for (const ElseIf& else_if : branch.else_ifs) {
      Json item = Json::object();
      AddCondition(item, else_if.condition);
      item["body"] = BlockOrNull(else_if.body);
      AddLocation(item, else_if.location);
      out["elseIf"].push_back(std::move(item));
    }
    if (!branch.else_body.empty()) {
      out["elseBody"] = BlockOrNull(branch.else_body);
    }
    AddLocation(out, location);
    return out;
  }

  void AddLocation(Json& item, const Location& location) {
    if (!options_.source_map) {
      return;
    }
    const source::LineColumn start = Place(location.range.begin);
    const source::LineColumn end = Place(location.last_token);
    item["sourceLocation"] = {{"file", buffer_.name()},
                              {"startLine", start.line},
                              {"startColumn", start.column},
                              {"endLine", end.line},
                              {"endColumn", end.column}};
  }

  // The column counts from 0.
  source::LineColumn Place(std::uint32_t offset) {
    const std::uint32_t line = buffer_.lines().Line(offset);
    const std::uint32_t begin = buffer_.lines().LineBegin(line);
    const auto inner = [&](std::uint32_t before) {
      return std::lower_bound(inner_bytes_.begin(), inner_bytes_.end(), before) - inner_bytes_.begin();
    };
    // A text that ends with a line feed has an empty line behind it here.
    if (offset == buffer_.text().size() && offset > 0 && buffer_.text().back() == '\n') {
      return {line + 1, 0};
    }
    return {line, offset - begin - static_cast<std::uint32_t>(inner(offset) - inner(begin))};
  }

  const source::Buffer& buffer_;
  const PrintOptions& options_;
  std::vector<std::uint32_t> inner_bytes_;
};

void Printer::FindInnerBytes(std::string_view text) {
  for (std::uint32_t pos = 0; pos < text.size();) {
    const std::size_t size = static_cast<unsigned char>(text[pos]) < 0x80 ? 1 : DecodeRune(text.substr(pos)).size;
    for (std::uint32_t i = 1; i < size; ++i) {
      inner_bytes_.push_back(pos + i);
    }
    pos += static_cast<std::uint32_t>(size);
  }
}

}  // namespace

nlohmann::ordered_json ToJson(const Earthfile& file, const source::Buffer& buffer, const PrintOptions& options) {
  return Printer(buffer, options).File(file);
}

std::string PrintJson(const Earthfile& file, const source::Buffer& buffer, const PrintOptions& options) {
  return ToJson(file, buffer, options).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace loam::ast::earthfile
