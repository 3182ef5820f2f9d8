// The first program of every step: process 1 of the step's PID namespace, alone in its mount namespace. It sets the
// mounts up as its arguments say and then becomes the OCI runtime. A small static program of its own, because starting
// it must not cost what starting all of Loam would.
//
//   supervisor ALIVE_FD STATUS_FD OP...
//
// ALIVE_FD: read end of a pipe whose other end the parent holds. STATUS_FD: errors are written here as text; closed by
// exec. The operations, run in their order:
//   private             no mount event of this namespace leaves it, none of outside comes in
//   unmount PATH        if it is a mount point
//   proc                a /proc of this PID namespace
//   attach FD PATH      attach the detached mount FD at PATH
//   bind FD SUB PATH    bind what SUB (resolved below FD, which is its root; "" is FD itself) names to PATH
//   readonly PATH       make the mount at PATH read-only
//   cgroup FD           enter the cgroup whose open cgroup.procs FD is
//   exec PROGRAM ARG... become PROGRAM
// and for what happens in a step that runs already:
//   enter PIDFD         join the mount and PID namespaces of that process
//   fork                go on as a child, which is in the PID namespace that was entered; the parent waits for it,
//   passes
//                       changes of the terminal's size on, and ends as it does
//   kill SIGNAL FILE    send the signal to the process whose number is in FILE
// Mount points are made when missing: a directory or an empty file, as what is mounted.
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace {

constexpr int kSetupFailed = 125;
int status_fd = -1;

[[noreturn]] void Fail(const char* what, const char* object) {
  const int error = errno;
  char text[4096];
  const int length = snprintf(text, sizeof(text), "%s %s: %s", what, object, strerror(error));
  if (length > 0) {
    const auto size = static_cast<size_t>(length) < sizeof(text) ? static_cast<size_t>(length) : sizeof(text) - 1;
    [[maybe_unused]] const auto written = write(status_fd, text, size);
  }
  _exit(kSetupFailed);
}

void MakeMountPoint(int source, const char* path) {
  struct stat st;
  if (fstat(source, &st) != 0) {
    Fail("stat the source of", path);
  }
  if (S_ISDIR(st.st_mode)) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
      Fail("mkdir", path);
    }
    return;
  }
  const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    Fail("create", path);
  }
  close(fd);
}

void MoveMount(int mount, const char* path) {
  if (syscall(SYS_move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    Fail("attach mount at", path);
  }
}

void Bind(int source, const char* sub, const char* path) {
  int origin = source;
  if (sub[0] != '\0') {
    open_how how;
    memset(&how, 0, sizeof(how));
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    origin = static_cast<int>(syscall(SYS_openat2, source, sub, &how, sizeof(how)));
    if (origin < 0) {
      Fail("mount", sub);
    }
  }
  MakeMountPoint(origin, path);
  const int tree = static_cast<int>(
      syscall(SYS_open_tree, origin, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE));
  if (tree < 0) {
    Fail("bind", sub[0] != '\0' ? sub : path);
  }
  MoveMount(tree, path);
  close(tree);
  if (origin != source) {
    close(origin);
  }
}

void MakeReadOnly(const char* path) {
  mount_attr attributes;
  memset(&attributes, 0, sizeof(attributes));
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof(attributes)) != 0) {
    Fail("make read-only", path);
  }
}

void Enter(int pidfd) {
  if (setns(pidfd, CLONE_NEWNS | CLONE_NEWPID) != 0) {
    Fail("enter", "the step");
  }
}

volatile pid_t child = 0;
void PassOn(int signal) {
  if (child > 0) {
    kill(child, signal);
  }
}

// Returns in the child only.
void Fork() {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = PassOn;
  sigaction(SIGWINCH, &action, nullptr);
  const pid_t made = fork();
  if (made < 0) {
    Fail("fork into", "the step");
  }
  if (made == 0) {
    signal(SIGWINCH, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return;
  }
  child = made;
  close(status_fd);
  int status = 0;
  while (waitpid(made, &status, 0) < 0) {
    if (errno != EINTR) {
      _exit(kSetupFailed);
    }
  }
  _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

void KillProcess(int signal, const char* file) {
  char text[32];
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
  if (got <= 0) {
    errno = got == 0 ? ESRCH : errno;
    Fail("read", file);
  }
  text[got] = '\0';
  if (kill(atoi(text), signal) != 0) {
    Fail("signal process", text);
  }
  _exit(0);
}

void EnterCgroup(const char* fd) {
  if (write(atoi(fd), "0", 1) != 1) {
    Fail("enter cgroup", fd);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fputs("this program is a part of loam and is not started by hand\n", stderr);
    return 2;
  }
  status_fd = atoi(argv[2]);
  fcntl(status_fd, F_SETFD, FD_CLOEXEC);
  // The parent asked for PR_SET_PDEATHSIG; if it died before that, nobody holds the other end of the pipe any more.
  pollfd alive{atoi(argv[1]), 0, 0};
  if (poll(&alive, 1, 0) > 0) {
    _exit(kSetupFailed);
  }
  int i = 3;
  auto argument = [&]() -> const char* {
    if (i >= argc) {
      errno = EINVAL;
      Fail("read", "arguments");
    }
    return argv[i++];
  };
  umask(0);
  while (i < argc) {
    const char* op = argument();
    if (strcmp(op, "private") == 0) {
      if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        Fail("make private", "/");
      }
    } else if (strcmp(op, "unmount") == 0) {
      const char* path = argument();
      if (umount2(path, MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT) {
        Fail("unmount", path);
      }
    } else if (strcmp(op, "proc") == 0) {
      if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
        Fail("mount", "/proc");
      }
    } else if (strcmp(op, "attach") == 0) {
      const int fd = atoi(argument());
      const char* path = argument();
      MakeMountPoint(fd, path);
      MoveMount(fd, path);
    } else if (strcmp(op, "bind") == 0) {
      const int fd = atoi(argument());
      const char* sub = argument();
      Bind(fd, sub, argument());
    } else if (strcmp(op, "readonly") == 0) {
      MakeReadOnly(argument());
    } else if (strcmp(op, "cgroup") == 0) {
      EnterCgroup(argument());
    } else if (strcmp(op, "enter") == 0) {
      Enter(atoi(argument()));
    } else if (strcmp(op, "fork") == 0) {
      Fork();
    } else if (strcmp(op, "kill") == 0) {
      const int signal_number = atoi(argument());
      KillProcess(signal_number, argument());
    } else if (strcmp(op, "exec") == 0) {
      umask(022);
      // The runtime would pass on what it inherits.
      syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
      execv(argv[i], argv + i);
      Fail("start", argv[i]);
    } else {
      errno = EINVAL;
      Fail("unknown operation", op);
    }
  }
  errno = EINVAL;
  Fail("nothing to", "exec");
}
