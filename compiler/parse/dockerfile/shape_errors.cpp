#include "compiler/parse/dockerfile/shape_errors.h"

#include <string>
#include <string_view>

#include "base/strings.h"

namespace loam::parse {

namespace {

using diag::Kind;
using syntax::Token;
using syntax::TokenKind;

std::string_view Wants(TokenKind keyword) {
  switch (keyword) {
    case TokenKind::kKeywordArg:
      return "at least one name";
    case TokenKind::kKeywordEnv:
    case TokenKind::kKeywordLabel:
      return "at least one `name=value`";
    case TokenKind::kKeywordExpose:
      return "at least one port";
    case TokenKind::kKeywordVolume:
      return "at least one path";
    case TokenKind::kKeywordUser:
      return "a user";
    case TokenKind::kKeywordWorkdir:
      return "a directory";
    case TokenKind::kKeywordStopSignal:
      return "a signal";
    case TokenKind::kKeywordMaintainer:
      return "a name";
    case TokenKind::kKeywordOnbuild:
      return "an instruction";
    case TokenKind::kKeywordHealthcheck:
      return "`NONE`, or `CMD` and a command";
    case TokenKind::kKeywordShell:
      return "a command in JSON form";
    default:
      return "an argument";
  }
}

// Where a missing thing is missed: the last token that is there.
source::SourceRange LastBefore(const syntax::Tree& tree, std::uint32_t body, std::uint32_t offending) {
  for (std::uint32_t i = offending; i > body; --i) {
    if (!IsTrivia(tree.tokens[i - 1].kind)) {
      return tree.RangeOf(tree.tokens[i - 1]);
    }
  }
  return tree.RangeOf(tree.tokens[body]);
}

class Report {
 public:
  Report(const syntax::Tree& tree, std::uint32_t body, std::uint32_t offending, diag::Emitter& emitter)
      : tree_(tree),
        emitter_(emitter),
        keyword_(tree.tokens[body]),
        bad_(tree.tokens[offending]),
        keyword_text_(ToUpperAscii(keyword_.text())),
        at_keyword_(tree.RangeOf(keyword_)),
        at_bad_(tree.RangeOf(bad_)),
        at_last_(LastBefore(tree, body, offending)) {}

  // Those upstream reports for a trigger as well.
  bool Always() {
    if (bad_.kind == TokenKind::kJsonOther) {
      emitter_.Emit<Kind::kJsonNotStrings>(at_bad_, tree_.SourceOf(bad_))
          .Hint("put it in double quotes, or write the command without brackets");
      return true;
    }
    const bool takes_pairs = keyword_.kind == TokenKind::kKeywordEnv || keyword_.kind == TokenKind::kKeywordLabel;
    if (takes_pairs && bad_.kind == TokenKind::kEnd && !AtKeyword()) {
      emitter_.Emit<Kind::kMissingValue>(at_last_, tree_.buffer().TextOf(at_last_))
          .Hint(fmt::format("write `{} {}=value`", keyword_text_, tree_.buffer().TextOf(at_last_)));
      return true;
    }
    if (takes_pairs && bad_.kind == TokenKind::kWord) {
      emitter_.Emit<Kind::kMissingEquals>(at_bad_, bad_.text()).Hint("a value with blanks goes into double quotes");
      return true;
    }
    return false;
  }

  void TopLevel() {
    const bool at_end = bad_.kind == TokenKind::kEnd;
    switch (keyword_.kind) {
      case TokenKind::kKeywordFrom:
        if (at_end && AtKeyword()) {
          emitter_.Emit<Kind::kMissingArgument>(at_keyword_, keyword_text_, "an image")
              .Hint("`scratch` is the empty image");
        } else {
          emitter_.Emit<Kind::kFromArguments>(at_end ? at_last_ : at_bad_).Hint("write `FROM image AS name`");
        }
        return;
      case TokenKind::kKeywordAdd:
      case TokenKind::kKeywordCopy:
        emitter_.Emit<Kind::kMissingDestination>(at_last_, keyword_text_)
            .Hint(fmt::format("write `{} source destination`", keyword_text_));
        return;
      case TokenKind::kKeywordHealthcheck:
        if (bad_.kind == TokenKind::kWord) {
          emitter_.Emit<Kind::kUnknownHealthcheckType>(at_bad_, bad_.text())
              .Hint(fmt::format("write `HEALTHCHECK CMD {} ...`", bad_.text()));
        } else if (!at_end && bad_.kind != TokenKind::kFlag) {
          emitter_.Emit<Kind::kHealthcheckNoneArguments>(at_bad_);
        } else if (at_last_ == at_keyword_ || bad_.kind == TokenKind::kFlag) {
          emitter_.Emit<Kind::kMissingArgument>(at_keyword_, keyword_text_, Wants(keyword_.kind));
        } else {
          emitter_.Emit<Kind::kMissingArgument>(at_last_, "HEALTHCHECK", Wants(keyword_.kind));
        }
        return;
      case TokenKind::kKeywordShell:
        if (!at_end) {
          emitter_.Emit<Kind::kShellNotJson>(at_bad_).Hint("write `SHELL [\"/bin/sh\", \"-c\"]`, with double quotes");
          return;
        }
        break;
      default:
        break;
    }
    emitter_.Emit<Kind::kMissingArgument>(at_end ? at_last_ : at_bad_, keyword_text_, Wants(keyword_.kind));
  }

  void Trigger() {
    emitter_.Emit<Kind::kSuspiciousTrigger>(at_last_, fmt::format("the arguments of `{}` do not fit", keyword_text_));
  }

 private:
  [[nodiscard]] bool AtKeyword() const { return at_last_ == at_keyword_; }

  const syntax::Tree& tree_;
  diag::Emitter& emitter_;
  const Token& keyword_;
  const Token& bad_;
  std::string keyword_text_;
  source::SourceRange at_keyword_;
  source::SourceRange at_bad_;
  source::SourceRange at_last_;
};

}  // namespace

bool ReportShapeError(const syntax::Tree& tree, std::uint32_t body, std::uint32_t offending, bool is_trigger,
                      diag::Emitter& emitter) {
  Report report(tree, body, offending, emitter);
  if (report.Always()) {
    return true;
  }
  if (is_trigger) {
    report.Trigger();
    return false;
  }
  report.TopLevel();
  return true;
}

}  // namespace loam::parse
