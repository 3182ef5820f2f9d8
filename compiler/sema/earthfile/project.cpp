#include "compiler/sema/earthfile/project.h"

#include <condition_variable>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "base/check.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/parse/earthfile.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/standard_library.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;

// The file itself has a mistake: its first byte is the place.
source::SourceRange StartOf(const source::Buffer& buffer) {
  return buffer.Range(0, 0);
}

std::string FilePath(const Reference& project, std::string_view directory, std::string_view file_name) {
  if (project.IsRemote()) {
    return fmt::format("{}/{}", project.ProjectCanonical(), file_name);
  }
  return CleanPath(fmt::format("{}/{}", directory, file_name));
}

// The file of a directory whose name is Earthfile's in other case, or with an ending; "" if there is none.
std::string MiswrittenName(const std::vector<DirectoryEntry>& entries) {
  for (const DirectoryEntry& entry : entries) {
    const std::string_view stem = std::string_view(entry.name).substr(0, entry.name.find('.'));
    if (!entry.is_directory && EqualsIgnoreCase(stem, "earthfile")) {
      return entry.name;
    }
  }
  return {};
}

std::vector<std::string> NamesOf(const ast::earthfile::Earthfile& file, bool functions) {
  std::vector<std::string> names;
  if (functions) {
    for (const auto& function : file.functions) {
      names.emplace_back(function.name);
    }
  } else {
    for (const auto& target : file.targets) {
      names.emplace_back(target.name);
    }
  }
  return names;
}

Failure WithNames(Failure failure, std::string_view name, const std::vector<std::string>& names,
                  std::string_view what) {
  if (const auto near = NearestWord(name, names)) {
    return std::move(failure).Hint(fmt::format("did you mean `+{}`?", *near));
  }
  if (names.empty()) {
    return std::move(failure).Hint(fmt::format("the file has no {}", what));
  }
  constexpr std::size_t kShown = 12;
  std::vector<std::string> shown(names.begin(),
                                 names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
  return std::move(failure).Hint(
      fmt::format("its {} are +{}{}", what, Join(shown, ", +"), names.size() > kShown ? ", …" : ""));
}

}  // namespace

// A value that is made once, by the thread that asks first; others wait with the gate open.
template <class T>
struct Once {
  std::mutex mutex;
  std::condition_variable made;
  std::optional<Checked<T>> value;
};

struct Project::Impl {
  mutable std::mutex mutex;  // of the maps; held for look-ups only
  std::map<std::string, std::shared_ptr<Once<const ProjectFile*>>> files;
  std::vector<std::unique_ptr<ProjectFile>> loaded;
  std::map<std::string, std::unique_ptr<RemoteProject>> remotes;  // by reference of the project
  std::map<Place, std::shared_ptr<Once<const GitFacts*>>> git;
  std::vector<std::unique_ptr<GitFacts>> facts;

  template <class T, class Key, class Make>
  Checked<T> Get(Gate* gate, std::map<Key, std::shared_ptr<Once<T>>>& slots, const Key& key, Make make) {
    std::shared_ptr<Once<T>> slot;
    bool mine = false;
    {
      const std::lock_guard lock(mutex);
      auto [entry, inserted] = slots.try_emplace(key);
      if (inserted) {
        entry->second = std::make_shared<Once<T>>();
      }
      slot = entry->second;
      mine = inserted;
    }
    {
      const std::lock_guard lock(slot->mutex);
      if (slot->value) {
        return *slot->value;
      }
    }
    const Gate::Opened opened(gate);
    if (mine) {
      Checked<T> value = make();
      const std::lock_guard lock(slot->mutex);
      slot->value = std::move(value);
      slot->made.notify_all();
      return *slot->value;
    }
    std::unique_lock lock(slot->mutex);
    slot->made.wait(lock, [&] { return slot->value.has_value(); });
    return *slot->value;
  }
};

Project::Project(ProjectHost& host, source::SourceManager& sources, ProjectOptions options)
    : host_(&host), sources_(&sources), options_(std::move(options)), impl_(std::make_unique<Impl>()) {}
Project::~Project() = default;

