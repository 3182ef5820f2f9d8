// One folder a pass: IR before, and beside it what the pass says it changed and the IR after.
#include <fmt/format.h>

#include "compiler/ir/text.h"
#include "compiler/passes/pass_manager.h"
#include "tests/golden/compare.h"

namespace {

using namespace loam;

Result<std::string> Make(std::string_view text, std::string_view pass) {
  ir::Module module = LOAM_TRY(ir::ParseModule(text));
  const passes::PassReport report = LOAM_TRY(passes::RunPass(module, pass));
  std::string out;
  for (const std::string& change : report.changes) {
    out += fmt::format("# {}\n", change);
  }
  out += fmt::format("# {} -> {} nodes\n", report.nodes_before, report.nodes_after);
  out += ir::PrintModule(module, {.metadata = true, .reachable_only = false});
  // A second run must find nothing left to do.
  const passes::PassReport second = LOAM_TRY(passes::RunPass(module, pass));
  return second.changes.empty() ? out : fmt::format("the second run: {}\n", second.changes[0]);
}

}  // namespace

int main(int argc, char** argv) {
  int code = 0;
  for (const std::string_view pass : passes::PassNames()) {
    fmt::print("{}: ", pass);
    std::fflush(stdout);
    code |= golden::RunGolden(argc, argv, fmt::format("{}/{}", LOAM_GOLDEN_DIR, pass), ".ir",
                              [pass](const source::SourceManager&, const source::Buffer& buffer) -> golden::Outputs {
                                const Result<std::string> made = Make(buffer.text(), pass);
                                return {{".out", made ? *made : made.error().message() + "\n"}};
                              });
  }
  return code;
}
