#include "llb-emit/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "llb-emit/emit.h"
#include "llb-emit/encode.h"
#include "llb-emit/import.h"
#include "llb-emit/print.h"
#include "llb-emit/validate.h"
#include "tests/unit/llb-emit/conformance_files.h"
#include "tests/unit/llb-emit/sample_module.h"

namespace loam::llb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string SampleBytes() {
  const ir::Module module = SampleModule();
  return Emit(module, module.results[0].fs).value().bytes;
}

// Definitions made by hand: ops one after the other, each free to name earlier ones by their digest.
class DefinitionBuilder {
 public:
  std::string Add(const std::function<void(pb::Op&)>& fill) {
    pb::Op op;
    fill(op);
    return AddBytes(EncodeOp(op));
  }
  std::string AddBytes(const std::string& bytes) {
    definition_.add_def(bytes);
    return Digest::Of(bytes).ToString();
  }
  std::string AddImage() {
    return Add([](pb::Op& op) { op.mutable_source()->set_identifier("docker-image://a"); });
  }
  void AddLast(const std::string& digest, std::int64_t index = 0) {
    Add([&](pb::Op& op) {
      op.add_inputs()->set_digest(digest);
      op.mutable_inputs(0)->set_index(index);
    });
  }
  pb::Definition& definition() { return definition_; }
  [[nodiscard]] std::string Error() const {
    const Result<Graph> graph = ReadDefinition(EncodeDefinition(definition_));
    if (graph) {
      return "";
    }
    EXPECT_EQ(graph.error().code(), ErrorCode::kInvalidArgument);
    return graph.error().message();
  }

 private:
  pb::Definition definition_;
};

// The error for an op over one image.
std::string ErrorOfOp(const std::function<void(pb::Op&)>& fill) {
  DefinitionBuilder builder;
  const std::string image = builder.AddImage();
  const std::string digest = builder.Add([&](pb::Op& op) {
    op.add_inputs()->set_digest(image);
    fill(op);
  });
  builder.AddLast(digest);
  return builder.Error();
}

void FillExec(pb::Op& op) {
  op.mutable_exec()->mutable_meta()->add_args("true");
  op.mutable_exec()->add_mounts()->set_dest("/");
}

TEST(ReadDefinition, IndexesTheGraph) {
  const Result<Graph> graph = ReadDefinition(SampleBytes());
  ASSERT_TRUE(graph) << graph.error().message();
  ASSERT_EQ(graph->vertices().size(), 3U);
  EXPECT_EQ(graph->op_digests().size(), 4U);
  EXPECT_EQ(graph->root(), (Edge{VertexIndex(2), 0}));
  EXPECT_THAT(graph->order(), ElementsAre(VertexIndex(0), VertexIndex(1), VertexIndex(2)));
  const Vertex& run = graph->vertex(VertexIndex(1));
  EXPECT_THAT(run.inputs, ElementsAre(Edge{VertexIndex(0), 0}));
  ASSERT_NE(run.metadata, nullptr);
  EXPECT_EQ(run.metadata->description().at("llb.customname"), "[build 2/2] RUN make");
  ASSERT_NE(run.locations, nullptr);
  EXPECT_EQ(graph->Find(run.digest), &run);
  EXPECT_EQ(graph->Find(Digest::Of("other")), nullptr);
  EXPECT_EQ(Digest::Of(run.bytes), run.digest);
}

TEST(ReadDefinition, ScratchHasNoVertices) {
  const Result<Graph> empty = ReadDefinition("");
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->is_scratch());
  DefinitionBuilder builder;
  builder.Add([](pb::Op&) {});
  const Result<Graph> no_input = ReadDefinition(EncodeDefinition(builder.definition()));
  ASSERT_TRUE(no_input);
  EXPECT_TRUE(no_input->is_scratch());
}

TEST(ReadDefinition, AnyOrderOfOpsWillDo) {
  DefinitionBuilder ordered;
  const std::string image = ordered.AddImage();
  const std::string run = ordered.Add([&](pb::Op& op) {
    op.add_inputs()->set_digest(image);
    FillExec(op);
  });
  ordered.AddLast(run);
  pb::Definition definition = ordered.definition();
  definition.mutable_def()->SwapElements(0, 1);
  const Result<Graph> graph = ReadDefinition(EncodeDefinition(definition));
  ASSERT_TRUE(graph) << graph.error().message();
  EXPECT_THAT(graph->order(), ElementsAre(VertexIndex(1), VertexIndex(0)));
}

