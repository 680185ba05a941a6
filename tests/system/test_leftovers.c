/* Killed half way, a command leaves nothing that stays: every command that looks at the disk
 * puts it right, and the tree is then what it was before, file by file. Needs root, a static
 * program and fault points. */

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "../support/stopped.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/strv.h"

#ifdef MTD_FAULTS

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(leftovers, .init = set_up, .fini = tear_down, .timeout = 100);

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What every command writes or may write anew, whatever was left. */
static bool is_kept_out(const char *path)
{
    static const char *const NAMES[] = {"events.log", "summaries", "alive"};
    const char *name = strrchr(path, '/') + 1;
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (strncmp(name, NAMES[i], strlen(NAMES[i])) == 0)
            return true;
    return false;
}

static void collect(const char *path, struct strv *ret)
{
    auto_dir DIR *d = opendir(path);
    for (const struct dirent *e; d && (e = readdir(d));) {
        auto_free char *below = NULL;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        cr_assert_gt(asprintf(&below, "%s/%s", path, e->d_name), 0);
        if (is_kept_out(below))
            continue;
        cr_assert_eq(strv_add(ret, below), 0);
        if (e->d_type == DT_DIR)
            collect(below, ret);
    }
}

/* Every path below the test's directory, sorted, one per line. */
static char *list_tree(void)
{
    struct buf text = {0};
    auto_done(strv_done) struct strv all = {0};
    collect(s.dir.path, &all);
    if (all.len > 1)
        qsort(all.items, all.len, sizeof(*all.items), compare);
    for (size_t i = 0; i < all.len; i++)
        buf_printf(&text, "%s\n", all.items[i] + strlen(s.dir.path));
    return buf_take(&text);
}

static void tell_lines(const char *of, const char *but_not_in, const char *what)
{
    auto_free char *copy = strdup(of);
    char *next = copy;
    for (char *line; (line = strsep(&next, "\n"));)
        if (!strstr(but_not_in, line))
            cr_log_error("%s: %s", what, line);
}

/* The whole lists would be thousands of lines. */
static void expect_same(const char *before, const char *after, const char *what)
{
    bool same = strcmp(before, after) == 0;
    if (!same) {
        tell_lines(after, before, "too much");
        tell_lines(before, after, "missing");
    }
    cr_expect(same, "%s", what);
}

static void kill_at(const char *point, const char *const args[])
{
    s.fault = point;
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    s.fault = NULL;
    cr_expect_eq(o.status, 128 + SIGKILL, "%s at %s: %d: %s", args[0], point, o.status,
                 o.err);
}

/* Each of them alone is to put it right. */
static const char *const SWEEPERS[][6] = {{"ps", "-a"},
                                          {"images"},
                                          {"system", "df"},
                                          {"system", "check", "--repair"},
                                          {"system", "prune", "-f"},
                                          {"image", "prune", "-f"}};

/* Kills args at point once for each of the first n of them, and compares the trees. */
static void expect_swept(size_t n, const char *point, const char *const args[])
{
    for (size_t i = 0; i < n; i++) {
        auto_free char *before = list_tree();
        kill_at(point, args);
        auto_free char *killed = list_tree();
        cr_expect(strcmp(killed, before) != 0, "%s leaves nothing to sweep", point);
        outcome_done(&(struct outcome[]){state_run_input(&s, NULL, 0, SWEEPERS[i])}[0]);
        auto_free char *after = list_tree();
        char what[128];
        snprintf(what, sizeof(what), "%s, then %s %s", point, SWEEPERS[i][0],
                 SWEEPERS[i][1] ? SWEEPERS[i][1] : "");
        expect_same(before, after, what);
    }
}
#define SWEPT_BY_ALL(point, ...) \
    expect_swept(ARRAY_SIZE(SWEEPERS), point, (const char *const[]){__VA_ARGS__, NULL})
#define SWEPT(point, ...) expect_swept(1, point, (const char *const[]){__VA_ARGS__, NULL})

/* A running container that uses the image and a volume, so that prune leaves them alone. */
static void run_holder(void)
{
    free(ASK(&s, "run", "-d", "--name", "holder", "-v", "named:/none", "busybox", "sh",
             "-c", "echo x >/new; exec sleep 1000"));
    free(
        ASK(&s, "exec", "holder", "sh", "-c", "until [ -s /new ]; do usleep 1000; done"));
    free(ASK(&s, "ps", "-a"));
}

