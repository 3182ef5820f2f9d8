// ProcessCommands: builds that an editor asks for, as processes of loam.
#pragma once

#include <stop_token>
#include <thread>
#include <vector>

#include "language-server/server/command_host.h"

namespace loam::cli {

class ProcessCommands : public lsp::CommandHost {
 public:
  // A further one ends the oldest.
  static constexpr std::size_t kMaxRunning = 4;
  static constexpr std::size_t kKeptOutput = 4000;

  // `loam`: the program's path. `root`: the state folder of the builds.
  ProcessCommands(std::string loam, std::string root) : loam_(std::move(loam)), root_(std::move(root)) {}
  ~ProcessCommands() override { StopAll(); }
  Result<> RunLoam(std::vector<std::string> arguments, std::string directory,
                   std::function<void(Result<Outcome>)> done) override;
  void StopAll() override { threads_.clear(); }

 private:
  std::string loam_;
  std::string root_;
  std::vector<std::jthread> threads_;
};

}  // namespace loam::cli
