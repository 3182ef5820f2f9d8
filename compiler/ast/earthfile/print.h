// The typed tree as JSON, in the shape of the reference's `debug ast`.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "compiler/ast/earthfile/ast.h"
#include "compiler/source/source_manager.h"

namespace loam::ast::earthfile {

struct PrintOptions {
  // With `sourceLocation` members: lines from 1, columns in code points from 0; the end is where the last token starts.
  bool source_map = false;
};

// `buffer` is the file's. Members are in the reference's order.
nlohmann::ordered_json ToJson(const Earthfile& file, const source::Buffer& buffer, const PrintOptions& options = {});
std::string PrintJson(const Earthfile& file, const source::Buffer& buffer, const PrintOptions& options = {});

}  // namespace loam::ast::earthfile
