#include "compiler/diagnostics/render.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "compiler/diagnostics/emitter.h"

namespace loam::diag {
namespace {

struct Rendered {
  source::SourceManager sources;
  const source::Buffer* buffer = nullptr;
  CollectingConsumer consumer;
  Emitter emitter{consumer};

  explicit Rendered(std::string text) : buffer(*sources.AddText("Dockerfile", std::move(text))) {}
  void Report(std::size_t begin, std::size_t end) {
    emitter.Emit<Kind::kUnknownInstruction>(buffer->Range(begin, end), buffer->TextOf(buffer->Range(begin, end)));
  }
  std::string Text(std::uint32_t width = 120, bool color = false) {
    return RenderTerminal(consumer.diagnostics(), sources, {.color = color, .width = width});
  }
};

TEST(RenderTerminal, CaretsUnderTheExactRange) {
  Rendered r("FROM a\n\u00e9\tRNU x\n");
  r.Report(10, 13);
  EXPECT_EQ(r.Text(),
            "error: unknown instruction `RNU` [LD0201]\n"
            "  --> Dockerfile:2:4\n"
            "   |\n"
            " 2 | \u00e9   RNU x\n"
            "   |     ^^^\n\n");
}

TEST(RenderTerminal, ShowsLabelsNotesAndHints) {
  Rendered r("COPY --a --a\n");
  r.emitter.Emit<Kind::kDuplicateFlag>(r.buffer->Range(9, 12), "a")
      .Label(r.buffer->Range(5, 8), "first given here")
      .Note("a note")
      .Hint("a hint");
  EXPECT_EQ(r.Text(),
            "error: flag `--a` is given twice [LD0231]\n"
            "  --> Dockerfile:1:10\n"
            "   |\n"
            " 1 | COPY --a --a\n"
            "   |          ^^^\n"
            " 1 | COPY --a --a\n"
            "   |      --- first given here\n"
            "   = note: a note\n"
            "   = hint: a hint\n\n");
}

TEST(RenderTerminal, LongLinesAreCutAroundTheMark) {
  Rendered r(std::string(500, 'a') + "HERE" + std::string(500, 'b'));
  r.Report(500, 504);
  const std::string text = r.Text(60);
  EXPECT_NE(text.find("\u2026aaaaaaaaaaaaaaaaaaaaHEREbbb"), std::string::npos) << text;
  EXPECT_NE(text.find("| " + std::string(21, ' ') + "^^^^\n"), std::string::npos) << text;
}

TEST(RenderTerminal, LongRangesShowTheirEnds) {
  Rendered r("one\ntwo\nthree\nfour\nfive\nsix\n");
  r.Report(0, 27);
  const std::string text = r.Text();
  EXPECT_NE(text.find("1 | one\n"), std::string::npos);
  EXPECT_NE(text.find("... |\n"), std::string::npos);
  EXPECT_NE(text.find("6 | six\n"), std::string::npos);
  EXPECT_EQ(text.find("4 | four"), std::string::npos);
}

TEST(RenderTerminal, ControlCharactersOfTheSourceDoNotReachTheTerminal) {
  Rendered r("\x1b[31mRED\x07\xff");
  r.Report(0, 8);
  const std::string text = r.Text();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_NE(text.find("\\x1b[31mRED\\x07"), std::string::npos) << text;
}

TEST(RenderTerminal, ColorsOnlyIfAsked) {
  Rendered r("RNU");
  r.Report(0, 3);
  EXPECT_EQ(r.Text().find('\x1b'), std::string::npos);
  EXPECT_NE(r.Text(120, true).find("\x1b[1;31merror\x1b[0m"), std::string::npos);
}

TEST(RenderTerminal, EveryPlaceOfAnyTextCanBeShown) {
  const std::string text = "a\n\n\xff\u3042\t#\r\nb";
  for (std::size_t begin = 0; begin <= text.size(); ++begin) {
    for (std::size_t end = begin; end <= text.size(); ++end) {
      Rendered r(text);
      r.Report(begin, end);
      EXPECT_NE(r.Text(8).find('^'), std::string::npos) << begin << ' ' << end;
    }
  }
}

TEST(RenderJson, HasEveryPart) {
  Rendered r("RNU x\n");
  r.emitter.Emit<Kind::kUnknownInstruction>(r.buffer->Range(0, 3), "RNU\xff")
      .Hint("did you mean `RUN`?")
      .Fix("write `RUN`", r.buffer->Range(0, 3), "RUN");
  const auto json = nlohmann::json::parse(RenderJson(r.consumer.diagnostics(), r.sources));
  const auto& item = json["diagnostics"][0];
  EXPECT_EQ(item["code"], "LD0201");
  EXPECT_EQ(item["severity"], "error");
  EXPECT_EQ(item["range"]["end"]["column"], 4);
  EXPECT_EQ(item["fixes"][0]["edits"][0]["replacement"], "RUN");
  EXPECT_EQ(item["message"], "unknown instruction `RNU\uFFFD`");
}

TEST(RenderSarif, NamesRuleAndRegion) {
  Rendered r("RNU x\n");
  r.Report(0, 3);
  const auto json = nlohmann::json::parse(RenderSarif(r.consumer.diagnostics(), r.sources, "1.2"));
  const auto& run = json["runs"][0];
  EXPECT_EQ(run["tool"]["driver"]["rules"][0]["id"], "LD0201");
  EXPECT_EQ(run["results"][0]["locations"][0]["physicalLocation"]["region"]["endColumn"], 4);
}

TEST(Emitter, CountsAllButShowsABoundedNumber) {
  Rendered r("RNU");
  for (std::size_t i = 0; i < Emitter::kMaxDiagnostics + 10; ++i) {
    r.Report(0, 3);
  }
  EXPECT_EQ(r.emitter.error_count(), Emitter::kMaxDiagnostics + 10);
  EXPECT_EQ(r.consumer.diagnostics().size(), Emitter::kMaxDiagnostics);
}

TEST(SortByPosition, KeepsTheOrderOfEqualPlaces) {
  Rendered r("RNU x y");
  r.Report(4, 5);
  r.Report(0, 3);
  r.Report(0, 1);
  std::vector<Diagnostic> diagnostics = r.consumer.Take();
  SortByPosition(diagnostics);
  EXPECT_EQ(diagnostics[0].range.end, 3U);
  EXPECT_EQ(diagnostics[1].range.end, 1U);
  EXPECT_EQ(diagnostics[2].range.begin, 4U);
}

}  // namespace
}  // namespace loam::diag
