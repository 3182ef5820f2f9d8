// What the server says of itself in its answer to `initialize`.
#pragma once

#include <string_view>

#include "language-server/features/query.h"
#include "language-server/protocol/json.h"
#include "language-server/text/span.h"

namespace loam::lsp {

// The first encoding in the client's list that the server knows; UTF-16 without a list.
PositionEncoding ChooseEncoding(const Json& client);
ClientTraits ReadTraits(const Json& client);
Json InitializeResult(PositionEncoding encoding, std::string_view version);

}  // namespace loam::lsp