Checked<ProjectFile> ParseProjectFile(const source::Buffer& buffer, std::string_view feature_overrides) {
  ProjectFile file;
  file.buffer = &buffer;
  file.path = buffer.name();
  diag::CollectingConsumer collected;
  diag::Emitter emitter(collected);
  file.ast = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(buffer, emitter), emitter);
  if (emitter.has_errors()) {
    return Failure(collected.Take());
  }
  file.notes = collected.Take();
  if (file.ast.version == nullptr) {
    return Fail<Kind::kEarthNoVersion>(StartOf(buffer), buffer.name()).Hint("start the file with `VERSION 0.8`");
  }
  const std::vector<Word> words = ToWords(file.ast.version->args);
  FeatureSet set = LOAM_TRY(ReadFeatures(words, feature_overrides, file.ast.version->range));
  file.features = set.features;
  for (const Word& word : set.already_default) {
    const std::string_view flag = std::string_view(word.text).substr(2);
    file.notes.push_back(
        MakeDiagnostic<Kind::kEarthFeatureIsDefault>(word.range, flag, InfoOf(*FeatureWithFlag(flag)).since));
    file.notes.back().hints.emplace_back("leave it out");
  }
  return file;
}

Checked<const ProjectFile*> Project::Load(const Reference& reference, source::SourceRange range) {
  LOAM_CHECK(!reference.IsUnresolvedImport(), "a project is loaded through an import that was not looked up");
  const Reference project = reference.Project();
  const std::string key = project.IsRemote() ? project.ProjectCanonical() : project.local_path;
  return impl_->Get(options_.gate, impl_->files, key, [&]() -> Checked<const ProjectFile*> {
    Place place;
    const RemoteProject* remote = nullptr;
    std::string text;
    std::string file_name = "Earthfile";
    std::string shown;
    if (project.IsStandardLibrary()) {
      const std::string name = project.git_path.substr(kStandardLibraryPrefix.size() + 1);
      const auto standard = FindStandardFile(name, project.tag);
      if (!standard) {
        std::vector<std::string> names;
        for (const StandardFile& known : StandardLibrary()) {
          names.push_back(fmt::format("{}/{}", kStandardLibraryPrefix, known.name));
        }
        Failure failure = Fail<Kind::kEarthNoEarthfile>(range, reference.Canonical());
        const auto near = NearestWord(project.git_path, names);
        return std::move(failure).Hint(FindStandardFile(name, "")
                                           ? fmt::format("the library has no version `{}` of it", project.tag)
                                       : near ? fmt::format("did you mean `{}`?", *near)
                                              : fmt::format("the library has {}", Join(names, ", ")));
      }
      place = {std::string(kStandardLibraryPrefix), name};
      text = standard->text;
      shown = fmt::format("{}/Earthfile", project.ProjectCanonical());
    } else {
      if (project.IsRemote()) {
        auto fetched = host_->Fetch(project.git_path, project.tag);
        if (!fetched) {
          return FailWith(range, std::move(fetched).error().Wrap(fmt::format("fetch {}", project.ProjectCanonical())));
        }
        const std::lock_guard lock(impl_->mutex);
        auto& kept = impl_->remotes[key];
        kept = std::make_unique<RemoteProject>(std::move(*fetched));
        remote = kept.get();
        place = {remote->root, remote->directory};
      } else {
        place = {"", project.local_path};
      }
      auto read = host_->ReadFile(place, file_name);
      if (!read && read.error().Is(ErrorCode::kNotFound)) {
        file_name = "build.earth";
        read = host_->ReadFile(place, file_name);
      }
      if (!read) {
        if (!read.error().Is(ErrorCode::kNotFound)) {
          return FailWith(range, std::move(read).error());
        }
        const std::string directory = project.IsRemote() ? project.ProjectCanonical() : project.local_path;
        const auto listed = host_->ListDirectory(place, "");
        const std::string miswritten = listed ? MiswrittenName(*listed) : std::string();
        return Fail<Kind::kEarthNoEarthfile>(range, reference.Canonical())
            .Hint(!listed ? fmt::format("there is no directory {}", directory)
                  : miswritten.empty()
                      ? fmt::format("there is neither an Earthfile nor a build.earth in {}", directory)
                      : fmt::format("the file `{}` in {} has to be called `Earthfile`", miswritten, directory));
      }
      text = std::move(*read);
      shown = FilePath(project, project.local_path, file_name);
    }
    auto buffer = sources_->AddText(shown, std::move(text));
    if (!buffer) {
      return FailWith(range, std::move(buffer).error());
    }
    auto file = std::make_unique<ProjectFile>(LOAM_TRY(ParseProjectFile(**buffer, options_.feature_overrides)));
    file->project = project;
    file->place = std::move(place);
    file->file_name = std::move(file_name);
    file->remote = remote;
    const std::lock_guard lock(impl_->mutex);
    impl_->loaded.push_back(std::move(file));
    return impl_->loaded.back().get();
  });
}

