/* fault - places where a test can make a step fail, stop or die.
 * Shape   fault_point("start.cgroup") is 0 in a release build (compiled away). With
 *         MTD_FAULTS defined, the variable MTD_FAULT=NAME[:fail|kill|stop][:N] acts at
 *         the Nth (default first; * = every) passing of NAME: fail returns -EIO, kill
 *         raises SIGKILL, stop SIGSTOP.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef MTD_FAULTS
int fault_point(const char *name);
/* "MTD_FAULT=..." of the environment, for processes that get no environment. */
char *fault_variable(void);
#else
static inline int fault_point(const char *name)
{
    (void)name;
    return 0;
}
#define fault_variable() NULL
#endif

#endif
