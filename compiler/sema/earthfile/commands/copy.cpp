// COPY: files of the context, artifacts of other targets.
#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

std::string JoinTexts(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) {
    out.append(word).append(" ");
  }
  return out;
}

// `~` means nothing in an image.
bool NamesHome(std::string_view path) {
  const std::vector<std::string_view> parts = Split(path, '/');
  return std::any_of(parts.begin(), parts.end(), [](std::string_view part) { return part.starts_with('~'); });
}

}  // namespace

Checked<> TargetEvaluation::Copy(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  const SourceRange range = range_;
  CopyFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  if (!flags.from.empty()) {
    return BadArguments(command, "COPY --from not implemented. Use COPY artifacts form instead")
        .Hint("copy an artifact of a target: `COPY +target/path dest`");
  }
  std::string destination = LOAM_TRY(Expand(words.back()));
  CopyOptions options;
  options.directory = flags.dir;
  options.keep_times = flags.keep_ts;
  options.if_exists = flags.if_exists;
  options.owner = OwnerOfCopies(flags.keep_own, LOAM_TRY(Expand(flags.chown, range)));
  options.link = Has(Feature::kUseCopyLink) && options.owner.empty();
  if (!flags.chmod.empty()) {
    const std::string text = LOAM_TRY(Expand(flags.chmod, range));
    const auto mode = ParseUint(text, 8, 32);
    if (!mode || *mode > 07777) {
      return Fail<Kind::kEarthBadValue>(flags.RangeOf("chmod", range), "mode", text,
                                        "it is an octal number up to 7777");
    }
    options.mode = static_cast<std::uint32_t>(*mode);
  }

  std::vector<ArtifactSource> artifacts;
  std::vector<std::string> files;
  for (const Word& word : std::span(words).first(words.size() - 1)) {
    ArtifactSource source;
    std::string text = word.text;
    const bool parentheses = IsInParentheses(word.text);
    if (parentheses) {
      auto parts = SplitParentheses(word.text);
      if (!parts) {
        return Fail<Kind::kEarthBadReference>(word.range, word.text, parts.error().message());
      }
      text = parts->front();
      source.args.assign(parts->begin() + 1, parts->end());
    }
    const std::string expanded = LOAM_TRY(Expand(text, word.range, true));
    auto artifact = ParseArtifactReference(expanded, in_.options().home);
    if (artifact) {
      source.artifact = std::move(*artifact);
      source.text = expanded;
      artifacts.push_back(std::move(source));
      continue;
    }
    if (parentheses) {
      return Fail<Kind::kEarthBadReference>(word.range, expanded, artifact.error().message());
    }
    files.push_back(UnescapePlus(expanded));
    // Files that the build itself writes to the context are not those that were there when it began.
    const std::string path =
        in_.Absolute(file_->place.directory.empty() ? files.back() : file_->place.directory + "/" + files.back());
    if (file_->place.IsLocal() && in_.written_paths().contains(path)) {
      return Fail<Kind::kEarthArtifact>(
                 word.range, fmt::format("unable to copy file {}, which has is outputted elsewhere by SAVE ARTIFACT AS "
                                         "LOCAL",
                                         files.back()))
          .Hint("copy the artifact of the target that saves it instead");
    }
  }
  if (!artifacts.empty() && !files.empty()) {
    return BadArguments(command,
                        "combining artifacts and build context arguments in a single COPY command is not allowed");
  }
  if (NamesHome(destination)) {
    in_.effects().Warning(
        name_,
        fmt::format("destination path \"{}\" contains a \"~\" which does not expand to a home directory", destination));
  }
  range_ = range;
  if (!artifacts.empty()) {
    return CopyArtifacts(artifacts, std::move(destination), flags, std::move(options), range);
  }
  if (!flags.build_args.empty()) {
    return BadArguments(command, "build args not supported for non +artifact arguments case");
  }
  if (local_) {
    return Fail<Kind::kEarthNotLocally>(range, "COPY of files of the build context")
        .Hint("commands run in the directory already: use RUN cp");
  }
  return CopyFiles(files, std::move(destination), flags, options, range);
}

