// COPY and ADD: one file op with an action for each source; with --link on an empty filesystem, merged.
#include <algorithm>

#include <fmt/format.h>

#include "base/image_reference.h"
#include "compiler/ast/dockerfile/heredoc.h"
#include "compiler/sema/dockerfile/container_path.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/file_mode.h"
#include "compiler/sema/dockerfile/git_reference.h"
#include "compiler/sema/dockerfile/git_source.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

bool HasWildcard(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '*' || path[i] == '?' || path[i] == '[') {
      return true;
    }
    i += path[i] == '\\' ? 1 : 0;
  }
  return false;
}

bool IsDigest(std::string_view text) {
  return ParseImageReference(fmt::format("a@{}", text)).has_value();
}

// A COPY or ADD whose words are expanded.
struct Transfer {
  std::string_view chown;
  std::string_view chmod;
  std::string_view checksum;
  std::vector<std::string_view> paths;
  std::vector<source::SourceRange> path_ranges;
  std::string_view destination;
  std::optional<bool> unpack;
  std::optional<bool> keep_git_dir;
  bool parents = false;
  bool is_add = false;
};

}  // namespace

// Makes the actions; where a part cannot fail it is a plain function above.
class CopyBuilder {
 public:
  CopyBuilder(Converter& converter, Stage& stage, const ast::FileTransfer& copy, const Transfer& transfer)
      : converter_(converter), stage_(stage), copy_(copy), transfer_(transfer) {}

  bool Prepare() {
    const auto destination = DestinationPath();
    if (!destination) {
      converter_.emitter().Emit<Kind::kBadPath>(converter_.RangeOf(copy_.destination, copy_),
                                                destination.error().message());
      return false;
    }
    common_.kind = ir::FileActionKind::kCopy;
    common_.path = converter_.Intern(FinalDestination(*destination));
    common_.mode = -1;
    common_.create_dest_path = true;
    for (const ast::Text& exclude : copy_.excludes) {
      excludes_.push_back(exclude.text);
    }
    common_.exclude_patterns = converter_.graph().CopyArray<std::string_view>(excludes_);
    return SetMode() && CheckChecksum();
  }

  bool Source(std::string_view path, source::SourceRange where, const State& from, std::string_view vertex) {
    auto git = ParseGitReference(path);
    if (!git) {
      converter_.emitter().Emit<Kind::kBadGitSource>(where, git.error().message());
      return false;
    }
    if (*git && !(*git)->like_local_path) {
      return Git(**git, path, where, vertex);
    }
    if (IsHttpSource(path)) {
      return Http(path, where, vertex);
    }
    return Local(path, where, from);
  }

  void Document(const ast::Heredoc& document, std::string_view data) {
    ir::FileAction action = common_;
    action.source = converter_.Intern(JoinPath("/", CleanPath(document.name)));
    Add(action, converter_.InlineDocument(document.name, data, 0644));
  }

  // The op on `base`; its owner names are looked up there.
  Fs Finish(Fs base, const ir::Metadata& metadata) {
    std::vector<ir::Value> operands;
    std::vector<std::uint32_t> steps;
    if (!base.is_scratch()) {
      operands.push_back(base.value);
      steps.push_back(base.step);
    }
    for (auto made = actions_.rbegin(); made != actions_.rend(); ++made) {
      steps.push_back(made->second.step);
    }
    std::vector<ir::FileAction> actions;
    for (const auto& [action, source] : actions_) {
      ir::FileAction& out = actions.emplace_back(action);
      if (!source.is_scratch()) {
        auto found = std::find(operands.begin(), operands.end(), source.value);
        if (found == operands.end()) {
          operands.push_back(source.value);
          found = std::prev(operands.end());
        }
        out.secondary_input = found - operands.begin();
      }
    }
    const std::int64_t base_input = base.is_scratch() ? -1 : 0;
    for (std::size_t i = 0; i < actions.size(); ++i) {
      actions[i].input = i == 0 ? base_input : static_cast<std::int64_t>(operands.size() + i - 1);
      actions[i].output = i + 1 == actions.size() ? 0 : -1;
      if (!transfer_.chown.empty()) {
        actions[i].owner = Converter::OwnerFrom(transfer_.chown, base_input);
      }
    }
    return converter_.AddStep(converter_.graph().Add<ir::OpKind::kFile>(operands, {actions}), metadata,
                              std::move(steps));
  }

