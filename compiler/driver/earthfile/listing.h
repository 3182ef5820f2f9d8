// What `loam ls` and `loam doc` print of an Earthfile, in the reference's text forms.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "compiler/ast/earthfile/ast.h"
#include "compiler/sema/earthfile/features.h"

namespace loam::driver::earthfile {

struct ListOptions {
  bool args = false;        // --args: the ARGs of each target, "  --name"
  bool long_names = false;  // --long: with the path in front
  std::string path;         // as the user gave it; "" for the current directory
};
// One target a line, `base` among them, sorted: "+build", "./lib+build".
std::string ListTargets(const ast::earthfile::Earthfile& file, const ListOptions& options);

// All Earthfiles in and below `directory`, with the path from there in front of each target. Directories whose names
// start with a dot and `node_modules` are left out. A file that cannot be read as an Earthfile is named in `mistakes`,
// one line each, with what was listed of it.
struct TreeListing {
  std::string text;
  std::string mistakes;
  std::size_t files = 0;
  std::size_t targets = 0;
};
Result<TreeListing> ListTree(const std::string& directory, const ListOptions& options);

// Documentation of a target: usage, comment, and (`details`) its args, artifacts and images. kNotFound: there is no
// such target, or no comment above it that starts with its name.
Result<std::string> DocumentTarget(const ast::earthfile::Earthfile& file, const sema::earthfile::Features& features,
                                   std::string_view name, bool details);
// "TARGETS:" and the targets that have documentation.
Result<std::string> DocumentTargets(const ast::earthfile::Earthfile& file, const sema::earthfile::Features& features,
                                    bool details);

}  // namespace loam::driver::earthfile
