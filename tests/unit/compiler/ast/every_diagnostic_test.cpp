// One text for every kind of diagnostic that parsing and building the tree report.
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/compiler/ast/parsed.h"

namespace loam::ast {
namespace {

using diag::Kind;

struct Case {
  Kind kind;
  std::string text;
  std::string marked;  // the bytes of the primary range
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {Kind::kNoInstructions, "# nothing\n", ""},
      {Kind::kLineTooLong, "FROM a\nRUN " + std::string(70'000, 'x'), "RUN " + std::string(70'000, 'x')},
      {Kind::kUnterminatedHeredoc, "FROM a\nRUN <<EOF\nx\n", "<<EOF"},
      {Kind::kLoneContinuation, "FROM a\n\\\n", ""},
      {Kind::kDuplicateDirective, "# escape=`\n# escape=`\nFROM a", "escape"},
      {Kind::kBadEscapeDirective, "# escape=/\nFROM a", "/"},
      {Kind::kUnknownInstruction, "FROM a\nRNU x", "RNU"},
      {Kind::kInstructionBeforeFrom, "RUN x\nFROM a", "RUN"},
      {Kind::kMissingArgument, "FROM a\nUSER", "USER"},
      {Kind::kFromArguments, "FROM a b", "b"},
      {Kind::kBadStageName, "FROM a AS 1", "1"},
      {Kind::kMissingDestination, "FROM a\nADD x", "x"},
      {Kind::kHeredocDestination, "FROM a\nADD x <<E\nE\n", "<<E"},
      {Kind::kMissingValue, "FROM a\nLABEL x", "x"},
      {Kind::kMissingEquals, "FROM a\nENV a=1 b", "b"},
      {Kind::kBlankName, "ARG =1\nFROM a", "=1"},
      {Kind::kJsonNotStrings, "FROM a\nCMD [1]", "1"},
      {Kind::kShellNotJson, "FROM a\nSHELL sh -c", "sh -c"},
      {Kind::kEmptyVolumePath, "FROM a\nVOLUME [\" \"]", "\" \""},
      {Kind::kForbiddenTrigger, "FROM a\nONBUILD FROM b", "FROM"},
      {Kind::kSuspiciousTrigger, "FROM a\nONBUILD COPY b", "b"},
      {Kind::kUnknownHealthcheckType, "FROM a\nHEALTHCHECK curl x", "curl"},
      {Kind::kHealthcheckNoneArguments, "FROM a\nHEALTHCHECK NONE x", "x"},
      {Kind::kUnknownFlag, "FROM a\nCOPY --form=b c d", "form"},
      {Kind::kDuplicateFlag, "FROM a\nCOPY --from=b --from=b c d", "--from=b"},
      {Kind::kFlagWithoutValue, "FROM a\nCOPY --from b c", "--from"},
      {Kind::kBadBoolean, "FROM a\nCOPY --link=yes b c", "yes"},
      {Kind::kIgnoredFlag, "ARG --x y\nFROM a", "--x"},
      {Kind::kBadNetworkMode, "FROM a\nRUN --network=x y", "x"},
      {Kind::kBadSecurityMode, "FROM a\nRUN --security=x y", "x"},
      {Kind::kBadDuration, "FROM a\nHEALTHCHECK --timeout=x CMD y", "x"},
      {Kind::kShortDuration, "FROM a\nHEALTHCHECK --timeout=1ns CMD y", "1ns"},
      {Kind::kBadRetries, "FROM a\nHEALTHCHECK --retries=x CMD y", "x"},
      {Kind::kBadCsv, "FROM a\nRUN --mount= y", "--mount="},
      {Kind::kMountFromVariable, "FROM a\nRUN --mount=from=$x y", "$x"},
      {Kind::kDeviceNamedTwice, "FROM a\nRUN --device=x,name=y z", "name=y"},
      {Kind::kBadDeviceOption, "FROM a\nRUN --device=x,y z", "y"},
      {Kind::kBadDeviceRequired, "FROM a\nRUN --device=x,required=y z", "y"},
  };
  return cases;
}

// Kinds that no text reaches are no kinds: this list stays empty.
TEST(EveryDiagnostic, HasACase) {
  std::set<Kind> covered;
  for (const Case& test : Cases()) {
    covered.insert(test.kind);
  }
  for (std::size_t i = 0; i < diag::kKinds.size(); ++i) {
    if (diag::kKinds[i].code >= "LD" && diag::kKinds[i].code < "LD0300") {
      EXPECT_TRUE(covered.contains(static_cast<Kind>(i))) << diag::kKinds[i].name << " has no test";
    }
  }
}

TEST(EveryDiagnostic, IsReportedOnceAtItsPlace) {
  for (const Case& test : Cases()) {
    SCOPED_TRACE(diag::InfoOf(test.kind).name);
    const Parsed parsed(test.text);
    std::size_t found = 0;
    for (const diag::Diagnostic& diagnostic : parsed.consumer.diagnostics()) {
      if (diagnostic.kind == test.kind) {
        ++found;
        EXPECT_EQ(parsed.buffer->TextOf(diagnostic.range), test.marked);
      } else {
        ADD_FAILURE() << "also: " << diagnostic.message;
      }
    }
    EXPECT_EQ(found, 1U);
  }
}

}  // namespace
}  // namespace loam::ast
