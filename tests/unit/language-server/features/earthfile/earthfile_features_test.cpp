#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_system.h"
#include "language-server/features/features.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr const char* kMain = R"(VERSION 0.8
IMPORT ./lib AS tools
FROM alpine:3.20
ARG --global release=1.2

# all builds everything.
all:
    BUILD +app --size=2
    BUILD ./lib+pack
    DO tools+GREET --who=you

# app is the program.
app:
    ARG size=1
    LET flags = "-O$size"
    COPY src/*.c ./
    RUN make "$flags" && echo $release
    SAVE ARTIFACT bin/app /out/
    SAVE IMAGE app:$release

test:
    COPY (+app/out/app --size=3) ./
    IF [ -f app ]
        RUN ./app
    ELSE
        RUN false
    END
)";

constexpr const char* kLib = R"(VERSION 0.8

pack:
    FROM alpine:3.20
    COPY ..+app/out/app /
    RUN tar c app

# GREET says hello.
GREET:
    FUNCTION
    ARG --required who
    RUN echo hello $who
)";

class TableFacts : public StoreFacts {
 public:
  std::optional<BuildFacts> LastBuild(std::string_view path, std::string_view target) override {
    if (!path.ends_with("/Earthfile") || (!target.empty() && target != "+all")) {
      return std::nullopt;
    }
    BuildFacts facts;
    facts.duration_ms = 5000;
    facts.steps = {{"+all | COPY x y", true, false, 0},
                   {"+app | COPY src/*.c ./", true, false, 0},
                   {"+app | RUN make \"$flags\" && echo $release", false, true, 1500}};
    return facts;
  }
  std::optional<ImageFacts> FindImage(std::string_view name) override {
    if (name != "alpine:3.20") {
      return std::nullopt;
    }
    ImageFacts facts;
    facts.name = "docker.io/library/alpine:3.20";
    facts.digest = "sha256:0123456789abcdef0123";
    facts.platforms = {"linux/amd64"};
    return facts;
  }
};

class EarthfileFeatures : public ::testing::Test {
 protected:
  EarthfileFeatures() : folder_(*TempDir::Create()) {
    Write("Earthfile", kMain);
    Write("lib/Earthfile", kLib);
    Write("src/a.c", "");
    Write("src/b.c", "");
    workspace_.AddFolder(folder_.path());
  }
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path full = std::filesystem::path(folder_.path()) / path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  Document& Open(const std::string& path, const std::string& text) {
    return workspace_.Open(UriOfPath(folder_.path() + "/" + path), "earthfile", 1, text);
  }
  Query On(const Document& document) {
    client_.snippets = true;
    return {document, workspace_, settings_, store_, cancel_, client_};
  }
  // The offset in front of the `nth` occurrence of a text.
  static std::uint32_t At(const Document& document, std::string_view text, int nth = 1, std::uint32_t behind = 0) {
    std::size_t at = document.text().bytes().find(text);
    while (--nth > 0) {
      at = document.text().bytes().find(text, at + 1);
    }
    EXPECT_NE(at, std::string_view::npos) << text;
    return static_cast<std::uint32_t>(at) + behind;
  }
  // "Earthfile:8:12 name", sorted.
  std::vector<std::string> Shown(const std::vector<Location>& places) {
    std::vector<std::string> out;
    for (const Location& place : places) {
      const Document* document = workspace_.LoadUri(place.uri);
      const Position position = document->text().PositionAt(place.selection.begin, PositionEncoding::kUtf8);
      out.push_back(fmt::format("{}:{} {}", place.uri.substr(UriOfPath(folder_.path()).size() + 1), position.line + 1,
                                document->text().Of(place.selection)));
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  std::vector<std::string> Labels(const Document& document, std::uint32_t offset) {
    std::vector<std::string> out;
    for (const Completion& item : kEarthfileFeatures.completion(On(document), offset).items) {
      out.push_back(item.label);
    }
    return out;
  }
  // The labels at the end of a text.
  std::vector<std::string> CompleteEnd(const std::string& text) {
    const Document& document = Open("Earthfile", text);
    return Labels(document, document.text().size());
  }
  std::string Renamed(const Document& document, std::uint32_t offset, std::string_view name, const std::string& path) {
    const auto edit = kEarthfileFeatures.rename(On(document), offset, name);
    if (!edit) {
      return edit.error().message();
    }
    for (const FileEdits& file : *edit) {
      if (file.uri == UriOfPath(folder_.path() + "/" + path)) {
        std::string text(workspace_.LoadUri(file.uri)->text().bytes());
        for (auto each = file.edits.rbegin(); each != file.edits.rend(); ++each) {
          text.replace(each->span.begin, each->span.size(), each->text);
        }
        return text;
      }
    }
    return "no edit of " + path;
  }

  TempDir folder_;
  Workspace workspace_;
  Settings settings_;
  TableFacts store_;
  CancelToken cancel_;
  ClientTraits client_;
};

TEST_F(EarthfileFeatures, Definition) {
  const Document& main = Open("Earthfile", kMain);
  const auto at = [&](std::string_view text, int nth = 1, std::uint32_t behind = 0) {
    return Shown(kEarthfileFeatures.definition(On(main), At(main, text, nth, behind)));
  };
  EXPECT_THAT(at("+app --size", 1, 2), ElementsAre("Earthfile:13 app"));
  EXPECT_THAT(at("size=2"), ElementsAre("Earthfile:14 size"));
  EXPECT_THAT(at("lib+pack", 1, 5), ElementsAre("lib/Earthfile:3 pack"));
  EXPECT_THAT(at("GREET"), ElementsAre("lib/Earthfile:9 GREET"));
  EXPECT_THAT(at("who=you"), ElementsAre("lib/Earthfile:11 who"));
  EXPECT_THAT(at("flags\" &&"), ElementsAre("Earthfile:15 flags"));
  EXPECT_THAT(at("release\n", 1), ElementsAre("Earthfile:4 release"));
  EXPECT_THAT(at("/out/app --size=3", 1, 2), ElementsAre("Earthfile:18 bin/app"));
  EXPECT_THAT(at("tools+"), ElementsAre("Earthfile:2 tools"));
  EXPECT_THAT(Shown(kEarthfileFeatures.declaration(On(main), At(main, "release\n"))),
              ElementsAre("Earthfile:4 release"));
}

TEST_F(EarthfileFeatures, ReferencesSeeBuffersThatAreNotSaved) {
  const Document& main = Open("Earthfile", kMain);
  EXPECT_THAT(Shown(kEarthfileFeatures.references(On(main), At(main, "app:\n"), true)),
              ElementsAre("Earthfile:13 app", "Earthfile:22 app", "Earthfile:8 app", "lib/Earthfile:5 app"));
  Open("lib/Earthfile", "VERSION 0.8\n\nx:\n    BUILD ..+app\n    BUILD ..+app\n");
  EXPECT_THAT(Shown(kEarthfileFeatures.references(On(main), At(main, "app:\n"), false)),
              ElementsAre("Earthfile:22 app", "Earthfile:8 app", "lib/Earthfile:4 app", "lib/Earthfile:5 app"));
  EXPECT_THAT(Shown(kEarthfileFeatures.references(On(main), At(main, "size=1"), true)),
              ElementsAre("Earthfile:14 size", "Earthfile:15 size", "Earthfile:22 size", "Earthfile:8 size"));
  EXPECT_EQ(kEarthfileFeatures.highlights(On(main), At(main, "release=")).size(), 3U);
}

TEST_F(EarthfileFeatures, Rename) {
  const Document& main = Open("Earthfile", kMain);
  EXPECT_THAT(Renamed(main, At(main, "app:\n"), "program", "lib/Earthfile"), HasSubstr("COPY ..+program/out/app /"));
  EXPECT_THAT(
      Renamed(main, At(main, "app:\n"), "program", "Earthfile"),
      testing::AllOf(HasSubstr("BUILD +program --size"), HasSubstr("\nprogram:\n"), HasSubstr("(+program/out/app")));
  EXPECT_THAT(Renamed(main, At(main, "GREET"), "HAIL", "lib/Earthfile"), HasSubstr("\nHAIL:\n"));
  EXPECT_THAT(
      Renamed(main, At(main, "size=1"), "level", "Earthfile"),
      testing::AllOf(HasSubstr("--level=2"), HasSubstr("ARG level=1"), HasSubstr("-O$level"), HasSubstr("--level=3")));
  EXPECT_THAT(Renamed(main, At(main, "tools+"), "t", "Earthfile"),
              testing::AllOf(HasSubstr("AS t\n"), HasSubstr("DO t+GREET")));
  EXPECT_THAT(Renamed(main, At(main, "app:\n"), "Not A Target", "Earthfile"), HasSubstr("cannot be the name"));
  EXPECT_THAT(Renamed(main, At(main, "app:\n"), "test", "Earthfile"), HasSubstr("already"));
  EXPECT_FALSE(kEarthfileFeatures.prepare_rename(On(main), At(main, "alpine")));
  EXPECT_EQ(kEarthfileFeatures.prepare_rename(On(main), At(main, "flags ="))->placeholder, "flags");
}

TEST_F(EarthfileFeatures, Completion) {
  const std::string front = std::string(kMain) + "\nlast:\n    ";
  EXPECT_THAT(CompleteEnd(front + "SA"), UnorderedElementsAre("SAVE ARTIFACT", "SAVE IMAGE"));
  EXPECT_THAT(CompleteEnd(front + "RUN --se"), ElementsAre("--secret"));
  EXPECT_THAT(CompleteEnd(front + "BUILD --platform=linux/arm6"), ElementsAre("linux/arm64"));
  EXPECT_THAT(CompleteEnd(front + "BUILD +"), UnorderedElementsAre("all", "app", "test"));
  EXPECT_THAT(CompleteEnd(front + "BUILD +a"), UnorderedElementsAre("all", "app"));
  EXPECT_THAT(CompleteEnd(front + "BUILD ./lib+"), ElementsAre("pack"));
  EXPECT_THAT(CompleteEnd(front + "DO tools+"), ElementsAre("GREET"));
  EXPECT_THAT(CompleteEnd(front + "BUILD ./l"), ElementsAre("./lib"));
  EXPECT_THAT(CompleteEnd(front + "DO to"), Contains("tools+"));
  EXPECT_THAT(CompleteEnd(front + "COPY +app/"), ElementsAre("/out/app"));
  EXPECT_THAT(CompleteEnd(front + "BUILD +app --"), Contains("--size"));
  EXPECT_THAT(CompleteEnd(front + "DO tools+GREET --w"), ElementsAre("--who"));
  EXPECT_THAT(CompleteEnd(front + "COPY sr"), ElementsAre("src/"));
  EXPECT_THAT(CompleteEnd(front + "COPY src/"), UnorderedElementsAre("a.c", "b.c"));
  EXPECT_THAT(CompleteEnd(front + "LET mine = 1\n    RUN echo $"), UnorderedElementsAre("mine", "release"));
  EXPECT_THAT(CompleteEnd(front + "LET mine = 1\n    SET "), ElementsAre("mine"));
  EXPECT_THAT(CompleteEnd(front + "ARG EARTHLY_TARGET_N"), ElementsAre("EARTHLY_TARGET_NAME"));
  EXPECT_THAT(CompleteEnd(front + "FROM alp"), Contains("alpine:3.20"));
  EXPECT_THAT(CompleteEnd(front + "RUN a \\\n        --"), Not(Contains("--secret")));
  EXPECT_THAT(CompleteEnd("VERSION --tr"), ElementsAre("--try"));
  EXPECT_THAT(CompleteEnd("VERSION 0.8\n# FR"), IsEmpty());
  EXPECT_THAT(CompleteEnd("VERSION 0.8\nta"), Contains("target"));
  EXPECT_THAT(kEarthfileFeatures.completion_documentation("flag RUN --secret"), HasSubstr("secret in the environment"));
}

TEST_F(EarthfileFeatures, SignatureHelp) {
  const Document& main = Open("Earthfile", kMain);
  const auto copy = kEarthfileFeatures.signature_help(On(main), At(main, "src/*.c ./", 1, 9));
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->signatures[0].label, "COPY [FLAGS] source… dest");
  EXPECT_EQ(copy->active_parameter, 2U);
  const auto build = kEarthfileFeatures.signature_help(On(main), At(main, "--size=2", 1, 8));
  ASSERT_TRUE(build);
  EXPECT_EQ(build->signatures[0].label, "+app --size=1");
  EXPECT_EQ(build->active_parameter, 0U);
}

TEST_F(EarthfileFeatures, Hover) {
  const Document& main = Open("Earthfile", kMain);
  const auto at = [&](std::string_view text, int nth = 1, std::uint32_t behind = 0) {
    const auto hover = kEarthfileFeatures.hover(On(main), At(main, text, nth, behind));
    return hover ? hover->markdown : std::string();
  };
  EXPECT_THAT(at("+app --size", 1, 2),
              testing::AllOf(HasSubstr("target `+app`"), HasSubstr("app is the program."), HasSubstr("`--size` = `1`"),
                             HasSubstr("artifact `+app/out/app`")));
  EXPECT_THAT(at("GREET"), testing::AllOf(HasSubstr("function `GREET`"), HasSubstr("`--who` (required)")));
  EXPECT_THAT(at("release\n"), testing::AllOf(HasSubstr("`release` = `1.2`"), HasSubstr("line 4: `ARG release=1.2`")));
  EXPECT_THAT(at("src/*.c"), testing::AllOf(HasSubstr("2 match"), HasSubstr("`src/a.c`")));
  EXPECT_THAT(at("SAVE ARTIFACT"), HasSubstr("available to other targets"));
  EXPECT_THAT(at("--global"), HasSubstr("Visible in all targets"));
  EXPECT_THAT(at("alpine"), testing::AllOf(HasSubstr("sha256:0123456789abcdef0123"), HasSubstr("linux/amd64")));
}

TEST_F(EarthfileFeatures, SymbolsAndCalls) {
  const Document& main = Open("Earthfile", kMain);
  std::vector<std::string> names;
  for (const Symbol& symbol : kEarthfileFeatures.symbols(On(main))) {
    names.push_back(symbol.name);
    EXPECT_TRUE(symbol.span.Contains(symbol.selection)) << symbol.name;
  }
  EXPECT_THAT(names, ElementsAre("tools", "release", "all", "app", "test"));
  const auto items = kEarthfileFeatures.call_items(On(main), At(main, "app:\n"));
  ASSERT_EQ(items.size(), 1U);
  std::vector<std::string> callers;
  for (const Call& call : kEarthfileFeatures.incoming_calls(On(main), items[0])) {
    callers.push_back(call.item.name);
  }
  EXPECT_THAT(callers, UnorderedElementsAre("+all", "+test", "+pack"));
  const auto all = kEarthfileFeatures.call_items(On(main), At(main, "all:\n"));
  std::vector<std::string> called;
  for (const Call& call : kEarthfileFeatures.outgoing_calls(On(main), all[0])) {
    called.push_back(call.item.name);
  }
  EXPECT_THAT(called, ElementsAre("+app", "+pack", "GREET"));
}

TEST_F(EarthfileFeatures, FoldsSelectionsAndLinks) {
  const Document& main = Open("Earthfile", kMain);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> lines;
  for (const Fold& fold : kEarthfileFeatures.folds(On(main))) {
    lines.emplace_back(main.text().LineAt(fold.span.begin) + 1, main.text().LineAt(fold.span.end) + 1);
  }
  EXPECT_THAT(lines, testing::IsSupersetOf({std::pair(7U, 10U), std::pair(13U, 19U), std::pair(21U, 27U),
                                            std::pair(23U, 24U), std::pair(25U, 26U)}))
      << testing::PrintToString(lines);
  const auto spans = kEarthfileFeatures.selections(On(main), At(main, "RUN ./app", 1, 5));
  ASSERT_GE(spans.size(), 5U);
  for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
    EXPECT_TRUE(spans[i + 1].Contains(spans[i]));
  }
  EXPECT_EQ(spans.back().size(), main.text().size());
  const auto links = kEarthfileFeatures.links(On(main));
  ASSERT_FALSE(links.empty());
  EXPECT_THAT(links[0].target, testing::EndsWith("/lib/Earthfile"));
}

TEST_F(EarthfileFeatures, SemanticTokensCoverTheNames) {
  const Document& main = Open("Earthfile", kMain);
  std::map<std::string, TokenType> types;
  std::uint32_t last = 0;
  for (const SemanticToken& token : kEarthfileFeatures.semantic_tokens(On(main), {0, main.text().size()})) {
    EXPECT_GE(token.span.begin, last) << "tokens overlap";
    last = token.span.end;
    types.emplace(std::string(main.text().Of(token.span)), token.type);
  }
  EXPECT_EQ(types["BUILD"], TokenType::kKeyword);
  EXPECT_EQ(types["app"], TokenType::kFunction);
  EXPECT_EQ(types["GREET"], TokenType::kMacro);
  EXPECT_EQ(types["tools"], TokenType::kNamespace);
  EXPECT_EQ(types["release"], TokenType::kVariable);
  EXPECT_EQ(types["--global"], TokenType::kParameter);
  EXPECT_EQ(types["# all builds everything."], TokenType::kComment);
}

TEST_F(EarthfileFeatures, HintsAndLenses) {
  const Document& main = Open("Earthfile", kMain);
  std::vector<std::string> labels;
  for (const InlayHint& hint : kEarthfileFeatures.inlay_hints(On(main), {0, main.text().size()})) {
    labels.push_back(hint.label);
  }
  EXPECT_THAT(labels, testing::IsSupersetOf({"2 entries", "= 1.2", "cached", "1.5 s", "@sha256:0123456789ab…"}));
  std::vector<std::string> titles;
  for (const CodeLens& lens : kEarthfileFeatures.code_lenses(On(main))) {
    titles.push_back(lens.command ? lens.command->title : lens.data);
  }
  EXPECT_THAT(titles,
              ElementsAre("build +all", "graph", "last +all", "build +app", "last +app", "test +test", "last +test"));
  const auto last = [&](std::string_view data) { return kEarthfileFeatures.code_lens_command(On(main), data)->title; };
  EXPECT_EQ(last("last +all"), "last build 5.0 s, 2 of 3 steps cached");
  EXPECT_EQ(last("last +app"), "last build 1.5 s, 1 of 2 steps cached");
  EXPECT_EQ(last("last +test"), "not built yet");
  const auto graph = kEarthfileFeatures.graph(On(main));
  ASSERT_TRUE(graph);
  EXPECT_THAT(*graph, testing::AllOf(HasSubstr("flowchart"), HasSubstr("BUILD"), HasSubstr("+app")));
}

TEST_F(EarthfileFeatures, DiagnosticsLookAtTheProject) {
  settings_.checks = {};
  const Document& main = Open("Earthfile", kMain);
  EXPECT_THAT(kEarthfileFeatures.diagnostics(On(main)), IsEmpty());
  // A buffer that is not saved takes the target away.
  Open("lib/Earthfile",
       "VERSION 0.8\n\npacks:\n    FROM alpine:3.20\n    RUN x\n\nGREET:\n    FUNCTION\n    ARG who\n    RUN "
       "echo $who\n");
  const auto found = kEarthfileFeatures.diagnostics(On(main));
  ASSERT_EQ(found.size(), 1U) << found.front().message;
  EXPECT_THAT(found[0].message, HasSubstr("pack"));
  EXPECT_EQ(found[0].severity, Severity::kError);
  const Document& broken = Open("Earthfile", "VERSION 0.8\na:\n    FROM debian\n    RNU x\n");
  std::vector<std::string> codes;
  for (const Diagnostic& diagnostic : kEarthfileFeatures.diagnostics(On(broken))) {
    codes.push_back(diagnostic.code);
  }
  EXPECT_THAT(codes, UnorderedElementsAre("UntaggedBaseImage", "LE0001"));
}

TEST_F(EarthfileFeatures, CodeActions) {
  const std::string text =
      "VERSION 0.8\nIMPORT ./lib\n\na:\n    FROM alpine:3.20\n    ARG x\n    RUN make all\n    RUN echo $x\n";
  const Document& main = Open("Earthfile", text);
  const auto titles = [&](Span span) {
    std::vector<std::string> out;
    for (const CodeAction& action : kEarthfileFeatures.code_actions(On(main), span)) {
      out.push_back(action.title);
    }
    return out;
  };
  const std::uint32_t import = At(main, "IMPORT");
  EXPECT_THAT(titles({import, import}),
              testing::IsSupersetOf({"remove it", "ignore UnusedImport here", "fix all that is safe"}));
  const std::uint32_t arg = At(main, "ARG x");
  EXPECT_THAT(titles({arg, arg}), Contains("make the ARG required"));
  const std::uint32_t run = At(main, "RUN make");
  EXPECT_THAT(titles({run, run}), Contains("write in exec form"));
  for (const CodeAction& action : kEarthfileFeatures.code_actions(On(main), {run, main.text().size() - 1})) {
    if (action.title == "extract a function") {
      std::string made = text;
      for (auto edit = action.edit[0].edits.rbegin(); edit != action.edit[0].edits.rend(); ++edit) {
        made.replace(edit->span.begin, edit->span.size(), edit->text);
      }
      EXPECT_THAT(made,
                  HasSubstr("    ARG x\n    DO +NEW_FUNCTION --x=$x\n\nNEW_FUNCTION:\n    FUNCTION\n    ARG x\n    RUN "
                            "make all\n    RUN echo $x\n"));
      return;
    }
  }
  FAIL() << "no function was extracted";
}

TEST_F(EarthfileFeatures, RunsAreSplitAndCombined) {
  const std::string text =
      "VERSION 0.8\na:\n    FROM b:1\n    RUN one && \\\n        two\n    RUN three\n    RUN --push four\n";
  const Document& main = Open("Earthfile", text);
  const std::uint32_t at = At(main, "RUN one");
  std::map<std::string, std::string> made;
  for (const CodeAction& action : kEarthfileFeatures.code_actions(On(main), {at, at})) {
    std::string changed = text;
    for (auto edit = action.edit[0].edits.rbegin(); edit != action.edit[0].edits.rend(); ++edit) {
      changed.replace(edit->span.begin, edit->span.size(), edit->text);
    }
    made[action.title] = changed;
  }
  EXPECT_EQ(made["split into 2 RUN commands"],
            "VERSION 0.8\na:\n    FROM b:1\n    RUN one\n    RUN two\n    RUN three\n    RUN --push four\n");
  EXPECT_EQ(
      made["combine 2 RUN commands"],
      "VERSION 0.8\na:\n    FROM b:1\n    RUN one && \\\n        two && \\\n        three\n    RUN --push four\n");
}

TEST_F(EarthfileFeatures, Formatting) {
  const Document& main = Open("Earthfile", "VERSION 0.8\na:\n  FROM b:1\n  RUN c\n");
  const auto edits = kEarthfileFeatures.format(On(main), {});
  std::string text(main.text().bytes());
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
    text.replace(edit->span.begin, edit->span.size(), edit->text);
  }
  EXPECT_EQ(text, "VERSION 0.8\n\na:\n    FROM b:1\n    RUN c\n");
  const Document& typing = Open("Earthfile", "VERSION 0.8\na:\n    IF x\n        RUN y\n        END\n\n");
  const auto typed = kEarthfileFeatures.format_on_type(On(typing), At(typing, "END\n", 1, 4), "\n", {});
  ASSERT_EQ(typed.size(), 2U);
  EXPECT_EQ(typed[0].text, "    ");
  EXPECT_EQ(typed[1].text, "    ");
}

TEST_F(EarthfileFeatures, LinkedRanges) {
  const Document& main = Open("Earthfile", kMain);
  const auto linked = kEarthfileFeatures.linked_ranges(On(main), At(main, "flags ="));
  ASSERT_TRUE(linked);
  EXPECT_EQ(linked->spans.size(), 2U);
  EXPECT_FALSE(kEarthfileFeatures.linked_ranges(On(main), At(main, "size=1")));
}

// Every feature, at every place of texts that are cut anywhere, answers something.
TEST_F(EarthfileFeatures, HalfTypedTexts) {
  const std::string text = kMain;
  for (std::size_t size = 0; size <= text.size(); size += 7) {
    const Document& cut = Open("Earthfile", text.substr(0, size));
    const Query query = On(cut);
    kEarthfileFeatures.diagnostics(query);
    kEarthfileFeatures.symbols(query);
    kEarthfileFeatures.folds(query);
    kEarthfileFeatures.links(query);
    kEarthfileFeatures.code_lenses(query);
    kEarthfileFeatures.semantic_tokens(query, {0, cut.text().size()});
    const std::uint32_t end = cut.text().size();
    for (const std::uint32_t offset : {end, end / 2}) {
      kEarthfileFeatures.completion(query, offset);
      kEarthfileFeatures.hover(query, offset);
      kEarthfileFeatures.signature_help(query, offset);
      kEarthfileFeatures.definition(query, offset);
      kEarthfileFeatures.references(query, offset, true);
      kEarthfileFeatures.highlights(query, offset);
      kEarthfileFeatures.selections(query, offset);
      kEarthfileFeatures.code_actions(query, {offset / 2, offset});
      kEarthfileFeatures.format_on_type(query, offset, "\n", {});
      kEarthfileFeatures.linked_ranges(query, offset);
      kEarthfileFeatures.call_items(query, offset);
    }
  }
}

}  // namespace
}  // namespace loam::lsp