 private:
  Result<std::string> DestinationPath() {
    const std::string_view os = stage_.platform->os;
    const std::string path = LOAM_TRY(StripDrive(transfer_.destination, os, true));
    if (IsAbsoluteIn(path, os)) {
      return NormalizeIn("/", path, os, true);
    }
    return NormalizeIn(stage_.state.dir, path == "." || path.empty() ? "./" : path, os, true);
  }

  // A file op cleans its destination, but a "/" or "/." at the end has a meaning.
  std::string FinalDestination(const std::string& path) {
    std::string clean = CleanPath(path);
    if (!IsAbsPath(clean)) {
      clean = JoinPath(JoinPath("/", stage_.state.dir), clean);
    }
    if (path.ends_with('/') && !clean.ends_with('/')) {
      clean += '/';
    } else if (path.ends_with("/.")) {
      clean += clean == "/" ? "." : "/.";
    }
    return clean;
  }

  bool SetMode() {
    const std::string_view chmod = transfer_.chmod;
    if (chmod.empty()) {
      return true;
    }
    const auto octal = ParseUint(chmod, 8, 32);
    if (octal ? *octal > 07777 : !IsSymbolicMode(chmod)) {
      converter_.emitter().Emit<Kind::kBadChmod>(converter_.RangeOf(copy_.chmod, copy_), chmod);
      return false;
    }
    if (octal) {
      common_.mode = static_cast<std::int32_t>(*octal);
    } else {
      common_.mode = 0;
      common_.mode_text = chmod;
    }
    return true;
  }

  bool BadChecksum(std::string_view message) {
    const auto* add = ast::As<ast::Add>(&copy_);
    converter_.emitter().Emit<Kind::kBadChecksum>(
        add != nullptr ? converter_.RangeOf(add->checksum, copy_) : copy_.range, message);
    return false;
  }

  bool CheckChecksum() {
    if (transfer_.checksum.empty()) {
      return true;
    }
    if (transfer_.paths.size() != 1) {
      return BadChecksum("it needs exactly one source");
    }
    const auto git = ParseGitReference(transfer_.paths.front());
    if (!IsHttpSource(transfer_.paths.front()) && !(git && git->has_value())) {
      return BadChecksum("only HTTP(S) and git sources have one");
    }
    return true;
  }

  bool RemoteInCopy(std::string_view path, source::SourceRange where) {
    converter_.emitter().Emit<Kind::kRemoteSourceInCopy>(where, path).Hint("use ADD for URLs and git repositories");
    return false;
  }

  bool Git(GitReference git, std::string_view path, source::SourceRange where, std::string_view vertex) {
    if (!transfer_.is_add) {
      return RemoteInCopy(path, where);
    }
    if (transfer_.keep_git_dir && git.keep_git_dir && *transfer_.keep_git_dir != *git.keep_git_dir) {
      converter_.emitter().Emit<Kind::kBadGitSource>(where, "the query and the flag differ in keep-git-dir");
      return false;
    }
    if (!git.keep_git_dir) {
      git.keep_git_dir = keep_git_dir_ ? keep_git_dir_ : transfer_.keep_git_dir;
    }
    keep_git_dir_ = git.keep_git_dir;
    const std::string_view checksum = checksum_.empty() ? transfer_.checksum : std::string_view(checksum_);
    if (!checksum.empty() && !git.checksum.empty() && checksum != git.checksum) {
      return BadChecksum(fmt::format("`{}` and `{}` differ", checksum, git.checksum));
    }
    if (git.checksum.empty()) {
      git.checksum = checksum;
    }
    checksum_ = git.checksum;
    git.mtime.clear();
    const Fs source = converter_.AddStep(AddGitSource(converter_.graph(), git), converter_.Named(vertex, nullptr, {}));
    ir::FileAction action = common_;
    action.source = "/";
    Add(action, source);
    return true;
  }

