// CommandHost: what workspace/executeCommand may start outside of the language server, such as a build. Implemented by
// the program.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace loam::lsp {

class CommandHost {
 public:
  virtual ~CommandHost() = default;

  struct Outcome {
    int exit_code = 0;
    std::string output;  // both streams, the end of it if there is much
  };
  // Runs `loam ARGUMENTS…` in `directory`. `done` is called once, from any thread. kUnimplemented: it cannot.
  virtual Result<> RunLoam(std::vector<std::string> /*arguments*/, std::string /*directory*/,
                           std::function<void(Result<Outcome>)> /*done*/) {
    return Unexpected(ErrorCode::kUnimplemented, "this server starts no builds");
  }
  // Ends what runs; no `done` is called after it returns.
  virtual void StopAll() {}
};

}  // namespace loam::lsp
