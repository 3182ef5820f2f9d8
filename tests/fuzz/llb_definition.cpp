// Bytes -> graph -> every printed form -> IR -> passes -> LLB again.
#include <string_view>

#include "base/check.h"
#include "compiler/ir/verifier.h"
#include "compiler/passes/pass_manager.h"
#include "llb-emit/emit.h"
#include "llb-emit/import.h"
#include "llb-emit/print.h"
#include "llb-emit/read.h"
#include "tests/fuzz/target.h"

namespace {

using namespace loam;

// All ops of the result, by digest, are there again.
bool SameOps(const llb::Graph& graph, const llb::Definition& again) {
  for (const llb::VertexIndex index : graph.order()) {
    const Digest& digest = graph.vertex(index).digest;
    bool found = false;
    for (const llb::EmittedOp& op : again.ops) {
      found = found || op.digest == digest;
    }
    if (!found) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto graph = llb::ReadDefinition(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!graph) {
    return 0;
  }
  static_cast<void>(llb::PrintDigests(*graph));
  static_cast<void>(llb::PrintText(*graph));
  static_cast<void>(llb::PrintJson(*graph));
  static_cast<void>(llb::PrintDot(*graph));
  auto module = llb::ImportModule(*graph);
  if (!module || module->results.empty() || !ir::Verify(*module)) {
    return 0;
  }
  if (const auto again = llb::Emit(*module, module->results.front().fs)) {
    LOAM_CHECK(SameOps(*graph, *again), "importing and emitting changes an op");
  }
  const auto reports = passes::RunPasses(*module, {.level = passes::OptLevel::kO1, .verify = true});
  LOAM_CHECK(reports || !reports.error().Is(ErrorCode::kInternal), "a pass broke the module");
  return 0;
}
