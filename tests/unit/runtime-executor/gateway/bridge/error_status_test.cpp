#include "runtime-executor/gateway/bridge/error_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "compiler/driver/frontend/dockerfile_frontend.h"
#include "runtime-executor/ops/op_failure.h"
#include "runtime-executor/solver/op.h"

namespace loam::gateway {
namespace {

using nlohmann::json;
using testing::ElementsAre;

std::vector<std::string> Types(const google::rpc::Status& status) {
  std::vector<std::string> types;
  for (const auto& detail : status.details()) {
    types.push_back(detail.type_url());
  }
  return types;
}

TEST(ErrorStatus, DetailsFromTheOutermostInwards) {
  Error error = Error(ErrorCode::kUnknown, "it failed").WithDetail(std::make_shared<const solver::ExitErrorDetail>(7));
  error = std::move(error).WithDetail(
      std::make_shared<const solver::VertexErrorDetail>(Digest::Of("x"), "RUN x", error.detail()));
  pb::SourceInfo info;
  info.set_filename("Dockerfile");
  info.set_data("FROM a\nRUN x\n");
  info.set_language("Dockerfile");
  pb::Range range;
  range.mutable_start()->set_line(2);
  range.mutable_end()->set_line(2);
  error = ops::WithOuterDetail<ops::SourceLocationDetail>(std::move(error), info, std::vector<pb::Range>{range});
  errdefs::Solve solve;
  solve.add_inputids("in");
  solve.add_mountids("");
  pb::Op& op = *solve.mutable_op();
  op.mutable_platform()->set_os("linux");
  pb::ExecOp& exec = *op.mutable_exec();
  exec.mutable_meta()->add_args("x");
  exec.add_mounts()->set_dest("/");
  exec.mutable_mounts(0)->set_output(-1);
  (*solve.mutable_description())["llb.customname"] = "RUN x";
  error = ops::WithOuterDetail<SolveDetail>(std::move(error), solve);

  const google::rpc::Status status = ToRpcStatus(error);
  EXPECT_EQ(status.code(), 2);
  EXPECT_EQ(status.message(), "it failed");
  EXPECT_THAT(Types(status),
              ElementsAre("github.com/moby/buildkit/errdefs.Solve+json", "github.com/moby/buildkit/errdefs.Source+json",
                          "github.com/moby/buildkit/errdefs.Vertex+json",
                          "github.com/moby/buildkit/gatewayapi.ExitMessage+json"));
  EXPECT_EQ(json::parse(status.details(0).value()), json::parse(R"({
    "inputIDs": ["in"], "mountIDs": [""],
    "op": {"exec": {"meta": {"args": ["x"]}, "mounts": [{"dest": "/", "output": -1}]}, "platform": {"OS": "linux"}},
    "description": {"llb.customname": "RUN x"}})"));
  EXPECT_EQ(json::parse(status.details(1).value()), json::parse(R"({
    "info": {"filename": "Dockerfile", "data": "RlJPTSBhClJVTiB4Cg==", "language": "Dockerfile"},
    "ranges": [{"start": {"line": 2}, "end": {"line": 2}}]})"));
  EXPECT_EQ(json::parse(status.details(2).value()), json({{"digest", Digest::Of("x").ToString()}}));
  EXPECT_EQ(json::parse(status.details(3).value()), json::parse(R"({"Code": 7})"));
}

TEST(ErrorStatus, OneofMembersLieInTheirMessage) {
  errdefs::Solve solve;
  pb::FileAction& action = *solve.mutable_op()->mutable_file()->add_actions();
  action.set_secondaryinput(-1);
  action.set_output(-1);
  action.mutable_mkdir()->set_path("/a");
  action.mutable_mkdir()->mutable_owner()->mutable_user()->set_byid(5);
  solve.mutable_file()->set_index(0);
  const Error error = Error(ErrorCode::kUnknown, "x").WithDetail(std::make_shared<const SolveDetail>(solve, nullptr));
  EXPECT_EQ(json::parse(ToRpcStatus(error).details(0).value()), json::parse(R"({
    "op": {"file": {"actions": [{"input": 0, "secondaryInput": -1, "output": -1,
                                 "mkdir": {"path": "/a", "owner": {"user": {"byID": 5}}}}]}},
    "file": {}})"));
}

TEST(ErrorStatus, WhatAFrontendReturnsIsPassedOn) {
  google::rpc::Status status;
  status.set_code(5);
  status.set_message("not there");
  status.add_details()->set_type_url("somebody.else/Detail+json");
  const Error error = FromRpcStatus(status);
  EXPECT_TRUE(error.Is(ErrorCode::kNotFound));
  EXPECT_EQ(ToRpcStatus(error).SerializeAsString(), status.SerializeAsString());
}

TEST(ErrorStatus, MissingCapability) {
  const Error error =
      Error(ErrorCode::kUnimplemented, "no")
          .WithDetail(std::make_shared<const UnsupportedDetail>(UnsupportedDetail::Kind::kFrontendCap, "moby.x"));
  const google::rpc::Status status = ToRpcStatus(error);
  EXPECT_THAT(Types(status), ElementsAre("github.com/moby/buildkit/errdefs.FrontendCap+json"));
  EXPECT_EQ(status.details(0).value(), R"({"name":"moby.x"})");
}

TEST(ErrorStatus, WhatCouldNotBeHashedIsSaidInUpstreamsWords) {
  ops::FailedFilesystems failed;
  failed.inputs = {snapshot::FsRef()};
  failed.content_input = 0;
  const Error error = ops::WithOuterDetail<ops::FailedFilesystemsDetail>(
      Error(ErrorCode::kNotFound, "/x: no such file or directory"), failed);
  EXPECT_EQ(ToRpcStatus(error).message(), "failed to compute cache key: /x: no such file or directory");
  EXPECT_EQ(ToRpcStatus(error).code(), 2);
}

TEST(ErrorStatus, ClientsLearnWhichProcessFailed) {
  const grpc::Status wire = ToWireStatus(Error(ErrorCode::kNotFound, "gone"));
  google::rpc::Status status;
  ASSERT_TRUE(status.ParseFromString(wire.error_details()));
  ASSERT_THAT(Types(status), ElementsAre("github.com/moby/buildkit/stack.Stack+json"));
  const json stack = json::parse(status.details(0).value());
  EXPECT_EQ(stack["pid"], getpid());
  std::string command;
  for (const json& argument : stack["cmdline"]) {
    command += argument.get<std::string>() + '\0';
  }
  EXPECT_EQ(command, ReadFile("/proc/self/cmdline").value());
  EXPECT_THAT(stack["frames"][0]["File"].get<std::string>(), testing::HasSubstr("error_status_test.cpp"));
  EXPECT_EQ(stack["frames"][0]["Name"], "TestBody");
}

TEST(ErrorStatus, QuestionsThatAreNotAnswered) {
  const Error error =
      Error(ErrorCode::kUnimplemented, "unsupported request x")
          .WithDetail(std::make_shared<const driver::NotSupported>(driver::NotSupported::Kind::kQuestion, "x"));
  EXPECT_THAT(Types(ToRpcStatus(error)), ElementsAre("github.com/moby/buildkit/errdefs.Subrequest+json"));
}

}  // namespace
}  // namespace loam::gateway