Test(leftovers, of_a_killed_commit)
{
    run_holder();
    free(ASK(&s, "commit", "-p=false", "holder", "old")); /* brings its base's blob */
    SWEPT("image.layer:kill", "commit", "-p=false", "holder", "new");
    SWEPT_BY_ALL("image.config:kill", "commit", "-p=false", "holder", "new");
}

Test(leftovers, of_a_killed_import)
{
    static char tar[128];
    run_holder();
    snprintf(tar, sizeof(tar), "%s/some.tar", s.dir.path);
    free(ASK(&s, "export", "-o", tar, "holder"));
    SWEPT("image.layer:kill", "import", tar, "new");
    SWEPT("image.config:kill", "import", tar, "new");
}

Test(leftovers, of_a_killed_create)
{
    run_holder();
    SWEPT("create.noted:kill", "create", "-v", "/etc", "busybox");
    SWEPT("volume.copied:kill", "create", "-v", "/etc", "busybox");
    SWEPT("volume.move:kill:2", "create", "-v", "/etc", "busybox");
    SWEPT_BY_ALL("create.volumes:kill", "create", "-v", "/etc", "-v", "/x", "busybox");
    SWEPT("store.create.name:kill", "create", "-v", "/etc", "busybox");
    SWEPT("store.create.record:kill", "create", "busybox");
}

/* The volume has a name, so it stays; what is half copied does not. */
Test(leftovers, of_a_killed_copy_into_a_volume)
{
    run_holder();
    SWEPT("volume.copied:kill", "create", "-v", "named:/etc", "busybox");
}

Test(leftovers, of_a_removal_that_takes_its_volumes)
{
    run_holder();
    for (size_t i = 0; i < ARRAY_SIZE(SWEEPERS); i++) {
        auto_free char *before = list_tree();
        free(ASK(&s, "create", "--name", "x", "-v", "/etc", "busybox"));
        kill_at("store.remove.delete:kill", (const char *const[]){"rm", "-v", "x", NULL});
        outcome_done(&(struct outcome[]){state_run_input(&s, NULL, 0, SWEEPERS[i])}[0]);
        auto_free char *after = list_tree();
        expect_same(before, after, "the tree has changed");
    }
}

/* The record that is being written stands in trash/ until it takes the old one's place. */
Test(leftovers, of_a_record_that_was_being_written)
{
    run_holder();
    SWEPT_BY_ALL("fs.replace:kill", "update", "--memory", "64m", "holder");
}

/* Names that no file has for long; those below upper are a container's. */
static void expect_no_temp(const char *tree, const char *when)
{
    static const char *const TEMPS[] = {"/.", "/trash/", "/images/tmp/", ".new"};
    auto_free char *copy = strdup(tree);
    char *next = copy;
    for (char *line; (line = strsep(&next, "\n"));)
        for (size_t i = 0; i < ARRAY_SIZE(TEMPS) && !strstr(line, "/upper/"); i++)
            cr_expect_null(strstr(line, TEMPS[i]), "%s: %s", when, line);
}

/* Killed at each file that it replaces: what it wrote is under another name then, which the next
 * command takes away. */
static void expect_temps_swept(const char *const args[])
{
    bool killed = true;
    for (int n = 1; killed; n++) {
        char point[32], when[64];
        snprintf(point, sizeof(point), "fs.replace:kill:%d", n);
        snprintf(when, sizeof(when), "%s at %s", args[0], point);
        s.fault = point;
        auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
        s.fault = NULL;
        killed = o.status == 128 + SIGKILL;
        cr_assert(killed || n > 1, "%s replaces no file: %s", args[0], o.err);
        free(ASK(&s, "images"));
        auto_free char *after = list_tree();
        expect_no_temp(after, when);
    }
}
#define TEMPS_SWEPT(...) expect_temps_swept((const char *const[]){__VA_ARGS__, NULL})

/* The info of the base's layer is made before anything says that an image is being made. */
Test(leftovers, of_the_files_of_an_image)
{
    static char tar[128];
    run_holder();
    TEMPS_SWEPT("commit", "-p=false", "holder", "one");
    snprintf(tar, sizeof(tar), "%s/some.tar", s.dir.path);
    free(ASK(&s, "save", "-o", tar, "one"));
    free(ASK(&s, "rmi", "one"));
    TEMPS_SWEPT("load", "-i", tar);
    TEMPS_SWEPT("tag", "one", "two");
    TEMPS_SWEPT("rmi", "two");
}

