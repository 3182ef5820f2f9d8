#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/runtime-executor/solver/fake_ops.h"

namespace loam::solver::testing {
namespace {

TEST(SolverTest, DiamondRunsEachVertexOnce) {
  Fixture f;
  GraphBuilder g;
  const Vertex* a = g.Add("a", {});
  const Vertex* b = g.Add("b", {}, {{a, 0}});
  const Vertex* c = g.Add("c", {}, {{a, 0}});
  const Vertex* d = g.Add("d", {}, {{b, 0}, {c, 0}});
  EXPECT_EQ(f.Build(g.graph(), d).value(), "d(b(a(),),c(a(),),)");
  for (const char* name : {"a", "b", "c", "d"}) {
    EXPECT_EQ(f.log.count(name), 1) << name;
  }
}

// Who prunes right after a build finds nothing in use.
TEST(SolverTest, NothingHoldsResultsWhenTheJobHasEnded) {
  Fixture f;
  FakeOp by_content;
  by_content.content = {true, true};
  for (int i = 0; i < 300; ++i) {
    GraphBuilder g;
    const std::string name = std::to_string(i);
    const Vertex* a = g.Add("a" + name, {});
    const Vertex* b = g.Add("b" + name, {});
    ASSERT_TRUE(f.Build(g.graph(), g.Add("c" + name, by_content, {{a, 0}, {b, 0}})).has_value());
    ASSERT_EQ(FakeResult::alive, 0) << "after build " << i;
  }
}

TEST(SolverTest, BranchesRunAtTheSameTime) {
  Fixture f;
  GraphBuilder g;
  Gate b_runs, c_runs;
  FakeOp b_op, c_op;
  b_op.on_run = [&](OpContext&) { b_runs.Open(), c_runs.Wait(); };
  c_op.on_run = [&](OpContext&) { c_runs.Open(), b_runs.Wait(); };
  const Vertex* b = g.Add("b", b_op);
  const Vertex* c = g.Add("c", c_op);
  EXPECT_TRUE(f.Build(g.graph(), g.Add("d", {}, {{b, 0}, {c, 0}})).has_value());
}

TEST(SolverTest, UnchangedBuildRunsNothingAndLoadsOnlyItsEnd) {
  Fixture f;
  GraphBuilder g;
  const Vertex* last = g.Add("0", {});
  for (int i = 1; i < 40; ++i) {
    last = g.Add(std::to_string(i), {}, {{last, 0}});
  }
  const std::string value = f.Build(g.graph(), last).value();
  f.log.Clear();
  f.Restart();
  EXPECT_EQ(f.Build(g.graph(), last).value(), value);
  EXPECT_EQ(f.log.total(), 0);
  EXPECT_EQ(f.results.loads, 1);
  EXPECT_TRUE(f.sink->Last("0")->cached);
  EXPECT_TRUE(f.sink->Last("0")->completed.has_value());
  EXPECT_TRUE(f.sink->Last("39")->cached);
}

TEST(SolverTest, ContentKeyHitsWhenTheDefinitionDiffers) {
  Fixture f;
  const auto build = [&](const std::string& source) {
    GraphBuilder g;
    FakeOp op;
    op.op = source;
    op.value = "same";
    const Vertex* from = g.Add("from", op);
    FakeOp copy;
    copy.content = {true};
    return f.Build(g.graph(), g.Add("run", {}, {{g.Add("copy", copy, {{from, 0}}), 0}})).value();
  };
  const std::string value = build("v1");
  EXPECT_EQ(f.log.count("copy"), 1);
  EXPECT_EQ(build("v2"), value);
  EXPECT_EQ(f.log.count("from"), 2);
  EXPECT_EQ(f.log.count("copy"), 1);
  EXPECT_EQ(f.log.count("run"), 1);
  // The match by content was written down as one by definition: the source is not even looked at.
  f.Restart();
  EXPECT_EQ(build("v2"), value);
  EXPECT_EQ(f.log.count("from"), 2);
  EXPECT_EQ(f.log.count("copy:content"), 2);
}

TEST(SolverTest, LazyInputsAreNotEvaluatedOnADefinitionHit) {
  Fixture f;
  GraphBuilder g;
  FakeOp copy;
  copy.content = {false, true};
  const Vertex* base = g.Add("base", {});
  const Vertex* stage = g.Add("stage", {});
  const Vertex* end = g.Add("copy", copy, {{base, 0}, {stage, 0}});
  ASSERT_TRUE(f.Build(g.graph(), end).has_value());
  f.log.Clear();
  f.Restart();
  ASSERT_TRUE(f.Build(g.graph(), end).has_value());
  EXPECT_EQ(f.log.total(), 0);
}

TEST(SolverTest, TransientSourceIsAskedEveryTimeAndItsUsersHitByContent) {
  Fixture f;
  GraphBuilder g;
  FakeOp local;
  local.transient = true;
  FakeOp copy;
  copy.content = {false, true};
  const Vertex* base = g.Add("base", {});
  const Vertex* context = g.Add("context", local);
  const Vertex* one = g.Add("copy", copy, {{base, 0}, {context, 0}});
  const Vertex* run = g.Add("run", {}, {{one, 0}});
  const Vertex* whole = g.Add("whole", {}, {{run, 0}, {context, 0}});  // uses it without a content key
  ASSERT_TRUE(f.Build(g.graph(), run).has_value());
  f.log.Clear();
  f.Restart();
  ASSERT_TRUE(f.Build(g.graph(), run).has_value());
  EXPECT_EQ(f.log.count("context"), 1);
  EXPECT_EQ(f.log.count("copy:content"), 1);
  EXPECT_EQ(f.log.count("base"), 0);
  EXPECT_EQ(f.log.count("copy"), 0);
  EXPECT_EQ(f.log.count("run"), 0);
  for (int i = 1; i <= 2; ++i) {
    ASSERT_TRUE(f.Build(g.graph(), whole).has_value());
    EXPECT_EQ(f.log.count("whole"), i);
  }
}

TEST(SolverTest, FailureIsNamedAndStopsTheRest) {
  Fixture f;
  GraphBuilder g;
  FakeOp bad;
  bad.error = "process did not complete: exit code: 7";
  Gate started, stopped;
  FakeOp slow;
  slow.on_run = [&](OpContext& context) {
    started.Open();
    const std::stop_callback on_stop(context.stop(), [&] { stopped.Open(); });
    stopped.Wait();
  };
  bad.on_run = [&](OpContext&) { started.Wait(); };
  const Vertex* failing = g.Add("bad", bad);
  const Vertex* sibling = g.Add("slow", slow);
  const Vertex* above = g.Add("above", {}, {{failing, 0}, {sibling, 0}});
  const auto job = f.NewJob();
  const Edge edge{above, 0};
  const auto result = job->Solve(g.graph(), std::span(&edge, 1), {});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message(), bad.error);
  const auto* detail = result.error().Detail<VertexErrorDetail>();
  ASSERT_NE(detail, nullptr);
  EXPECT_EQ(detail->name, "bad");
  EXPECT_EQ(detail->digest, failing->digest);
  ASSERT_NE(result.error().Detail<ExitErrorDetail>(), nullptr);
  EXPECT_EQ(result.error().Detail<ExitErrorDetail>()->exit_code, 7);
  stopped.Wait();
  EXPECT_EQ(f.sink->Last("bad")->error, bad.error);
  EXPECT_EQ(f.sink->Last("slow")->error, "context canceled");
  EXPECT_EQ(f.log.count("above"), 0);
  std::map<std::string, StepReport::Outcome> outcomes;
  for (const StepReport& step : job->Report()) {
    outcomes[step.name] = step.outcome;
  }
  EXPECT_EQ(outcomes["bad"], StepReport::Outcome::kFailed);
  EXPECT_EQ(outcomes["slow"], StepReport::Outcome::kCanceled);
  EXPECT_EQ(outcomes["above"], StepReport::Outcome::kNotReached);
}

TEST(SolverTest, FailedVertexIsTriedAgain) {
  Fixture f;
  GraphBuilder g;
  FakeOp bad;
  bad.error = "no";
  const Vertex* vertex = g.Add("bad", bad);
  const auto keep = f.NewJob();
  const Edge edge{vertex, 0};
  EXPECT_FALSE(keep->Solve(g.graph(), std::span(&edge, 1), {}).has_value());
  EXPECT_FALSE(keep->Solve(g.graph(), std::span(&edge, 1), {}).has_value());
  EXPECT_EQ(f.log.count("bad"), 2);
}

TEST(SolverTest, IgnoreCacheRunsAgainAndHidesWhatFollowsOnlyFromDefinitionHits) {
  Fixture f;
  const auto graph = [](bool ignore) {
    GraphBuilder g;
    VertexOptions options;
    options.ignore_cache = ignore;
    const Vertex* a = g.Add("a", {});
    const Vertex* b = g.Add("b", {}, {{a, 0}}, options);
    const Vertex* c = g.Add("c", {}, {{b, 0}});
    FakeOp copy;
    copy.content = {true};
    const Vertex* d = g.Add("d", copy, {{b, 0}});
    return std::pair(g.graph(), g.Add("e", {}, {{c, 0}, {d, 0}}));
  };
  const auto [graph1, end1] = graph(false);
  ASSERT_TRUE(f.Build(graph1, end1).has_value());
  f.log.Clear();
  const auto [graph2, end2] = graph(true);
  ASSERT_TRUE(f.Build(graph2, end2).has_value());
  EXPECT_EQ(f.log.count("a"), 0);
  EXPECT_EQ(f.log.count("b"), 1);
  EXPECT_EQ(f.log.count("c"), 1);
  EXPECT_EQ(f.log.count("d"), 0);  // same content
  EXPECT_EQ(f.log.count("e"), 1);
  f.log.Clear();
  ASSERT_TRUE(f.Build(graph1, end1).has_value());
  EXPECT_EQ(f.log.total(), 0);
}

TEST(SolverTest, WhatABuildWithoutCacheMadeIsUsedFromThenOn) {
  Fixture f;
  const auto build = [&f](const std::string& value, bool ignore) {
    GraphBuilder g;
    VertexOptions options;
    options.ignore_cache = ignore;
    FakeOp op;
    op.op = "b";
    op.value = value;
    return f.Build(g.graph(), g.Add("b", op, {{g.Add("a", {}), 0}}, options)).value_or("failed");
  };
  EXPECT_EQ(build("one", false), "one(a(),)");
  EXPECT_EQ(build("two", true), "two(a(),)");
  EXPECT_EQ(build("three", false), "two(a(),)");
  EXPECT_EQ(f.log.count("b"), 2);
}

TEST(SolverTest, TwoJobsShareARunningVertex) {
  Fixture f;
  GraphBuilder g;
  Gate running, go;
  FakeOp op;
  op.on_run = [&](OpContext& context) {
    context.progress().Log(LogStream::kStdout, "hello");
    running.Open();
    go.Wait();
  };
  const Vertex* vertex = g.Add("shared", op);
  std::optional<Result<std::string>> first, second;
  std::thread one([&] { first = f.Build(g.graph(), vertex); });
  running.Wait();
  const auto late = std::make_shared<RecordingSink>();
  std::unique_ptr<Job> job = f.solver->NewJob({std::make_shared<FakeJobContext>(), late});
  std::thread two([&] {
    const Edge edge{vertex, 0};
    auto values = job->Solve(g.graph(), std::span(&edge, 1), {});
    second = values ? Result<std::string>(ValueOf(values->front())) : Unexpected(values.error());
  });
  while (late->events().size() < 2) {
    std::this_thread::yield();
  }
  go.Open();
  one.join();
  two.join();
  EXPECT_EQ(first->value(), "shared()");
  EXPECT_EQ(second->value(), "shared()");
  EXPECT_EQ(f.log.count("shared"), 1);
  // What happened before it joined was told to the second job too.
  const auto events = late->events();
  const auto logs = std::count_if(events.begin(), events.end(),
                                  [](const ProgressEvent& event) { return std::holds_alternative<LogEvent>(event); });
  EXPECT_EQ(logs, 1);
  EXPECT_TRUE(late->Last("shared")->completed.has_value());
}

TEST(SolverTest, CancellingOneOfTwoSubscribersLeavesTheWork) {
  Fixture f;
  GraphBuilder g;
  Gate running, go;
  std::atomic<bool> was_stopped = false;
  FakeOp op;
  op.on_run = [&](OpContext& context) {
    running.Open();
    go.Wait();
    was_stopped = context.stop().stop_requested();
  };
  const Vertex* vertex = g.Add("shared", op);
  const Edge edge{vertex, 0};
  std::stop_source stop;
  const auto job1 = f.NewJob();
  const auto job2 = f.NewJob();
  std::optional<Result<std::vector<ResultPtr>>> first, second;
  std::thread one([&] { first = job1->Solve(g.graph(), std::span(&edge, 1), stop.get_token()); });
  running.Wait();
  const auto late = std::make_shared<RecordingSink>();
  std::thread two([&] {
    const auto job = f.solver->NewJob({std::make_shared<FakeJobContext>(), late});
    second = job->Solve(g.graph(), std::span(&edge, 1), {});
  });
  while (late->events().empty()) {
    std::this_thread::yield();
  }
  stop.request_stop();
  one.join();
  EXPECT_TRUE(first->error().Is(ErrorCode::kCanceled));
  go.Open();
  two.join();
  EXPECT_TRUE(second->has_value());
  EXPECT_FALSE(was_stopped);
  EXPECT_EQ(f.log.count("shared"), 1);
}

TEST(SolverTest, CancellingTheLastSubscriberStopsTheWork) {
  Fixture f;
  GraphBuilder g;
  Gate running, stopped;
  FakeOp op;
  op.on_run = [&](OpContext& context) {
    EXPECT_NE(context.job(), nullptr);
    running.Open();
    const std::stop_callback on_stop(context.stop(), [&] { stopped.Open(); });
    stopped.Wait();
    EXPECT_NE(context.job(), nullptr);
  };
  const Edge edge{g.Add("only", op), 0};
  std::stop_source stop;
  auto job = f.NewJob();
  std::thread canceller([&] {
    running.Wait();
    stop.request_stop();
  });
  EXPECT_TRUE(job->Solve(g.graph(), std::span(&edge, 1), stop.get_token()).error().Is(ErrorCode::kCanceled));
  canceller.join();
  job.reset();
  f.Restart();  // waits for the op
  FakeOp again;
  GraphBuilder g2;
  EXPECT_TRUE(f.Build(g2.graph(), g2.Add("only", again)).has_value());
}

TEST(SolverTest, StoppedBeforeItBegan) {
  Fixture f;
  GraphBuilder g;
  std::stop_source stop;
  stop.request_stop();
  const Edge edge{g.Add("a", {}), 0};
  EXPECT_FALSE(f.NewJob()->Solve(g.graph(), std::span(&edge, 1), stop.get_token()).has_value());
}

TEST(SolverTest, EqualKeysOfDifferentVerticesRunOnce) {
  Fixture f;
  GraphBuilder g;
  FakeOp source1, source2;
  source1.op = "tag";
  source2.op = "digest";
  source1.value = source2.value = "image";
  Gate both;
  std::atomic<int> content = 0;
  FakeOp step;
  step.op = "make";
  step.content = {true};
  step.on_run = [&](OpContext&) {
    while (content < 1) {
      std::this_thread::yield();
    }
  };
  const Vertex* one = g.Add("one", step, {{g.Add("s1", source1), 0}});
  const Vertex* two = g.Add("two", step, {{g.Add("s2", source2), 0}});
  content = 1;
  EXPECT_EQ(f.Build(g.graph(), g.Add("both", {}, {{one, 0}, {two, 0}})).value(),
            "both(make(image(),),make(image(),),)");
  EXPECT_EQ(f.log.count("one") + f.log.count("two"), 1);
}

TEST(SolverTest, ATwinGoesOnWhenItsOwnJobIsCancelled) {
  Fixture f;
  Gate running, go;
  FakeOp run;
  run.op = "run";
  std::atomic<bool> was_stopped = false;
  run.on_run = [&](OpContext& context) {
    running.Open();
    go.Wait();
    was_stopped = context.stop().stop_requested();
  };
  VertexOptions local;
  local.job_local = true;
  FakeOp directory, copy;
  directory.transient = true;
  copy.content = {true};
  const auto graph = [&] {
    GraphBuilder g;
    const Vertex* context = g.Add("context", directory, {}, local);
    return std::pair(g.graph(), g.Add("run", run, {{g.Add("copy", copy, {{context, 0}}), 0}}));
  };
  const auto [graph1, end1] = graph();
  const auto [graph2, end2] = graph();
  std::stop_source stop;
  std::optional<Result<std::vector<ResultPtr>>> first;
  auto job1 = f.NewJob();
  std::thread one(
      [&, graph = graph1, edge = Edge{end1, 0}] { first = job1->Solve(graph, std::span(&edge, 1), stop.get_token()); });
  running.Wait();
  const auto sink = std::make_shared<RecordingSink>();
  std::optional<Result<std::vector<ResultPtr>>> second;
  std::thread two([&, graph = graph2, edge = Edge{end2, 0}] {
    const auto job = f.solver->NewJob({std::make_shared<FakeJobContext>(), sink});
    second = job->Solve(graph, std::span(&edge, 1), {});
  });
  // The second job hears of the running twin as soon as it waits for it.
  while (!(sink->Last("run") && sink->Last("run")->started)) {
    std::this_thread::yield();
  }
  stop.request_stop();
  one.join();
  EXPECT_FALSE(first->has_value());
  job1.reset();
  go.Open();
  two.join();
  EXPECT_TRUE(second->has_value());
  EXPECT_FALSE(was_stopped);
  EXPECT_EQ(f.log.count("run"), 1);
}

TEST(SolverTest, RecordWhoseResultIsGoneIsAMiss) {
  Fixture f;
  GraphBuilder g;
  const Vertex* a = g.Add("a", {});
  const Vertex* b = g.Add("b", {}, {{a, 0}});
  ASSERT_TRUE(f.Build(g.graph(), b).has_value());
  f.Restart();
  f.results.all_gone = true;
  EXPECT_EQ(f.Build(g.graph(), b).value(), "b(a(),)");
  EXPECT_EQ(f.log.count("a"), 2);
  EXPECT_EQ(f.log.count("b"), 2);
  f.results.all_gone = false;
  f.Restart();
  EXPECT_EQ(f.Build(g.graph(), b).value(), "b(a(),)");
  EXPECT_EQ(f.log.count("b"), 2);
}

TEST(SolverTest, OutputsHaveRecordsOfTheirOwn) {
  Fixture f;
  GraphBuilder g;
  FakeOp op;
  op.outputs = 3;
  const Vertex* a = g.Add("a", op);
  EXPECT_EQ(f.Build(g.graph(), a, 2).value(), "a()#2");
  f.Restart();
  EXPECT_EQ(f.Build(g.graph(), a, 1).value(), "a()#1");
  EXPECT_EQ(f.Build(g.graph(), g.Add("b", {}, {{a, 0}, {a, 2}})).value(), "b(a(),a()#2,)");
  EXPECT_EQ(f.log.count("a"), 1);
  const auto missing = f.Build(g.graph(), a, 5);
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message(), ::testing::HasSubstr("output 5"));
}

