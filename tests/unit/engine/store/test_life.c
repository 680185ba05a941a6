#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "storebox.h"

TestSuite(store_life, .init = storebox_setup, .fini = storebox_teardown);

/* ---- locks ---- */

Test(store_life, one_holds_the_lock_at_a_time)
{
    char id[MTD_ID_SIZE];
    cr_assert_eq(storebox_create("web", id), 0);
    int lock = store_lock(&storebox, id, &storebox_err);
    cr_assert(lock >= 0);
    cr_expect_eq(store_try_lock(&storebox, id, &storebox_err), -EAGAIN);
    close(lock);
    auto_fd int again = store_try_lock(&storebox, id, NULL);
    cr_expect(again >= 0);
}

Test(store_life, who_waited_for_a_removed_container_is_told, .timeout = 10)
{
    char id[MTD_ID_SIZE];
    int status, ready[2];
    cr_assert_eq(storebox_create("web", id), 0);
    cr_assert_eq(pipe(ready), 0);
    int lock = store_lock(&storebox, id, &storebox_err);
    pid_t pid = fork();
    if (pid == 0) {
        close(lock);
        cr_assert_eq(write(ready[1], "x", 1), 1);
        _exit(store_lock(&storebox, id, NULL) == -ENOENT ? 0 : 1);
    }
    char byte;
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_expect_eq(store_remove(&storebox, id, &storebox_err), 0);
    close(lock);
    waitpid(pid, &status, 0);
    cr_expect_eq(status, 0);
}

/* ---- renaming and removing ---- */

/* Names that are not hexadecimal, or they would be prefixes of ids now and then. */
Test(store_life, rename_moves_the_name)
{
    char x[MTD_ID_SIZE], y[MTD_ID_SIZE], id[MTD_ID_SIZE];
    cr_assert_eq(storebox_create("x", x), 0);
    cr_assert_eq(storebox_create("y", y), 0);
    cr_expect_eq(storebox_rename(x, "y"), -EEXIST);
    cr_expect_eq(storebox_rename(x, "x"), -EINVAL);
    cr_expect_eq(storebox_rename(x, "../x"), -EINVAL);
    cr_expect_eq(storebox_rename(x, "/z"), 0);
    cr_expect(storebox_resolves_to("z", x));
    cr_expect_eq(storebox_resolve("x", id), -ENOENT);
    cr_expect_eq(storebox_create("x", NULL), 0);
    storebox_expect_counts(3, 3);
}

Test(store_life, remove_leaves_nothing)
{
    char id[MTD_ID_SIZE], other[MTD_ID_SIZE];
    cr_assert_eq(storebox_create("web", id), 0);
    auto_fd int dir = store_open_dir(&storebox, id, &storebox_err);
    auto_fd int run = store_open_run(&storebox, id, true, &storebox_err);
    auto_fd int upper = fs_mkdir_in_root(dir, "upper/a/b", 0755);
    cr_assert(run >= 0 && upper >= 0);
    cr_assert_eq(fs_replace_at(run, "monitor", "x", 1, 0600, false), 0);
    cr_expect_eq(storebox_remove(id), 0, "%s", storebox_err.text);
    storebox_expect_counts(0, 0);
    cr_expect_eq(tempdir_count(storebox.run_fd, "."), 0);
    cr_expect_eq(storebox_remove(id), -ENOENT);
    cr_expect_eq(storebox_create("web", other), 0);
    cr_expect(storebox_resolves_to("web", other));
}