static void path_of_volume(const char *name, char *out, size_t size)
{
    auto_free char *source = field(&s, name, "{{(index .Mounts 0).Source}}");
    snprintf(out, size, "%s/passwd", source);
}

/* What was taken over is another container's: it stays when the taker is killed. */
Test(leftovers, of_a_create_that_takes_over_volumes)
{
    char file[300];
    free(ASK(&s, "create", "--name", "a", "-v", "/etc", "busybox"));
    path_of_volume("a", file, sizeof(file));
    cr_assert_eq(access(file, F_OK), 0, "%s", file);
    kill_at("create.noted:kill",
            (const char *const[]){"create", "--name", "b", "--volumes-from", "a",
                                  "busybox", NULL});
    free(ASK(&s, "ps", "-a"));
    cr_expect_eq(access(file, F_OK), 0, "the volume of a is gone");
}

static bool waits_for_lock(void *pid)
{
    return stopped_in(*(pid_t *)pid, SYS_flock);
}

/* rm -v waits until the new container is noted, and then leaves it the volume. */
Test(leftovers, a_volume_is_not_removed_while_it_is_taken_over)
{
    char file[300];
    free(ASK(&s, "create", "--name", "a", "-v", "/etc", "busybox"));
    path_of_volume("a", file, sizeof(file));
    s.fault = "create.prepared:stop";
    struct running taker =
        BEGIN(&s, "create", "--name", "b", "--volumes-from", "a", "busybox");
    s.fault = NULL;
    pid_t stopped = stopped_await(taker.pid);
    cr_assert(stopped > 0);
    struct running remover = BEGIN(&s, "rm", "-v", "a");
    cr_expect(state_until(waits_for_lock, &remover.pid));
    kill(stopped, SIGCONT);
    struct outcome made = state_end(&taker), removed = state_end(&remover);
    cr_expect_eq(made.status, 0, "%s", made.err);
    cr_expect_eq(removed.status, 0, "%s", removed.err);
    outcome_done(&made);
    outcome_done(&removed);
    cr_expect_eq(access(file, F_OK), 0, "the volume of b is gone");
    free(ASK(&s, "rm", "-v", "b"));
    cr_expect_eq(access(file, F_OK), -1, "the last one did not take it along");
}

/* Between its two looks at what seems half made, it is completed, and its name is in use. */
Test(leftovers, what_is_completed_between_two_looks_keeps_its_name)
{
    char made[300], begun[300], lock[320];
    auto_free char *id = ASK(&s, "create", "--name", "x", "busybox");
    snprintf(made, sizeof(made), "%s/root/containers/%s", s.dir.path, id);
    snprintf(begun, sizeof(begun), "%s/root/trash/new.%s", s.dir.path, id);
    snprintf(lock, sizeof(lock), "%s/lock", made);
    unlink(lock);
    cr_assert_eq(rename(made, begun), 0);
    s.fault = "sweep.new:stop";
    struct running sweeper = BEGIN(&s, "ps", "-a");
    s.fault = NULL;
    pid_t stopped = stopped_await(sweeper.pid);
    cr_assert(stopped > 0);
    cr_assert_eq(rename(begun, made), 0);
    kill(stopped, SIGCONT);
    struct outcome o = state_end(&sweeper);
    outcome_done(&o);
    expect_field(&s, "x", "{{.Id}}", id);
}

/* docker leaves it, as created, for ever. */
Test(leftovers, of_a_killed_run_with_rm)
{
    run_holder();
    SWEPT_BY_ALL("create.done:kill", "run", "--rm", "-v", "/etc", "busybox", "true");
    SWEPT("create.done:kill", "run", "--rm", "busybox", "true");
    SWEPT("create.done:kill", "run", "-d", "--rm", "busybox", "true");
}

Test(leftovers, without_rm_a_container_that_was_not_started_stays)
{
    kill_at("create.done:kill",
            (const char *const[]){"run", "--name", "x", "busybox", "true", NULL});
    kill_at("create.done:kill", (const char *const[]){"create", "--rm", "--name", "y",
                                                      "busybox", "true", NULL});
    auto_free char *left = ASK(&s, "ps", "-a", "--format", "{{.Names}} {{.Status}}");
    cr_expect_str_eq(left, "y Created\nx Created");
}