Checked<> TargetEvaluation::CopyFiles(const std::vector<std::string>& sources, std::string destination,
                                      const CopyFlags& flags, const CopyOptions& options, SourceRange /*range*/) {
  std::string subdirectory;
  const ir::Value from = LOAM_TRY(ContextFiles(sources, file_->place, file_, false, &subdirectory));
  std::vector<std::string> paths;
  for (const std::string& source : sources) {
    paths.push_back(subdirectory.empty() ? source : subdirectory + "/" + source);
  }
  const std::string name = fmt::format("COPY {}{}{}{}", flags.dir ? "--dir " : "",
                                       flags.if_exists ? "--if-exists " : "", JoinTexts(sources), destination);
  state_.fs = AddCopy(state_.fs, from, paths, destination, state_.directory(), options, name);
  return {};
}

Checked<> TargetEvaluation::CopyArtifacts(const std::vector<ArtifactSource>& sources, std::string destination,
                                          const CopyFlags& flags, CopyOptions options, SourceRange range) {
  if (destination.empty() || destination == "." || sources.size() > 1) {
    destination += '/';
  }
  options.no_follow = flags.symlink_no_follow;
  const EarthPlatform platform = LOAM_TRY(ReadPlatform(flags.platform, flags.RangeOf("platform", range)));
  for (const ArtifactSource& source : sources) {
    Passing passing;
    passing.platform = platform;
    passing.args = LOAM_TRY(ReadPassedArgs(source.args, flags.build_args, range));
    passing.pass_args = flags.pass_args;
    passing.allow_privileged = flags.allow_privileged;
    range_ = range;
    Resolved target = LOAM_TRY(Resolve(source.artifact.target.ToString(), range, flags.allow_privileged));
    std::vector<Reference> references = {target.reference.reference};
    if (HasPathWildcard(source.artifact.target)) {
      if (!Has(Feature::kWildcardCopy)) {
        return Fail<Kind::kEarthNeedsFeature>(range, "wildcard-copy", "wildcards in the target of COPY");
      }
      references = LOAM_TRY(in_.project().ExpandWildcard(target.reference.reference, range));
    }
    for (const Reference& reference : references) {
      target.reference.reference = reference;
      Scope passed;
      TargetCall call = LOAM_TRY(MakeCall(target.reference, target.privileged, passing, Edge::kCopy, range, passed));
      const std::shared_ptr<TargetResult> result =
          LOAM_TRY(Call(call, passed, target.reference, passing.pass_args, Edge::kCopy));
      const std::string name =
          fmt::format("COPY {}{}{}{} {}", flags.dir ? "--dir " : "", flags.if_exists ? "--if-exists " : "",
                      flags.symlink_no_follow ? "--symlink-no-follow " : "", source.text, destination);
      if (!result->has_artifacts && !flags.if_exists) {
        return Fail<Kind::kEarthArtifact>(
                   range, fmt::format("artifact {} not found; no SAVE ARTIFACT command was issued in {}", source.text,
                                      result->name))
            .Hint(fmt::format("add `SAVE ARTIFACT <path>` to {}", result->name));
      }
      if (local_) {
        HostExport files;
        files.name = NameOfStep(name);
        files.fs = result->artifacts;
        files.source = source.artifact.path;
        files.destination = IsAbsPath(destination) ? destination : local_directory_ + "/" + destination;
        files.directory = flags.dir;
        files.if_exists = flags.if_exists;
        files.keep_times = flags.keep_ts;
        if (auto done = in_.effects().ExportToHost(graph(), files); !done) {
          return FailWith(range, std::move(done).error());
        }
        continue;
      }
      const std::string path = source.artifact.path;
      if (!result->has_artifacts) {
        continue;
      }
      state_.fs = AddCopy(state_.fs, result->artifacts, {&path, 1}, destination, state_.directory(), options, name);
    }
  }
  return {};
}

}  // namespace loam::sema::earthfile
