/* calls [WORD]: makes each system call of the table, in a process of its own, and prints
 * "NAME RESULT": ok, EPERM, ENOSYS, the number of another errno, or the signal that ended
 * it. With a word, only the calls whose name begins with it.
 *
 * Arguments are chosen so that a kernel which lets the call through does nothing: bad
 * pointers and descriptors, flags it does not know. Where it still answers EPERM, for want
 * of a capability, the expectations in test_seccomp.c say so. "i386:" calls are made by
 * int 0x80, "x32:" calls with the bit of that ABI. A static program without libc's
 * wrappers, so that it runs in every container. */

#include <errno.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD ((long)0xdead000) /* no memory is there */
#define I386 0x1000000
#define X32 0x40000000

/* One number on every architecture; older headers lack some. */
enum {
    NR_IO_URING_SETUP = 425,
    NR_IO_URING_ENTER,
    NR_IO_URING_REGISTER,
    NR_OPEN_TREE,
    NR_MOVE_MOUNT,
    NR_FSOPEN,
    NR_FSCONFIG,
    NR_FSMOUNT,
    NR_FSPICK,
    NR_PIDFD_OPEN,
    NR_CLONE3,
    NR_CLOSE_RANGE,
    NR_OPENAT2,
    NR_PIDFD_GETFD,
    NR_FACCESSAT2,
    NR_PROCESS_MADVISE,
    NR_MOUNT_SETATTR = 442,
    NR_QUOTACTL_FD,
    NR_PROCESS_MRELEASE = 448,
    NR_SET_MEMPOLICY_HOME_NODE = 450,
    NR_CACHESTAT,
    NR_FCHMODAT2,
    NR_FUTEX_WAKE = 454,
    NR_STATMOUNT = 457,
    NR_LISTMOUNT,
    NR_LSM_GET_SELF_ATTR,
    NR_LSM_SET_SELF_ATTR,
    NR_LSM_LIST_MODULES,
    NR_REMOVEXATTRAT = 466,
    NR_OPEN_TREE_ATTR,
    NR_UNKNOWN = 900,
};

