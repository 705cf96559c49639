// Layer seccomp: calls of the kernel that no command needs. Arguments are chosen so that outside, where the call gets
// through, it does nothing: most then fail with an error of the call itself, which means that it was reached.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

// The call was executed: it succeeded, or failed with one of its own errors, which nothing in front of it gives.
static int reached(long result, int own_error) {
  if (result >= 0) return 0;
  return errno == own_error ? 0 : errno;
}

// --- namespaces ---

static int unshared(int flags) { return outcome(syscall(SYS_unshare, flags)); }

ATTEMPT(Y01, seccomp, "makes a user namespace", "EPERM") { return unshared(CLONE_NEWUSER); }
ATTEMPT(Y02, seccomp, "makes a mount namespace", "EPERM") { return unshared(CLONE_NEWNS); }
ATTEMPT(Y03, seccomp, "makes a network namespace", "EPERM") { return unshared(CLONE_NEWNET); }
ATTEMPT(Y04, seccomp, "makes a process namespace", "EPERM") { return unshared(CLONE_NEWPID); }
ATTEMPT(Y05, seccomp, "makes an IPC namespace", "EPERM") { return unshared(CLONE_NEWIPC); }
ATTEMPT(Y06, seccomp, "makes a host name namespace", "EPERM") { return unshared(CLONE_NEWUTS); }
ATTEMPT(Y07, seccomp, "makes a control group namespace", "EPERM") { return unshared(CLONE_NEWCGROUP); }
ATTEMPT(Y08, seccomp, "makes a time namespace", "EPERM") { return unshared(0x80); }
ATTEMPT(Y09, seccomp, "becomes root of a user namespace and mounts there", "EPERM") {
  if (unshared(CLONE_NEWUSER | CLONE_NEWNS) != 0) return errno;
  return outcome(mount("none", "/proc", "tmpfs", 0, NULL));
}
// 1: all of them at once, each with garbage in the upper half of the argument.
static int cloned(unsigned long flags) {
  const long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  if (pid < 0) return errno;
  waitpid((pid_t)pid, NULL, __WALL);
  return 0;
}
ATTEMPT(Y10, seccomp, "makes a user namespace by clone", "EPERM") { return cloned(CLONE_NEWUSER); }
ATTEMPT(Y11, seccomp, "makes a user namespace by clone with garbage above the flags", "EPERM") {
  return cloned(CLONE_NEWUSER | 0x5a5a5a5a00000000UL);
}
ATTEMPT(Y12, seccomp, "makes mount, network and process namespaces by clone", "EPERM") {
  const unsigned long flags[] = {CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
  int last = 0;
  for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) {
    last = cloned(CLONE_NEWUSER | flags[i]);
    if (last == 0) return 0;
  }
  return last;
}
struct clone3_arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
static int cloned3(uint64_t flags) {
  struct clone3_arguments arguments = {.flags = flags, .exit_signal = SIGCHLD};
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) _exit(0);
  if (pid < 0) return errno;
  waitpid((pid_t)pid, NULL, __WALL);
  return 0;
}
ATTEMPT(Y13, seccomp, "makes a user namespace by clone3, whose flags no filter sees", "ENOSYS") {
  return cloned3(CLONE_NEWUSER);
}
ATTEMPT(Y14, seccomp, "makes a process by clone3", "ENOSYS") { return cloned3(0); }
ATTEMPT(Y15, seccomp, "enters a namespace by its file", "EPERM EACCES") {
  const int fd = open("/proc/self/ns/user", O_RDONLY);
  return fd < 0 ? errno : reached(syscall(SYS_setns, fd, CLONE_NEWUSER), EINVAL);
}
ATTEMPT(Y16, seccomp, "makes a child of its parent's parent (CLONE_PARENT)", "EPERM") { return cloned(CLONE_PARENT); }
ATTEMPT(Y17, seccomp, "makes a child that traces are not handed to (CLONE_UNTRACED)", "EPERM") {
  return cloned(CLONE_UNTRACED);
}

// --- mounts and roots ---