TEST(SolverTest, JobLocalVerticesAreNotSharedInFlight) {
  Fixture f;
  GraphBuilder g;
  VertexOptions local;
  local.job_local = true;
  FakeOp op;
  op.transient = true;
  const Vertex* context = g.Add("context", op, {}, local);
  const Edge edge{context, 0};
  const auto job1 = f.NewJob();
  const auto job2 = f.NewJob();
  ASSERT_TRUE(job1->Solve(g.graph(), std::span(&edge, 1), {}).has_value());
  ASSERT_TRUE(job1->Solve(g.graph(), std::span(&edge, 1), {}).has_value());
  EXPECT_EQ(f.log.count("context"), 1);
  ASSERT_TRUE(job2->Solve(g.graph(), std::span(&edge, 1), {}).has_value());
  EXPECT_EQ(f.log.count("context"), 2);
}

TEST(SolverTest, LongChainsAndWideGraphsNeedNoStack) {
  Fixture f;
  GraphBuilder g;
  const Vertex* last = g.Add("0", {});
  std::vector<Edge> all{{last, 0}};
  for (int i = 1; i < 10'000; ++i) {
    FakeOp op;
    op.cpu_bound = true;
    last = g.Add(std::to_string(i), op, {{last, 0}});
    if (i % 10 == 0) {
      all.push_back({last, 0});
    }
  }
  all.push_back({last, 0});
  const Vertex* wide = g.Add("wide", {}, all);
  ASSERT_TRUE(f.Build(g.graph(), wide).has_value());
  EXPECT_EQ(f.log.total(), 10'001);
  f.Restart();
  ASSERT_TRUE(f.Build(g.graph(), wide).has_value());
  EXPECT_EQ(f.log.total(), 10'001);
}

}  // namespace
}  // namespace loam::solver::testing
