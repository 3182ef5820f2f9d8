#include "compiler/sema/earthfile/imports.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::sema::earthfile {

using diag::Kind;

std::string DefaultAlias(const Reference& project) {
  const std::string& path = project.IsRemote() ? project.git_path : project.local_path;
  std::string alias = path.substr(path.rfind('/') + 1);
  return alias == "." || alias == ".." ? std::string() : alias;
}

Checked<> ImportScopes::Add(const Declaration& declaration) {
  const auto fail = [&](std::string_view why) {
    return Fail<Kind::kEarthBadImport>(declaration.range, declaration.reference, why);
  };
  if (declaration.reference.empty()) {
    return fail("the reference is empty");
  }
  // Any name makes it a reference.
  auto parsed = ParseTargetReference(fmt::format("{}+none", declaration.reference), declaration.home);
  if (!parsed) {
    return fail(parsed.error().message());
  }
  if (parsed->IsImport()) {
    return fail("it is neither a directory nor a remote project")
        .Hint(fmt::format("write `IMPORT ./{}` for a directory", declaration.reference));
  }
  if (parsed->IsLocalInternal()) {
    return fail("a file cannot import itself").Hint("refer to its targets and functions as `+name`");
  }
  Import import{.project = parsed->Project(),
                .allow_privileged = declaration.privileged && (!parsed->IsRemote() || parsed->IsStandardLibrary() ||
                                                               declaration.allow_privileged),
                .range = declaration.range};
  std::string alias = declaration.alias.empty() ? DefaultAlias(import.project) : std::string(declaration.alias);
  if (alias.empty()) {
    return fail("the path ends in dots or a slash, which gives no name").Hint("name it: `IMPORT … AS name`");
  }
  if (alias.find_first_of("/:") != std::string::npos) {
    return fail(fmt::format("`{}` is no name (it has `/` or `:`)", alias));
  }
  ImportMap& scope = declaration.global ? global_ : local_;
  const auto [entry, inserted] = scope.try_emplace(std::move(alias), std::move(import));
  if (!inserted) {
    return Fail<Kind::kEarthDuplicateImport>(declaration.range, entry->first)
        .Label(entry->second.range, "first imported here")
        .Hint("give one of them another name with `AS`");
  }
  return {};
}

Checked<ResolvedImport> ImportScopes::Resolve(const Reference& reference, source::SourceRange range) const {
  if (!reference.IsUnresolvedImport()) {
    return ResolvedImport{reference, std::nullopt};
  }
  auto found = local_.find(reference.alias);
  if (found == local_.end()) {
    found = global_.find(reference.alias);
    if (found == global_.end()) {
      std::vector<std::string> names;
      for (const ImportMap* scope : {&local_, &global_}) {
        for (const auto& [alias, import] : *scope) {
          names.push_back(alias);
        }
      }
      Failure failure = Fail<Kind::kEarthUnknownImport>(range, reference.alias);
      if (const auto near = NearestWord(reference.alias, names)) {
        return std::move(failure).Hint(fmt::format("did you mean `{}`?", *near));
      }
      return std::move(failure).Hint(fmt::format("write `IMPORT … AS {}`, or `./{}+{}` for a directory",
                                                 reference.alias, reference.alias, reference.name));
    }
  }
  Reference resolved = found->second.project;
  resolved.alias = reference.alias;
  resolved.name = reference.name;
  return ResolvedImport{std::move(resolved), found->second.allow_privileged};
}

}  // namespace loam::sema::earthfile