Test(store_life, names_of_containers_that_are_gone_can_be_claimed)
{
    static const char GONE[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    char id[MTD_ID_SIZE];
    symlinkat(GONE, storebox.names_fd, "web");
    cr_expect_eq(storebox_resolve("web", id), -ENOENT);
    cr_expect_eq(storebox_create("web", id), 0, "%s", storebox_err.text);
    cr_expect(storebox_resolves_to("web", id));
}

Test(store_life, foreign_files_among_the_names_lead_nowhere)
{
    char id[MTD_ID_SIZE];
    symlinkat("../../../etc/passwd", storebox.names_fd, "web");
    mkdirat(storebox.names_fd, "dir", 0700);
    cr_expect_eq(storebox_resolve("web", id), -ENOENT);
    cr_expect_eq(storebox_create("web", NULL), -EEXIST);
    cr_expect_eq(storebox_create("dir", NULL), -EEXIST);
    cr_expect_eq(tempdir_count(storebox.root_fd, "containers"), 0);
}

Test(store_life, sweep_leaves_strangers_and_the_living_alone)
{
    char id[MTD_ID_SIZE];
    cr_assert_eq(storebox_create("web", id), 0);
    mkdirat(storebox.trash_fd, "lost+found", 0700);
    store_sweep(&storebox);
    cr_expect_eq(tempdir_count(storebox.root_fd, "trash"), 1);
    cr_expect(storebox_resolves_to("web", id));
}

#ifdef MTD_FAULTS

/* Runs in a child which the fault kills or fails; the container "old" exists before. */
static int try_in_child(const char *fault, const char *action, void (*run)(const char *),
                        const char *id)
{
    char spec[64];
    int status = 0;
    snprintf(spec, sizeof(spec), "%s:%s", fault, action);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("MTD_FAULT", spec, 1);
        run(id);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void run_create(const char *id)
{
    (void)id;
    storebox_create("new", NULL);
}

static void run_remove(const char *id)
{
    storebox_remove(id);
}

static void run_rename(const char *id)
{
    storebox_rename(id, "new");
}

static const struct {
    const char *point;
    void (*run)(const char *id);
} STEPS[] = {
    {"store.create.dir", run_create},     {"store.create.lock", run_create},
    {"store.create.record", run_create},  {"store.create.name", run_create},
    {"store.create.publish", run_create}, {"store.remove.rename", run_remove},
    {"store.remove.name", run_remove},    {"store.remove.run", run_remove},
    {"store.remove.delete", run_remove},  {"store.rename.claim", run_rename},
    {"store.rename.save", run_rename},    {"store.save", run_rename},
    {"fs.replace", run_rename},           {"store.rename.drop", run_rename},
};

/* After any step: the list is true, every name leads where the record says, nothing is left. */
static void expect_true_state(const char *point)
{
    struct mtd_list l = {0};
    store_sweep(&storebox);
    storebox_list(&l);
    storebox_expect_counts((int)l.len, (int)l.len);
    cr_expect(l.len <= 1, "%s", point);
    for (size_t i = 0; i < l.len; i++) {
        cr_expect_neq(l.items[i].state, MTD_STATE_BROKEN, "%s", point);
        cr_expect(storebox_resolves_to(l.items[i].name, l.items[i].id), "%s", point);
        cr_expect_eq(storebox_remove(l.items[i].id), 0, "%s", point);
    }
    mtd_list_done(&l);
    storebox_expect_counts(0, 0);
    cr_expect_eq(tempdir_count(storebox.run_fd, "."), 0, "%s", point);
}

Test(store_life, a_kill_at_any_step_leaves_a_true_state)
{
    for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++) {
        char id[MTD_ID_SIZE];
        cr_assert_eq(storebox_create("old", id), 0, "%s: %s", STEPS[i].point,
                     storebox_err.text);
        auto_fd int run = store_open_run(&storebox, id, true, &storebox_err);
        int status = try_in_child(STEPS[i].point, "kill", STEPS[i].run, id);
        cr_expect(WIFSIGNALED(status), "%s was not passed", STEPS[i].point);
        expect_true_state(STEPS[i].point);
    }
}

Test(store_life, a_failure_at_any_step_leaves_a_true_state)
{
    for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++) {
        char id[MTD_ID_SIZE];
        cr_assert_eq(storebox_create("old", id), 0, "%s: %s", STEPS[i].point,
                     storebox_err.text);
        cr_expect_eq(try_in_child(STEPS[i].point, "fail", STEPS[i].run, id), 0);
        if (STEPS[i].run != run_remove)
            storebox_expect_counts(1, 1);
        expect_true_state(STEPS[i].point);
    }
}