const ProjectFile* Project::FindLoaded(const Reference& reference) const {
  const Reference project = reference.Project();
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->files.find(project.IsRemote() ? project.ProjectCanonical() : project.local_path);
  if (found == impl_->files.end()) {
    return nullptr;
  }
  const std::lock_guard slot_lock(found->second->mutex);
  const auto& value = found->second->value;
  return value && *value ? **value : nullptr;
}

std::vector<const ProjectFile*> Project::files() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<const ProjectFile*> all;
  all.reserve(impl_->loaded.size());
  for (const auto& file : impl_->loaded) {
    all.push_back(file.get());
  }
  return all;
}

Checked<const GitFacts*> Project::Git(const ProjectFile& file) {
  if (file.remote != nullptr) {
    return &file.remote->git;
  }
  if (file.project.IsStandardLibrary()) {
    return nullptr;
  }
  return impl_->Get(options_.gate, impl_->git, file.place, [&]() -> Checked<const GitFacts*> {
    auto facts = host_->Git(file.place);
    if (!facts) {
      return FailWith(StartOf(*file.buffer), std::move(facts).error());
    }
    if (!*facts) {
      return nullptr;
    }
    const std::lock_guard lock(impl_->mutex);
    impl_->facts.push_back(std::make_unique<GitFacts>(std::move(**facts)));
    return impl_->facts.back().get();
  });
}

Checked<Reference> Project::Canonical(const ProjectFile& file, std::string_view name) {
  const GitFacts* facts = LOAM_TRY(Git(file));
  return WithGitFacts(file.project.WithName(std::string(name)), facts);
}

Checked<Project::Resolved> Project::Resolve(std::string_view text, const Reference& from, const ImportScopes& imports,
                                            source::SourceRange range) {
  auto parsed = ParseReference(text, options_.home);
  if (!parsed) {
    return Fail<Kind::kEarthBadReference>(range, text, parsed.error().message());
  }
  ResolvedImport import = LOAM_TRY(imports.Resolve(*parsed, range));
  auto joined = JoinReference(from, import.reference);
  if (!joined) {
    return Fail<Kind::kEarthBadReference>(range, text, joined.error().message());
  }
  return Resolved{std::move(*joined), std::move(*parsed), import.allow_privileged};
}

Checked<ast::earthfile::Block> Project::TargetRecipe(const ProjectFile& file, std::string_view name,
                                                     source::SourceRange range) const {
  if (name == kBaseTarget) {
    return file.ast.base_recipe;
  }
  if (const auto* target = file.ast.FindTarget(name)) {
    return target->recipe;
  }
  return WithNames(Fail<Kind::kEarthUnknownTarget>(range, file.path, name), name, NamesOf(file.ast, false), "targets");
}

Checked<ast::earthfile::Block> Project::FunctionRecipe(const ProjectFile& file, std::string_view name,
                                                       source::SourceRange range) const {
  const auto* function = file.ast.FindFunction(name);
  if (function == nullptr) {
    return WithNames(Fail<Kind::kEarthUnknownFunction>(range, file.path, name), name, NamesOf(file.ast, true),
                     "functions");
  }
  using ast::earthfile::CommandKind;
  const bool new_word = file.features.Has(Feature::kUseFunctionKeyword);
  const std::string_view keyword = new_word ? "FUNCTION" : "COMMAND";
  const auto* first = function->recipe.empty() ? nullptr : function->recipe.front().command;
  if (first == nullptr || first->kind != (new_word ? CommandKind::kFunction : CommandKind::kCommand)) {
    const bool other =
        first != nullptr && (first->kind == CommandKind::kFunction || first->kind == CommandKind::kCommand);
    return Fail<Kind::kEarthBadFunction>(first != nullptr ? first->keyword.range : function->name_range, name, keyword)
        .Hint(other && new_word ? "since VERSION 0.8 the word is FUNCTION"
              : other           ? "before VERSION 0.8 the word is COMMAND"
                                : fmt::format("write `{}` as its first line", keyword));
  }
  if (!first->args.empty()) {
    return Fail<Kind::kEarthBadArguments>(first->args.front().range, keyword, "it takes none")
        .Hint("declare the function's arguments with ARG");
  }
  return function->recipe.subspan(1);
}

