/* fakebus - a bus with a systemd on it, for hosts that have none: a process that speaks D-Bus on a
 * socket, makes and removes groups of v2 as systemd does, and writes down what it is asked.
 * Shape   fakebus_start: DBUS_SYSTEM_BUS_ADDRESS leads to it. With the group of a unit the unit is
 *         there. One connection after the other. Needs nothing of the program under test.
 * Log     a line a call: "StopUnit t-x.scope replace"; of properties name, type and value:
 *         "Slice s a.slice". */
#ifndef TEST_FAKEBUS_H
#define TEST_FAKEBUS_H

#include <stdbool.h>
#include <sys/types.h>

enum fakebus_way {
    FAKEBUS_GOOD,
    FAKEBUS_REJECTS, /* whoever comes */
    FAKEBUS_CLOSES,  /* when it is asked for a unit */
    FAKEBUS_GARBAGE, /* is what it answers then */
    FAKEBUS_HUGE,    /* an answer that says it has two gigabytes */
    FAKEBUS_SILENT,  /* no answer */
    FAKEBUS_FAILS,   /* the job of a unit's start */
    FAKEBUS_LIES,    /* it is done, and nothing was */
    FAKEBUS_FORGES   /* first a signal of somebody else's that the job failed */
};
struct fakebus {
    pid_t pid;
    char address[200], log[200];
};
/* dir: an absolute one of the test's own; mount: of the v2 tree, NULL = no groups are made. */
void fakebus_start(struct fakebus *f, const char *dir, const char *mount,
                   enum fakebus_way way);
void fakebus_stop(struct fakebus *f);
/* What it was asked, malloc'ed; empties it. */
char *fakebus_asked(const struct fakebus *f);

#endif
