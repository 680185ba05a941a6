/* proc - processes by pid and start time, or by pidfd; never by a bare pid.
 * Errors  -errno; -ESRCH = no such process, or its pid was reused.
 * Owner   returned descriptors belong to the caller.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Field 22 of /proc/PID/stat, clock ticks since boot. -ESRCH also for a zombie or dead
 * one when live_only. */
int proc_start_time(pid_t pid, bool live_only, uint64_t *ret);
bool proc_is(pid_t pid, uint64_t start_time); /* alive and the same process */
/* pidfd of exactly that process: opened, then start time compared. */
int proc_open(pid_t pid, uint64_t start_time);
#define BOOT_ID_LEN 36
int proc_boot_id(char out[BOOT_ID_LEN + 1]);
void proc_know_boot_id(const char id[BOOT_ID_LEN + 1]); /* it need not be read again */
/* The signals this process ignores, bit n-1 for signal n. Asks the /proc that is mounted: not to
 * be called inside a container. All bits when that cannot be told. */
uint64_t proc_ignored_signals(void);
/* The third SIGINT or SIGTERM within two seconds: its sender will not wait for the command. asked:
 * when the last two came, zero at first. */
bool proc_is_insisted(int64_t asked[2], int sig);
/* How a process ended that is not our child, as wait(2) would say it: from the zombie, or, once it
 * was reaped, from the pidfd (Linux 6.15). -errno = it cannot be told. */
int proc_ended_status(pid_t pid, int pidfd, int *ret);
void proc_set_name(const char *name); /* PR_SET_NAME, 15 bytes: "mtd:monitor" */

#endif
