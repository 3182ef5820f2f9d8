// EarthfileAnalysis: what the compiler makes of an Earthfile's text: the tree and its names at once, the checks when
// they are asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ast/earthfile/ast.h"
#include "compiler/driver/lint/finding.h"
#include "compiler/sema/earthfile/features.h"
#include "compiler/sema/earthfile/symbols.h"
#include "compiler/source/source_manager.h"
#include "compiler/syntax/earth_tree.h"
#include "language-server/features/query.h"

namespace loam::lsp {

class EarthfileAnalysis : public Analysis {
 public:
  explicit EarthfileAnalysis(const Document& document);

  static const EarthfileAnalysis& Of(const Document& document) { return document.analysis<EarthfileAnalysis>(); }

  // Offsets in the buffer are those in the document.
  [[nodiscard]] const source::Buffer& buffer() const { return *buffer_; }
  [[nodiscard]] const ast::earthfile::Earthfile& file() const { return file_; }
  [[nodiscard]] const sema::earthfile::FileSymbols& symbols() const { return symbols_; }
  // Of VERSION; those of 0.8 if it is missing or wrong.
  [[nodiscard]] const sema::earthfile::Features& features() const { return features_; }

  // Mistakes, warnings of the static check over the project, and lint. Kept until a document of the workspace changes.
  const std::vector<driver::findings::Finding>& Check(const Query& query) const;
  // Why the last Check did not run all checks; "" if it did.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  std::unique_ptr<source::SourceManager> sources_;
  const source::Buffer* buffer_ = nullptr;
  std::vector<diag::Diagnostic> syntax_;
  ast::earthfile::Earthfile file_;
  sema::earthfile::FileSymbols symbols_;
  sema::earthfile::Features features_;
  mutable std::unique_ptr<source::SourceManager> check_sources_;
  mutable std::vector<driver::findings::Finding> findings_;
  mutable std::string failure_;
};

namespace earthfile {

inline Span SpanOf(source::SourceRange range) {
  return {range.begin, range.end};
}

}  // namespace earthfile

}  // namespace loam::lsp
