#include "cli/remote_program.h"

#include "cli/program_beside.h"

namespace loam::cli {

Exit BecomeRemoteProgram(const Context& context) {
  Result<std::vector<std::string>> arguments = CommandLineOfSelf();
  PrintError(context, arguments ? BecomeProgramBeside("loam-remote", "talks to remote engines", std::move(*arguments))
                                : arguments.error());
  return Exit::kFailed;
}

}  // namespace loam::cli
