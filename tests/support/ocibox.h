/* ocibox - a bundle for one test, the OCI runtime run on it, and the check that nothing is left.
 * Shape   ocibox_make: a state with a root of busybox, made by this program, and the runtime's own
 *         example as config.json, without a terminal; ocibox_done deletes the container. The id is
 *         the test's own, so its groups are found by it. Needs root: skips.
 */
#ifndef TEST_OCIBOX_H
#define TEST_OCIBOX_H

#include <jansson.h>

#include "state.h"

struct ocibox {
    struct state state;
    char bundle[160], root[160], id[96];
    json_t *config; /* saved by ocibox_save */
};
extern struct ocibox box;

void ocibox_make(void);
void ocibox_done(void);

void ocibox_save(void);
/* A member by its path: "process.args". value: JSON. */
void ocibox_set(const char *path, const char *value);
void ocibox_append(const char *path, const char *value); /* to an array */
void ocibox_script(const char *script);                  /* what it runs */
void ocibox_hook(const char *kind, const char *script);

/* A container has the streams of its `create`: files, because a pipe would not end before it. */
struct outcome ocibox_run(const char *const args[]);
#define OCI(...) \
    ocibox_run((const char *const[]){"oci", "--root", box.root, __VA_ARGS__, NULL})
#define OCI_ASK(...) ASK(&box.state, "oci", "--root", box.root, __VA_ARGS__)
void ocibox_ok(struct outcome o, const char *what); /* status 0 */
#define EXPECT_OK(...) ocibox_ok(OCI(__VA_ARGS__), #__VA_ARGS__)
/* That status and one line with the text. */
void ocibox_refused(struct outcome o, int status, const char *text);
/* `create` refuses the configuration with each of the members in place of what it has there, with
 * status 1 and one line with the text, and leaves nothing. */
struct ocibox_row {
    const char *path, *value, *text;
};
void ocibox_refuses_each(const struct ocibox_row *rows, size_t n);
/* Saves, runs, expects that on stdout. */
void ocibox_says(const char *want);

void ocibox_create(void); /* saves, creates */
json_t *ocibox_state(void);
bool ocibox_is(const char *status);
bool ocibox_has_stopped(void *arg); /* for state_until */
size_t ocibox_groups(void);         /* how many it has in some of the hierarchies */
void ocibox_nothing_left(const char *when);

#endif
