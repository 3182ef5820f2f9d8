// GIT CLONE.
#include <fmt/format.h>

#include "compiler/sema/dockerfile/git_reference.h"
#include "compiler/sema/dockerfile/git_source.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {

Checked<> TargetEvaluation::GitClone(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  const SourceRange range = range_;
  GitCloneFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  const std::string url = LOAM_TRY(Expand(words[0]));
  const std::string destination = LOAM_TRY(Expand(words[1]));
  const std::string branch = LOAM_TRY(Expand(flags.branch, range));
  range_ = range;
  const auto& clone_url = in_.request().clone_url;
  const Result<std::string> configured = clone_url ? clone_url(url) : url;
  if (!configured) {
    return FailWith(range, configured.error());
  }
  const std::string& address = *configured;
  auto parsed = ParseGitReference(address);
  if (!parsed || !*parsed) {
    // Any address that git takes: "file:///srv/x.git", "host:path".
    GitReference plain;
    plain.remote = address;
    const std::size_t scheme = address.find("://");
    const std::string rest = scheme == std::string::npos ? address : address.substr(scheme + 3);
    plain.scheme = scheme == std::string::npos ? "ssh" : address.substr(0, scheme);
    const std::size_t slash = rest.find_first_of("/:");
    plain.host = rest.substr(0, slash);
    plain.path = slash == std::string::npos ? "" : rest.substr(slash);
    parsed = std::optional<GitReference>(std::move(plain));
  }
  GitReference git = **parsed;
  git.keep_git_dir = true;
  if (!branch.empty()) {
    git.ref = branch;
  }
  const ir::Value source = AddGitSource(graph(), git);
  const std::string shown = ScrubCredentials(url);
  Name(source, fmt::format("GIT CLONE {}{}", branch.empty() ? "" : fmt::format("--branch {} ", branch), shown));
  CopyOptions options;
  options.keep_times = flags.keep_ts;
  options.wildcards = false;
  options.owner = state_.image.user;
  options.no_follow = true;
  options.link = Has(Feature::kUseCopyLink) && options.owner.empty();
  const std::string all = "/";
  state_.fs = AddCopy(state_.fs, source, {&all, 1}, destination, state_.directory(), options,
                      fmt::format("GIT CLONE {} {}", shown, destination));
  return {};
}

}  // namespace loam::sema::earthfile
