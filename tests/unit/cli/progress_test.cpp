#include <gmock/gmock.h>

#include "cli/progress/earth_display.h"
#include "cli/progress/model.h"
#include "cli/progress/plain.h"
#include "cli/progress/tty.h"

namespace loam::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr WallTime kStart = WallTime(std::chrono::hours(1000));

WallTime At(double seconds) {
  return kStart + std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(seconds));
}

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime Now() const override { return now; }
  [[nodiscard]] SteadyTime Steady() const override { return {}; }
  WallTime now = kStart;
};

solver::VertexEvent Vertex(std::string name) {
  solver::VertexEvent event;
  event.digest = Digest::Of(name);
  event.name = std::move(name);
  return event;
}

solver::VertexEvent Started(const std::string& name, double at) {
  solver::VertexEvent event = Vertex(name);
  event.started = At(at);
  return event;
}

solver::VertexEvent Completed(const std::string& name, double from, double to, std::string error = {}) {
  solver::VertexEvent event = Started(name, from);
  event.completed = At(to);
  event.error = std::move(error);
  return event;
}

solver::VertexEvent Cached(const std::string& name, double at) {
  solver::VertexEvent event = Completed(name, at, at);
  event.cached = true;
  return event;
}

solver::LogEvent Log(const std::string& name, std::string data, double at) {
  return {
      .vertex = Digest::Of(name), .stream = solver::LogStream::kStdout, .data = std::move(data), .timestamp = At(at)};
}

TEST(ProgressModel, CountsAndTimes) {
  ProgressModel model;
  for (const char* const name : {"a", "b", "c"}) {
    model.Apply(Vertex(name));
  }
  EXPECT_EQ(model.total(), 3U);
  EXPECT_EQ(model.completed(), 0U);
  model.Apply(Cached("a", 0));
  model.Apply(Started("b", 1));
  EXPECT_EQ(model.Find(Digest::Of("b"))->Elapsed(At(3)), std::chrono::seconds(2));
  model.Apply(Completed("b", 1, 5));
  EXPECT_EQ(model.Find(Digest::Of("b"))->Elapsed(At(9)), std::chrono::seconds(4));
  EXPECT_EQ(model.completed(), 2U);
  EXPECT_EQ(model.cached(), 1U);
  EXPECT_EQ(model.Find(Digest::Of("a"))->state, StepState::kCached);
  EXPECT_EQ(model.Find(Digest::Of("b"))->state, StepState::kDone);
  EXPECT_EQ(model.Find(Digest::Of("c"))->state, StepState::kWaiting);
}

TEST(ProgressModel, SecondRunAddsItsTime) {
  ProgressModel model;
  model.Apply(Completed("a", 0, 1));
  model.Apply(Started("a", 4));
  EXPECT_EQ(model.Find(Digest::Of("a"))->state, StepState::kRunning);
  model.Apply(Completed("a", 4, 6));
  EXPECT_EQ(model.Find(Digest::Of("a"))->Elapsed(At(9)), std::chrono::seconds(3));
  EXPECT_EQ(model.completed(), 1U);
}

TEST(ProgressModel, GroupIsOneStep) {
  ProgressModel model;
  auto group = std::make_shared<solver::ProgressGroup>();
  group->id = "g";
  group->name = "COPY a b";
  for (const char* const name : {"copy", "merge"}) {
    solver::VertexEvent event = Started(name, 0);
    event.progress_group = group;
    model.Apply(event);
  }
  ASSERT_EQ(model.steps().size(), 1U);
  EXPECT_EQ(model.steps()[0].name, "COPY a b");
  solver::VertexEvent done = Completed("copy", 0, 1);
  done.progress_group = group;
  model.Apply(done);
  EXPECT_EQ(model.steps()[0].state, StepState::kRunning) << "the other vertex still runs";
}

TEST(ProgressModel, LinesAcrossEvents) {
  ProgressModel model;
  model.Apply(Started("a", 0));
  model.Apply(Log("a", "one\ntw", 0.5));
  model.Apply(Log("a", "o\nthree", 1.5));
  const Step& step = *model.Find(Digest::Of("a"));
  ASSERT_EQ(step.log.size(), 2U);
  EXPECT_EQ(step.log[1].text, "two");
  EXPECT_DOUBLE_EQ(step.log[1].seconds, 1.5);
  EXPECT_EQ(step.partial, "three");
  model.FlushPartialLines(At(2));
  EXPECT_EQ(step.log.size(), 3U);
}