  bool Http(std::string_view url, source::SourceRange where, std::string_view vertex) {
    if (!transfer_.is_add) {
      return RemoteInCopy(url, where);
    }
    if (!transfer_.checksum.empty() && !IsDigest(transfer_.checksum)) {
      return BadChecksum(fmt::format("`{}` is no digest such as sha256:<64 hex digits>", transfer_.checksum));
    }
    const std::string_view file = converter_.Intern(HttpFileName(url));
    std::vector<ir::KeyValue> attrs;
    if (!transfer_.checksum.empty()) {
      attrs.push_back({"http.checksum", transfer_.checksum});
    }
    attrs.push_back({"http.filename", file});
    const std::string_view no_command;
    const Fs source = converter_.AddStep(converter_.graph().Add<ir::OpKind::kSourceHttp>({}, {url, attrs}),
                                         converter_.Named(vertex, &no_command, {}));
    ir::FileAction action = common_;
    action.source = converter_.Intern(JoinPath("/", file));
    action.attempt_unpack = transfer_.unpack.value_or(false);
    Add(action, source);
    return true;
  }

  bool Local(std::string_view path, source::SourceRange where, const State& from) {
    const auto* plain = ast::As<ast::Copy>(&copy_);
    if (converter_.observer() != nullptr && (plain == nullptr || plain->from.empty())) {
      converter_.observer()->OnContextSource(path);
    }
    const std::string_view os = stage_.platform->os;
    const auto report = [&](const Error& error) {
      converter_.emitter().Emit<Kind::kBadPath>(where, error.message());
      return false;
    };
    ir::FileAction action = common_;
    std::string pattern;
    std::string required;
    std::string_view front = path;
    if (transfer_.parents) {
      // What stands in front of "/./" is not made at the destination.
      const std::size_t pivot = path.find("/./");
      front = pivot == std::string_view::npos ? "/" : path.substr(0, pivot);
      auto normal = NormalizeIn("/", pivot == std::string_view::npos ? path : path.substr(pivot + 3), os, false);
      if (!normal) {
        return report(normal.error());
      }
      if (!HasWildcard(front) && !HasWildcard(*normal)) {
        auto whole = NormalizeIn("/", JoinPath(front, *normal), os, false);
        if (!whole) {
          return report(whole.error());
        }
        required = *whole;
      }
      pattern = normal->starts_with('/') ? normal->substr(1) : *normal;
      Patterns(pattern, required, action);
    }
    const auto normal = NormalizeIn("/", front, os, false);
    if (!normal) {
      return report(normal.error());
    }
    const std::string clean = CleanPath(*normal);
    action.source = converter_.Intern(IsAbsPath(clean) ? clean : JoinPath(from.dir, clean));
    action.follow_symlink = true;
    action.dir_copy_contents = true;
    action.attempt_unpack = transfer_.unpack.value_or(transfer_.is_add);
    action.allow_wildcard = true;
    action.allow_empty_wildcard = true;
    Add(action, from.fs);
    return true;
  }

  void Patterns(std::string_view pattern, std::string_view required, ir::FileAction& action) {
    const std::string_view include = converter_.Intern(pattern);
    action.include_patterns = converter_.graph().CopyArray<std::string_view>({&include, 1});
    if (!required.empty()) {
      const std::string_view path = converter_.Intern(required);
      action.required_paths = converter_.graph().CopyArray<std::string_view>({&path, 1});
    }
  }

  void Add(const ir::FileAction& action, const Fs& source) { actions_.emplace_back(action, source); }

  Converter& converter_;
  Stage& stage_;
  const ast::FileTransfer& copy_;
  const Transfer& transfer_;
  ir::FileAction common_;
  std::vector<std::string_view> excludes_;
  std::optional<bool> keep_git_dir_;
  std::string checksum_;
  std::vector<std::pair<ir::FileAction, Fs>> actions_;
};

