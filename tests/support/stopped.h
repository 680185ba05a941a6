/* stopped - the process that a fault point has stopped (":stop", base/fault.h). */
#ifndef TEST_STOPPED_H
#define TEST_STOPPED_H

#include <stdbool.h>
#include <sys/types.h>

/* front or a process below it; waits for it, 0 = there is none. SIGCONT
 * resumes it. */
pid_t stopped_await(pid_t front);
bool stopped_now(pid_t pid);
/* front or a process below it is in that system call now. */
bool stopped_in(pid_t front, long call);
/* The same without front. */
bool stopped_below(pid_t front, long call);

#endif
