#include "runtime-executor/worker/seccomp_profile.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"

namespace loam::worker {

namespace {

using nlohmann::json;

// Allowed whatever the arguments. Names that a kernel or libseccomp does not know are passed over.
constexpr std::string_view kAllowed[] = {
    "_llseek",
    "_newselect",
    "accept",
    "accept4",
    "access",
    "adjtimex",
    "alarm",
    "bind",
    "brk",
    "cachestat",
    "capget",
    "capset",
    "chdir",
    "chmod",
    "chown",
    "chown32",
    "chroot",
    "clock_adjtime",
    "clock_adjtime64",
    "clock_getres",
    "clock_getres_time64",
    "clock_gettime",
    "clock_gettime64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "close",
    "close_range",
    "connect",
    "copy_file_range",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_ctl_old",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "epoll_wait_old",
    "eventfd",
    "eventfd2",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fadvise64_64",
    "fallocate",
    "fanotify_mark",
    "fchdir",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchown32",
    "fchownat",
    "fcntl",
    "fcntl64",
    "fdatasync",
    "fgetxattr",
    "flistxattr",
    "flock",
    "fork",
    "fremovexattr",
    "fsetxattr",
    "fstat",
    "fstat64",
    "fstatat64",
    "fstatfs",
    "fstatfs64",
    "fsync",
    "ftruncate",
    "ftruncate64",
    "futex",
    "futex_requeue",
    "futex_time64",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "futimesat",
    "get_robust_list",
    "get_thread_area",
    "getcpu",
    "getcwd",
    "getdents",
    "getdents64",
    "getegid",
    "getegid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getgroups",
    "getgroups32",
    "getitimer",
    "getpeername",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getrandom",
    "getresgid",
    "getresgid32",
    "getresuid",
    "getresuid32",
    "getrlimit",
    "getrusage",
    "getsid",
    "getsockname",
    "getsockopt",
    "gettid",
    "gettimeofday",
    "getuid",
    "getuid32",
    "getxattr",
    "getxattrat",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "io_cancel",
    "io_destroy",
    "io_getevents",
    "io_pgetevents",
    "io_pgetevents_time64",
    "io_setup",
    "io_submit",
    "ioctl",
    "ioprio_get",
    "ioprio_set",
    "ipc",
    "kill",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "lchown",
    "lchown32",
    "lgetxattr",
    "link",
    "linkat",
    "listen",
    "listmount",
    "listxattr",
    "listxattrat",
    "llistxattr",
    "lremovexattr",
    "lseek",
    "lsetxattr",
    "lstat",
    "lstat64",
    "madvise",
    "map_shadow_stack",
    "membarrier",
    "memfd_create",
    "memfd_secret",
    "mincore",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "mlock",
    "mlock2",
    "mlockall",
    "mmap",
    "mmap2",
    "mprotect",
    "mq_getsetattr",
    "mq_notify",
    "mq_open",
    "mq_timedreceive",
    "mq_timedreceive_time64",
    "mq_timedsend",
    "mq_timedsend_time64",
    "mq_unlink",
    "mremap",
    "mseal",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "msync",
    "munlock",
    "munlockall",
    "munmap",
    "name_to_handle_at",
    "nanosleep",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pause",
    "pidfd_open",
    "pidfd_send_signal",
    "pipe",
    "pipe2",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    "poll",
    "ppoll",
    "ppoll_time64",
    "prctl",
    "pread64",
    "preadv",
    "preadv2",
    "prlimit64",
    "process_mrelease",
    "process_vm_readv",
    "process_vm_writev",
    "pselect6",
    "pselect6_time64",
    "ptrace",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmmsg_time64",
    "recvmsg",
    "remap_file_pages",
    "removexattr",
    "removexattrat",
    "rename",
    "renameat",
    "renameat2",
    "restart_syscall",
    "riscv_hwprobe",
    "rmdir",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_sigtimedwait_time64",
    "rt_tgsigqueueinfo",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_rr_get_interval",
    "sched_rr_get_interval_time64",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "sched_yield",
    "seccomp",
    "select",
    "semctl",
    "semget",
    "semop",
    "semtimedop",
    "semtimedop_time64",
    "send",
    "sendfile",
    "sendfile64",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "set_thread_area",
    "set_tid_address",
    "setfsgid",
    "setfsgid32",
    "setfsuid",
    "setfsuid32",
    "setgid",
    "setgid32",
    "setgroups",
    "setgroups32",
    "setitimer",
    "setpgid",
    "setpriority",
    "setregid",
    "setregid32",
    "setresgid",
    "setresgid32",
    "setresuid",
    "setresuid32",
    "setreuid",
    "setreuid32",
    "setrlimit",
    "setsid",
    "setsockopt",
    "setuid",
    "setuid32",
    "setxattr",
    "setxattrat",
    "shmat",
    "shmctl",
    "shmdt",
    "shmget",
    "shutdown",
    "sigaltstack",
    "signalfd",
    "signalfd4",
    "sigprocmask",
    "sigreturn",
    "socketcall",
    "socketpair",
    "splice",
    "stat",
    "stat64",
    "statfs",
    "statfs64",
    "statmount",
    "statx",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "sysinfo",
    "tee",
    "tgkill",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_gettime64",
    "timer_settime",
    "timer_settime64",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_gettime64",
    "timerfd_settime",
    "timerfd_settime64",
    "times",
    "tkill",
    "truncate",
    "truncate64",
    "ugetrlimit",
    "umask",
    "uname",
    "unlink",
    "unlinkat",
    "uretprobe",
    "utime",
    "utimensat",
    "utimensat_time64",
    "utimes",
    "vfork",
    "vmsplice",
    "wait4",
    "waitid",
    "waitpid",
    "write",
    "writev",
};

// Only on this architecture.
#if defined(__x86_64__)
constexpr std::string_view kAllowedHere[] = {"arch_prctl", "modify_ldt"};
constexpr std::uint32_t kArchitectures[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32};
constexpr std::string_view kArchitectureNames[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
constexpr std::string_view kAllowedHere[] = {"arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2",
                                             "breakpoint",       "cacheflush",          "set_tls"};
constexpr std::uint32_t kArchitectures[] = {SCMP_ARCH_AARCH64, SCMP_ARCH_ARM};
constexpr std::string_view kArchitectureNames[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#else
#error "the seccomp profile does not know this architecture"
#endif

// Allowed if argument `index` compares so.
struct ConditionalRule {
  std::string_view name;
  unsigned index;
  scmp_compare compare;
  std::string_view compare_name;
  std::uint64_t value;
  std::uint64_t masked_value;
};
// Namespaces that clone must not make: a step has no CAP_SYS_ADMIN.
constexpr std::uint64_t kNamespaceFlags =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint64_t kFamilyAlg = 38;  // AF_ALG and AF_VSOCK reach into the kernel and the hypervisor
constexpr std::uint64_t kFamilyVsock = 40;
constexpr ConditionalRule kConditional[] = {
    {"socket", 0, SCMP_CMP_LT, "SCMP_CMP_LT", kFamilyAlg, 0},
    {"socket", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", kFamilyAlg + 1, 0},
    {"socket", 0, SCMP_CMP_GT, "SCMP_CMP_GT", kFamilyVsock, 0},
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0x0, 0},
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0x8, 0},
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0x20000, 0},
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0x20008, 0},
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0xffffffff, 0},
    {"clone", 0, SCMP_CMP_MASKED_EQ, "SCMP_CMP_MASKED_EQ", kNamespaceFlags, 0},
};

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}
  ~Filter() {
    if (context_ != nullptr) {
      seccomp_release(context_);
    }
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  [[nodiscard]] scmp_filter_ctx get() const { return context_; }

 private:
  scmp_filter_ctx context_;
};