TEST(ReadDefinition, KeepsOpsThatNothingNeedsAndEqualOnesOnce) {
  DefinitionBuilder builder;
  const std::string image = builder.AddImage();
  builder.AddImage();
  builder.Add([](pb::Op& op) { op.mutable_source()->set_identifier("docker-image://b"); });
  builder.AddLast(image);
  const Result<Graph> graph = ReadDefinition(EncodeDefinition(builder.definition()));
  ASSERT_TRUE(graph);
  ASSERT_EQ(graph->vertices().size(), 2U);
  EXPECT_TRUE(graph->vertices()[0].reachable);
  EXPECT_FALSE(graph->vertices()[1].reachable);
  EXPECT_EQ(graph->op_digests().size(), 4U);
}

TEST(ReadDefinition, SaysWhatIsWrongWithTheGraph) {
  EXPECT_THAT(ReadDefinition("\x0a\x7fgarbage").error().message(), HasSubstr("no LLB definition"));
  {
    DefinitionBuilder builder;
    builder.AddBytes("\x0a\x05x");
    builder.AddLast("sha256:00");
    EXPECT_THAT(builder.Error(), HasSubstr("is no LLB op"));
  }
  {
    DefinitionBuilder builder;
    builder.AddImage();
    builder.AddLast(Digest::Of("missing").ToString());
    EXPECT_THAT(builder.Error(), HasSubstr("is missing in the definition"));
  }
  {
    DefinitionBuilder builder;
    builder.AddImage();
    builder.AddLast("sha256:xyz");
    EXPECT_THAT(builder.Error(), HasSubstr("invalid digest"));
  }
  for (const std::int64_t index : {std::int64_t{-1}, std::int64_t{1}, std::int64_t{1} << 40}) {
    DefinitionBuilder builder;
    builder.AddLast(builder.AddImage(), index);
    EXPECT_THAT(builder.Error(), HasSubstr("has no output"));
  }
  {
    DefinitionBuilder builder;
    builder.AddImage();
    EXPECT_THAT(builder.Error(), HasSubstr("is the last one"));
  }
  {
    DefinitionBuilder builder;
    const std::string image = builder.AddImage();
    builder.Add([&](pb::Op& op) {
      op.add_inputs()->set_digest(image);
      op.add_inputs()->set_digest(image);
    });
    EXPECT_THAT(builder.Error(), HasSubstr("is the last one"));
  }
  {
    DefinitionBuilder builder;
    builder.AddLast(builder.AddImage());
    (*builder.definition().mutable_source()->mutable_locations())["x"].add_locations()->set_sourceindex(1);
    EXPECT_THAT(builder.Error(), HasSubstr("source 1"));
  }
}

TEST(ReadDefinition, SaysWhatIsWrongWithAnOp) {
  EXPECT_EQ(ErrorOfOp(FillExec), "");
  EXPECT_THAT(ErrorOfOp([](pb::Op&) {}), HasSubstr("no known kind"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_exec(); }), HasSubstr("without meta"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_exec()->mutable_meta(); }), HasSubstr("without arguments"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_exec()->mutable_meta()->add_args("x"); }),
              HasSubstr("without mounts"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) {
                FillExec(op);
                op.mutable_exec()->mutable_mounts(0)->set_dest("/x");
              }),
              HasSubstr("without a mount at `/`"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) {
                FillExec(op);
                op.mutable_exec()->mutable_mounts(0)->set_input(1);
              }),
              HasSubstr("is 1, but there is only 1"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) {
                FillExec(op);
                op.mutable_exec()->mutable_mounts(0)->set_output(std::int64_t{1} << 62);
              }),
              HasSubstr("output"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) {
                FillExec(op);
                op.mutable_exec()->mutable_mounts(0)->set_mounttype(static_cast<pb::MountType>(77));
              }),
              HasSubstr("unknown kind"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_source(); }), HasSubstr("without an identifier"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_file(); }), HasSubstr("without actions"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_file()->add_actions(); }), HasSubstr("nothing that is known"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) {
                pb::FileAction& action = *op.mutable_file()->add_actions();
                action.mutable_mkdir();
                action.set_input(1);  // its own result
              }),
              HasSubstr("the input of action 0"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) {
                op.mutable_file()
                    ->add_actions()
                    ->mutable_mkdir()
                    ->mutable_owner()
                    ->mutable_group()
                    ->mutable_byname()
                    ->set_input(5);
              }),
              HasSubstr("knows the user"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_diff(); }), HasSubstr("lower or upper"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_merge()->add_inputs()->set_input(9); }), HasSubstr("is 9"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_build()->set_builder(-2); }), HasSubstr("the builder is -2"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_passthrough(); }), HasSubstr("without an id"));
  EXPECT_THAT(ErrorOfOp([](pb::Op& op) { op.mutable_passthrough()->set_id("x"); }), HasSubstr("without outputs"));
}

