// MissingFeature: a flag or form that a feature of VERSION switches on.
#include "compiler/lint/earthfile/rule.h"
#include "compiler/sema/earthfile/flags.h"

namespace loam::lint::earthfile {

namespace {

struct Missing {
  sema::Feature feature;
  source::SourceRange range;
  std::string what;
};

void CheckFlags(const ast::Command& command, const FileView& file, std::vector<Missing>& missing) {
  if (command.exec_mode) {
    return;
  }
  const auto flags = sema::FlagsOf(command.keyword.text == "DOCKER" ? "WITH DOCKER" : command.keyword.text);
  for (const ast::Word& word : command.flags.empty() ? command.args : command.flags) {
    if (!word.text.starts_with("--")) {
      return;
    }
    const std::string_view name = word.text.substr(2, word.text.find('=') - 2);
    for (const sema::FlagInfo& flag : flags) {
      if (flag.name != name || flag.feature.empty()) {
        continue;
      }
      const auto feature = sema::FeatureWithFlag(flag.feature);
      if (feature && !file.Has(*feature)) {
        missing.push_back({*feature, word.range, fmt::format("`{} --{}`", command.keyword.text, name)});
      }
    }
  }
}

}  // namespace

void CheckMissingFeature(const FileView& file, const Reporter& report) {
  if (!file.version) {
    return;
  }
  std::vector<Missing> missing;
  EachCommand(file, [&](const ast::Command& command, std::size_t) { CheckFlags(command, file, missing); });
  for (const sema::RecipeScope& scope : file.symbols.scopes) {
    sema::EachStatement(scope.recipe, [&](const ast::Statement& statement) {
      if (statement.kind == ast::StatementKind::kTry && !file.Has(sema::Feature::kTryFinally)) {
        missing.push_back({sema::Feature::kTryFinally, statement.keyword, "`TRY`"});
      } else if (statement.kind == ast::StatementKind::kWait && !file.Has(sema::Feature::kWaitBlock)) {
        missing.push_back({sema::Feature::kWaitBlock, statement.keyword, "`WAIT`"});
      } else if (statement.kind == ast::StatementKind::kFor && !file.Has(sema::Feature::kForIn)) {
        missing.push_back({sema::Feature::kForIn, statement.keyword, "`FOR`"});
      }
    });
  }
  for (const sema::ReferenceUse& use : file.symbols.references) {
    if (!use.reference || !sema::HasPathWildcard(*use.reference)) {
      continue;
    }
    const auto feature =
        use.kind == sema::ReferenceKind::kBuild ? sema::Feature::kWildcardBuilds : sema::Feature::kWildcardCopy;
    if (!file.Has(feature)) {
      missing.push_back({feature, use.range, "a path with a wildcard"});
    }
  }
  const source::SourceRange version = file.file->version->range;
  const std::uint32_t behind = version.begin + 7;  // VERSION
  for (const Missing& each : missing) {
    const std::string_view flag = sema::InfoOf(each.feature).flag;
    report(each.range, fmt::format("{} needs `--{}` in the line of VERSION", each.what, flag),
           UnsafeFix(fmt::format("add `--{}` to VERSION", flag), file.buffer->Range(behind, behind),
                     fmt::format(" --{}", flag)));
  }
}

}  // namespace loam::lint::earthfile
