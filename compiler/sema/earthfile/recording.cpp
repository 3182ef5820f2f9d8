// The journal of an evaluation: a target, and its commands while they run.
#include <fmt/format.h>

#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {

void TargetEvaluation::RecordTarget() {
  Journal* const journal = in_.request().journal;
  if (journal == nullptr) {
    return;
  }
  const Reference& reference = call_.reference;
  TargetFacts facts;
  facts.name = reference.ToString();
  facts.canonical = canonical_.name.empty() ? reference.Canonical() : canonical_.Canonical();
  facts.git_path = reference.git_path;
  facts.local_path = reference.local_path;
  facts.tag = reference.tag;
  facts.import_alias = reference.alias;
  for (const auto& [name, value] : call_.overriding) {
    facts.args.push_back(fmt::format("{}={}", name, value));
  }
  facts.platform = call_.platforms.Current().ToString();
  journal->BeginTarget(entry_.number, facts);
}

void TargetEvaluation::BeginRecorded(Recorded& recorded, std::string_view name, SourceRange range, bool interactive) {
  recorded.number = in_.NextCommandNumber();
  recorded.outer = recorded_;
  recorded_ = &recorded;
  CommandFacts facts;
  facts.target = entry_.number;
  facts.target_name = name_;
  facts.name = name;
  facts.platform = platforms_.Current().ToString();
  facts.local = local_;
  facts.interactive = interactive;
  facts.range = range;
  in_.request().journal->BeginCommand(recorded.number, facts);
}

void TargetEvaluation::EndRecorded(const Recorded& recorded, const Failure* failure) {
  recorded_ = recorded.outer;
  CommandEnd end;
  end.name = recorded.name;
  end.steps = recorded.steps;
  end.failed = failure != nullptr;
  end.error = failure == nullptr ? std::string_view() : failure->message();
  in_.request().journal->EndCommand(recorded.number, end);
}

void TargetEvaluation::NameRecorded(std::string_view name, bool step) {
  if (recorded_ == nullptr) {
    return;
  }
  recorded_->steps = recorded_->steps || step;
  if (recorded_->name.empty()) {
    recorded_->name = name;
  }
}

}  // namespace loam::sema::earthfile
