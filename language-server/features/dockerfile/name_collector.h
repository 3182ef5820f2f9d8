// NameCollector: fills Names. Private to names.cpp.
#pragma once

#include "language-server/features/dockerfile/logical.h"
#include "language-server/features/dockerfile/names.h"

namespace loam::lsp::dockerfile {

class NameCollector {
 public:
  NameCollector(Names& names, StoreFacts& store) : names_(names), store_(store), file_(names.analysis_->file()) {}
  void Run();

 private:
  void AddInstruction(std::uint32_t index);
  void AddFrom(const ast::From& from, std::uint32_t index);
  void AddStageUse(std::string_view text, Span span, std::uint32_t index);
  void AddStageUses(const ast::Instruction& instruction, std::uint32_t index);
  void AddDefinitions(const ast::Instruction& instruction, std::uint32_t index);
  void AddDefinition(std::string_view key, Span span, std::optional<std::string_view> value, Span whole, bool is_arg,
                     std::uint32_t index);
  // Of ENV and ARG that the compiler rejects: half typed.
  void AddDefinitionsByWord(const ast::Instruction& instruction, std::uint32_t index);
  void AddUses(const ast::Instruction& instruction, std::uint32_t index);
  void AddUsesIn(const LogicalView& view, std::size_t begin, std::size_t end, bool in_shell, std::uint32_t index);
  void AddHeredocs(const ast::Instruction& instruction, std::uint32_t index);
  void Link();
  void LinkVariables();
  void Evaluate();
  void ReadImageEnv(const ast::From& from, std::uint32_t index, Names::Region& region);

  Names& names_;
  StoreFacts& store_;
  const ast::Dockerfile& file_;
  std::uint32_t region_ = 0;
  std::uint32_t next_group_ = 0;
};

// The header of an instruction: from the keyword to the end of its last line without heredoc bodies.
Span HeaderSpan(const DockerfileAnalysis& analysis, const ast::Instruction& instruction);

}  // namespace loam::lsp::dockerfile