int Resolve(std::string_view name) {
  return seccomp_syscall_resolve_name(std::string(name).c_str());
}

tl::unexpected<Error> SeccompFailed(int code, std::string_view doing) {
  return Unexpected(Error::FromErrno(-code, fmt::format("seccomp profile: {}", doing)));
}

}  // namespace

json SeccompSpec() {
  json names = json::array();
  for (std::string_view name : kAllowed) {
    names.push_back(name);
  }
  for (std::string_view name : kAllowedHere) {
    names.push_back(name);
  }
  json rules = json::array();
  rules.push_back({{"names", std::move(names)}, {"action", "SCMP_ACT_ALLOW"}});
  for (const ConditionalRule& rule : kConditional) {
    json argument = {{"index", rule.index}, {"value", rule.value}, {"op", rule.compare_name}};
    if (rule.compare == SCMP_CMP_MASKED_EQ) {
      argument["valueTwo"] = rule.masked_value;
    }
    rules.push_back({{"names", {rule.name}}, {"action", "SCMP_ACT_ALLOW"}, {"args", {std::move(argument)}}});
  }
  // glibc falls back to clone when clone3, whose flags lie in memory, does not exist.
  rules.push_back({{"names", {"clone3"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", ENOSYS}});
  json architectures = json::array();
  for (std::string_view name : kArchitectureNames) {
    architectures.push_back(name);
  }
  return {{"defaultAction", "SCMP_ACT_ERRNO"},
          {"defaultErrnoRet", EPERM},
          {"architectures", std::move(architectures)},
          {"syscalls", std::move(rules)}};
}

Result<std::string> CompileSeccomp() {
  const Filter filter;
  if (filter.get() == nullptr) {
    return Unexpected(ErrorCode::kResourceExhausted, "seccomp profile: out of memory");
  }
  for (std::uint32_t architecture : kArchitectures) {
    if (const int code = seccomp_arch_add(filter.get(), architecture); code != 0 && code != -EEXIST) {
      return SeccompFailed(code, "add architecture");
    }
  }
  // A binary tree instead of a chain: faster for the steps too.
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  auto allow = [&](std::string_view name) {
    const int number = Resolve(name);
    return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0);
  };
  for (std::string_view name : kAllowed) {
    if (const int code = allow(name); code != 0) {
      return SeccompFailed(code, name);
    }
  }
  for (std::string_view name : kAllowedHere) {
    if (const int code = allow(name); code != 0) {
      return SeccompFailed(code, name);
    }
  }
  for (const ConditionalRule& rule : kConditional) {
    const scmp_arg_cmp argument = {rule.index, rule.compare, rule.value, rule.masked_value};
    if (const int code = seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, Resolve(rule.name), 1, &argument);
        code != 0) {
      return SeccompFailed(code, rule.name);
    }
  }
  if (const int number = Resolve("clone3"); number != __NR_SCMP_ERROR) {
    if (const int code = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), number, 0); code != 0) {
      return SeccompFailed(code, "clone3");
    }
  }
  const UniqueFd file(memfd_create("seccomp", MFD_CLOEXEC));
  if (!file.valid()) {
    return UnexpectedErrno("seccomp profile: create a file");
  }
  if (const int code = seccomp_export_bpf(filter.get(), file.get()); code != 0) {
    return SeccompFailed(code, "export");
  }
  std::string program(static_cast<std::size_t>(lseek(file.get(), 0, SEEK_END)), '\0');
  if (pread(file.get(), program.data(), program.size(), 0) != static_cast<ssize_t>(program.size())) {
    return UnexpectedErrno("seccomp profile: read");
  }
  return program;
}

}  // namespace loam::worker
