/* fields - what inspect says about the containers of one test's state. */
#ifndef TEST_FIELDS_H
#define TEST_FIELDS_H

#include <sys/types.h>

#include "state.h"

/* inspect --format TEMPLATE NAME; caller frees. */
char *field(const struct state *s, const char *name, const char *template);
/* Expects that value now, or soon. */
void expect_field(const struct state *s, const char *name, const char *template,
                  const char *want);
void await_field(const struct state *s, const char *name, const char *template,
                 const char *want);
/* Waits until this is the last line of the container's log. */
void await_line(const struct state *s, const char *name, const char *line);

pid_t pid_of(const struct state *s, const char *name);     /* of the container */
pid_t monitor_of(const struct state *s, const char *name); /* as the record has it */
void kill_and_wait(pid_t pid); /* SIGKILL; not a child of ours */

/* Expects exactly that standard output and that status of a command. */
void expect_output(const struct state *s, int status, const char *want,
                   const char *const args[]);
#define EXPECT_OUTPUT(s, status, want, ...) \
    expect_output(s, status, want, (const char *const[]){__VA_ARGS__, NULL})

/* The host was restarted: every container's processes, groups and run directories are
 * gone, the records are of an earlier boot. */
void reboot_host(const struct state *s);

#endif