TEST(CleanLogLine, RemovesWhatATerminalWouldAct) {
  EXPECT_EQ(CleanLogLine("\x1b[31mred\x1b[0m \x1b]0;title\apart"), "red part");
  EXPECT_EQ(CleanLogLine("10%\r55%\r100%"), "100%");
  EXPECT_EQ(CleanLogLine("done\r"), "done");
  EXPECT_EQ(CleanLogLine("a\tb\x07"), "a       b");
  EXPECT_EQ(CleanLogLine("\x1b"), "");
  EXPECT_EQ(CleanLogLine("\x1b["), "");
}

TEST(FitColumns, CutsBetweenCharacters) {
  EXPECT_EQ(FitColumns("abc", 2).first, "ab");
  EXPECT_EQ(FitColumns("\xc3\xa9\xc3\xa9", 1).first, "\xc3\xa9");
  EXPECT_EQ(FitColumns("\xff\xff", 1).first, "\xff") << "invalid bytes count as one column";
}

FrameOptions Frame(int width, int height) {
  return {.width = width, .height = height, .title = "Building", .started = kStart};
}

TEST(DrawFrame, StepsWithTimesAtTheMargin) {
  ProgressModel model;
  model.Apply(Cached("[1/3] FROM base", 0));
  model.Apply(Started("[2/3] RUN make", 1));
  model.Apply(Log("[2/3] RUN make", "cc a.c\ncc b.c\n", 2));
  model.Apply(Vertex("[3/3] COPY a b"));
  EXPECT_THAT(DrawFrame(model, Frame(40, 24), At(3)),
              ElementsAre("[+] Building 3.0s (1/3)", " => CACHED [1/3] FROM base          0.0s",
                          " => [2/3] RUN make                  2.0s", " => => # cc a.c", " => => # cc b.c"));
}

TEST(DrawFrame, NeverHigherOrWiderThanTheTerminal) {
  ProgressModel model;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "step " + std::to_string(i) + std::string(100, 'x');
    model.Apply(i < 40 ? Completed(name, 0, 1) : Started(name, 1));
    model.Apply(Log(name, "1\n2\n3\n4\n5\n6\n7\n8\n", 2));
  }
  for (const int height : {2, 3, 10, 24}) {
    const std::vector<std::string> lines = DrawFrame(model, Frame(30, height), At(3));
    EXPECT_LE(lines.size(), static_cast<std::size_t>(std::max(2, height - 1)));
    for (const std::string& line : lines) {
      EXPECT_LE(line.size(), 30U);
    }
  }
  FrameOptions last = Frame(30, 10);
  last.last = true;
  EXPECT_EQ(DrawFrame(model, last, At(3)).size(), 51U) << "the last frame shows every step";
}

std::string PlainOutput(const std::vector<solver::ProgressEvent>& events, bool ok, const Digest& failed) {
  char* data = nullptr;
  std::size_t size = 0;
  std::FILE* const out = ::open_memstream(&data, &size);
  FixedClock clock;
  {
    const auto display = MakePlainDisplay({.mode = ProgressMode::kPlain, .out = out, .colors = false, .clock = &clock});
    for (const solver::ProgressEvent& event : events) {
      display->OnEvent(event);
    }
    display->Finish(ok, failed);
  }
  std::fclose(out);
  std::string text(data, size);
  std::free(data);  // NOLINT: open_memstream's buffer
  return text;
}

TEST(PlainDisplay, OneLineForEverything) {
  EXPECT_EQ(PlainOutput({Vertex("[1/2] FROM base"), Vertex("[2/2] RUN make"), Cached("[1/2] FROM base", 0),
                         Started("[2/2] RUN make", 1), Log("[2/2] RUN make", "cc a.c\n", 1.25),
                         Completed("[2/2] RUN make", 1, 3.5)},
                        true, {}),
            "#1 [1/2] FROM base\n#1 CACHED\n\n#2 [2/2] RUN make\n#2 0.250 cc a.c\n#2 DONE 2.5s\n");
}