static const struct {
    const char *name;
    long number, args[6];
} CALLS[] = {
    /* sockets */
    {"socket:unix", SYS_socket, {AF_UNIX, SOCK_STREAM}},
    {"socket:inet", SYS_socket, {AF_INET, SOCK_STREAM}},
    {"socket:netlink", SYS_socket, {AF_NETLINK, SOCK_RAW}},
    {"socket:alg", SYS_socket, {38, SOCK_SEQPACKET}},
    {"socket:alg-high-bits", SYS_socket, {(long)0x100000026, SOCK_SEQPACKET}},
    {"socket:vsock", SYS_socket, {40, SOCK_STREAM}},
    /* keys */
    {"add_key", SYS_add_key, {BAD, BAD, 0, 0, 0}},
    {"request_key", SYS_request_key, {BAD, BAD, 0, 0}},
    {"keyctl", SYS_keyctl, {KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1}},
    {"keyctl:link",
     SYS_keyctl,
     {KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING}},
    /* large parts of the kernel */
    {"bpf", SYS_bpf, {-1, BAD, 0}},
    {"io_uring_setup", NR_IO_URING_SETUP, {1, BAD}},
    {"io_uring_enter", NR_IO_URING_ENTER, {-1}},
    {"io_uring_register", NR_IO_URING_REGISTER, {-1}},
    {"userfaultfd", SYS_userfaultfd, {-1}},
    {"perf_event_open", SYS_perf_event_open, {BAD, 0, -1, -1, 0}},
    {"fanotify_init", SYS_fanotify_init, {-1}},
    {"fanotify_mark", SYS_fanotify_mark, {-1}},
    /* namespaces */
    {"unshare:user", SYS_unshare, {CLONE_NEWUSER}},
    {"unshare:mount", SYS_unshare, {CLONE_NEWNS}},
    {"unshare:cgroup", SYS_unshare, {CLONE_NEWCGROUP}},
    {"unshare:files", SYS_unshare, {CLONE_FILES}},
    {"clone:plain", SYS_clone, {SIGCHLD}},
    {"clone:user", SYS_clone, {CLONE_NEWUSER | SIGCHLD}},
    {"clone:mount", SYS_clone, {CLONE_NEWNS | SIGCHLD}},
    {"clone:pid", SYS_clone, {CLONE_NEWPID | SIGCHLD}},
    {"clone:net", SYS_clone, {CLONE_NEWNET | SIGCHLD}},
    {"clone:cgroup", SYS_clone, {CLONE_NEWCGROUP | SIGCHLD}},
    {"clone3", NR_CLONE3, {BAD, 0}},
    {"setns", SYS_setns, {-1, 0}},
    /* mounts */
    {"mount", SYS_mount, {BAD, BAD, BAD, 0, BAD}},
    {"umount2", SYS_umount2, {BAD, 0}},
    {"pivot_root", SYS_pivot_root, {BAD, BAD}},
    {"chroot", SYS_chroot, {BAD}},
    {"open_tree", NR_OPEN_TREE, {-1, BAD, 0}},
    {"open_tree_attr", NR_OPEN_TREE_ATTR, {-1, BAD, 0, BAD, 0}},
    {"move_mount", NR_MOVE_MOUNT, {-1, BAD, -1, BAD, 0}},
    {"mount_setattr", NR_MOUNT_SETATTR, {-1, BAD, 0, BAD, 0}},
    {"fsopen", NR_FSOPEN, {BAD, 0}},
    {"fsconfig", NR_FSCONFIG, {-1, 0, BAD, BAD, 0}},
    {"fsmount", NR_FSMOUNT, {-1, 0, 0}},
    {"fspick", NR_FSPICK, {-1, BAD, 0}},
    {"statmount", NR_STATMOUNT, {BAD, BAD, 0, 0}},
    {"listmount", NR_LISTMOUNT, {BAD, BAD, 0, 0}},
    {"quotactl", SYS_quotactl, {-1, BAD, 0, BAD}},
    {"quotactl_fd", NR_QUOTACTL_FD, {-1, -1, 0, BAD}},
    {"open_by_handle_at", SYS_open_by_handle_at, {-1, BAD, 0}},
    {"name_to_handle_at", SYS_name_to_handle_at, {-1, BAD, BAD, BAD, 0}},
    {"openat2", NR_OPENAT2, {-1, BAD, BAD, 0}},
    /* other processes */
    {"kcmp", SYS_kcmp, {1, 1, 0, 0, 0}},
    {"ptrace", SYS_ptrace, {-1, 0, 0, 0}},
    {"process_vm_readv", SYS_process_vm_readv, {0, BAD, 1, BAD, 1, 0}},
    {"process_vm_writev", SYS_process_vm_writev, {0, BAD, 1, BAD, 1, 0}},
    {"process_madvise", NR_PROCESS_MADVISE, {-1, BAD, 1, 0, 0}},
    {"process_mrelease", NR_PROCESS_MRELEASE, {-1, 0}},
    {"pidfd_open", NR_PIDFD_OPEN, {-1, 0}},
    {"pidfd_getfd", NR_PIDFD_GETFD, {-1, -1, 0}},
    {"migrate_pages", SYS_migrate_pages, {0, 0, BAD, BAD}},
    {"move_pages", SYS_move_pages, {0, 1, BAD, BAD, BAD, 0}},
    {"mbind", SYS_mbind, {BAD, 1, -1, BAD, 0, 0}},
    {"get_mempolicy", SYS_get_mempolicy, {BAD, BAD, 1, 0, -1}},
    {"set_mempolicy", SYS_set_mempolicy, {-1, BAD, 1}},
    {"set_mempolicy_home_node", NR_SET_MEMPOLICY_HOME_NODE, {BAD, 1, -1, 1}},
    /* the machine */
    {"reboot", SYS_reboot, {1, 2, 3, 0}},
    {"kexec_load", SYS_kexec_load, {0, -1, BAD, -1}},
    {"kexec_file_load", SYS_kexec_file_load, {-1, -1, 0, BAD, -1}},
    {"init_module", SYS_init_module, {BAD, 1, BAD}},
    {"finit_module", SYS_finit_module, {-1, BAD, -1}},
    {"delete_module", SYS_delete_module, {BAD, -1}},
    {"swapon", SYS_swapon, {BAD, 0}},
    {"swapoff", SYS_swapoff, {BAD}},
    {"acct", SYS_acct, {BAD}},
    {"syslog", SYS_syslog, {-1, BAD, 1}},
    {"settimeofday", SYS_settimeofday, {BAD, 0}},
    {"clock_settime", SYS_clock_settime, {0, BAD}},
    {"clock_adjtime", SYS_clock_adjtime, {0, BAD}},
    {"sethostname", SYS_sethostname, {BAD, -1}},
    {"setdomainname", SYS_setdomainname, {BAD, -1}},
    {"vhangup", SYS_vhangup, {0}},
    {"personality:ask", SYS_personality, {0xffffffff}},
    {"personality:linux32", SYS_personality, {PER_LINUX32}},
    {"personality:no-random", SYS_personality, {ADDR_NO_RANDOMIZE}},
    {"personality:exec-reads", SYS_personality, {READ_IMPLIES_EXEC}},
    {"lookup_dcookie", SYS_lookup_dcookie, {0, BAD, 1}},
    {"nfsservctl", SYS_nfsservctl, {0}},
    {"lsm_get_self_attr", NR_LSM_GET_SELF_ATTR, {0, BAD, BAD, -1}},
    {"lsm_set_self_attr", NR_LSM_SET_SELF_ATTR, {0, BAD, 1, -1}},
    {"lsm_list_modules", NR_LSM_LIST_MODULES, {BAD, BAD, -1}},
    {"seccomp", SYS_seccomp, {-1, 0, BAD}},
    /* newer than libseccomp 2.5 */
    {"cachestat", NR_CACHESTAT, {-1, BAD, BAD, 0}},
    {"fchmodat2", NR_FCHMODAT2, {-1, BAD, 0, 0}},
    {"futex_wake", NR_FUTEX_WAKE, {BAD, 0, 0, -1}},
    {"removexattrat", NR_REMOVEXATTRAT, {-1, BAD, 0, BAD}},
    {"unknown", NR_UNKNOWN, {0}},
#ifdef __x86_64__
    {"sysfs", SYS_sysfs, {-1}},
    {"ustat", SYS_ustat, {0, BAD}},
    {"uselib", SYS_uselib, {BAD}},
    {"_sysctl", SYS__sysctl, {BAD}},
    {"iopl", SYS_iopl, {0}},
    {"ioperm", SYS_ioperm, {-1, -1, 0}},
    {"modify_ldt", SYS_modify_ldt, {-1}},
    {"arch_prctl", SYS_arch_prctl, {-1}},
    {"i386:getpid", I386 | 20, {0}},
    {"i386:socketcall", I386 | 102, {1, BAD}},
    {"i386:socket:unix", I386 | 359, {AF_UNIX, SOCK_STREAM}},
    {"i386:socket:alg", I386 | 359, {38, SOCK_SEQPACKET}},
    {"i386:socket:vsock", I386 | 359, {40, SOCK_STREAM}},
    {"i386:add_key", I386 | 286, {BAD, BAD, 0, 0, 0}},
    {"i386:keyctl", I386 | 288, {KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1}},
    {"i386:bpf", I386 | 357, {-1, BAD, 0}},
    {"i386:io_uring_setup", I386 | 425, {1, BAD}},
    {"i386:userfaultfd", I386 | 374, {-1}},
    {"i386:unshare:user", I386 | 310, {CLONE_NEWUSER}},
    {"i386:clone:user", I386 | 120, {CLONE_NEWUSER | SIGCHLD}},
    {"i386:clone3", I386 | 435, {BAD, 0}},
    {"i386:mount", I386 | 21, {BAD, BAD, BAD, 0, BAD}},
    {"i386:kcmp", I386 | 349, {1, 1, 0, 0, 0}},
    {"i386:personality:exec-reads", I386 | 136, {READ_IMPLIES_EXEC}},
    {"i386:vm86", I386 | 166, {BAD}},
    {"i386:unknown", I386 | 900, {0}},
    {"x32:getpid", X32 | 39, {0}},
    {"x32:unshare:user", X32 | 272, {CLONE_NEWUSER}},
    {"x32:keyctl", X32 | 250, {KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1}},
    {"x32:ptrace", X32 | 521, {-1, 0, 0, 0}},
#endif
};

