// Progress: `begin` and `end` of a work-done token, for as long as it lives. Without a token it does nothing.
#pragma once

#include <string_view>

#include "language-server/server/server.h"

namespace loam::lsp {

class Progress {
 public:
  Progress(Server& server, const Json& token, std::string_view title) : server_(server), token_(token) {
    Send({{"kind", "begin"}, {"title", title}});
  }
  ~Progress() { Send({{"kind", "end"}}); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void Send(Json value) {
    if (!token_.is_null()) {
      server_.Notify("$/progress", {{"token", token_}, {"value", std::move(value)}});
    }
  }

  Server& server_;
  Json token_;
};

}  // namespace loam::lsp