ATTEMPT(Y20, seccomp, "mounts a tmpfs", "EPERM") {
  return reached(syscall(SYS_mount, "x", "/no/such/place", "tmpfs", 0, 0), ENOENT);
}
ATTEMPT(Y21, seccomp, "mounts a directory over another", "EPERM") {
  return reached(syscall(SYS_mount, "/etc", "/no/such/place", "", MS_BIND, 0), ENOENT);
}
ATTEMPT(Y22, seccomp, "unmounts", "EPERM") {
  return reached(syscall(SYS_umount2, "/no/such/place", MNT_DETACH), ENOENT);
}
ATTEMPT(Y23, seccomp, "exchanges the root", "EPERM") {
  return reached(syscall(SYS_pivot_root, "/no/such/place", "/no/such"), ENOENT);
}
ATTEMPT(Y24, seccomp, "changes the root", "EPERM") { return outcome(chroot("/")); }
ATTEMPT(Y25, seccomp, "moves a mount", "EPERM") {
  return reached(syscall(SYS_move_mount, AT_FDCWD, "/no/such/place", AT_FDCWD, "/no/such", 0), ENOENT);
}
ATTEMPT(Y26, seccomp, "copies a tree of mounts", "EPERM") {
  return reached(syscall(SYS_open_tree, AT_FDCWD, "/", 1), EINVAL);
}
ATTEMPT(Y27, seccomp, "takes a handle on a mount by open_tree", "EPERM") {
  return outcome(syscall(SYS_open_tree, AT_FDCWD, "/", 0));
}
ATTEMPT(Y28, seccomp, "opens a new file system", "EPERM") { return outcome(syscall(SYS_fsopen, "tmpfs", 0)); }
ATTEMPT(Y29, seccomp, "makes a mount of a file system", "EPERM") {
  return reached(syscall(SYS_fsmount, -1, 0, 0), EBADF);
}
ATTEMPT(Y30, seccomp, "configures a file system", "EPERM") {
  return reached(syscall(SYS_fsconfig, -1, 0, "a", "b", 0), EINVAL);
}
ATTEMPT(Y31, seccomp, "picks a file system up", "EPERM") {
  return reached(syscall(SYS_fspick, AT_FDCWD, "/no/such/place", 0), ENOENT);
}
ATTEMPT(Y32, seccomp, "changes attributes of a mount", "EPERM") {
  uint64_t attributes[4] = {0};
  return reached(syscall(442, AT_FDCWD, "/no/such/place", 0, attributes, sizeof attributes), ENOENT);
}
ATTEMPT(Y33, seccomp, "asks about mounts by statmount", "EPERM ENOSYS") {
  return reached(syscall(457, NULL, NULL, 0, 0), EFAULT);
}
ATTEMPT(Y34, seccomp, "lists mounts by listmount", "EPERM ENOSYS") {
  return reached(syscall(458, NULL, NULL, 0, 0), EFAULT);
}

// --- other processes, kernel surface ---

