// SAVE IMAGE, and what a WAIT scope gathers.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/platform.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {

void TargetEvaluation::SaveItem(OutputItem item, bool after_push) {
  SaveScope& into = after_push ? result_->after_push : scope();
  into.entries.push_back({std::make_shared<const OutputItem>(std::move(item)), nullptr});
}

Checked<> TargetEvaluation::SaveImage(const ast::earthfile::Command& command) {
  const SourceRange range = range_;
  SaveImageFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  const std::vector<std::string> cache_from =
      LOAM_TRY(ExpandAll(std::span<const std::string>(flags.cache_from), range));
  LOAM_TRY(CheckSaveImage(command, flags, words));
  std::vector<std::string> names = LOAM_TRY(ExpandAll(words));
  range_ = range;
  NameRecorded(fmt::format("SAVE IMAGE {}", Join(names, " ")), false);
  if (names.empty() && !flags.cache_hint && cache_from.empty()) {
    in_.effects().Notice(
        name_, "Deprecation: using SAVE IMAGE with no arguments is no longer necessary and can be safely removed");
    return {};
  }
  if (!flags.without_labels) {
    const auto set = [&](std::string_view key, std::string_view value) {
      state_.image.labels.emplace_back(key, Intern(value));
    };
    set("dev.earthly.version", in_.options().version);
    set("dev.earthly.git-sha", in_.options().version_sha);
    set("dev.earthly.built-by", in_.options().built_by);
  }
  if (names.empty() && flags.cache_hint) {
    names.emplace_back();
  }
  const bool after_push = push_only_ && result_->push_state;
  const ir::Value fs = LOAM_TRY(Persisted(after_push ? *result_->push_state : state_.fs));
  for (const std::string& name : names) {
    result_->images.push_back({name, fs, state_.image});
    ImageItem item;
    item.output.name = name;
    item.output.fs = fs;
    item.output.config = WriteImageConfig(state_.image);
    item.output.platform_id = FormatPlatform(CurrentPlatform());
    item.output.push = flags.push;
    item.output.insecure = flags.insecure;
    item.output.cache_hint = flags.cache_hint;
    item.output.cache_from = cache_from;
    item.output.target = name_;
    item.output.ignore_cache = in_.options().no_cache;
    item.has_platform = !platforms_.current().IsDefault();
    item.no_manifest_list = flags.no_manifest_list;
    item.check_duplicate = Has(Feature::kCheckDuplicateImages);
    item.forced = !Has(Feature::kReferencedSaveOnly);
    item.range = range;
    SaveItem(std::move(item), after_push);
  }
  if (flags.push && !Has(Feature::kWaitBlock)) {
    push_only_ = true;
  }
  return {};
}

}  // namespace loam::sema::earthfile
