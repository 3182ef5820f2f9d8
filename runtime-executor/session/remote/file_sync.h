// Transfer of file trees as fsutil does it: the sender walks its tree and sends a stat for every file, the receiver
// asks for the contents of those that it lacks. Receiving makes a directory equal to the sender's, fetching only what
// changed since the last time.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fsutil::types {
class Packet;
}

namespace loam::session {

// A bidirectional stream of packets. Read and Write may be called from two threads at once.
class PacketStream {
 public:
  virtual ~PacketStream() = default;
  // False at the end of the stream or after a failure (Finish tells which).
  virtual bool Read(fsutil::types::Packet& packet) = 0;
  virtual bool Write(const fsutil::types::Packet& packet) = 0;
};

struct SyncReport {
  std::uint64_t files = 0;
  std::uint64_t fetched_files = 0;
  std::uint64_t fetched_bytes = 0;
};

struct ReceiveOptions {
  // Ask for the contents of every file, whatever its metadata says.
  bool refetch = false;
  // Not empty: only that for which it is true is made (with the directories above it), and the stats of all that the
  // sender offers are written to `kMetadataFile` in the directory.
  std::function<bool(const std::string& path)> wanted;
};

// Stats in the sender's order, each as its size (4 bytes, little endian) and a serialised fsutil.types.Stat.
constexpr std::string_view kMetadataFile = ".fsutil-metadata";

// Makes `directory` (made if it does not exist) equal to what the sender offers. What it got the last time is written
// in the file `directory` + ".manifest"; without it the directory is emptied first. Paths that leave the directory,
// come out of order or lie below something that is no directory are errors of the sender; nothing is left of the
// directory after an error. `progress` is called with the bytes that arrived.
Result<SyncReport> ReceiveTree(PacketStream& stream, const std::string& directory,
                               const std::function<void(std::uint64_t)>& progress, std::stop_token stop,
                               const ReceiveOptions& options = {});

struct SendOptions {
  // False leaves out the file or directory, and what is in it. `path` is relative to the tree's root. Empty: all is
  // sent.
  std::function<bool(const std::string& path)> visible;
  // Everything is owned by 0:0.
  bool root_owner = false;
};

// Sends the tree below `directory`, as it is (owners, modes, times, xattrs, hard links), until the receiver has all it
// wants.
Result<> SendTree(PacketStream& stream, const std::string& directory, std::stop_token stop,
                  const SendOptions& options = {});

}  // namespace loam::session
