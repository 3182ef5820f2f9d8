// FileSend.DiffCopy is one method for files and trees: on the wire of a tree, packets stand where the method has a
// BytesMessage, which keeps what it does not know in its unknown fields.
#pragma once

#include "proto/fsutil/types/wire.pb.h"
#include "proto/session/filesync/filesync.pb.h"
#include "runtime-executor/session/remote/file_sync.h"

namespace loam::session {

// `Call`: a gRPC stream of BytesMessages, of the client's or the server's side; it outlives this.
template <class Call>
class PacketsAsBytes final : public PacketStream {
 public:
  explicit PacketsAsBytes(Call& call) : call_(call) {}
  bool Read(fsutil::types::Packet& packet) override {
    moby::filesync::v1::BytesMessage message;
    return call_.Read(&message) && packet.ParseFromString(message.SerializeAsString());
  }
  bool Write(const fsutil::types::Packet& packet) override {
    moby::filesync::v1::BytesMessage message;
    return message.ParseFromString(packet.SerializeAsString()) && call_.Write(message);
  }

 private:
  Call& call_;
};

}  // namespace loam::session
