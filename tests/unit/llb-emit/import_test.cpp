#include "llb-emit/import.h"

#include <gtest/gtest.h>

#include "llb-emit/emit.h"
#include "llb-emit/encode.h"
#include "tests/unit/llb-emit/conformance_files.h"

namespace loam::llb {
namespace {

// Real graphs: reading, importing and emitting them again gives the same bytes: ops, their order, metadata, locations.
TEST(ImportModule, UpstreamsDefinitionsComeOutByteForByte) {
  LOAM_SKIP_WITHOUT_CONFORMANCE();
  int files = 0;
  for (const LlbFile& file : ReadConformanceLlb()) {
    Result<Graph> graph = ReadDefinition(file.bytes);
    ASSERT_TRUE(graph) << file.name << ": " << graph.error().message();
    Result<ir::Module> module = ImportModule(*graph);
    ASSERT_TRUE(module) << file.name << ": " << module.error().message();
    ASSERT_EQ(module->results.size(), 1U);
    Result<Definition> emitted = Emit(*module, module->results[0].fs);
    ASSERT_TRUE(emitted) << file.name << ": " << emitted.error().message();
    const pb::Definition made = ToProto(*emitted);
    ASSERT_EQ(made.def_size(), graph->definition().def_size()) << file.name;
    for (int i = 0; i < made.def_size(); ++i) {
      ASSERT_EQ(made.def(i), graph->definition().def(i)) << file.name << " op " << i;
      ASSERT_EQ(emitted->ops[static_cast<std::size_t>(i)].digest, graph->op_digests()[static_cast<std::size_t>(i)]);
      ASSERT_EQ(emitted->OpBytes(static_cast<std::size_t>(i)), made.def(i));
    }
    ASSERT_EQ(emitted->bytes, EncodeDefinition(graph->definition())) << file.name;
    // Every capability follows from its op: none had to be carried over.
    for (const EmittedOp& op : emitted->ops) {
      if (op.node != ir::Value::kNone) {
        const ir::Metadata metadata = module->graph.MergedMetadata(ir::NodeId(op.node));
        EXPECT_TRUE(metadata.extra_caps.empty()) << file.name << " " << metadata.extra_caps[0];
      }
    }
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace loam::llb
