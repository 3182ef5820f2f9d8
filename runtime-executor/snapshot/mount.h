// Mounted filesystems: each owns a detached mount (fsmount, open_tree) that is in no mount table; it goes away with the
// last descriptor, also when the process is killed. File work is done below fd() with base/rooted_fs.h.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/snapshot/fs_ref.h"

namespace loam::snapshot {

// A read-only view. Keeps its layers leased. Movable, one owner.
class MountedFs {
 public:
  MountedFs() = default;
  MountedFs(UniqueFd fd, FsRef ref, std::shared_ptr<void> keep = nullptr)
      : fd_(std::move(fd)), ref_(std::move(ref)), keep_(std::move(keep)) {}

  // Root directory of the view, an O_PATH descriptor: good for openat2 and *at calls, open "." below it for more. For
  // stacks it is the root of a detached mount, which a container's mount namespace may take by move_mount once; files
  // below fd() stay reachable afterwards. With native copies it is a clone of a directory.
  // ReadDir may list names that stat does not find (ENOENT): overlayfs shows whiteouts of nothing. Skip them.
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const FsRef& ref() const { return ref_; }
  // Not null: fd() is the host's own directory and shows more than it should. Only paths that HostTree::Find knows may
  // be read, and everything counts as owned by 0:0. Not for containers (LayerStore::Materialize first).
  [[nodiscard]] const HostTree* host_tree() const { return ref_.host_tree().get(); }

 private:
  UniqueFd fd_;
  FsRef ref_;
  std::shared_ptr<void> keep_;
};

// A writable view over a parent; the writes become one new layer. Dropped without Commit, it is removed from disk.
// Not thread-safe itself; file work below fd() may be done from any thread or process. Must not outlive the store.
class ActiveFs {
 public:
  class Impl;
  ActiveFs();
  explicit ActiveFs(std::unique_ptr<Impl> impl);
  ~ActiveFs();
  ActiveFs(ActiveFs&&) noexcept;
  ActiveFs& operator=(ActiveFs&&) noexcept;

  // As MountedFs::fd(), writable.
  [[nodiscard]] int fd() const;
  [[nodiscard]] const FsRef& parent() const;

  // The parent with one more layer. All processes that write must have ended. `keep_empty` false: if nothing was
  // changed, the parent itself is returned. `disturbed`: directories (paths below the root) in which something was made
  // and removed again; they do not count as changed if they are now as they were. Commit takes the object's content;
  // afterwards it is empty, also on error.
  Result<FsRef> Commit(bool keep_empty = true, std::span<const std::string> disturbed = {}) &&;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace loam::snapshot
