// A Dockerfile taken from text to typed tree, for tests.
#pragma once

#include <string>

#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/parse/parse.h"

namespace loam::ast {

struct Parsed {
  source::SourceManager sources;
  const source::Buffer* buffer;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter{consumer};
  Dockerfile dockerfile;

  explicit Parsed(std::string text, const BuildOptions& options = {})
      : buffer(*sources.AddText("Dockerfile", std::move(text))),
        dockerfile(BuildDockerfile(parse::ParseDockerfile(*buffer, emitter).tree, *buffer, emitter, options)) {}

  template <class T>
  const T& Get(std::size_t i) const {
    const T* node = As<T>(dockerfile.instructions[i]);
    EXPECT_NE(node, nullptr);
    return *node;
  }
};

}  // namespace loam::ast
