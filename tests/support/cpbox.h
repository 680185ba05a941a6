/* cpbox - what the tests of cp share: a container that runs, one that was only created, and
 * a directory of the host, each with a directory for the test that is looked at from the
 * host: by /proc/PID/root, or in the upper directory.
 */
#ifndef TEST_CPBOX_H
#define TEST_CPBOX_H

#include "state.h"

extern struct state cpbox;
/* "/w" of the container "up", of the container "new", and <state>/w of the host. */
extern char cpbox_up[256], cpbox_new[256], cpbox_host[256];

/* Criterion suite hooks. Needs root. */
void cpbox_make(void);
void cpbox_delete(void);

/* sh -ec; aborts the test when it fails. */
void cpbox_shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "base/name"; static, one of four. */
char *cpbox_path(const char *base, const char *name);
/* What the file holds, or why it cannot be read; static. */
const char *cpbox_text(const char *base, const char *name);
/* f "F", d/in "I", d/sub/deep "D", lf and ld, links to f and d, and nothing else. */
void cpbox_source(const char *base);

#endif
