// DockerfileAnalysis: what the compiler makes of a Dockerfile's text: the tree at once, the rest when it is asked for.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/lint/warning.h"
#include "compiler/source/source_manager.h"
#include "language-server/features/query.h"

namespace loam::lsp {

namespace dockerfile {
class Names;
}  // namespace dockerfile
}  // namespace loam::lsp
namespace loam::driver {
struct CompileOptions;
}
namespace loam::sema {
class BuildHost;
}

namespace loam::lsp {

// What a whole compilation found, build checks included.
struct CheckedDockerfile {
  std::vector<diag::Diagnostic> diagnostics;
  std::vector<lint::Warning> warnings;
  // Why not all checks were run; "" if they were.
  std::string failure;
};

class DockerfileAnalysis : public Analysis {
 public:
  explicit DockerfileAnalysis(const Document& document);
  ~DockerfileAnalysis() override;

  static const DockerfileAnalysis& Of(const Document& document) { return document.analysis<DockerfileAnalysis>(); }

  // Offsets in the buffer are those in the document.
  [[nodiscard]] const source::Buffer& buffer() const { return *buffer_; }
  [[nodiscard]] const ast::Dockerfile& file() const {
    if (!file_) {
      Parse();
    }
    return *file_;
  }

  // Compiled for the host's platform, all stages, with the checks that the settings ask for. Kept: the settings of a
  // document do not change without its analysis being dropped.
  const CheckedDockerfile& Check(const Query& query) const;
  // See names.h.
  const dockerfile::Names& names(StoreFacts& store) const;

 private:
  void Parse() const;
  bool Compile(const source::Buffer& buffer, const driver::CompileOptions& options, sema::BuildHost& host,
               CheckedDockerfile& checked) const;
  // Compiles the file again without the instructions that have syntax errors, each byte of theirs a blank: what is half
  // typed hides nothing of the rest.
  void CheckRest(const driver::CompileOptions& options, sema::BuildHost& host) const;

  std::unique_ptr<source::SourceManager> sources_;
  const source::Buffer* buffer_ = nullptr;
  // Made by the first that needs it: a feature, or the compilation that finds the diagnostics.
  mutable std::optional<ast::Dockerfile> file_;
  mutable std::optional<CheckedDockerfile> checked_;
  mutable std::unique_ptr<dockerfile::Names> names_;
};

inline Span SpanOf(source::SourceRange range) {
  return {range.begin, range.end};
}

}  // namespace loam::lsp
