// An evaluation over Earthfiles in memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/driver/earthfile/dockerfile_compiler.h"
#include "compiler/ir/text.h"
#include "compiler/sema/earthfile/evaluate.h"
#include "compiler/sema/earthfile/project.h"
#include "tests/support/earthfile_hosts.h"

namespace loam::sema::earthfile {

class Evaluation : public ::testing::Test {
 protected:
  Evaluation();

  // Evaluates roots of `Earthfile`: "VERSION 0.8\n" is put in front of a text without one. True if it worked.
  bool Run(std::string_view earthfile, std::vector<std::string> roots = {"+t"});
  // The steps that the result of the first root needs, one a line: "exec /bin/sh -c make", "file copy /a -> /b", ….
  std::vector<std::string> Steps() { return Steps(outcome_->roots.at(0)); }
  std::vector<std::string> Steps(ir::Value fs);
  // Messages of all diagnostics with their notes.
  std::string Mistakes();
  // The whole graph as text.
  std::string Text(ir::Value fs);
  // env of the last exec of the first root.
  std::vector<std::string> LastEnv();
  const ir::ExecAttrs* LastExec();

  MemoryProjectHost projects_;
  TableBuildHost host_;
  NotingEffects effects_;
  Gate gate_;
  source::SourceManager sources_;
  diag::CollectingConsumer consumer_;
  EvaluateRequest request_;
  std::unique_ptr<Project> project_;
  std::optional<EvaluateOutcome> outcome_;
  std::optional<Error> error_;
};

}  // namespace loam::sema::earthfile
