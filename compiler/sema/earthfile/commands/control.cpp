// IF, FOR, WAIT, TRY.
#include <fmt/format.h>

#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

std::string JoinWords(std::span<const Word> words) {
  std::string out;
  for (const Word& word : words) {
    out.append(&word == words.data() ? "" : " ").append(word.text);
  }
  return out;
}

}  // namespace

Checked<> TargetEvaluation::IfStatement(const ast::earthfile::Statement& statement) {
  LOAM_TRY(RejectAfterPush());
  const ast::earthfile::If& choice = *statement.if_;
  if (LOAM_TRY(Decide(choice.condition, statement.keyword))) {
    return RunBlock(choice.body);
  }
  for (const ast::earthfile::ElseIf& other : choice.else_ifs) {
    if (LOAM_TRY(Decide(other.condition, other.keyword))) {
      return RunBlock(other.body);
    }
  }
  return choice.has_else ? RunBlock(choice.else_body) : Checked<>();
}

Checked<bool> TargetEvaluation::Decide(const ast::earthfile::Condition& condition, SourceRange range) {
  range_ = range;
  IfFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(condition.words), {.features = &features_}, flags));
  LOAM_TRY(CheckCondition(words, range));
  LOAM_TRY(RequireEnvironment("IF"));
  Step step;
  step.secrets = LOAM_TRY(ExpandAll(std::span<const std::string>(flags.secrets), range, true));
  step.mounts = LOAM_TRY(ExpandAll(std::span<const std::string>(flags.mounts), range));
  range_ = range;
  step.privileged = flags.privileged;
  step.ssh = flags.ssh;
  step.no_cache = flags.no_cache;
  const std::string script = JoinWords(words);
  step.text = fmt::format("IF {}", script);
  if (step.privileged && (!allow_privileged_ || !in_.options().allow_privileged)) {
    return Fail<Kind::kEarthPermission>(range, "run privileged command")
        .Hint("allow it with --allow-privileged (-P) on the command line");
  }
  return LOAM_TRY(RunShell(std::move(step), script, true)).exit_code == 0;
}

Checked<> TargetEvaluation::ForStatement(const ast::earthfile::Statement& statement) {
  if (!Has(Feature::kForIn)) {
    return Fail<Kind::kEarthNotInVersion>(statement.keyword, "FOR");
  }
  const SourceRange range = statement.keyword;
  range_ = range;
  const ast::earthfile::For& loop = *statement.for_;
  ForFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(loop.args), {.features = &features_}, flags));
  LOAM_TRY(CheckFor(words, range));
  LOAM_TRY(RequireEnvironment("FOR"));
  Step step;
  step.secrets = flags.secrets;
  step.mounts = flags.mounts;
  step.privileged = flags.privileged;
  step.ssh = flags.ssh;
  step.no_cache = flags.no_cache;
  if (step.privileged && (!allow_privileged_ || !in_.options().allow_privileged)) {
    return Fail<Kind::kEarthPermission>(range, "run privileged command")
        .Hint("allow it with --allow-privileged (-P) on the command line");
  }
  const std::string list = JoinWords(std::span(words).subspan(2));
  step.text = fmt::format("FOR {} IN {}", words[0].text, list);
  const ProcessResult result = LOAM_TRY(RunShell(std::move(step), "echo " + list, false));
  if (result.exit_code != 0) {
    return Fail<Kind::kEarthCommandFailed>(range, fmt::format("FOR {} IN {}", words[0].text, list), result.exit_code);
  }
  // echo's newline is no part of the last item, whatever the separators are.
  std::string_view output = result.standard_output;
  if (output.ends_with('\n')) {
    output.remove_suffix(1);
  }
  std::vector<std::string> items;
  while (!output.empty()) {
    const std::size_t end = output.find_first_of(flags.separators);
    if (end != 0) {
      items.emplace_back(output.substr(0, end));
    }
    output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
  }
  for (const std::string& value : items) {
    variables_->SetLoopVariable(words[0].text, value);
    LOAM_TRY(RunBlock(loop.body));
    variables_->RemoveLoopVariable(words[0].text);
  }
  return {};
}

Checked<> TargetEvaluation::WaitStatement(const ast::earthfile::Statement& statement) {
  const SourceRange range = statement.keyword;
  if (!Has(Feature::kWaitBlock)) {
    return Fail<Kind::kEarthNotInVersion>(range, "WAIT");
  }
  if (!Has(Feature::kReferencedSaveOnly)) {
    return Fail<Kind::kEarthNeedsFeature>(range, "referenced-save-only", "WAIT");
  }
  LOAM_TRY(CheckWait(*statement.wait, range));
  SaveScope* inner = &result_->scopes.emplace_back();
  scopes_.push_back(inner);
  LOAM_TRY(RunBlock(statement.wait->body));
  scopes_.pop_back();
  range_ = range;
  inner->performed = call_.saves || call_.pushes;
  OutputCollector collector;
  collector.Add(*inner, call_.saves, call_.pushes);
  collector.AddState(state_.fs);
  return in_.Perform(collector, range);
}

Checked<> TargetEvaluation::TryStatement(const ast::earthfile::Statement& statement) {
  const SourceRange range = statement.keyword;
  const ast::earthfile::Try& attempt = *statement.try_;
  if (!Has(Feature::kTryFinally)) {
    return Fail<Kind::kEarthNotInVersion>(range, "TRY/CATCH/FINALLY").Hint("switch it on: `VERSION --try 0.8`");
  }
  LOAM_TRY(CheckTry(attempt, range, features_));
  const ast::earthfile::Statement& body = attempt.body[0];
  std::vector<TryStep::File> files;
  for (const ast::earthfile::Statement& save : attempt.finally_body) {
    SaveArtifactFlags flags;
    const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(save.command->args), {.features = &features_}, flags));
    const std::string& local = words.back().text;
    LOAM_TRY(CheckSaveDestination(local, words.back().range));
    TryStep::File& file = files.emplace_back();
    const std::string path = LOAM_TRY(Expand(words[0]));
    file.source = IsAbsPath(path) ? CleanPath(path) : JoinPath(JoinPath("/", state_.directory()), path);
    file.destination = LocalDestination(local);
    file.if_exists = flags.if_exists;
    std::string written = in_.Absolute(file.destination);
    if (file.destination.ends_with('/')) {
      written = JoinPath(written, BasePath(file.source));
    }
    in_.written_paths().insert(written);
  }
  try_files_ = std::move(files);
  in_try_ = true;
  const Checked<> done = RunStatement(body);
  in_try_ = false;
  try_files_.clear();
  LOAM_TRY(done);
  return RunBlock(attempt.finally_body);
}

}  // namespace loam::sema::earthfile
