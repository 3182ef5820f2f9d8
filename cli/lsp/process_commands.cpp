#include "cli/lsp/process_commands.h"

#include "base/process.h"

namespace loam::cli {

Result<> ProcessCommands::RunLoam(std::vector<std::string> arguments, std::string directory,
                                  std::function<void(Result<Outcome>)> done) {
  if (threads_.size() >= kMaxRunning) {
    threads_.erase(threads_.begin());
  }
  ProcessSpec spec;
  spec.args = {loam_};
  spec.args.insert(spec.args.end(), std::make_move_iterator(arguments.begin()),
                   std::make_move_iterator(arguments.end()));
  spec.args.insert(spec.args.begin() + 2, {"--root", root_});
  spec.cwd = std::move(directory);
  spec.new_process_group = true;
  threads_.emplace_back([spec = std::move(spec), done = std::move(done)](const std::stop_token& stop) {
    RunOptions options;
    options.stop = stop;
    options.grace = std::chrono::milliseconds(500);
    Result<ProcessOutput> output = RunProcess(spec, options);
    if (stop.stop_requested()) {
      return;
    }
    if (!output) {
      done(Unexpected(output.error()));
      return;
    }
    std::string text = output->out + output->err;
    if (text.size() > kKeptOutput) {
      text = "…" + text.substr(text.size() - kKeptOutput);
    }
    done(Outcome{output->status.code, std::move(text)});
  });
  return {};
}

}  // namespace loam::cli
