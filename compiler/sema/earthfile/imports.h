// IMPORT: aliases of the projects that a file (base recipe) or a target brings in.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/sema/earthfile/failure.h"
#include "compiler/sema/earthfile/reference.h"

namespace loam::sema::earthfile {

struct Import {
  Reference project;
  bool allow_privileged = false;
  source::SourceRange range;
};
using ImportMap = std::map<std::string, Import, std::less<>>;

struct ResolvedImport {
  Reference reference;
  // What the IMPORT allows; unset if the reference went through no import.
  std::optional<bool> allow_privileged;
};

// One of these for each frame: a target's, and one for each function that is entered.
class ImportScopes {
 public:
  ImportScopes() = default;
  explicit ImportScopes(ImportMap global) : global_(std::move(global)) {}

  struct Declaration {
    std::string_view reference;     // expanded
    std::string_view alias;         // expanded; "" if there is no AS
    bool global = false;            // in the base recipe
    bool privileged = false;        // the file itself may use privileges
    bool allow_privileged = false;  // the flag
    std::string_view home;
    source::SourceRange range;
  };
  // Mistakes: an empty or `.` path, an alias that is missing, taken or has `/` or `:`, an import of an import.
  Checked<> Add(const Declaration& declaration);

  // Replaces an alias by what it stands for; other references are returned as they are. A target's imports win over the
  // file's. The mistake of an unknown alias has did-you-mean.
  [[nodiscard]] Checked<ResolvedImport> Resolve(const Reference& reference, source::SourceRange range) const;

  [[nodiscard]] const ImportMap& global() const { return global_; }
  [[nodiscard]] const ImportMap& local() const { return local_; }
  void set_global(ImportMap global) { global_ = std::move(global); }

 private:
  ImportMap local_;
  ImportMap global_;
};

// The alias that an IMPORT without AS gets: the last element of the path; "" if it needs an AS.
std::string DefaultAlias(const Reference& project);

}  // namespace loam::sema::earthfile
