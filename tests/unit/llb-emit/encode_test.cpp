#include "llb-emit/encode.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "proto/solver/pb/ops.pb.h"
#include "tests/unit/llb-emit/conformance_files.h"

namespace loam::llb {
namespace {

pb::Op BaseOp() {
  pb::Op op;
  op.add_inputs()->set_digest("sha256:00");
  op.mutable_platform()->set_os("linux");
  op.mutable_constraints();
  return op;
}

constexpr std::string_view kBase =
    "\x0a\x0b\x0a\x09sha256:00"  // inputs
    "\x52\x07\x12\x05linux"      // platform
    "\x5a\x00";                  // constraints
std::string Base() {
  return std::string(kBase.data(), kBase.size() + 1);
}  // the literal's last NUL counts

TEST(EncodeOp, PutsTheOneofLast) {
  pb::Op op = BaseOp();
  op.mutable_source()->set_identifier("local://c");
  EXPECT_EQ(EncodeOp(op), Base() + "\x1a\x0b\x0a\x09local://c");
  // What C++ protobuf does on its own: by number.
  EXPECT_NE(op.SerializeAsString(), EncodeOp(op));
}

TEST(EncodeOp, SortsMapsAndWritesEmptyValues) {
  pb::Op op;
  for (const char* key : {"c", "a", "b"}) {
    (*op.mutable_source()->mutable_attrs())[key] = key == std::string_view("b") ? "" : "1";
  }
  EXPECT_EQ(EncodeOp(op), std::string("\x1a\x17"
                                      "\x12\x06\x0a\x01"
                                      "a\x12\x01"
                                      "1"
                                      "\x12\x05\x0a\x01"
                                      "b\x12\x00"
                                      "\x12\x06\x0a\x01"
                                      "c\x12\x01"
                                      "1",
                                      25));
}

TEST(EncodeOp, KeepsWhatItDoesNotKnowAtTheEnd) {
  const std::string known = Base() + "\x1a\x0b\x0a\x09local://c";
  const std::string unknown = "\xa2\x06\x02hi";  // field 100
  pb::Op op;
  ASSERT_TRUE(op.ParseFromString(unknown + known));
  EXPECT_EQ(EncodeOp(op), known + unknown);
}

TEST(EncodeOp, EveryKindSurvives) {
  const std::vector<std::function<void(pb::Op&)>> kinds = {
      [](pb::Op& op) {
        pb::ExecOp& exec = *op.mutable_exec();
        exec.mutable_meta()->add_args("true");
        exec.mutable_meta()->add_validexitcodes(-1);
        exec.mutable_meta()->mutable_proxy_env()->set_no_proxy("x");
        pb::Mount& mount = *exec.add_mounts();
        mount.set_input(-1);
        mount.set_dest("/");
        mount.mutable_cacheopt()->set_sharing(pb::LOCKED);
        mount.set_contentcache(pb::OFF);
        exec.add_secretenv()->set_id("s");
        exec.add_cdidevices()->set_optional(true);
      },
      [](pb::Op& op) { op.mutable_source()->set_identifier("git://x"); },
      [](pb::Op& op) {
        pb::FileAction& action = *op.mutable_file()->add_actions();
        action.set_input(-1);
        action.mutable_copy()->mutable_owner()->mutable_user()->set_byid(0);
        action.mutable_copy()->set_timestamp(-1);
        op.mutable_file()->add_actions()->mutable_symlink()->set_oldpath("a");
      },
      [](pb::Op& op) { (*op.mutable_build()->mutable_inputs())["x"].set_input(1); },
      [](pb::Op& op) { op.mutable_merge()->add_inputs(); },
      [](pb::Op& op) { op.mutable_diff()->mutable_lower()->set_input(-1); },
      [](pb::Op& op) { op.mutable_passthrough()->add_outputs(3); },
  };
  for (const auto& fill : kinds) {
    pb::Op op = BaseOp();
    fill(op);
    const std::string bytes = EncodeOp(op);
    EXPECT_EQ(bytes.substr(0, Base().size()), Base());
    pb::Op read;
    ASSERT_TRUE(read.ParseFromString(bytes));
    EXPECT_EQ(read.op_case(), op.op_case());
    EXPECT_EQ(EncodeOp(read), bytes);
  }
}

TEST(EncodeOp, UserByIdZeroIsWritten) {
  pb::Op op;
  op.mutable_file()->add_actions()->mutable_mkdir()->mutable_owner()->mutable_user()->set_byid(0);
  EXPECT_EQ(EncodeOp(op), std::string("\x22\x0a\x12\x08\x32\x06\x22\x04\x0a\x02\x10\x00", 12));
}

TEST(EncodeOp, UpstreamsOpsComeOutByteForByte) {
  LOAM_SKIP_WITHOUT_CONFORMANCE();
  std::size_t ops = 0;
  for (const LlbFile& file : ReadConformanceLlb()) {
    pb::Definition definition;
    ASSERT_TRUE(definition.ParseFromString(file.bytes)) << file.name;
    for (const std::string& bytes : definition.def()) {
      pb::Op op;
      ASSERT_TRUE(op.ParseFromString(bytes)) << file.name;
      ASSERT_EQ(EncodeOp(op), bytes) << file.name << " " << op.op_case();
      ++ops;
    }
  }
  EXPECT_GT(ops, 0U);
  RecordProperty("ops", static_cast<int>(ops));
}

}  // namespace
}  // namespace loam::llb