Test(store_life, a_killed_creator_does_not_keep_its_name)
{
    char id[MTD_ID_SIZE];
    try_in_child("store.create.publish", "kill", run_create, "");
    cr_expect_eq(tempdir_count(storebox.root_fd, "names"), 1);
    cr_expect_eq(storebox_create("new", id), 0, "%s",
                 storebox_err.text); /* without a sweep */
    store_sweep(&storebox);
    cr_expect(storebox_resolves_to("new", id));
    storebox_expect_counts(1, 1);
}

/* Waits for the child to stop itself; nothing else is a time measure here. */
static pid_t stop_in_child(const char *fault, void (*run)(const char *), const char *id)
{
    char spec[64];
    int status = 0;
    snprintf(spec, sizeof(spec), "%s:stop", fault);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("MTD_FAULT", spec, 1);
        run(id);
        _exit(0);
    }
    waitpid(pid, &status, WUNTRACED);
    cr_assert(WIFSTOPPED(status), "%s", fault);
    return pid;
}

static void resume_child(pid_t pid)
{
    kill(pid, SIGCONT);
    waitpid(pid, NULL, 0);
}

static void run_save(const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int rc = store_load(&storebox, id, &r, &storebox_err);
    r.status.restart_count = 7;
    _exit(rc == 0 && storebox_save(&r) == 0 ? 0 : 1);
}

Test(store_life, a_record_being_written_is_not_swept)
{
    auto_done(mtd_record_done) struct mtd_record r;
    char id[MTD_ID_SIZE];
    int status = 0;
    mtd_record_init(&r);
    cr_assert_eq(storebox_create("a", id), 0);
    pid_t pid = stop_in_child("fs.replace", run_save, id);
    store_sweep(&storebox);
    cr_expect_eq(tempdir_count(storebox.root_fd, "trash"), 1);
    kill(pid, SIGCONT);
    waitpid(pid, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    cr_assert_eq(store_load(&storebox, id, &r, &storebox_err), 0);
    cr_expect_eq(r.status.restart_count, 7);
    storebox_expect_counts(1, 1);
}

Test(store_life, a_creator_at_work_is_neither_seen_nor_swept)
{
    static const char *const POINTS[] = {"store.create.lock", "store.create.record",
                                         "store.create.name", "store.create.publish"};
    char id[MTD_ID_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        struct mtd_list l = {0};
        pid_t pid = stop_in_child(POINTS[i], run_create, "");
        store_sweep(&storebox);
        storebox_list(&l);
        cr_expect_eq(l.len, 0, "%s", POINTS[i]);
        mtd_list_done(&l);
        cr_expect_eq(storebox_resolve("new", id), -ENOENT, "%s", POINTS[i]);
        if (strcmp(POINTS[i], "store.create.publish") == 0)
            cr_expect_eq(storebox_create("new", NULL), -EEXIST);
        resume_child(pid);
        cr_assert_eq(storebox_resolve("new", id), 0, "%s", POINTS[i]);
        cr_expect_eq(storebox_remove(id), 0);
        storebox_expect_counts(0, 0);
    }
}

Test(store_life, a_rename_at_work_keeps_both_names)
{
    char id[MTD_ID_SIZE];
    cr_assert_eq(storebox_create("old", id), 0);
    pid_t pid = stop_in_child("store.rename.drop", run_rename, id);
    store_sweep(&storebox);
    cr_expect_eq(storebox_create("old", NULL), -EEXIST);
    cr_expect_eq(storebox_create("new", NULL), -EEXIST);
    resume_child(pid);
    cr_expect_eq(storebox_create("old", NULL), 0);
    cr_expect(storebox_resolves_to("new", id));
    storebox_expect_counts(2, 2);
}

#endif