ATTEMPT(Y40, seccomp, "lets itself be traced", "EPERM") { return outcome(ptrace(PTRACE_TRACEME, 0, 0, 0)); }
ATTEMPT(Y41, seccomp, "makes an io_uring", "ENOSYS") {
  char parameters[120] = {0};
  return outcome(syscall(SYS_io_uring_setup, 1, parameters));
}
ATTEMPT(Y42, seccomp, "enters an io_uring", "ENOSYS") {
  return reached(syscall(SYS_io_uring_enter, -1, 0, 0, 0, 0, 0), EBADF);
}
ATTEMPT(Y43, seccomp, "registers with an io_uring", "ENOSYS") {
  return reached(syscall(SYS_io_uring_register, -1, 9999, 0, 0), EINVAL);
}
ATTEMPT(Y44, seccomp, "loads a BPF program", "EPERM") { return reached(syscall(SYS_bpf, 9999, NULL, 0), EINVAL); }
ATTEMPT(Y45, seccomp, "opens a performance counter", "EPERM") {
  uint32_t attributes[32] = {1 /* software */, 128, 1 /* task clock */};
  attributes[10] = 1 << 5 | 1 << 6;  // neither kernel nor hypervisor
  return reached(syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0), EFAULT);
}
ATTEMPT(Y46, seccomp, "makes a userfaultfd", "EPERM") {
  return outcome(syscall(SYS_userfaultfd, 1 /* user mode only */));
}
ATTEMPT(Y47, seccomp, "adds a key", "EPERM") {
  return outcome(syscall(SYS_add_key, "user", "escape", "x", 1, -1 /* thread */));
}
ATTEMPT(Y48, seccomp, "asks for a key", "EPERM") {
  return reached(syscall(SYS_request_key, "user", "no-such-key", NULL, 0), ENOKEY);
}
ATTEMPT(Y49, seccomp, "looks into the session keyring", "EPERM") { return outcome(syscall(SYS_keyctl, 0, -3, 0)); }
ATTEMPT(Y50, seccomp, "asks for memory that faults run code in (READ_IMPLIES_EXEC)", "EPERM") {
  return outcome(syscall(SYS_personality, 0x0400000UL));
}
ATTEMPT(Y51, seccomp, "turns address randomisation off", "EPERM") {
  return outcome(syscall(SYS_personality, 0x0040000UL));
}
ATTEMPT(Y52, seccomp, "turns it off with garbage above the argument", "EPERM") {
  return outcome(syscall(SYS_personality, 0xffffffff00040000UL));
}
ATTEMPT(Y53, seccomp, "watches whole mounts (fanotify)", "EPERM") {
  return outcome(syscall(SYS_fanotify_init, 0x200, 0));
}
ATTEMPT(Y54, seccomp, "gets a file's handle", "EPERM") {
  struct {
    unsigned bytes;
    int type;
    char handle[128];
  } file = {.bytes = 128};
  int mount_id;
  return outcome(syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &file, &mount_id, 0));
}
ATTEMPT(Y55, seccomp, "opens a file by its handle", "EPERM") {
  struct {
    unsigned bytes;
    int type;
    char handle[128];
  } file = {.bytes = 8, .type = 1};
  return reached(syscall(SYS_open_by_handle_at, -1, &file, O_RDONLY), EBADF);
}
ATTEMPT(Y56, seccomp, "makes secret memory", "ENOSYS") { return outcome(syscall(447, 0)); }
ATTEMPT(Y57, seccomp, "makes a file without a path", "ENOSYS") { return outcome(syscall(SYS_memfd_create, "x", 0)); }
ATTEMPT(Y58, seccomp, "sets up asynchronous I/O", "ENOSYS") {
  unsigned long context = 0;
  return outcome(syscall(SYS_io_setup, 1, &context));
}
ATTEMPT(Y59, seccomp, "remaps file pages", "ENOSYS") {
  return reached(syscall(SYS_remap_file_pages, 1, 0, 0, 0, 0), EINVAL);
}
ATTEMPT(Y60, seccomp, "binds memory to a node", "EPERM") {
  return reached(syscall(SYS_mbind, 1, 4096, 0, NULL, 0, 0), EINVAL);
}
ATTEMPT(Y61, seccomp, "sets its memory policy", "EPERM") { return outcome(syscall(SYS_set_mempolicy, 0, NULL, 0)); }
ATTEMPT(Y62, seccomp, "takes a shared memory segment of the user", "ENOSYS ENOENT") {
  const long shm = syscall(SYS_shmget, number("ESCAPE_SHM"), 0, 0);
  return shm < 0 ? errno : outcome(syscall(SYS_shmat, shm, NULL, 010000 /* read only */));
}
ATTEMPT(Y63, seccomp, "makes a semaphore for everybody", "ENOSYS", .needs = "no own ipc") {
  const long set = syscall(SYS_semget, 0 /* private */, 1, 0600);
  if (set >= 0) syscall(SYS_semctl, set, 0, 0 /* remove */, 0);
  return outcome(set);
}
ATTEMPT(Y64, seccomp, "makes a message queue for everybody", "ENOSYS", .needs = "no own ipc") {
  const long queue = syscall(SYS_msgget, 0 /* private */, 0600);
  if (queue >= 0) syscall(SYS_msgctl, queue, 0 /* remove */, NULL);
  return outcome(queue);
}
ATTEMPT(Y65, seccomp, "opens a POSIX message queue for everybody", "ENOSYS", .needs = "no own ipc") {
  const char* name = text("escape-%s", id());
  const long queue = syscall(SYS_mq_open, name, O_CREAT | O_RDWR, 0600, NULL);
  if (queue >= 0) syscall(SYS_mq_unlink, name);
  return outcome(queue);
}