bool Converter::DoCopy(Stage& stage, const Command& command, const ast::FileTransfer& copy) {
  const auto* add = ast::As<ast::Add>(&copy);
  const auto* plain = ast::As<ast::Copy>(&copy);
  Transfer transfer;
  transfer.is_add = add != nullptr;
  transfer.parents = plain != nullptr && plain->parents;
  if (add != nullptr) {
    transfer.unpack = add->unpack;
    transfer.keep_git_dir = add->keep_git_dir;
  }
  if (!Expand(stage, copy.chown, copy, transfer.chown) || !Expand(stage, copy.chmod, copy, transfer.chmod)) {
    return false;
  }
  if (add != nullptr && !Expand(stage, add->checksum, copy, transfer.checksum)) {
    return false;
  }
  std::vector<std::pair<const ast::Heredoc*, std::string_view>> documents;
  for (const ast::FileSource& source : copy.sources) {
    if (source.heredoc == nullptr) {
      std::string_view path;
      if (!Expand(stage, source.path, copy, path)) {
        return false;
      }
      transfer.paths.push_back(path);
      transfer.path_ranges.push_back(RangeOf(source.path, copy));
    }
  }
  if (!Expand(stage, copy.destination, copy, transfer.destination)) {
    return false;
  }
  for (const ast::FileSource& source : copy.sources) {
    if (source.heredoc == nullptr) {
      continue;
    }
    const ast::Heredoc& document = *source.heredoc;
    std::string_view data = document.chomp ? Intern(ast::ChompHeredoc(document.content)) : document.content;
    if (document.expand &&
        !ExpandIn(stage, {.escape = '\\', .skip_quotes = true}, data, document.content_range, data)) {
      return false;
    }
    documents.emplace_back(&document, data);
  }

  State from;
  if (!command.sources.empty()) {
    Stage& source = *command.sources.front();
    if (!source.dispatched) {
      emitter_.Emit<Kind::kStageUsedEarly>(plain->from.range, plain->from.text)
          .Hint(fmt::format("move the stage above `{}`", stage.display_name));
      return false;
    }
    from = source.state;
  } else if (!transfer.paths.empty()) {
    from = MainContext();
  }

  CopyBuilder builder(*this, stage, copy, transfer);
  if (!builder.Prepare()) {
    return false;
  }
  const std::string text = CommandText(copy.code(), stage.state.env, false);
  const std::string vertex = VertexName(stage, text, &*stage.platform, &stage.state.env);
  std::string history = transfer.is_add ? "ADD" : "COPY";
  history += transfer.parents ? " --parents" : "";
  if (!transfer.chown.empty()) {
    history.append(" --chown=").append(transfer.chown);
  }
  if (!transfer.chmod.empty()) {
    history.append(" --chmod=").append(transfer.chmod);
  }
  for (std::size_t i = 0; i < transfer.paths.size(); ++i) {
    history.append(" ").append(transfer.paths[i]);
    if (!builder.Source(transfer.paths[i], transfer.path_ranges[i], from, vertex)) {
      return false;
    }
  }
  for (const auto& [document, data] : documents) {
    history.append(" <<").append(document->name);
    builder.Document(*document, data);
  }
  history.append(" ").append(transfer.destination);

  ir::Metadata metadata = Named(vertex, nullptr, command.lines);
  metadata.ignore_cache = stage.ignore_cache;
  if (copy.link && options().can_merge && transfer.chmod.empty()) {
    ir::Metadata layer_metadata = metadata;
    const std::string_view group = Intern(fmt::format("link-{}-{}", source_, progress_groups_++));
    layer_metadata.progress_group = ir::ProgressGroup{group, Intern(vertex), true};
    const Fs layer = builder.Finish({}, layer_metadata);
    if (stage.state.fs.is_scratch()) {
      stage.state.fs = layer;
      --stage.command_index;
      VertexName(stage, text, &*stage.platform, &stage.state.env);
    } else {
      --stage.command_index;
      const std::string link = VertexName(stage, "LINK " + text, &*stage.platform, &stage.state.env);
      ir::Metadata merge_metadata = Named(link, nullptr, command.lines);
      merge_metadata.ignore_cache = stage.ignore_cache;
      merge_metadata.progress_group = ir::ProgressGroup{group, Intern(vertex), false};
      const ir::Value inputs[] = {stage.state.fs.value, layer.value};
      stage.state.fs =
          AddStep(graph().Add<ir::OpKind::kMerge>(inputs, {}), merge_metadata, {stage.state.fs.step, layer.step});
    }
  } else {
    stage.state.fs = builder.Finish(stage.state.fs, metadata);
  }
  AddHistory(stage, std::move(history), true, true);

  for (const std::string_view path : transfer.paths) {
    if (!command.sources.empty()) {
      command.sources.front()->paths->push_back(JoinPath("/", path));
    } else if (!transfer.is_add || (!path.starts_with("http://") && !path.starts_with("https://"))) {
      UseContextPath(path);
    }
  }
  return true;
}

}  // namespace loam::sema
