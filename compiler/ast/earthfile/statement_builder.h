// StatementBuilder: commands and blocks of a recipe, from the syntax tree. What is wrong in them is reported; a
// statement that was not understood is there as `invalid`.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "compiler/ast/earthfile/ast.h"
#include "compiler/ast/earthfile/tree_words.h"
#include "compiler/diagnostics/emitter.h"

namespace loam::ast::earthfile {

class StatementBuilder {
 public:
  StatementBuilder(const TreeWords& words, diag::Emitter& emitter)
      : words_(words), tree_(words.tree()), emitter_(emitter) {}

  // Of the nodes that are statements, the statements.
  Block BuildBlock(const std::vector<std::uint32_t>& nodes);
  Statement BuildStatement(std::uint32_t index);

 private:
  [[nodiscard]] const TreeWords::Node& node(std::uint32_t index) const { return words_.node(index); }
  [[nodiscard]] const TreeWords::Token& token(std::uint32_t index) const { return words_.token(index); }

  void BuildCommand(std::uint32_t index, Statement& statement);
  void BuildKeyValue(const std::vector<std::uint32_t>& tokens, Command& command);
  void BuildLabel(const std::vector<std::uint32_t>& tokens, Command& command);
  void BuildBlockStatement(std::uint32_t index, Statement& statement);
  void RejectClause(std::uint32_t clause, std::string_view wanted);

  const TreeWords& words_;
  TreeWords::Tree& tree_;
  diag::Emitter& emitter_;
};

}  // namespace loam::ast::earthfile