// --- the machine ---

ATTEMPT(Y70, seccomp, "restarts the machine", "EPERM") { return reached(syscall(SYS_reboot, 1, 2, 3, 0), EINVAL); }
ATTEMPT(Y71, seccomp, "loads another kernel", "EPERM") {
  return reached(syscall(SYS_kexec_load, 0, 99, NULL, 0), EINVAL);
}
ATTEMPT(Y72, seccomp, "loads another kernel from a file", "EPERM") {
  return reached(syscall(SYS_kexec_file_load, -1, -1, 0, NULL, ~0UL), EINVAL);
}
ATTEMPT(Y73, seccomp, "loads a module", "EPERM") { return reached(syscall(SYS_init_module, NULL, 0, ""), ENOEXEC); }
ATTEMPT(Y74, seccomp, "loads a module from a file", "EPERM") {
  return reached(syscall(SYS_finit_module, -1, "", 0), EBADF);
}
ATTEMPT(Y75, seccomp, "unloads a module", "EPERM") {
  return reached(syscall(SYS_delete_module, "no_such_module", O_NONBLOCK), ENOENT);
}
ATTEMPT(Y76, seccomp, "swaps to a file", "EPERM") { return reached(syscall(SYS_swapon, "/no/such/place", 0), ENOENT); }
ATTEMPT(Y77, seccomp, "stops swapping", "EPERM") { return reached(syscall(SYS_swapoff, "/no/such/place"), ENOENT); }
ATTEMPT(Y78, seccomp, "keeps accounts of processes", "EPERM") {
  return reached(syscall(SYS_acct, "/no/such/place"), ENOENT);
}
ATTEMPT(Y79, seccomp, "changes quotas", "EPERM") {
  return reached(syscall(SYS_quotactl, 0x80000100, NULL, 0, NULL), EINVAL) == 0 ? 0 : reached(-1, ENODEV);
}
ATTEMPT(Y80, seccomp, "sets the clock", "EPERM") { return outcome(syscall(SYS_settimeofday, NULL, NULL)); }
ATTEMPT(Y81, seccomp, "sets a clock", "EPERM") { return reached(syscall(SYS_clock_settime, 99, NULL), EINVAL); }
ATTEMPT(Y82, seccomp, "steers the clock", "EPERM") { return reached(syscall(SYS_adjtimex, NULL), EFAULT); }
ATTEMPT(Y83, seccomp, "steers a clock", "EPERM") { return reached(syscall(SYS_clock_adjtime, 0, NULL), EFAULT); }
ATTEMPT(Y84, seccomp, "renames the machine", "EPERM") { return reached(syscall(SYS_sethostname, "x", -1L), EINVAL); }
ATTEMPT(Y85, seccomp, "renames the machine's domain", "EPERM") {
  return reached(syscall(SYS_setdomainname, "x", -1L), EINVAL);
}
ATTEMPT(Y86, seccomp, "reads the kernel's messages by syslog", "EPERM") {
  return outcome(syscall(SYS_syslog, 10 /* size */, NULL, 0));
}
ATTEMPT(Y87, seccomp, "hangs the terminal up", "EPERM") { return outcome(syscall(SYS_vhangup)); }
#if defined(__x86_64__)
ATTEMPT(Y88, seccomp, "takes the processor's ports", "EPERM") { return outcome(syscall(SYS_iopl, 0)); }
ATTEMPT(Y89, seccomp, "takes one of the processor's ports", "EPERM") {
  return reached(syscall(SYS_ioperm, 0xffffff, 1, 1), EINVAL);
}
ATTEMPT(Y90, seccomp, "changes its segments", "EPERM") {
  char buffer[16];
  return outcome(syscall(SYS_modify_ldt, 0, buffer, sizeof buffer));
}
ATTEMPT(Y91, seccomp, "asks for file system types by an old call", "EPERM") { return outcome(syscall(SYS_sysfs, 3)); }
ATTEMPT(Y92, seccomp, "asks for a device by an old call", "EPERM") {
  char buffer[64];
  return reached(syscall(SYS_ustat, 0, buffer), EINVAL);
}

