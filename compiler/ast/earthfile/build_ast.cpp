#include "compiler/ast/earthfile/build_ast.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/ast/earthfile/statement_builder.h"
#include "compiler/ast/earthfile/tree_words.h"
#include "compiler/ast/earthfile/version.h"

namespace loam::ast::earthfile {

namespace {

using diag::Kind;
using syntax::earthfile::NodeKind;
using syntax::earthfile::TokenKind;
using Tree = TreeWords::Tree;
using Node = TreeWords::Node;
using Token = TreeWords::Token;

// Versions of the language; 0.0 switches all features off.
constexpr auto kVersions = std::to_array<std::string_view>({"0.0", "0.6", "0.7", "0.8"});

class Builder {
 public:
  Builder(Tree& tree, diag::Emitter& emitter)
      : tree_(tree), words_(tree), statements_(words_, emitter), emitter_(emitter) {}

  void Build(Earthfile& file);

 private:
  // A header that waits for its recipe.
  struct Header {
    std::uint32_t token = 0;
    bool has_recipe = false;
    Block recipe;
  };

  [[nodiscard]] const Node& node(std::uint32_t index) const { return words_.node(index); }
  [[nodiscard]] const Token& token(std::uint32_t index) const { return words_.token(index); }

  void CheckVersion(const Earthfile& file, const std::vector<std::uint32_t>& children);
  void BuildRecipe(std::uint32_t index, std::vector<Header>& headers);
  void Finish(Earthfile& file, const std::vector<Header>& headers);

