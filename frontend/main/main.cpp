// loam-frontend: the compiler behind BuildKit's gateway API, as the entry point of a frontend image.
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "base/print.h"
#include "frontend/environment.h"
#include "frontend/gateway_client.h"
#include "frontend/run.h"
#include "frontend/stdio_channel.h"

int main() {
  using namespace loam;
  if (isatty(STDIN_FILENO) != 0) {
    PrintTo(stderr,
            "loam-frontend is started by BuildKit: put `# syntax=<this image>` in the first line of a Dockerfile or an "
            "Earthfile\n");
    return 2;
  }
  // Writing to a daemon that is gone is an error of the write.
  std::signal(SIGPIPE, SIG_IGN);
  const auto channel = frontend::StdioChannel::Open(STDIN_FILENO, STDOUT_FILENO);
  if (!channel) {
    PrintTo(stderr, "loam-frontend: {}\n", channel.error().message());
    return 1;
  }
  const frontend::Environment environment = frontend::ReadEnvironment(environ);
  frontend::GatewayClient client(frontend::api::LLBBridge::NewStub((*channel)->channel()), environment.options);
  if (const Result<> done = frontend::Run(client, environment); !done) {
    PrintTo(stderr, "loam-frontend: {}\n", done.error().message());
    return 1;
  }
  return 0;
}
