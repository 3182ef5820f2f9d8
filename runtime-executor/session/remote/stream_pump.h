// A stream socket joined to a gRPC stream of byte messages, by two threads that end with either side.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <thread>

#include <grpcpp/grpcpp.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::session {

// Message: a message with `bytes data = 1`. `open` starts the call: ClientContext* -> unique_ptr<ClientReaderWriter>.
// Returns the socket for the user; the call ends when it is closed, or when the peer ends it.
template <class Message, class OpenCall>
Result<UniqueFd> PumpToSocket(std::shared_ptr<void> keep, std::stop_token stop, OpenCall open) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return UnexpectedErrno("socketpair");
  }
  UniqueFd user(fds[0]);
  std::thread([keep = std::move(keep), stop = std::move(stop), open = std::move(open), ours = UniqueFd(fds[1])] {
    CallContext context(stop);
    const auto call = open(*context);
    std::thread from_socket([&] {
      std::string buffer(std::size_t{32} << 10, '\0');
      ssize_t got = 0;
      while ((got = recv(ours.get(), buffer.data(), buffer.size(), 0)) > 0) {
        Message message;
        message.set_data(buffer.data(), static_cast<std::size_t>(got));
        if (!call->Write(message)) {
          break;
        }
      }
      call->WritesDone();
    });
    Message message;
    while (call->Read(&message)) {
      std::string_view data = message.data();
      bool open_end = true;
      while (!data.empty() && open_end) {
        const ssize_t sent = send(ours.get(), data.data(), data.size(), MSG_NOSIGNAL);
        open_end = sent > 0;
        data.remove_prefix(open_end ? static_cast<std::size_t>(sent) : 0);
      }
      if (!open_end) {
        break;
      }
    }
    shutdown(ours.get(), SHUT_RDWR);
    context->TryCancel();
    from_socket.join();
    call->Finish();
  }).detach();
  return user;
}

}  // namespace loam::session
