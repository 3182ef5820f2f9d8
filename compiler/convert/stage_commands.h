// The instructions of one stage as commands of a target; private to to_earthfile.cpp.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/convert/stage_facts.h"

namespace loam::convert {

// A global ARG; null if there is none of this name.
using FindGlobal = std::function<const ast::ArgItem*(std::string_view name)>;
// Makes the paths artifacts of whatever `--from=name` is, and gives `+target/path` of each; or what is in the way.
using SavePaths = std::function<std::optional<Obstacle>(const ast::Copy& copy, std::vector<std::string>& sources)>;

class StageCommands {
 public:
  // `file`: the text of the Dockerfile.
  StageCommands(StageFacts& facts, std::string_view file, FindGlobal global, SavePaths save)
      : facts_(facts), file_(file), global_(std::move(global)), save_(std::move(save)) {}

  // Fills facts.body, or facts.obstacle.
  void Convert();

 private:
  bool Add(const ast::Instruction& instruction);
  bool AddArg(const ast::Arg& arg);
  bool AddArgItem(const ast::ArgItem& item);
  bool AddEnv(const ast::Env& env);
  bool AddLabel(const ast::Label& label);
  bool AddRun(const ast::Run& run);
  bool AddMount(const ast::Mount& mount, std::string& flags);
  bool AddCopy(const ast::Copy& copy);
  bool AddHealthcheck(const ast::Healthcheck& check);
  // CMD, ENTRYPOINT
  bool AddExec(std::string_view keyword, const ast::CommandLine& command, source::SourceRange range);
  bool AddWords(std::string_view keyword, ast::List<ast::Text> words);

  bool Fail(source::SourceRange range, std::string reason) {
    facts_.obstacle = Obstacle{range, std::move(reason)};
    return false;
  }
  void Line(std::string line) { facts_.body.push_back(std::move(line)); }

  StageFacts& facts_;
  std::string_view file_;
  FindGlobal global_;
  SavePaths save_;
};

}  // namespace loam::convert