// No definition can hold a cycle, as digests would have to; the check stands anyway.
TEST(TopologicalOrder, FindsCycles) {
  EXPECT_THAT(TopologicalOrder({{1, 2}, {2}, {}}, 0).value(), ElementsAre(2U, 1U, 0U));
  EXPECT_THAT(TopologicalOrder({{1}, {2}, {1}}, 0).error().message(), HasSubstr("needs itself"));
  EXPECT_FALSE(TopologicalOrder({{0}}, 0));
}

TEST(ReadDefinition, LimitsWhatItReads) {
  const std::string bytes = SampleBytes();
  EXPECT_EQ(ReadDefinition(bytes, {.bytes = 10}).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(ReadDefinition(bytes, {.vertices = 3}).error().code(), ErrorCode::kResourceExhausted);
}

// Reads, and if it can be read, does everything that can be done with it.
void Exercise(const std::string& bytes) {
  const Result<Graph> graph = ReadDefinition(bytes);
  if (!graph) {
    EXPECT_FALSE(graph.error().message().empty());
    return;
  }
  EXPECT_FALSE(PrintText(*graph).empty());
  EXPECT_FALSE(PrintDot(*graph).empty());
  EXPECT_FALSE(graph->op_digests().size() != 0 && PrintJson(*graph).empty());
  EXPECT_EQ(PrintDigests(*graph).size(), graph->op_digests().size() * 72);
  if (Result<ir::Module> module = ImportModule(*graph)) {
    static_cast<void>(Emit(*module, module->results[0].fs));
  }
}

// The op bytes are digested, so mutations there make inputs go missing; half of the rounds mend the digests.
TEST(ReadDefinition, SurvivesMutatedBytes) {
  std::vector<std::string> seeds = {SampleBytes()};
  for (const LlbFile& file : ReadConformanceLlb()) {
    if (file.bytes.size() < 6000 && seeds.size() < 20) {
      seeds.push_back(file.bytes);
    }
  }
  std::mt19937 random(1);
  const auto below = [&random](std::size_t count) { return random() % count; };
  const auto mutate = [&](std::string& bytes) {
    if (bytes.empty()) {
      return;
    }
    switch (below(4)) {
      case 0:
        bytes[below(bytes.size())] = static_cast<char>(below(256));
        break;
      case 1:
        bytes.resize(below(bytes.size()));
        break;
      case 2:
        bytes.insert(below(bytes.size()), 1, static_cast<char>(below(256)));
        break;
      default:
        bytes.erase(below(bytes.size()), 1 + below(4));
    }
  };
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = seeds[below(seeds.size())];
    if (round % 2 == 0) {
      mutate(bytes);
      Exercise(bytes);
      continue;
    }
    // Mutate one op and rename it in the ops after it.
    pb::Definition definition;
    ASSERT_TRUE(definition.ParseFromString(bytes));
    const int chosen = static_cast<int>(below(static_cast<std::size_t>(definition.def_size())));
    std::string op_bytes = definition.def(chosen);
    std::string old_digest = Digest::Of(op_bytes).ToString();
    mutate(op_bytes);
    definition.set_def(chosen, op_bytes);
    for (int i = chosen + 1; i < definition.def_size(); ++i) {
      std::string later = definition.def(i);
      const std::string new_digest = Digest::Of(definition.def(chosen)).ToString();
      for (std::size_t at = later.find(old_digest); at != std::string::npos;
           at = later.find(old_digest, at + new_digest.size())) {
        later.replace(at, old_digest.size(), new_digest);
      }
      definition.set_def(i, later);
    }
    Exercise(EncodeDefinition(definition));
  }
}

}  // namespace
}  // namespace loam::llb
