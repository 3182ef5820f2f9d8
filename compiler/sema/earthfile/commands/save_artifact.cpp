// SAVE ARTIFACT.
#include <fmt/format.h>

#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

// Splits in front of the first component with a wildcard: "a/b*/c" -> "a", "b*/c". No wildcard: all, "".
std::pair<std::string, std::string> SplitWildcards(const std::string& path) {
  std::size_t at = 0;
  for (; at < path.size(); ++at) {
    if (path[at] == '\\') {
      ++at;
    } else if (path[at] == '*' || path[at] == '?' || path[at] == '[') {
      break;
    }
  }
  if (at >= path.size()) {
    return {path, ""};
  }
  const std::size_t slash = path.rfind('/', at);
  if (slash == std::string::npos) {
    return {".", path};
  }
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

std::string TargetEvaluation::LocalDestination(std::string_view path) const {
  if (path == ".") {
    path = "./";
  }
  if (IsAbsPath(path) || file_->IsRemote()) {
    return std::string(path);
  }
  const std::string& directory = file_->place.directory;
  std::string out = JoinPath(directory.empty() ? "." : directory, path);
  if (path.ends_with('/') && !out.ends_with('/')) {
    out += '/';
  }
  return out;
}

Checked<> TargetEvaluation::CheckSaveDestination(std::string_view path, SourceRange range) {
  const std::string destination = LocalDestination(path);
  std::string absolute = in_.Absolute(destination);
  if (destination.ends_with('/') && destination != "/" && !absolute.ends_with('/')) {
    absolute += '/';
  }
  const std::string directory = file_->IsRemote() || file_->place.directory.empty() ? "." : file_->place.directory;
  std::string base = in_.Absolute(directory);
  base += base.ends_with('/') ? "" : "/";
  if (absolute.starts_with(base)) {
    return {};
  }
  if (Has(Feature::kRequireForceForUnsafeSaves)) {
    return Fail<Kind::kEarthUnsafeSave>(range, path, directory)
        .Hint("write `SAVE ARTIFACT --force` to save outside of the Earthfile's directory");
  }
  in_.effects().Warning(name_,
                        fmt::format("saving to path ({}) outside of current directory ({}) will require a --force "
                                    "flag in a future version",
                                    path, directory));
  return {};
}

Checked<> TargetEvaluation::SaveArtifact(const ast::earthfile::Command& command) {
  const SourceRange range = range_;
  SaveArtifactFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  const bool as_local = SavesLocally(words);
  const std::string from = LOAM_TRY(Expand(words[0]));
  const bool has_destination = words.size() == 2 || words.size() == 5;
  const std::string to = has_destination ? LOAM_TRY(Expand(words[1])) : "./";
  const std::string local = as_local ? LOAM_TRY(Expand(words.back())) : "";
  range_ = range;
  if (local_) {
    if (as_local) {
      return Fail<Kind::kEarthNotLocally>(range, "SAVE ARTIFACT AS LOCAL")
          .Hint("the file is on the machine already: use RUN cp");
    }
    return SaveLocally(from, to, flags);
  }

  const std::string source = IsAbsPath(from) ? CleanPath(from) : JoinPath(JoinPath("/", state_.directory()), from);
  if (source == "/") {
    return Fail<Kind::kEarthArtifact>(words[0].range, "cannot save root dir as artifact");
  }
  std::string adjusted = to;
  if (to.empty() || to == "." || to.ends_with('/')) {
    adjusted = JoinPath(to, BasePath(source));
  }
  const auto [directory, pattern] = SplitWildcards(adjusted);
  std::string artifact = CleanPath(adjusted);
  if (!pattern.empty()) {
    artifact = JoinPath(directory, pattern);
    adjusted = directory + "/";
  }
  while (artifact.starts_with('/')) {
    artifact.erase(0, 1);
  }

  const bool keep_owner = flags.keep_own || Has(Feature::kSaveArtifactKeepOwn);
  CopyOptions options;
  options.directory = true;
  options.keep_times = flags.keep_ts;
  options.if_exists = flags.if_exists;
  options.no_follow = flags.symlink_no_follow;
  options.owner = keep_owner ? "" : "root:root";
  options.link = Has(Feature::kUseCopyLink) && options.owner.empty();
  const ir::Value base = LOAM_TRY(Persisted(state_.fs));
  const std::string title = fmt::format("SAVE ARTIFACT {}{}{} {}/{}", flags.if_exists ? "--if-exists " : "",
                                        flags.symlink_no_follow ? "--symlink-no-follow " : "", from, name_, artifact);
  result_->artifacts = AddCopy(result_->artifacts, base, {&source, 1}, adjusted, "/", options, title);
  result_->has_artifacts = true;
  if (!as_local) {
    return {};
  }
  if (!flags.force) {
    LOAM_TRY(CheckSaveDestination(local, words.back().range));
  }
  options.owner = "root:root";
  options.link = false;
  const bool after_push = push_only_ && result_->push_state;
  const ir::Value local_base = after_push ? *result_->push_state : base;
  ArtifactItem item;
  item.output.fs =
      AddCopy({}, local_base, {&source, 1}, adjusted, "/", options, fmt::format("{} AS LOCAL {}", title, local));
  item.output.source = artifact;
  item.output.destination = LocalDestination(local);
  item.output.if_exists = flags.if_exists;
  item.output.target = name_;
  item.output.artifact = fmt::format("{}/{}", name_, artifact);
  SaveItem(std::move(item), after_push);
  return {};
}

Checked<> TargetEvaluation::SaveLocally(const std::string& from, std::string to, const SaveArtifactFlags& flags) {
  const std::string source = IsAbsPath(from) ? CleanPath(from) : JoinPath(local_directory_, from);
  if (to.empty() || to == "." || to.ends_with('/')) {
    to = JoinPath(to, BasePath(source));
  }
  HostImport import;
  import.name = NameOfStep(fmt::format("SAVE ARTIFACT {} {}", from, to));
  import.source = source;
  import.destination = JoinPath("/", to).substr(1);
  import.if_exists = flags.if_exists;
  auto imported = in_.effects().ImportFromHost(graph(), import);
  if (!imported) {
    return FailWith(range_, std::move(imported).error());
  }
  CopyOptions options;
  options.keep_times = flags.keep_ts;
  options.no_follow = true;
  options.owner = "root:root";
  const std::string all = "/";
  result_->artifacts = AddCopy(result_->artifacts, *imported, {&all, 1}, "/", "/", options,
                               fmt::format("SAVE ARTIFACT {} {}", from, to));
  result_->has_artifacts = true;
  return {};
}

}  // namespace loam::sema::earthfile
