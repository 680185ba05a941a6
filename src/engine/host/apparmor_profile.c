/* The profile's rules need no file of the host's: no abstractions, no tunables. A rule that
 * denies wins over one that allows. */

#include "engine/host/apparmor.h"

/* Everything is allowed but what reaches the kernel's own files beyond what the mounts of
 * a container show already: should a mask be missing, the profile still holds. */
const char apparmor_default_profile[] =
    "profile " APPARMOR_DEFAULT " flags=(attach_disconnected,mediate_deleted) {\n"
    "  network,\n"
    "  capability,\n"
    "  file,\n"
    "  umount,\n"
    "\n"
    "  # Processes outside stop it; inside they signal each other.\n"
    "  signal (receive) peer=unconfined,\n"
    "  signal (send, receive) peer=" APPARMOR_DEFAULT ",\n"
    "  ptrace (trace, read, tracedby, readby) peer=" APPARMOR_DEFAULT ",\n"
    "  ptrace (read, readby) peer=unconfined,\n"
    "\n"
    "  # Of /proc only the directories of processes are written, and kernel/shm*.\n"
    "  deny /proc/* w,\n"
    "  deny /proc/{[a-rt-z],s[^y],sy[^s],sys[^/]}**/** w,\n"
    "  deny /proc/sys/[^k]** w,\n"
    "  deny /proc/sys/kernel/{[^s],s[^h],sh[^m]}** w,\n"
    "  deny /proc/{kcore,kmem,mem,sysrq-trigger} rwklx,\n"
    "\n"
    "  deny mount,\n"
    "  deny pivot_root,\n"
    "\n"
    "  # Of /sys only the control groups.\n"
    "  deny /sys/[^f]*/** wklx,\n"
    "  deny /sys/fs/{[^c],c[^g]}*/** wklx,\n"
    "  deny /sys/{firmware,devices/virtual/powercap,kernel/security}/** rwklx,\n"
    "}\n";