TEST(PlainDisplay, WholeLogOfTheFailedStep) {
  const std::string text = PlainOutput(
      {Started("RUN make", 0), Log("RUN make", "cc a.c\nerror", 1), Completed("RUN make", 0, 2, "exit code: 2")}, false,
      Digest::Of("RUN make"));
  EXPECT_THAT(text, HasSubstr("#1 ERROR: exit code: 2\n"));
  EXPECT_THAT(text, HasSubstr("------\n > RUN make:\n1.000 cc a.c\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(EarthDisplay, AnInternalStepIsShownWhereItFails) {
  const FixedClock clock;
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const out = ::open_memstream(&text, &size);
  const EarthDisplayOptions options{
      .out = out, .clock = &clock, .steps = std::make_shared<gateway::earthfile::StepRegistry>()};
  const auto display = MakeEarthDisplay(options);
  display->OnEvent(Completed("[context] good", 0, 1));
  display->OnEvent(Started("[context] bad", 0));
  display->OnEvent(Completed("[context] bad", 0, 1, "there is no directory `x`"));
  display->Finish(false, Digest::Of("[context] bad"));
  std::fclose(out);
  const std::string shown(text, size);
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): open_memstream's
  EXPECT_THAT(shown, HasSubstr("there is no directory `x`"));
  EXPECT_THAT(shown, Not(HasSubstr("good")));
}

// What the display shows of these events, whose steps are commands of +t by their names.
std::string EarthOutput(const std::vector<solver::ProgressEvent>& events, bool keys_announced = false) {
  const FixedClock clock;
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const out = ::open_memstream(&text, &size);
  const auto steps = std::make_shared<gateway::earthfile::StepRegistry>();
  for (const solver::ProgressEvent& event : events) {
    if (const auto* vertex = std::get_if<solver::VertexEvent>(&event)) {
      steps->AddNamed(vertex->name, {.target = "+t", .command = vertex->name});
    }
  }
  const auto display =
      MakeEarthDisplay({.out = out, .keys_announced = keys_announced, .clock = &clock, .steps = steps});
  for (const solver::ProgressEvent& event : events) {
    display->OnEvent(event);
  }
  display->Finish(true, {});
  std::fclose(out);
  std::string shown(text, size);
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): open_memstream's
  std::erase(shown, ' ');
  return shown;
}

solver::VertexEvent On(solver::VertexEvent event, const std::string& input) {
  event.inputs.push_back(Digest::Of(input));
  return event;
}

TEST(EarthDisplay, StepsThatTakeNoTimeAreTold) {
  EXPECT_EQ(EarthOutput({Completed("FROM a", 0, 0), On(Completed("COPY b", 0, 0), "FROM a"),
                         On(Started("RUN c", 0), "COPY b"), On(Completed("RUN c", 0, 0), "COPY b"),
                         On(Completed("COPY d", 0, 0), "RUN c")}),
            "+t|-->FROMa\n+t|-->COPYb\n+t|-->RUNc\n+t|-->COPYd\n");
}

TEST(EarthDisplay, ASourceWhoseKeyTookLongIsToldAsCached) {
  EXPECT_EQ(EarthOutput({Completed("FROM a", 0, 5), Cached("FROM a", 5), On(Cached("COPY b", 5), "FROM a"),
                         On(Started("RUN c", 6), "COPY b"), On(Completed("RUN c", 6, 7), "COPY b")}),
            "+t|*cached*-->FROMa\n+t|*cached*-->COPYb\n+t|-->RUNc\n");
}

TEST(EarthDisplay, ASourceIsToldBeforeTheStepThatNeedsIt) {
  EXPECT_EQ(EarthOutput(
                {Completed("FROM a", 0, 0), On(Started("RUN b", 0), "FROM a"), On(Completed("RUN b", 0, 1), "FROM a")}),
            "+t|-->FROMa\n+t|-->RUNb\n");
}

TEST(EarthDisplay, AnEngineThatAnnouncesKeysDecidesLater) {
  EXPECT_EQ(EarthOutput({Completed("FROM a", 0, 0), On(Completed("COPY b", 0, 0), "FROM a"), Cached("FROM a", 0),
                         On(Cached("COPY b", 0), "FROM a"), On(Completed("COPY c", 0, 0), "COPY b")},
                        true),
            "+t|*cached*-->FROMa\n+t|*cached*-->COPYb\n+t|-->COPYc\n");
}

}  // namespace
}  // namespace loam::cli
