// Writing files of a built filesystem onto the invoker's machine: SAVE ARTIFACT … AS LOCAL, --artifact, and COPY of
// artifacts under LOCALLY.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/snapshot/mount.h"

namespace loam::gateway::earthfile {

struct WrittenFile {
  std::string source;       // in the filesystem: "dist/app"
  std::string destination;  // as it was asked for, with the file's name if it went inside of a directory
};

// One file is there, with all of its contents.
using FileWritten = std::function<void(const std::string& path, std::uint64_t bytes)>;

struct SaveRequest {
  // Path in the filesystem, wildcards allowed; directories are saved as they are, `dir/*` saves the children.
  std::string source;
  // A trailing slash, `.` or nothing: inside of that directory. Relative to `directory`.
  std::string destination;
  std::string directory;
  bool if_exists = false;
  // For messages: "+build/dist/app".
  std::string artifact;
  // Paths are those of WrittenFile, with what lies below a directory. May be empty.
  FileWritten on_file = {};
};

// What is there at the destination is replaced: a file by a file, the contents of a directory by those of a directory;
// a directory does not replace a file. Parents are made. Owner is the user of this process, modes and times are kept.
Result<std::vector<WrittenFile>> SaveArtifact(const snapshot::MountedFs& fs, const SaveRequest& request);

struct CopyRequest {
  std::string source;       // wildcards allowed
  std::string destination;  // absolute; a trailing slash: inside of that directory
  // --dir: a directory is copied as itself, else its contents.
  bool directory = false;
  bool if_exists = false;
  bool keep_times = false;
  // With --dir: also a destination that does not exist is a directory to copy into.
  bool inside = false;
};

// As COPY does it in a build: files are replaced, directories are merged.
Result<> CopyToHost(const snapshot::MountedFs& fs, const CopyRequest& request);

}  // namespace loam::gateway::earthfile
