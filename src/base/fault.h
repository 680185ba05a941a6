/* fault - points where a test can make a step fail or the process stop or die.
 * Shape   fault_point("start.cgroup") is 0 in a release build (compiled away). With
 *         MTD_FAULTS defined, the variable MTD_FAULT=NAME[:fail|kill|stop][:N] acts at
 *         the Nth (default first; * = every) passing of NAME (* = of any): fail returns
 *         -EIO, kill raises SIGKILL, stop SIGSTOP. Pid 1 of a pid namespace, which no signal of
 *         its own can kill or stop, exits with 137 without a word instead, and waits
 *         for SIGCONT in sigwaitinfo().
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef MTD_FAULTS
int fault_point(const char *name);
/* The same for a step of a table: the point's name is "TABLE.STEP". */
int fault_step(const char *table, const char *step);
/* "MTD_FAULT=..." of the environment, for processes that get no environment. */
char *fault_variable(void);
#else
static inline int fault_point(const char *name)
{
    (void)name;
    return 0;
}
static inline int fault_step(const char *table, const char *step)
{
    (void)table, (void)step;
    return 0;
}
#define fault_variable() NULL
#endif

#endif
