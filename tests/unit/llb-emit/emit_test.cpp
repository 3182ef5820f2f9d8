#include "llb-emit/emit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llb-emit/encode.h"
#include "proto/solver/pb/ops.pb.h"
#include "tests/unit/llb-emit/sample_module.h"

namespace loam::llb {
namespace {

using ::testing::HasSubstr;

pb::Op OpAt(const Definition& definition, std::size_t index) {
  pb::Op op;
  EXPECT_TRUE(op.ParseFromString(std::string(definition.OpBytes(index))));
  return op;
}

TEST(Emit, ScratchIsAnEmptyDefinition) {
  const ir::Module module;
  const Result<Definition> definition = Emit(module, {});
  ASSERT_TRUE(definition);
  EXPECT_TRUE(definition->bytes.empty());
  EXPECT_TRUE(definition->ops.empty());
  EXPECT_TRUE(definition->head.empty());
}

TEST(Emit, OpsComeInPostOrderAndNameTheirInputs) {
  const ir::Module module = SampleModule();
  const Result<Definition> definition = Emit(module, module.results[0].fs);
  ASSERT_TRUE(definition);
  ASSERT_EQ(definition->ops.size(), 4U);
  EXPECT_TRUE(OpAt(*definition, 0).has_source());
  EXPECT_EQ(OpAt(*definition, 1).inputs(0).digest(), definition->ops[0].digest.ToString());
  EXPECT_EQ(OpAt(*definition, 2).inputs(0).digest(), definition->ops[1].digest.ToString());
  const pb::Op last = OpAt(*definition, 3);
  EXPECT_EQ(last.op_case(), pb::Op::OP_NOT_SET);
  EXPECT_EQ(last.inputs(0).digest(), definition->head.ToString());
  EXPECT_EQ(definition->head, definition->ops[2].digest);
  for (std::size_t i = 0; i < definition->ops.size(); ++i) {
    EXPECT_EQ(definition->ops[i].digest, Digest::Of(definition->OpBytes(i)));
    EXPECT_EQ(EncodeOp(OpAt(*definition, i)), definition->OpBytes(i));
  }
}

TEST(Emit, ProtobufReadsTheSameBack) {
  const ir::Module module = SampleModule();
  const Result<Definition> definition = Emit(module, module.results[0].fs);
  ASSERT_TRUE(definition);
  const pb::Definition proto = ToProto(*definition);
  EXPECT_EQ(EncodeDefinition(proto), definition->bytes);
  EXPECT_EQ(proto.metadata_size(), 4);
  const pb::OpMetadata& run = proto.metadata().at(definition->ops[1].digest.ToString());
  EXPECT_EQ(run.description().at("llb.customname"), "[build 2/2] RUN make");
  EXPECT_EQ(run.progress_group().name(), "group");
  EXPECT_TRUE(run.caps().at("exec.mount.bind"));
  const pb::Locations& at = proto.source().locations().at(definition->ops[1].digest.ToString());
  ASSERT_EQ(at.locations_size(), 1);
  EXPECT_EQ(at.locations(0).ranges(0).end().character(), 8);
  ASSERT_EQ(proto.source().infos_size(), 1);
  EXPECT_EQ(proto.source().infos(0).data(), "FROM alpine\nRUN make\n");
}

TEST(Emit, LastOpSaysWhatTheMetadataNeeds) {
  ir::Module module;
  const ir::Value image = AddImage(module.graph, "a");
  ir::Metadata metadata;
  metadata.ignore_cache = true;
  metadata.export_cache = false;
  module.graph.Annotate(image, metadata);
  const Result<Definition> definition = Emit(module, image);
  ASSERT_TRUE(definition);
  const pb::Definition proto = ToProto(*definition);
  const auto& caps = proto.metadata().at(definition->ops[1].digest.ToString()).caps();
  EXPECT_TRUE(caps.contains("constraints"));
  EXPECT_TRUE(caps.contains("platform"));
  EXPECT_TRUE(caps.contains("meta.ignorecache"));
  EXPECT_TRUE(caps.contains("meta.exportcache"));
  EXPECT_FALSE(caps.contains("meta.description"));
  EXPECT_TRUE(proto.metadata().at(definition->ops[0].digest.ToString()).has_export_cache());
}

TEST(Emit, WithoutMetadataOnlyOps) {
  const ir::Module module = SampleModule();
  const Result<Definition> with = Emit(module, module.results[0].fs);
  const Result<Definition> without = Emit(module, module.results[0].fs, {.metadata = false});
  ASSERT_TRUE(with && without);
  EXPECT_EQ(ToProto(*without).metadata_size(), 0);
  EXPECT_FALSE(ToProto(*without).has_source());
  EXPECT_EQ(without->head, with->head);
  EXPECT_TRUE(with->bytes.starts_with(without->bytes));
}

TEST(Emit, NodesThatLlbCannotTellApartAreOneVertex) {
  ir::Module module;
  ir::Graph& graph = module.graph;
  const auto open_context = [&graph](std::string_view name) {
    const ir::Value value = graph.AddOpen(ir::OpKind::kSourceLocal);
    Name(graph, value, name);
    graph.Close<ir::OpKind::kSourceLocal>(value, {.identifier = "context", .attrs = {}});
    return value;
  };
  const ir::Value first = open_context("first");
  const ir::Value second = open_context("second");
  ASSERT_NE(first, second);
  const std::vector<ir::Value> layers = {first, second};
  const ir::Value merge = graph.Add<ir::OpKind::kMerge>(layers, {});
  const Result<Definition> definition = Emit(module, merge);
  ASSERT_TRUE(definition);
  ASSERT_EQ(definition->ops.size(), 3U);
  const pb::Op op = OpAt(*definition, 1);
  EXPECT_EQ(op.inputs(0).digest(), op.inputs(1).digest());
  // Upstream merges the metadata, the later name wins.
  EXPECT_EQ(ToProto(*definition).metadata().at(definition->ops[0].digest.ToString()).description().at("llb.customname"),
            "second");
}

TEST(Emit, SourceFilesAreNumberedAsOpsReferToThem) {
  ir::Module module;
  module.sources.resize(3);
  module.sources[0].filename = "unused";
  module.sources[1].filename = "b";
  module.sources[2].filename = "c";
  const ir::Value image = AddImage(module.graph, "a");
  const std::vector<ir::SourceLocation> locations = {{.source = 2, .ranges = {}}, {.source = 1, .ranges = {}}};
  ir::Metadata metadata;
  metadata.locations = locations;
  module.graph.Annotate(image, metadata);
  const Result<Definition> definition = Emit(module, image);
  ASSERT_TRUE(definition);
  const pb::Definition proto = ToProto(*definition);
  ASSERT_EQ(proto.source().infos_size(), 2);
  EXPECT_EQ(proto.source().infos(0).filename(), "c");
  EXPECT_EQ(proto.source().infos(1).filename(), "b");
  EXPECT_EQ(proto.source().locations().begin()->second.locations(1).sourceindex(), 1);
}

TEST(Emit, ASourceFileMayLieInAState) {
  ir::Module module;
  const ir::Value context = AddContext(module.graph, "[\"Dockerfile\"]");
  module.sources.push_back({.filename = "Dockerfile", .language = {}, .data = "x", .state = context});
  const ir::Value image = AddImage(module.graph, "a");
  const std::vector<ir::SourceLocation> locations = {{.source = 0, .ranges = {}}};
  ir::Metadata metadata;
  metadata.locations = locations;
  module.graph.Annotate(image, metadata);
  const Result<Definition> definition = Emit(module, image);
  ASSERT_TRUE(definition);
  EXPECT_EQ(ToProto(*definition).source().infos(0).definition().def_size(), 2);
}

TEST(Emit, RefusesSourcesThatLieInEachOther) {
  ir::Module module;
  const ir::Value image = AddImage(module.graph, "a");
  module.sources.push_back({.filename = "loop", .language = {}, .data = {}, .state = image});
  const std::vector<ir::SourceLocation> locations = {{.source = 0, .ranges = {}}};
  ir::Metadata metadata;
  metadata.locations = locations;
  module.graph.Annotate(image, metadata);
  const Result<Definition> definition = Emit(module, image);
  ASSERT_FALSE(definition);
  EXPECT_THAT(definition.error().message(), HasSubstr("`loop`"));
}

TEST(Emit, RefusesWhatLlbDoesNotHave) {
  ir::Module module;
  const ir::Value image = AddImage(module.graph, "a");
  const ir::Value artifact = module.graph.Add<ir::OpKind::kArtifactExtract>({{image}}, {.path = "/x"});
  const ir::Value fs = module.graph.Add<ir::OpKind::kArtifactFs>({{artifact}}, {});
  const Result<Definition> definition = Emit(module, fs);
  ASSERT_FALSE(definition);
  EXPECT_EQ(definition.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(definition.error().message(), HasSubstr("artifact.extract"));

  const ir::Value open = module.graph.AddOpen(ir::OpKind::kSourceLocal);
  EXPECT_THAT(Emit(module, open).error().message(), HasSubstr("never closed"));
}

TEST(Emit, RefusesTextThatIsNotUtf8) {
  ir::Module module;
  const Result<Definition> definition = Emit(module, AddRun(module.graph, AddImage(module.graph, "a"), "echo caf\xE9"));
  ASSERT_FALSE(definition);
  EXPECT_EQ(definition.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(definition.error().message(), HasSubstr("UTF-8"));
}

// A deep chain and many ops: nothing recurses, and finding equal ops stays fast.
TEST(Emit, HandlesLargeGraphs) {
  ir::Module module;
  ir::Value value = AddImage(module.graph, "a");
  for (int i = 0; i < 20000; ++i) {
    value = AddRun(module.graph, value, fmt::format("step {}", i));
  }
  const Result<Definition> definition = Emit(module, value);
  ASSERT_TRUE(definition);
  EXPECT_EQ(definition->ops.size(), 20002U);
}

}  // namespace
}  // namespace loam::llb
