// IR -> LLB in every form in which it is printed, and back to IR.
#include <fmt/format.h>

#include "compiler/ir/text.h"
#include "llb-emit/emit.h"
#include "llb-emit/import.h"
#include "llb-emit/print.h"
#include "tests/golden/compare.h"

namespace {

using namespace loam;

Result<golden::Outputs> Make(std::string_view text) {
  const ir::Module module = LOAM_TRY(ir::ParseModule(text));
  const llb::Definition definition = LOAM_TRY(llb::Emit(module, module.results.at(0).fs));
  const llb::Graph graph = LOAM_TRY(llb::ReadDefinition(definition.bytes));
  // The module that is imported from the LLB must be emitted as the same bytes.
  const ir::Module imported = LOAM_TRY(llb::ImportModule(graph));
  const llb::Definition again = LOAM_TRY(llb::Emit(imported, imported.results.at(0).fs));
  return golden::Outputs{
      {".txt", llb::PrintText(graph)},
      {".json", llb::PrintJson(graph)},
      {".dot", llb::PrintDot(graph)},
      {".digests", llb::PrintDigests(graph)},
      {".imported", again.bytes == definition.bytes ? ir::PrintModule(imported) : "importing loses something\n"}};
}

}  // namespace

int main(int argc, char** argv) {
  return golden::RunGolden(argc, argv, LOAM_GOLDEN_DIR, ".ir",
                           [](const source::SourceManager&, const source::Buffer& buffer) -> golden::Outputs {
                             const Result<golden::Outputs> made = Make(buffer.text());
                             return made ? *made : golden::Outputs{{".txt", made.error().message() + "\n"}};
                           });
}