/* Its note is gone once it runs: what kills the front end later does not concern it. */
Test(leftovers, a_started_run_with_rm_is_left_alone)
{
    free(ASK(&s, "run", "-d", "--rm", "--name", "x", "busybox", "sleep", "1000"));
    auto_free char *left = ASK(&s, "ps", "--format", "{{.Names}}");
    cr_expect_str_eq(left, "x");
    free(ASK(&s, "stop", "-t", "0", "x"));
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "-v", "/x", "busybox", "/no/such");
    cr_expect_eq(o.status, 127);
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* A living process's note is not a killed one's. */
Test(leftovers, nothing_of_a_living_process_is_swept)
{
    run_holder();
    s.fault = "create.volumes:stop";
    struct running r = BEGIN(&s, "create", "--name", "x", "-v", "/etc", "busybox");
    s.fault = NULL;
    cr_expect_eq(stopped_await(r.pid), r.pid);
    for (size_t i = 0; i < ARRAY_SIZE(SWEEPERS); i++)
        outcome_done(&(struct outcome[]){state_run_input(&s, NULL, 0, SWEEPERS[i])}[0]);
    kill(r.pid, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 0, "%s", o.err);
    auto_free char *in = ASK(&s, "run", "--rm", "--name", "y", "busybox", "true");
    auto_free char *started = ASK(&s, "start", "x");
    cr_expect_str_eq(started, "x");
}

/* It is found by its name, which it has a moment after it was made. */
static bool find_monitor(void *ret)
{
    *(pid_t *)ret = state_find(&s, "mtd:monitor");
    return *(pid_t *)ret > 0;
}

/* The monitor of a run waits while the container is being made: it is nothing to be mended, and
 * goes with its front end. */
Test(leftovers, a_monitor_that_waits_goes_with_its_front_end)
{
    s.fault = "create.volumes:stop";
    struct running r = BEGIN(&s, "run", "-d", "--name", "x", "busybox", "true");
    s.fault = NULL;
    pid_t front = stopped_await(r.pid), monitor;
    cr_assert_gt(front, 0);
    cr_assert(state_until(find_monitor, &monitor), "none has been started ahead");
    auto_done(outcome_done) struct outcome check = RUN(&s, "system", "check");
    cr_expect_eq(check.status, 0, "%s", check.out);
    cr_expect_eq(kill(monitor, 0), 0);
    kill(front, SIGKILL);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_str_empty(state_leftovers(&s, false));
}

static bool is_zombie(void *pid)
{
    char path[64], state = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)*(pid_t *)pid);
    auto_file FILE *f = fopen(path, "re");
    return f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1 && state == 'Z';
}

/* It had done nothing yet. */
Test(leftovers, a_killed_monitor_that_waited_is_replaced)
{
    s.fault = "create.done:stop";
    struct running r = BEGIN(&s, "run", "--rm", "busybox", "echo", "a");
    s.fault = NULL;
    pid_t front = stopped_await(r.pid), monitor;
    cr_assert(front > 0 && state_until(find_monitor, &monitor));
    kill(monitor, SIGKILL);
    cr_expect(state_until(is_zombie, &monitor));
    kill(front, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(o.out, "a\n");
}

static void expect_told(const char *text)
{
    auto_done(outcome_done) struct outcome o = RUN(&s, "system", "check");
    cr_expect_eq(o.status, 1);
    cr_expect(strstr(o.out, text), "%s", o.out);
    auto_done(outcome_done) struct outcome repaired =
        RUN(&s, "system", "check", "--repair");
    cr_expect_eq(repaired.status, 0, "%s", repaired.out);
    cr_expect(strstr(repaired.out, ": repaired"), "%s", repaired.out);
}

Test(leftovers, check_tells_what_is_left)
{
    run_holder();
    kill_at("image.config:kill",
            (const char *const[]){"commit", "-p=false", "holder", "new", NULL});
    expect_told("images/tmp/publish-");
    kill_at("create.volumes:kill",
            (const char *const[]){"create", "-v", "/etc", "busybox", NULL});
    expect_told("trash/making.");
}

/* A session's file that holds nothing would be passed over for ever. */
Test(leftovers, of_an_exec_killed_while_it_writes_its_session)
{
    run_holder();
    auto_free char *before = list_tree();
    kill_at("fs.whole:kill", (const char *const[]){"exec", "holder", "true", NULL});
    free(ASK(&s, "inspect", "holder"));
    auto_free char *after = list_tree();
    expect_same(before, after, "the tree has changed");
}

#endif
