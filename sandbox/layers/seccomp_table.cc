#include "sandbox/layers/seccomp_table.h"

#include <cerrno>

namespace rune::sandbox {
namespace {

using Names = std::string_view;

constexpr Names kFiles[] = {
    "access",    "chdir",     "chown",      "close",      "close_range",  "copy_file_range", "dup",      "dup2",
    "dup3",      "faccessat", "faccessat2", "fadvise64",  "fallocate",    "fchdir",          "fchown",   "fchownat",
    "fdatasync", "fgetxattr", "flistxattr", "flock",      "fremovexattr", "fsetxattr",       "fstat",    "fstatfs",
    "fsync",     "ftruncate", "futimesat",  "getcwd",     "getdents",     "getdents64",      "getxattr", "lchown",
    "lgetxattr", "link",      "linkat",     "listxattr",  "llistxattr",   "lremovexattr",    "lseek",    "lsetxattr",
    "lstat",     "mkdir",     "mkdirat",    "newfstatat", "pread64",      "preadv",          "preadv2",  "pwrite64",
    "pwritev",   "pwritev2",  "read",       "readahead",  "readlink",     "readlinkat",      "readv",    "removexattr",
    "rename",    "renameat",  "renameat2",  "rmdir",      "sendfile",     "setxattr",        "splice",   "stat",
    "statfs",    "statx",     "symlink",    "symlinkat",  "sync",         "sync_file_range", "syncfs",   "tee",
    "truncate",  "umask",     "unlink",     "unlinkat",   "utime",        "utimensat",       "utimes",   "vmsplice",
    "write",     "writev"};

constexpr Names kMemory[] = {"brk",     "get_mempolicy", "madvise", "membarrier", "mincore",   "mlock",
                             "mlock2",  "mlockall",      "mmap",    "mprotect",   "mremap",    "msync",
                             "munlock", "munlockall",    "munmap",  "pkey_alloc", "pkey_free", "pkey_mprotect"};

constexpr Names kProcesses[] = {"arch_prctl",
                                "capget",
                                "capset",
                                "execve",
                                "execveat",
                                "exit",
                                "exit_group",
                                "fork",
                                "get_robust_list",
                                "getcpu",
                                "getegid",
                                "geteuid",
                                "getgid",
                                "getgroups",
                                "getpgid",
                                "getpgrp",
                                "getpid",
                                "getppid",
                                "getpriority",
                                "getresgid",
                                "getresuid",
                                "getrlimit",
                                "getrusage",
                                "getsid",
                                "gettid",
                                "getuid",
                                "ioprio_get",
                                "pause",
                                "pidfd_open",
                                "pidfd_send_signal",
                                "restart_syscall",
                                "rseq",
                                "sched_get_priority_max",
                                "sched_get_priority_min",
                                "sched_getaffinity",
                                "sched_getattr",
                                "sched_getparam",
                                "sched_getscheduler",
                                "sched_rr_get_interval",
                                "sched_yield",
                                "set_robust_list",
                                "set_tid_address",
                                "setfsgid",
                                "setfsuid",
                                "setgid",
                                "setgroups",
                                "setpgid",
                                "setregid",
                                "setresgid",
                                "setresuid",
                                "setreuid",
                                "setrlimit",
                                "setsid",
                                "setuid",
                                "sysinfo",
                                "times",
                                "uname",
                                "vfork",
                                "wait4",
                                "waitid"};

constexpr Names kSignalsAndTime[] = {"alarm",
                                     "clock_getres",
                                     "clock_gettime",
                                     "clock_nanosleep",
                                     "getitimer",
                                     "gettimeofday",
                                     "nanosleep",
                                     "rt_sigaction",
                                     "rt_sigpending",
                                     "rt_sigprocmask",
                                     "rt_sigqueueinfo",
                                     "rt_sigreturn",
                                     "rt_sigsuspend",
                                     "rt_sigtimedwait",
                                     "rt_tgsigqueueinfo",
                                     "setitimer",
                                     "sigaltstack",
                                     "tgkill",
                                     "time",
                                     "timer_create",
                                     "timer_delete",
                                     "timer_getoverrun",
                                     "timer_gettime",
                                     "timer_settime",
                                     "timerfd_create",
                                     "timerfd_gettime",
                                     "timerfd_settime",
                                     "tkill"};

constexpr Names kWaiting[] = {
    "epoll_create", "epoll_create1", "epoll_ctl",     "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd",
    "eventfd2",     "futex",         "futex_requeue", "futex_wait",  "futex_waitv",  "futex_wake", "pipe",
    "pipe2",        "poll",          "ppoll",         "pselect6",    "select",       "signalfd",   "signalfd4"};

constexpr Names kSockets[] = {"accept",   "accept4",  "getpeername", "getsockname", "getsockopt",
                              "recvfrom", "recvmmsg", "recvmsg",     "shutdown"};

constexpr Names kTightening[] = {"getrandom", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self"};

constexpr Names kSteering[] = {"kcmp",  "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev",
                               "ptrace"};
constexpr Names kKernelSurface[] = {"bpf", "lookup_dcookie", "perf_event_open", "userfaultfd"};
constexpr Names kKeyrings[] = {"add_key", "keyctl", "request_key"};
constexpr Names kTopology[] = {"chroot", "fsconfig",      "fsmount",    "fsopen",    "fspick",         "listmount",
                               "mount",  "mount_setattr", "move_mount", "open_tree", "open_tree_attr", "pivot_root",
                               "setns",  "statmount",     "umount",     "umount2",   "unshare"};
constexpr Names kAdministration[] = {
    "_sysctl",     "acct",        "adjtimex", "clock_adjtime",   "clock_settime", "delete_module", "finit_module",
    "init_module", "ioperm",      "iopl",     "kexec_file_load", "kexec_load",    "modify_ldt",    "nfsservctl",
    "quotactl",    "quotactl_fd", "reboot",   "setdomainname",   "sethostname",   "settimeofday",  "stime",
    "swapoff",     "swapon",      "sysfs",    "syslog",          "uselib",        "ustat",         "vhangup",
    "vm86",        "vm86old"};
constexpr Names kHandles[] = {"name_to_handle_at", "open_by_handle_at"};
constexpr Names kMountWatches[] = {"fanotify_init", "fanotify_mark"};
constexpr Names kMemoryPlacement[] = {"mbind", "migrate_pages", "move_pages", "set_mempolicy",
                                      "set_mempolicy_home_node"};
constexpr Names kSystemV[] = {"mq_getsetattr", "mq_notify",  "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink",
                              "msgctl",        "msgget",     "msgrcv",  "msgsnd",          "semctl",       "semget",
                              "semop",         "semtimedop", "shmat",   "shmctl",          "shmdt",        "shmget"};
constexpr Names kInvisible[] = {"clone3", "io_uring_enter", "io_uring_register", "io_uring_setup"};
constexpr Names kFileless[] = {"memfd_create", "memfd_secret"};
constexpr Names kLegacy[] = {"io_cancel", "io_destroy", "io_getevents",    "io_pgetevents",
                             "io_setup",  "io_submit",  "remap_file_pages"};

constexpr std::uint32_t kDeny = SeccompErrno(EPERM);
constexpr std::uint32_t kAbsent = SeccompErrno(ENOSYS);

constexpr SyscallGroup kGroups[] = {
    {"files; which ones is Landlock's business", kSeccompAllow, kFiles},
    {"memory of the process itself", kSeccompAllow, kMemory},
    {"processes; changes of identity fail by themselves without capabilities", kSeccompAllow, kProcesses},
    {"signals, clocks and timers", kSeccompAllow, kSignalsAndTime},
    {"pipes and waiting", kSeccompAllow, kWaiting},
    {"sockets that exist; which ones can is decided by socket(2)", kSeccompAllow, kSockets},
    {"randomness, and restrictions that a command puts on itself", kSeccompAllow, kTightening},
    {"reads or steers other processes, or takes their descriptors", kDeny, kSteering},
    {"wide kernel interfaces, and means to win races against it", kDeny, kKernelSurface},
    {"keyrings belong to the user, not to a namespace", kDeny, kKeyrings},
    {"mounts, roots and namespaces: a new user namespace has every capability", kDeny, kTopology},
    {"the machine's own state, and interfaces of another age", kDeny, kAdministration},
    {"file handles lead out of any directory", kDeny, kHandles},
    {"fanotify watches whole mounts", kDeny, kMountWatches},
    {"steers where other processes' memory lies", kDeny, kMemoryPlacement},
    {"System V and POSIX IPC reach processes outside, and no Landlock right covers them; allowed where the run has its "
     "own",
     kAbsent, kSystemV},
    {"their flags or operations are in memory, where no filter sees them; libc falls back", kAbsent, kInvisible},
    {"a file without a path is a file that Landlock lets be executed", kAbsent, kFileless},
    {"not needed, and often broken", kAbsent, kLegacy},
};

}  // namespace

std::span<const SyscallGroup> SyscallGroups() { return kGroups; }
std::span<const std::string_view> SystemVCalls() { return kSystemV; }

}  // namespace rune::sandbox
