#include "language-server/features/quiet_edit.h"

#include <gtest/gtest.h>

#include <random>

#include "language-server/features/features.h"

namespace loam::lsp {
namespace {

constexpr std::string_view kText =
    "# syntax=docker/dockerfile:1\n"
    "FROM debian:12 AS build\n"
    "# what it needs\n"
    "\n"
    "RUN apt-get install \\\n"
    "# in the midst\n"
    "    curl\n"
    "# hadolint ignore=DL3008\n"
    "# and why\n"
    "RUN apt-get install -y git\n"
    "\t# indented\n"
    "COPY <<EOT /etc/conf\n"
    "# of the file\n"
    "EOT\n"
    "MAINTAINER you\n"
    "\n"
    "# the last\n"
    "FROM scratch\n"
    "ENV a b\n"
    "# x\n"
    "CMD echo $missing\n"
    "\n"
    "# the end\n";

class QuietEdit : public testing::Test {
 protected:
  QuietEdit() {
    settings_.checks = {"hadolint"};
    Open(std::string(kText));
  }
  void Open(std::string text) { document_ = &workspace_.Open("untitled:Dockerfile", "dockerfile", 1, std::move(text)); }
  Findings Find() {
    const Query query{*document_, workspace_, settings_, store_, cancel_, client_};
    Findings found;
    found.diagnostics = FeaturesOf(document_->language()).diagnostics(query);
    found.statements = StatementsOf(query);
    return found;
  }
  [[nodiscard]] std::uint32_t At(std::string_view what) const {
    return static_cast<std::uint32_t>(document_->text().bytes().find(what));
  }
  // Whether it is quiet; what was moved is then what is found anew.
  bool Edit(Span span, std::string_view replacement) {
    Findings moved = Find();
    const bool quiet = MoveAlong(*document_, span, replacement, moved);
    document_->Replace(span, replacement);
    if (quiet) {
      const Findings anew = Find();
      EXPECT_EQ(Show(moved), Show(anew)) << document_->text().bytes();
    }
    return quiet;
  }
  static std::string Show(const Findings& findings) {
    std::string shown;
    const auto place = [&](Span span) { shown += std::to_string(span.begin) + "-" + std::to_string(span.end) + " "; };
    for (const Diagnostic& diagnostic : findings.diagnostics) {
      place(diagnostic.span);
      shown += diagnostic.code + " " + diagnostic.message + "\n";
      for (const RelatedPlace& related : diagnostic.related) {
        place(related.place.span);
      }
    }
    if (findings.statements) {
      for (const Statement& statement : *findings.statements) {
        place(statement.lines);
        shown += statement.described ? "d" : "";
        shown += statement.open_ended ? "o" : "";
      }
    }
    return shown;
  }

  Workspace workspace_;
  Settings settings_;
  StoreFacts store_;
  CancelToken cancel_;
  ClientTraits client_;
  Document* document_ = nullptr;
};

TEST_F(QuietEdit, CommentsAndBlankLinesBetweenInstructions) {
  ASSERT_GE(Find().diagnostics.size(), 5U);
  std::uint32_t at = At("what it");
  EXPECT_TRUE(Edit({at, at + 4}, "all"));
  at = At("\nRUN");
  EXPECT_TRUE(Edit({at, at}, "\n# more"));
  at = At("# x\n");
  EXPECT_TRUE(Edit({at, at + 4}, ""));
  at = document_->text().size();
  EXPECT_TRUE(Edit({at, at}, "# ö"));
}

TEST_F(QuietEdit, EverythingElseIsLookedAtAnew) {
  const auto loud = [&](std::string_view where, std::string_view text, std::uint32_t replaced = 0) {
    Open(std::string(kText));
    const std::uint32_t at = At(where);
    EXPECT_FALSE(Edit({at, at + replaced}, text)) << where;
  };
  loud(" syntax", "x");       // a directive
  loud("in the midst", "x");  // within an instruction
  loud("of the file", "x");   // within a heredoc
  loud("and why", "x");       // beside a pragma
  loud("the last", "x");      // may describe what FROM makes
  loud("the end", " check=skip=all");
  loud("\n\nRUN", "\nRUN x");
  loud("\nCMD", " ", 1);  // joins a comment with an instruction
  loud("what it", "x\ny");
  loud("ENV a b", "#");
  loud("git\n", "git \\\n", 4);
}

TEST_F(QuietEdit, AnOpenEndAndAnErrorAreLoud) {
  Open("FROM scratch\nRUN a \\\n\n# c\n");
  std::uint32_t at = At("# c") + 3;
  EXPECT_FALSE(Edit({at, at}, "x"));
  Open("FROM scratch\nCOPY a\n\n# c\n");
  at = At("# c") + 3;
  EXPECT_FALSE(Edit({at, at}, "x"));
  Open("FROM scratch\r\rRUN a\n\n# c\n");
  at = At("# c") + 3;
  EXPECT_FALSE(Edit({at, at}, "x"));
}

// Random edits, of which many are quiet: what is moved again and again is what is found anew.
TEST_F(QuietEdit, AnyRowOfEdits) {
  static constexpr std::string_view kPieces[] = {"#",    "# c\n", "\n", "x",   " ", "RUN a\n",
                                                 "\\\n", "\r\n",  "=",  "# é", "\t"};
  std::mt19937 random(1);
  const auto below = [&](std::size_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  int quiet = 0;
  for (int round = 0; round < 25; ++round) {
    Open(std::string(kText));
    std::optional<Findings> found = Find();
    for (int edit = 0; edit < 8; ++edit) {
      const std::uint32_t size = document_->text().size();
      // Often in a comment, so that there is a row of quiet ones.
      std::uint32_t begin = below(size + 1);
      const std::size_t comment = document_->text().bytes().find('#', begin);
      const bool in_comment = below(4) > 0 && comment != std::string_view::npos;
      if (in_comment) {
        begin = static_cast<std::uint32_t>(comment) + below(2);
      }
      const Span span{begin, std::min(size, begin + (in_comment ? below(2) : below(4)))};
      const std::string_view piece = kPieces[below(std::size(kPieces))];
      const bool moved = MoveAlong(*document_, span, piece, *found);
      document_->Replace(span, piece);
      Findings anew = Find();
      if (moved) {
        ++quiet;
        ASSERT_EQ(Show(*found), Show(anew)) << document_->text().bytes();
      } else if (below(3) > 0) {
        // A file that is broken stays so.
        Open(std::string(kText));
        found = Find();
      } else {
        found = std::move(anew);
      }
    }
  }
  EXPECT_GT(quiet, 30);
}

}  // namespace
}  // namespace loam::lsp
