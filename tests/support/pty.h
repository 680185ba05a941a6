/* pty - the program on a pseudo terminal, under a session leader of its own as a shell
 * would be, and what the terminal is left in.
 */
#ifndef TEST_PTY_H
#define TEST_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

struct pty {
    int master;
    int alive;  /* reads EOF once nobody of them is left */
    int result; /* the leader writes the exit status here */
    pid_t leader, program;
    struct termios before;
    char *text; /* everything that was written to the terminal */
    size_t len;
};

struct pty_setup {
    const char *const *args; /* after the program's name */
    const char *const *env;  /* "NAME=VALUE"; "NAME" = unset */
    unsigned short rows, cols;
    bool ignore_hup;
    bool no_files; /* neither terminfo nor locale files are to be found */
};
void pty_start(struct pty *p, const struct pty_setup *s);
void pty_done(struct pty *p); /* kills what is left */

/* Reads until text was written after position `from`; false when it does not come. */
bool pty_expect(struct pty *p, size_t from, const char *text);
/* Reads for that long; returns the bytes that came. */
size_t pty_quiet(struct pty *p, int ms);
void pty_send(struct pty *p, const char *text);
int pty_status(struct pty *p);    /* waits: exit status, 128+n; -1 = it does not end */
bool pty_wait_end(struct pty *p); /* all of them are gone */
/* The program, which is the guard, has stopped: then the dashboard has too. Before that a SIGCONT
 * would come too early. */
bool pty_wait_stopped(struct pty *p);
pid_t pty_child(const struct pty *p); /* the first child of the program */
/* Whether the screen is given back, now or soon: modes off after they were on, settings as before. */
const char *pty_left_over(struct pty *p); /* NULL = nothing; else what */

#endif