// --- other architectures ---

ATTEMPT(Y93, seccomp, "makes a call of the 32-bit architecture", "SIGSYS SIGSEGV") {
  long result;
  asm volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid */) : "memory", "r8", "r9", "r10", "r11");
  return result == getpid() ? 0 : ENOSYS;
}
ATTEMPT(Y94, seccomp, "makes a socket by the 32-bit socketcall", "SIGSYS SIGSEGV") {
  uint32_t* arguments = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  long result;
  arguments[0] = 2, arguments[1] = 1, arguments[2] = 0;
  asm volatile("int $0x80"
               : "=a"(result)
               : "a"(102), "b"(1), "c"((uint32_t)(uintptr_t)arguments)
               : "memory", "r8", "r9", "r10", "r11");
  return (int)result >= 0 ? 0 : -(int)result;
}
ATTEMPT(Y95, seccomp, "makes an x32 call", "SIGSYS") {
  const long result = syscall(0x40000000 + SYS_getpid);
  return result == getpid() ? 0 : errno;
}
#endif
ATTEMPT(Y96, seccomp, "makes a call that no kernel has", "ENOSYS") { return outcome(syscall(9999)); }
ATTEMPT(Y97, seccomp, "makes calls that are newer than the filter", "ENOSYS EPERM") {
  int last = ENOSYS;
  for (long number_ = 470; number_ < 520; ++number_) {
    const long result = syscall(number_, -1, -1, -1, -1, -1, -1);
    if (result >= 0 || errno != ENOSYS) last = result >= 0 ? 0 : errno == EPERM ? EPERM : 0;
    if (last == 0) return 0;
  }
  return last;
}

// --- against the filter itself ---

static int install(unsigned flags, uint32_t action) {
  struct sock_filter code[] = {{BPF_RET | BPF_K, 0, 0, action}};
  struct sock_fprog program = {1, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return outcome(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}
ATTEMPT(Z01, seccomp, "installs a listener of its own", "EBUSY") {
  return install(SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_RET_ALLOW);
}
ATTEMPT(Z02, seccomp, "installs a filter that allows everything, then makes a namespace", "EPERM") {
  const int installed = install(0, SECCOMP_RET_ALLOW);
  return installed != 0 ? installed : unshared(CLONE_NEWUSER);
}
ATTEMPT(Z03, seccomp, "turns the filter off by prctl", "EPERM EINVAL") {
  if (prctl(PR_SET_SECCOMP, 0, 0, 0, 0) == 0) return 0;
  const int why = errno;
  // What counts is whether there is a filter at all.
  return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER ? why : 0;
}
ATTEMPT(Z04, seccomp, "moves its program's memory by prctl", "EPERM") {
  return outcome(prctl(PR_SET_MM, 6 /* start of brk */, (unsigned long)sbrk(0), 0, 0));
}
ATTEMPT(Z05, seccomp, "lets anyone trace it by prctl", "EPERM") {
  return reached(prctl(PR_SET_PTRACER, -1L, 0, 0, 0), EINVAL);
}
ATTEMPT(Z06, seccomp, "turns speculation on by prctl", "EPERM") {
  return reached(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_ENABLE, 0, 0), ENXIO);
}
ATTEMPT(Z07, seccomp, "hides from the guardian by not being dumpable", "EACCES") {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
  return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : EACCES;
}
