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

// What a foreign encoder wrote may have other bytes than ours, but once emitted it stays as it is.
void CheckFixpoint(const llb::Definition& definition) {
  const auto graph = llb::ReadDefinition(definition.bytes);
  LOAM_CHECK(graph, "what was emitted cannot be read");
  if (graph->is_scratch()) {
    return;
  }
  const auto module = llb::ImportModule(*graph);
  LOAM_CHECK(module && !module->results.empty(), "what was emitted cannot be imported");
  const auto again = llb::Emit(*module, module->results.front().fs);
  LOAM_CHECK(again && again->head == definition.head, "importing and emitting changes an op");
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
  if (const auto emitted = llb::Emit(*module, module->results.front().fs)) {
    CheckFixpoint(*emitted);
  }
  const auto reports = passes::RunPasses(*module, {.level = passes::OptLevel::kO1, .verify = true});
  LOAM_CHECK(reports || !reports.error().Is(ErrorCode::kInternal), "a pass broke the module");
  return 0;
}