ImportMap Project::LiteralImports(const ProjectFile& file, diag::Emitter& emitter) const {
  ImportScopes scopes;
  for (const auto& statement : file.ast.base_recipe) {
    if (statement.command == nullptr || statement.command->kind != ast::earthfile::CommandKind::kImport) {
      continue;
    }
    ImportFlags flags;
    const std::vector<Word> words = ToWords(statement.command->args);
    const auto rest = ParseFlags(words, {.features = &file.features, .expand = {}}, flags);
    if (!rest) {
      Report(emitter, rest.error());
      continue;
    }
    const bool as = rest->size() == 3 && (*rest)[1].text == "AS";
    if ((rest->size() != 1 && !as) || !IsLiteral((*rest)[0].text) || (as && !IsLiteral((*rest)[2].text))) {
      continue;
    }
    const auto added = scopes.Add({.reference = (*rest)[0].text,
                                   .alias = as ? std::string_view((*rest)[2].text) : std::string_view(),
                                   .global = true,
                                   .privileged = true,
                                   .allow_privileged = flags.allow_privileged,
                                   .home = options_.home,
                                   .range = statement.location.range});
    if (!added) {
      Report(emitter, added.error());
    }
  }
  return scopes.global();
}

Checked<std::vector<Reference>> Project::ExpandWildcard(const Reference& absolute, source::SourceRange range) {
  const auto fail = [&](const Error& error) {
    return error.Is(ErrorCode::kInvalidArgument)
               ? Fail<Kind::kEarthBadWildcard>(range, absolute.ProjectCanonical(), error.message())
               : FailWith(range, error);
  };
  std::vector<Reference> candidates;
  if (absolute.IsRemote()) {
    const GitPath split = SplitGitPath(absolute.git_path);
    Result<std::vector<std::string>> found;
    {
      const Gate::Opened opened(options_.gate);
      auto fetched = host_->Fetch(split.repository, absolute.tag);
      if (!fetched) {
        return FailWith(range, std::move(fetched).error());
      }
      found = GlobDirectories(*host_, Place{fetched->root, ""}, split.directory);
    }
    if (!found) {
      return fail(found.error());
    }
    for (const std::string& path : *found) {
      candidates.push_back(absolute);
      candidates.back().git_path = fmt::format("{}/{}", split.repository, path);
    }
  } else {
    Result<std::vector<std::string>> found;
    {
      const Gate::Opened opened(options_.gate);
      found = GlobDirectories(*host_, Place{"", "."}, absolute.local_path);
    }
    if (!found) {
      return fail(found.error());
    }
    for (const std::string& path : *found) {
      candidates.push_back(absolute);
      candidates.back().local_path = path.starts_with('.') || path.starts_with('/') ? path : fmt::format("./{}", path);
    }
  }
  std::vector<Reference> matches;
  for (Reference& candidate : candidates) {
    const auto file = Load(candidate, range);
    if (!file) {
      const auto& diagnostics = file.error().diagnostics();
      if (!diagnostics.empty() && diagnostics.front().kind == Kind::kEarthNoEarthfile) {
        continue;
      }
      return tl::unexpected(file.error());
    }
    if ((*file)->ast.FindTarget(absolute.name) != nullptr) {
      matches.push_back(std::move(candidate));
    }
  }
  if (matches.empty()) {
    return Fail<Kind::kEarthNoWildcardMatch>(range, absolute.ProjectCanonical(), absolute.name);
  }
  return matches;
}

}  // namespace loam::sema::earthfile
