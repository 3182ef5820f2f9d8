// Random graphs, changed at random from build to build, against a reference that knows no cache; from several threads.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "tests/unit/runtime-executor/solver/fake_ops.h"

namespace loam::solver::testing {
namespace {

struct Plan {
  struct Node {
    FakeOp op;
    std::vector<std::pair<std::size_t, std::uint32_t>> inputs;
    bool ignore_cache = false;
  };
  std::vector<Node> nodes;
};

Plan RandomPlan(std::mt19937& random, std::size_t size) {
  Plan plan;
  for (std::size_t i = 0; i < size; ++i) {
    Plan::Node node;
    const std::size_t fan = i == 0 ? 0 : random() % 4;
    // Few values: so that changed definitions often have equal content.
    node.op.op = "op" + std::to_string(random() % 30);
    node.op.value = "v" + node.op.op.substr(2, 1);
    node.op.outputs = 2;
    node.op.transient = fan == 0 && random() % 3 == 0;
    node.op.blocking_cache_map = random() % 4 == 0;
    node.op.cpu_bound = random() % 2 == 0;
    for (std::size_t k = 0; k < fan; ++k) {
      node.inputs.emplace_back(random() % i, random() % 2);
      node.op.content.push_back(random() % 2 == 0);
    }
    // The value of an op follows from what names it in the cache, with the pattern of its content keys.
    for (const bool content : node.op.content) {
      node.op.op += content ? "c" : "d";
    }
    node.op.value += node.op.op;
    if (node.op.transient) {
      node.op.value = "t" + std::to_string(random() % 3);
    }
    plan.nodes.push_back(std::move(node));
  }
  return plan;
}

void Change(Plan& plan, std::mt19937& random) {
  for (int i = 0; i < 3; ++i) {
    Plan::Node& node = plan.nodes[random() % plan.nodes.size()];
    if (node.op.transient) {
      node.op.value = "t" + std::to_string(random() % 3);
    } else if (node.inputs.empty()) {
      // A root whose definition changes and whose value may stay.
      node.op.op = "root" + std::to_string(random() % 20);
      node.op.value = "r" + std::to_string((node.op.op.back() - '0') % 2);
    }
    node.ignore_cache = random() % 20 == 0;
  }
}

std::pair<GraphPtr, std::vector<const Vertex*>> MakeGraph(const Plan& plan) {
  GraphBuilder g;
  std::vector<const Vertex*> vertices;
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const Plan::Node& node = plan.nodes[i];
    std::vector<Edge> inputs;
    for (const auto& [from, output] : node.inputs) {
      inputs.push_back({vertices[from], output});
    }
    VertexOptions options;
    options.ignore_cache = node.ignore_cache;
    options.job_local = node.op.transient;
    vertices.push_back(g.Add(std::to_string(i), node.op, std::move(inputs), options));
  }
  return {g.graph(), vertices};
}

std::vector<std::string> Reference(const Plan& plan) {
  std::vector<std::string> values;  // two outputs each
  for (const Plan::Node& node : plan.nodes) {
    std::vector<std::string> inputs;
    for (const auto& [from, output] : node.inputs) {
      inputs.push_back(values[2 * from + output]);
    }
    values.push_back(Combine(node.op, inputs, 0));
    values.push_back(Combine(node.op, inputs, 1));
  }
  return values;
}

void BuildRandomly(Fixture& f, unsigned seed, int builds) {
  std::mt19937 random(seed);
  Plan plan = RandomPlan(random, 5 + random() % 60);
  for (int build = 0; build < builds; ++build) {
    const auto [graph, vertices] = MakeGraph(plan);
    const std::vector<std::string> expected = Reference(plan);
    std::vector<Edge> wanted;
    for (int i = 0; i < 3; ++i) {
      wanted.push_back({vertices[random() % vertices.size()], static_cast<std::uint32_t>(random() % 2)});
    }
    const auto job = f.NewJob();
    const auto results = job->Solve(graph, wanted, {});
    ASSERT_TRUE(results.has_value()) << results.error().message();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto at = std::stoul(wanted[i].vertex->name);
      EXPECT_EQ(ValueOf((*results)[i]), expected[2 * at + wanted[i].index]) << "seed " << seed << " build " << build;
    }
    if (random() % 2 == 0) {
      Change(plan, random);
    }
  }
}

TEST(RandomGraphTest, ResultsAreThoseOfTheReference) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    Fixture f;
    BuildRandomly(f, seed, 8);
    if (HasFailure()) {
      return;
    }
  }
}

TEST(RandomGraphTest, ASecondBuildRunsOnlyWhatCannotBeCached) {
  for (unsigned seed = 100; seed < 140; ++seed) {
    Fixture f;
    std::mt19937 random(seed);
    const Plan plan = RandomPlan(random, 40);
    const auto [graph, vertices] = MakeGraph(plan);
    // What depends on a transient source other than by content runs every time.
    std::vector<bool> uncacheable;
    for (const Plan::Node& node : plan.nodes) {
      bool lost = node.op.transient;
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        lost = lost || (uncacheable[node.inputs[i].first] && !node.op.content[i]);
      }
      uncacheable.push_back(lost);
    }
    ASSERT_TRUE(f.Build(graph, vertices.back()).has_value());
    f.log.Clear();
    f.Restart();
    ASSERT_TRUE(f.Build(graph, vertices.back()).has_value());
    for (std::size_t i = 0; i < vertices.size(); ++i) {
      if (!uncacheable[i]) {
        EXPECT_EQ(f.log.count(std::to_string(i)), 0) << "seed " << seed << " vertex " << i;
      }
    }
  }
}

TEST(RandomGraphTest, ManyJobsAtOnceWithCancellation) {
  Fixture f;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&f, t] { BuildRandomly(f, 7 + t % 2, 15); });
  }
  threads.emplace_back([&f] {
    std::mt19937 random(3);
    for (int i = 0; i < 30; ++i) {
      const Plan plan = RandomPlan(random, 30);
      const auto [graph, vertices] = MakeGraph(plan);
      std::stop_source stop;
      std::thread stopper([&, pause = random() % 200] {
        std::this_thread::sleep_for(std::chrono::microseconds(pause));
        stop.request_stop();
      });
      const Edge edge{vertices.back(), 0};
      const auto job = f.NewJob();
      const auto result = job->Solve(graph, std::span(&edge, 1), stop.get_token());
      EXPECT_TRUE(result.has_value() || result.error().Is(ErrorCode::kCanceled));
      stopper.join();
    }
  });
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace loam::solver::testing
