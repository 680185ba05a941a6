/* exec_box - what the tests of exec share: a running container of its own for each test,
 * and commands run with all three streams in hand. Needs root; the suites say so.
 */
#ifndef EXEC_BOX_H
#define EXEC_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Criterion suite hooks: "box" from the embedded busybox, /probe mounted, sleeping. */
void box_make(void);
void box_delete(void);

struct result {
    int status; /* exit status; 128+n when a signal ended it */
    char out[65536], err[4096];
    size_t out_len;
};

/* mytop-docker --root .. ARGS, stdin from input (NULL = /dev/null), all by pipes. */
void box_run(struct result *r, const char *input, size_t len, const char *const args[]);
#define BOX(r, ...) box_run(r, NULL, 0, (const char *const[]){__VA_ARGS__, NULL})
#define EXEC(r, ...) BOX(r, "exec", __VA_ARGS__)

/* The same in the background on a fresh terminal of that size: *ret_master. */
pid_t box_start_on_tty(int *ret_master, unsigned short rows, unsigned short cols,
                       const char *const args[]);
/* And without one: /dev/null as all three. */
pid_t box_start(const char *const args[]);
int box_wait(pid_t pid);
/* After a fork: runs the command in this process. */
_Noreturn void box_become(const char *const args[]);

/* Reads the terminal until text has come (true) or nothing more does for long. */
bool box_expect(int master, const char *text);
/* Waits until a front end has made the terminal raw: before that, the line discipline
 * keeps what is typed. */
bool box_await_raw(int master);
/* The pid of the process of the container whose command line is exactly this, or 0; await
 * waits until there is one, gone until there is none. */
pid_t box_find(const char *cmdline);
bool box_gone(pid_t pid);
pid_t box_await(const char *cmdline);
pid_t box_pid1(void);
const char *box_home(void); /* holds root/ and run/ */

#endif
