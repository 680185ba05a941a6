/* What must be on the disk: a record is written whole, synced, put in its place, and the place is
 * synced; a disk that refuses is an error. Seen from outside: by strace, and by a filter under
 * which fsync fails. Needs root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    s.without = NULL;
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(durable, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- a disk that refuses ---- */

#define EXPECT_REFUSED(...)                                                         \
    do {                                                                            \
        s.without = "fsync";                                                        \
        auto_done(outcome_done) struct outcome o = RUN(&s, __VA_ARGS__);            \
        s.without = NULL;                                                           \
        cr_expect_neq(o.status, 0, "said nothing: %s", o.out);                      \
        cr_expect_not_null(strstr(o.err, "Function not implemented"), "%s", o.err); \
    } while (0)

Test(durable, a_rename_that_cannot_be_kept_is_an_error)
{
    free(ASK(&s, "create", "--name", "a", "busybox"));
    EXPECT_REFUSED("rename", "a", "b");
    expect_field(&s, "a", "{{.Name}}", "/a");
    cr_expect_str_empty(state_leftovers(&s, true));
    free(ASK(&s, "create", "--name", "b", "busybox")); /* the name is free again */
}

Test(durable, an_update_that_cannot_be_kept_is_an_error)
{
    free(ASK(&s, "create", "--name", "a", "--restart", "no", "busybox"));
    EXPECT_REFUSED("update", "--restart", "always", "a");
    expect_field(&s, "a", "{{.HostConfig.RestartPolicy.Name}}", "no");
}

/* How a container ended is kept as well as it can be, and the record says so. */
Test(durable, an_end_that_cannot_be_synced_is_told)
{
    free(ASK(&s, "create", "--name", "a", "busybox", "sh", "-c", "exit 3"));
    s.without = "fsync";
    auto_done(outcome_done) struct outcome o = RUN(&s, "start", "-a", "a");
    s.without = NULL;
    cr_expect_eq(o.status, 3, "%s", o.err);
    expect_field(&s, "a", "{{.State.Status}} {{.State.ExitCode}}", "exited 3");
    auto_free char *why = field(&s, "a", "{{.State.Error}}");
    cr_expect_not_null(strstr(why, "could not be synced"), "%s", why);
}

/* ---- the order ---- */

#define LINES_MAX 512

struct trace {
    char text[LINES_MAX][512];
    size_t n;
};

/* The calls that matter, of the command and all its descendants, with the descriptors' paths. */
static void trace(struct trace *ret, const char *const args[])
{
    char command[2048];
    int n = snprintf(
        command, sizeof(command),
        "LSAN_OPTIONS=detect_leaks=0 strace -f -qq -y -s 300 -e trace=fsync,syncfs,renameat,renameat2 "
        "-o '%s/trace' " MTD_PROGRAM " --root '%s/root' --run-root '%s/run'",
        s.dir.path, s.dir.path, s.dir.path);
    for (size_t i = 0; args[i]; i++)
        n += snprintf(command + n, sizeof(command) - (size_t)n, " '%s'", args[i]);
    snprintf(command + n, sizeof(command) - (size_t)n, " >/dev/null 2>&1; cat '%s/trace'",
             s.dir.path);
    FILE *f = popen(command, "re");
    cr_assert_not_null(f);
    while (ret->n < LINES_MAX && fgets(ret->text[ret->n], sizeof(ret->text[0]), f))
        ret->n++;
    pclose(f);
}

static bool is_put(const char *line)
{
    return strstr(line, "renameat") && strstr(line, "config.json\") = 0");
}

static bool syncs(const char *line, const char *what)
{
    return strstr(line, "fsync(") && strstr(line, what) && strstr(line, "= 0");
}

/* The last time that a record is put in its place. */
static void expect_synced(const char *const args[])
{
    static struct trace t;
    size_t put = 0;
    t.n = 0;
    trace(&t, args);
    for (size_t i = 0; i < t.n; i++)
        if (is_put(t.text[i]))
            put = i;
    cr_assert(put > 0, "%s: no record was put in its place", args[0]);
    cr_expect(syncs(t.text[put - 1], "/trash/record."), "%s: before it: %s", args[0],
              t.text[put - 1]);
    cr_assert(put + 1 < t.n, "%s: nothing after it", args[0]);
    cr_expect(syncs(t.text[put + 1], "/containers/"), "%s: after it: %s", args[0],
              t.text[put + 1]);
}
#define EXPECT_SYNCED(...) expect_synced((const char *const[]){__VA_ARGS__, NULL})

Test(durable, a_record_is_synced_before_and_its_place_after)
{
    if (system("strace -V >/dev/null 2>&1") != 0)
        cr_skip("no strace here");
    free(ASK(&s, "create", "--name", "a", "busybox", "true"));
    EXPECT_SYNCED("rename", "a", "b");
    EXPECT_SYNCED("update", "--restart", "on-failure", "b");
    EXPECT_SYNCED("start", "-a", "b");
}

/* An image is there when its files are on the disk: each of a small layer. */
Test(durable, the_files_of_an_image_are_synced)
{
    static struct trace t;
    bool file = false;
    free(ASK(&s, "run", "--name", "a", "busybox", "sh", "-c", "echo x >/kept"));
    EXPECT_REFUSED("commit", "a", "refused");
    if (system("strace -V >/dev/null 2>&1") != 0)
        cr_skip("no strace here");
    trace(&t, (const char *const[]){"commit", "a", "mine", NULL});
    for (size_t i = 0; i < t.n; i++)
        file |= syncs(t.text[i], "/kept>");
    cr_expect(file, "the file is not synced");
}

/* Three layers, of which none alone has many files. */
static void make_layers(void)
{
    char name[2][8] = {"busybox"}, container[8];
    for (int i = 0; i < 3; i++) {
        snprintf(container, sizeof(container), "c%d", i);
        free(ASK(&s, "run", "--name", container, name[i % 2], "sh", "-c",
                 "mkdir /d$0; cd /d$0; for i in $(seq 40); do echo $i >$i; done",
                 container));
        snprintf(name[1 - i % 2], sizeof(name[0]), "i%d", i);
        free(ASK(&s, "commit", container, name[1 - i % 2]));
        free(ASK(&s, "rm", container));
    }
}

static bool is_layer(const char *line)
{
    return strstr(line, "renameat2(") && strstr(line, "images/layers/") &&
           strstr(line, "= 0");
}

/* Once, and before the first of them has its name. */
Test(durable, the_layers_of_a_load_are_synced_together)
{
    static struct trace t;
    char file[512];
    size_t synced = 0, layers = 0;
    if (system("strace -V >/dev/null 2>&1") != 0)
        cr_skip("no strace here");
    make_layers();
    snprintf(file, sizeof(file), "%s/saved.tar", s.dir.path);
    free(ASK(&s, "save", "-o", file, "i2"));
    free(ASK(&s, "rmi", "-f", "i0", "i1", "i2"));
    trace(&t, (const char *const[]){"load", "-i", file, NULL});
    for (size_t i = 0; i < t.n; i++) {
        bool is_sync = strstr(t.text[i], "syncfs(") && strstr(t.text[i], "= 0");
        cr_expect(!is_sync || layers == 0, "a layer has its name already");
        cr_expect(!syncs(t.text[i], "/images/tmp/blob"), "%s", t.text[i]);
        synced += is_sync;
        layers += is_layer(t.text[i]);
    }
    cr_expect_eq(synced, 1, "synced %zu times", synced);
    cr_expect_eq(layers, 3, "%zu layers", layers);
}