#ifdef __x86_64__
/* The sixth argument is not used by any call of the table. */
static long call_i386(long number, const long *a)
{
    register long r8 __asm__("r8") = 0;
    long rc;
    __asm__ volatile("int $0x80"
                     : "=a"(rc)
                     : "0"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]),
                       "r"(r8)
                     : "memory", "r9", "r10", "r11");
    return rc;
}
#endif

static long make(long number, const long *a)
{
#ifdef __x86_64__
    if (number & I386) {
        long rc = (int)call_i386(number & ~I386, a);
        return rc < 0 && rc > -4096 ? (errno = (int)-rc, -1) : rc;
    }
#endif
    return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* A call that clones returns twice: the copy ends silently. */
static void tell(const char *name, long rc, pid_t self)
{
    if (syscall(SYS_getpid) != self || (rc == 0 && strstr(name, "clone:")))
        _exit(0);
    if (rc != -1)
        printf("%s ok\n", name);
    else if (errno == EPERM || errno == ENOSYS)
        printf("%s %s\n", name, errno == EPERM ? "EPERM" : "ENOSYS");
    else
        printf("%s %d\n", name, errno);
    fflush(stdout);
    _exit(0);
}

static void try(size_t i)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        pid_t self = (pid_t)syscall(SYS_getpid);
        tell(CALLS[i].name, make(CALLS[i].number, CALLS[i].args), self);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        printf("%s cannot fork\n", CALLS[i].name);
    else if (WIFSIGNALED(status))
        printf("%s signal %d\n", CALLS[i].name, WTERMSIG(status));
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++)
        if (strncmp(CALLS[i].name, word, strlen(word)) == 0) {
            fflush(stdout);
            try(i);
        }
    return 0;
}