  Tree& tree_;
  TreeWords words_;
  StatementBuilder statements_;
  diag::Emitter& emitter_;
};

void Builder::CheckVersion(const Earthfile& file, const std::vector<std::uint32_t>& children) {
  bool is_first = true;
  for (const std::uint32_t child : children) {
    if (node(child).kind == NodeKind::kVersion && !is_first) {
      emitter_.Emit<Kind::kEarthMisplacedVersion>(tree_.RangeOf(token(node(child).first_token)))
          .Hint("move it to the first line");
    }
    is_first = false;
  }
  if (file.version == nullptr) {
    return;
  }
  const bool was_reported =
      !children.empty() && node(children.front()).kind == NodeKind::kVersion && node(children.front()).has_error;
  if (file.version->args.empty()) {
    if (!was_reported) {
      emitter_.Emit<Kind::kEarthMissingVersionNumber>(file.version->range).Hint("write `VERSION 0.8`");
    }
    return;
  }
  const Word& number = file.version->args.back();
  if (std::find(kVersions.begin(), kVersions.end(), number.text) == kVersions.end()) {
    emitter_.Emit<Kind::kEarthBadVersion>(number.range, number.text)
        .Hint("there are 0.6, 0.7 and 0.8; the number stands last, behind the flags");
  }
}

void Builder::BuildRecipe(std::uint32_t index, std::vector<Header>& headers) {
  const std::vector<std::uint32_t> children = words_.Children(index);
  const bool has_header = !headers.empty() && !headers.back().has_recipe;
  std::vector<std::uint32_t> statements;
  bool reported = false;
  for (const std::uint32_t child : children) {
    const Token& first = token(node(child).first_token);
    switch (node(child).kind) {
      case NodeKind::kStatement:
        statements.push_back(child);
        if (!has_header && !reported) {
          reported = true;
          emitter_.Emit<Kind::kEarthIndentedBase>(tree_.RangeOf(first), tree_.SourceOf(first))
              .Hint(headers.empty() ? "in front of the first target, commands start their lines"
                                    : "a command or comment that is not indented ended the target above");
        }
        break;
      case NodeKind::kHeader:
        emitter_.Emit<Kind::kEarthIndentedHeader>(tree_.RangeOf(first), tree_.SourceOf(first))
            .Hint("remove the blanks in front of it");
        break;
      case NodeKind::kVersion:
        emitter_.Emit<Kind::kEarthMisplacedVersion>(tree_.RangeOf(first))
            .Hint("move it to the first line, without blanks in front of it");
        break;
      default:
        emitter_.Emit<Kind::kEarthMisplacedClause>(tree_.RangeOf(first), tree_.SourceOf(first), "an open block")
            .Hint("the block was closed before, or its first line is wrong");
        break;
    }
  }
  const Block block = statements_.BuildBlock(statements);
  if (has_header) {
    headers.back().has_recipe = true;
    headers.back().recipe = block;
  }
}

void Builder::Build(Earthfile& file) {
  file.version = ScanVersion(tree_, emitter_);
  const std::vector<std::uint32_t> children = words_.Children(0);
  CheckVersion(file, children);
  std::vector<Header> headers;
  std::vector<std::uint32_t> base;
  std::uint32_t last_not_indented = 0;
  for (const std::uint32_t child : children) {
    const Token& first = token(node(child).first_token);
    switch (node(child).kind) {
      case NodeKind::kVersion:
        break;
      case NodeKind::kStatement:
        if (headers.empty()) {
          base.push_back(child);
          break;
        }
        // Once for neighbours.
        if (last_not_indented == 0 || last_not_indented != child) {
          emitter_.Emit<Kind::kEarthNotIndented>(tree_.RangeOf(first), tree_.SourceOf(first))
              .Hint("indent it, or move it in front of the first target");
        }
        last_not_indented = node(child).end_node;
        statements_.BuildStatement(child);  // for what is wrong in it
        break;
      case NodeKind::kHeader:
        headers.push_back({node(child).first_token, false, {}});
        break;
      case NodeKind::kRecipe:
        BuildRecipe(child, headers);
        break;
      default:
        emitter_.Emit<Kind::kEarthMisplacedClause>(tree_.RangeOf(first), tree_.SourceOf(first), "an open block")
            .Hint("the block was closed before, or its first line is wrong");
        break;
    }
  }
  file.base_recipe = statements_.BuildBlock(base);
  Finish(file, headers);
}

void Builder::Finish(Earthfile& file, const std::vector<Header>& headers) {
  std::vector<Target> targets;
  std::vector<Function> functions;
  std::unordered_map<std::string_view, SourceRange> seen;
  // Stops are recorded for all headers, those that are indented by mistake too.
  std::size_t stop = 0;
  std::uint32_t scanned = 0;
  for (const Header& header : headers) {
    for (; scanned < header.token; ++scanned) {
      const TokenKind kind = token(scanned).kind;
      stop += kind == TokenKind::kTargetName || kind == TokenKind::kFunctionName ? 1 : 0;
    }
    const Token& name_token = token(header.token);
    const bool is_target = name_token.kind == TokenKind::kTargetName;
    const SourceRange range = tree_.RangeOf(name_token);
    const SourceRange name_range = tree_.buffer().Range(range.begin, range.end - 1);
    const std::string_view name = words_.Utf8(tree_.buffer().TextOf(name_range));
    Location location{range, stop < tree_.recipe_stops.size() ? tree_.recipe_stops[stop] : range.begin};
    if (!header.recipe.empty()) {
      location.range = source::Cover(location.range, header.recipe.back().location.range);
    }
    const std::string_view docs = words_.DocsAbove(header.token);
    if (!is_target) {
      functions.push_back({name, docs, header.recipe, name_range, location});
      continue;
    }
    targets.push_back({name, docs, header.recipe, name_range, location});
    if (name == "base") {
      emitter_.Emit<Kind::kEarthReservedTarget>(name_range, name).Hint("give the target another name");
    }
    const auto [other, is_new] = seen.emplace(name, name_range);
    if (!is_new) {
      emitter_.Emit<Kind::kEarthDuplicateTarget>(name_range, name)
          .Label(other->second, "first defined here")
          .Hint("rename or remove one of them");
    }
  }
  file.targets = tree_.arena().Copy(targets);
  file.functions = tree_.arena().Copy(functions);
}

}  // namespace

Earthfile BuildEarthfile(std::shared_ptr<Tree> tree, diag::Emitter& emitter) {
  Earthfile file;
  file.file = tree->buffer().id();
  Builder(*tree, emitter).Build(file);
  file.tree = std::move(tree);
  return file;
}

}  // namespace loam::ast::earthfile
