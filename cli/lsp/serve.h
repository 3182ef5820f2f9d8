// How clients reach the language server: standard input and output, or a port of 127.0.0.1.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "base/result.h"
#include "language-server/server/server.h"

namespace loam::cli {

// One client, until it leaves. True if it said good-bye first (`shutdown`). `stop` ends the process with status 130: a
// read of standard input cannot be interrupted, and there is nothing to put away.
bool ServeStandardStreams(const lsp::ServerOptions& options, const std::stop_token& stop);

// One client after the other, until `stop`. `listening` is told the port, which is another one than asked for if that
// is 0. Returns kCanceled when stopped.
Error ServePort(const lsp::ServerOptions& options, std::uint16_t port, const std::stop_token& stop,
                const std::function<void(std::uint16_t port)>& listening);

}  // namespace loam::cli
