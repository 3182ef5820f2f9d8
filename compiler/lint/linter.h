// Linter: runs the build checks over one file, in the order in which BuildKit's frontend reports.
//
//   lint::Linter linter(options, stopped, ignore_patterns);
//   linter.CheckFile(dockerfile, read);                 // what the text alone tells
//   sema::ConvertDockerfile({.observer = &linter, …});  // what only the conversion tells
//   linter.warnings()
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/lint/rule.h"
#include "compiler/sema/dockerfile/check_options.h"

namespace loam::lint {

class Linter : public sema::Observer, private RuleContext {
 public:
  // `stopped`: whether the conversion has met a mistake; BuildKit stops there, so nothing is reported from then on.
  // `ignore_patterns`: asked at most once, and only if a file is copied from the context.
  Linter(sema::CheckOptions options, std::function<bool()> stopped,
         std::function<std::vector<std::string>()> ignore_patterns);
  ~Linter() override;

  enum class Read : std::uint8_t {
    kWell,     // no mistake in the file
    kPartly,   // instructions are wrong: what stands above the first of them is checked
    kNothing,  // it could not be split into instructions
  };
  void CheckFile(const ast::Dockerfile& file, Read read);

  [[nodiscard]] const std::vector<Warning>& warnings() const { return warnings_; }
  [[nodiscard]] std::vector<Warning> TakeWarnings() { return std::move(warnings_); }
  // Set if the options say that warnings are errors and there are some: the names of the rules.
  [[nodiscard]] std::optional<std::string> Violation() const;

  void OnDefaultBase(const ast::From& from, std::string_view image) override;
  void OnStageBase(const ast::From& from, const sema::Expansion& base,
                   std::span<const std::string_view> declared) override;
  void OnStagePlatform(const ast::From& from, const sema::Expansion& platform,
                       std::span<const std::string_view> declared, std::string_view target_platform) override;
  void OnBaseImage(LineSpan where, std::string_view name, const ir::Platform& wanted,
                   const ir::Platform& actual) override;
  void OnStageBegin(const void* stage, const void* base) override;
  void OnInstructionBegin(const ast::Instruction& begun, LineSpan where) override;
  void OnUnsetVariables(const sema::Expansion& word, std::span<const std::string_view> declared,
                        const sema::Environment& env) override;
  void OnVariable(std::string_view key, bool legacy) override;
  void OnCommand(bool has_shell) override;
  void OnWorkdir(std::string_view path, bool absolute) override;
  void OnPort(const sema::ExposedPort& port) override;
  void OnContextSource(std::string_view path) override;

 private:
  void Report(const RuleInfo& rule, LineSpan where, std::string message, std::vector<Fix> fixes) override;
  const std::vector<std::string>& IgnorePatterns() override;
  // The options at this instruction; null: those of the whole file.
  void EnterInstruction(const ast::Instruction* entered, LineSpan where);
  template <class Event>
  void Each(const Event& event);

  sema::CheckOptions options_;
  source::FileId file_;
  std::optional<sema::CheckOptions> local_options_;
  std::function<bool()> stopped_;
  std::function<std::vector<std::string>()> read_ignore_patterns_;
  std::optional<std::vector<std::string>> ignore_patterns_;
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<Warning> warnings_;
};

}  // namespace loam::lint
