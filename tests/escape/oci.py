"""What a Concourse worker gives an unprivileged container: the OCI specification of its two runtimes, and a root file system
made of the machine's own, read-only.

containerd: Concourse's worker/runtime/spec (namespaces, id map, capabilities, mounts) and its system call list, which is
moby's without the parts that depend on capabilities. guardian: the same, with an older and shorter list, without Landlock.
"""
import json
import os
import pathlib
import re
import shutil

ROOT = 4294967294  # container 0 is the highest id of the machine; all others are themselves

CAPABILITIES = ["CAP_" + name for name in (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID "
    "SYS_CHROOT").split()]

# Known to the kernel's header and not on Concourse's list; everything else is.
CLOSED = set("""
unshare setns mount umount2 move_mount mount_setattr fsopen fsconfig fsmount fspick open_tree_attr pivot_root statmount
listmount process_vm_readv process_vm_writev pidfd_getfd kcmp add_key request_key keyctl bpf io_uring_setup io_uring_enter
io_uring_register userfaultfd perf_event_open open_by_handle_at fanotify_init reboot init_module finit_module delete_module
create_module query_module get_kernel_syms kexec_load kexec_file_load set_mempolicy set_mempolicy_home_node mbind
move_pages migrate_pages get_mempolicy sethostname setdomainname acct swapon swapoff settimeofday clock_settime quotactl
quotactl_fd iopl ioperm lookup_dcookie nfsservctl _sysctl sysfs uselib ustat vhangup vserver afs_syscall getpmsg putpmsg
security tuxcall epoll_ctl_old epoll_wait_old process_madvise lsm_get_self_attr lsm_set_self_attr lsm_list_modules
""".split())

# On Concourse's list and not on guardian's.
CLOSED_BY_GUARDIAN = set("""
landlock_create_ruleset landlock_add_rule landlock_restrict_self pidfd_open pidfd_send_signal close_range faccessat2
fchmodat2 epoll_pwait2 membarrier rseq futex_waitv futex_wake futex_wait futex_requeue pkey_alloc pkey_free pkey_mprotect
memfd_secret name_to_handle_at open_tree clock_adjtime process_mrelease cachestat map_shadow_stack mseal setxattrat
getxattrat listxattrat removexattrat
""".split())


def known_system_calls() -> list[str]:
    header = pathlib.Path(f"/usr/include/{os.uname().machine}-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        header = pathlib.Path("/usr/include/asm-generic/unistd.h")
    return sorted(set(re.findall(r"#define __NR(?:3264)?_(\w+)\s", header.read_text())))


def seccomp(runtime: str) -> dict:
    closed = CLOSED | (CLOSED_BY_GUARDIAN if runtime == "guardian" else set())
    names = [n for n in known_system_calls() if n not in closed | {"clone", "clone3", "personality"}]
    rules = [{"names": names, "action": "SCMP_ACT_ALLOW"},
             {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
              "args": [{"index": 0, "value": 0x7C020000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
             {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]
    for value in (0, 0x8, 0x20000, 0x20008, 0xffffffff):
        rules.append({"names": ["personality"], "action": "SCMP_ACT_ALLOW",
                      "args": [{"index": 0, "value": value, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]})
    architectures = {"x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "aarch64": ["SCMP_ARCH_AARCH64"]}
    return {"defaultAction": "SCMP_ACT_ERRNO", "architectures": architectures[os.uname().machine], "syscalls": rules}


def specification(runtime: str, arguments: list[str], binds: dict[str, str], hook: list[str]) -> dict:
    def mount(destination: str, kind: str, source: str, *options: str) -> dict:
        return {"destination": destination, "type": kind, "source": source, "options": list(options)}

    mounts = [mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
              mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
              mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
              mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
              mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
              mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
              mount("/var/tmp", "tmpfs", "tmpfs", "nodev", "mode=1777")]
    if runtime == "concourse":
        mounts.append(mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro", "nosuid", "noexec", "nodev"))
    mounts += [mount(inside, "bind", outside, "rbind", "ro") for inside, outside in binds.items()]
    identity = [{"containerID": 0, "hostID": ROOT, "size": 1}, {"containerID": 1, "hostID": 1, "size": ROOT - 1}]
    linux = {"namespaces": [{"type": t} for t in ("pid", "ipc", "uts", "mount", "network", "user", "cgroup")],
             "uidMappings": identity, "gidMappings": identity, "seccomp": seccomp(runtime)}
    if runtime == "guardian":
        linux["maskedPaths"] = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]
    return {"ociVersion": "1.0.2",
            "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": arguments, "cwd": "/", "noNewPrivileges": False,
                        "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"],
                        "capabilities": {kind: CAPABILITIES for kind in ("bounding", "effective", "inheritable", "permitted")}},
            "root": {"path": "rootfs", "readonly": False}, "hostname": runtime, "mounts": mounts, "linux": linux,
            "hooks": {"createRuntime": [{"path": hook[0], "args": hook}]}}


def make_bundle(directory: pathlib.Path, runtime: str, arguments: list[str], binds: dict[str, str], hook: list[str]) -> None:
    """config.json and rootfs/ in `directory`: empty directories that belong to the container's root, links, a small /etc."""
    root = directory / "rootfs"
    for name in ("dev", "etc", "home", "opt", "proc", "root", "run", "sys", "tmp", "usr", "var/tmp", "opt/escape"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "sbin", "lib", "lib64", "lib32"):
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), root / name)
    os.chmod(root / "tmp", 0o1777)
    os.chmod(root / "root", 0o700)
    for name in ("passwd", "group", "shadow", "gshadow", "ld.so.cache", "ld.so.conf", "nsswitch.conf", "host.conf", "os-release"):
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", root / "etc" / name)
            os.chmod(root / "etc" / name, 0o640 if "shadow" in name else 0o644)
    for name in ("alternatives", "ld.so.conf.d"):
        if os.path.exists(f"/etc/{name}"):
            shutil.copytree(f"/etc/{name}", root / "etc" / name, symlinks=True)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    (root / "etc/hostname").write_text(runtime + "\n")
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    for path, directories, files in os.walk(root):
        for entry in [path] + [os.path.join(path, name) for name in directories + files]:
            mode = os.lstat(entry).st_mode
            os.chown(entry, ROOT, ROOT, follow_symlinks=False)
            if not os.path.islink(entry):
                os.chmod(entry, mode & 0o7777)  # chown(2) takes set-id bits away
    os.chown(directory, ROOT, ROOT)
    (directory / "config.json").write_text(json.dumps(specification(runtime, arguments, binds, hook), indent=1))
