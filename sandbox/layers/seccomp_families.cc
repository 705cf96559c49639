#include "sandbox/layers/seccomp_table.h"

namespace rune::sandbox {
namespace {

using Names = std::string_view;

constexpr Names kTrace[] = {"ptrace",          "process_vm_readv", "process_vm_writev",
                            "process_madvise", "pidfd_getfd",      "kcmp"};
constexpr Names kMount[] = {"mount",     "umount",         "umount2",   "pivot_root", "move_mount",
                            "open_tree", "open_tree_attr", "fsopen",    "fsconfig",   "fsmount",
                            "fspick",    "mount_setattr",  "statmount", "listmount"};
constexpr Names kNamespace[] = {"unshare", "setns"};
constexpr Names kClone[] = {"clone", "clone3", "fork", "vfork"};
constexpr Names kExec[] = {"execve", "execveat"};
constexpr Names kKexec[] = {"kexec_load", "kexec_file_load"};
constexpr Names kModule[] = {"init_module", "finit_module", "delete_module", "create_module", "query_module"};
constexpr Names kKeys[] = {"add_key", "request_key", "keyctl"};
constexpr Names kIoUring[] = {"io_uring_setup", "io_uring_enter", "io_uring_register"};
constexpr Names kAio[] = {"io_setup", "io_submit", "io_getevents", "io_pgetevents", "io_cancel", "io_destroy"};
constexpr Names kSwap[] = {"swapon", "swapoff"};
constexpr Names kClock[] = {"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime"};
constexpr Names kHost[] = {"sethostname", "setdomainname"};
constexpr Names kPorts[] = {"iopl", "ioperm"};
constexpr Names kQuota[] = {"quotactl", "quotactl_fd"};
constexpr Names kHandle[] = {"open_by_handle_at", "name_to_handle_at"};
constexpr Names kFanotify[] = {"fanotify_init", "fanotify_mark"};
constexpr Names kInotify[] = {"inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch"};
constexpr Names kMemoryPolicy[] = {"mbind", "set_mempolicy", "set_mempolicy_home_node", "migrate_pages", "move_pages"};
constexpr Names kShm[] = {"shmget", "shmat", "shmctl", "shmdt"};
constexpr Names kSem[] = {"semget", "semop", "semtimedop", "semctl"};
constexpr Names kMsg[] = {"msgget", "msgsnd", "msgrcv", "msgctl"};
constexpr Names kMq[] = {"mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr"};
constexpr Names kMemfd[] = {"memfd_create", "memfd_secret"};
constexpr Names kKill[] = {"kill", "tkill", "tgkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo"};
constexpr Names kSocket[] = {"socket", "socketcall", "socketpair"};
constexpr Names kConnect[] = {"connect", "socketcall"};
constexpr Names kAccept[] = {"accept", "accept4"};
constexpr Names kSend[] = {"sendto", "sendmsg", "sendmmsg"};
constexpr Names kReceive[] = {"recvfrom", "recvmsg", "recvmmsg"};
constexpr Names kOpen[] = {"open", "openat", "openat2", "creat", "open_by_handle_at"};
constexpr Names kUnlink[] = {"unlink", "unlinkat", "rmdir"};
constexpr Names kRename[] = {"rename", "renameat", "renameat2"};
constexpr Names kLink[] = {"link", "linkat"};
constexpr Names kSymlink[] = {"symlink", "symlinkat"};
constexpr Names kMkdir[] = {"mkdir", "mkdirat"};
constexpr Names kMknod[] = {"mknod", "mknodat"};
constexpr Names kChmod[] = {"chmod", "fchmod", "fchmodat", "fchmodat2"};
constexpr Names kChown[] = {"chown", "fchown", "lchown", "fchownat"};
constexpr Names kTruncate[] = {"truncate", "ftruncate"};
constexpr Names kUtime[] = {"utime", "utimes", "futimesat", "utimensat"};
constexpr Names kSetXattr[] = {"setxattr",    "lsetxattr",    "fsetxattr",    "setxattrat",
                               "removexattr", "lremovexattr", "fremovexattr", "removexattrat"};
constexpr Names kStat[] = {"stat", "lstat", "fstat", "newfstatat", "statx"};
constexpr Names kAccess[] = {"access", "faccessat", "faccessat2"};
constexpr Names kReadlink[] = {"readlink", "readlinkat"};
constexpr Names kSetUid[] = {"setuid", "setreuid", "setresuid", "setfsuid"};
constexpr Names kSetGid[] = {"setgid", "setregid", "setresgid", "setfsgid", "setgroups"};
constexpr Names kScheduler[] = {"sched_setscheduler", "sched_setparam", "sched_setattr"};
constexpr Names kLimits[] = {"setrlimit", "prlimit64"};
constexpr Names kSplice[] = {"splice", "tee", "vmsplice"};

constexpr std::span<const Names> kFamilies[] = {
    kTrace, kMount,    kNamespace, kClone,  kExec,     kKexec,  kModule,   kKeys,      kIoUring,      kAio,
    kSwap,  kClock,    kHost,      kPorts,  kQuota,    kHandle, kFanotify, kInotify,   kMemoryPolicy, kShm,
    kSem,   kMsg,      kMq,        kMemfd,  kKill,     kSocket, kConnect,  kAccept,    kSend,         kReceive,
    kOpen,  kUnlink,   kRename,    kLink,   kSymlink,  kMkdir,  kMknod,    kChmod,     kChown,        kTruncate,
    kUtime, kSetXattr, kStat,      kAccess, kReadlink, kSetUid, kSetGid,   kScheduler, kLimits,       kSplice};

// include/uapi/asm-generic/unistd.h, Linux 6.17.
constexpr NewerSyscall kNewer[] = {
    {"cachestat", 451},         {"fchmodat2", 452},         {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},     {"statmount", 457},        {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},        {"listxattrat", 465},      {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},      {"file_setattr", 469}};

}  // namespace

std::span<const std::span<const std::string_view>> SyscallFamilies() { return kFamilies; }
std::span<const NewerSyscall> NewerSyscalls() { return kNewer; }

}  // namespace rune::sandbox
