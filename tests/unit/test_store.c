#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/store_part.h"
#include "tempdir.h"

static struct tempdir tmp;
static struct store store;
static struct mtd_error err;
static char root[80], run_root[80];

static void open_store(bool read_only)
{
    mtd_error_clear(&err);
    cr_assert_eq(store_open(&store, root, run_root, read_only, &err), 0, "%s", err.text);
}

static void setup(void)
{
    tempdir_make(&tmp);
    snprintf(root, sizeof(root), "%s/var/root", tmp.path);
    snprintf(run_root, sizeof(run_root), "%s/run", tmp.path);
    open_store(false);
}

static void teardown(void)
{
    store_done(&store);
    tempdir_done(&tmp);
}

TestSuite(store, .init = setup, .fini = teardown);

static int create_record(const char *name, struct mtd_record *r)
{
    mtd_error_clear(&err);
    mtd_record_init(r);
    r->spec.image = strdup("busybox");
    strv_add(&r->spec.process.args, "/bin/sh");
    strv_add(&r->spec.process.args, "-c");
    return store_create(&store, r, name, &err);
}

/* Creates and forgets; ret_id may be NULL. */
static int create(const char *name, char ret_id[MTD_ID_SIZE])
{
    auto_done(mtd_record_done) struct mtd_record r;
    int rc = create_record(name, &r);
    if (rc == 0 && ret_id)
        memcpy(ret_id, r.id, MTD_ID_SIZE);
    return rc;
}

static int remove_container(const char *id)
{
    mtd_error_clear(&err);
    auto_fd int lock = store_lock(&store, id, &err);
    return lock < 0 ? lock : store_remove(&store, id, &err);
}

static int rename_container(const char *id, const char *name)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_error_clear(&err);
    mtd_record_init(&r);
    auto_fd int lock = store_lock(&store, id, &err);
    int rc = lock < 0 ? lock : store_load(&store, id, &r, &err);
    return rc < 0 ? rc : store_rename(&store, &r, name, &err);
}

static int resolve(const char *ref, char id[MTD_ID_SIZE])
{
    mtd_error_clear(&err);
    return store_resolve(&store, ref, id, &err);
}

static bool resolves_to(const char *ref, const char *id)
{
    char found[MTD_ID_SIZE] = "";
    return resolve(ref, found) == 0 && strcmp(found, id) == 0;
}

static void expect_counts(int containers, int names)
{
    cr_expect_eq(tempdir_count(store.root_fd, "containers"), containers);
    cr_expect_eq(tempdir_count(store.root_fd, "names"), names);
    cr_expect_eq(tempdir_count(store.root_fd, "trash"), 0);
}

static void write_config(const char *id, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "containers/%s/config.json", id);
    cr_assert_eq(fs_replace_at(store.root_fd, path, text, strlen(text), 0600, false), 0);
}

static void list(struct mtd_list *l)
{
    mtd_error_clear(&err);
    cr_assert_eq(store_list(&store, l, &err), 0, "%s", err.text);
}

/* ---- opening ---- */

Test(store, opens_what_only_root_may_see)
{
    static const char *const DIRS[] = {".", "containers", "names", "trash"};
    for (size_t i = 0; i < ARRAY_SIZE(DIRS); i++) {
        struct stat st;
        cr_assert_eq(fstatat(store.root_fd, DIRS[i], &st, 0), 0);
        cr_expect_eq(st.st_mode & 07777, 0700, "%s", DIRS[i]);
    }
}

Test(store, read_only_makes_nothing_and_sees_what_comes_later)
{
    char other[100], id[MTD_ID_SIZE];
    struct store reader;
    struct mtd_list l = {0};
    snprintf(other, sizeof(other), "%s/other", tmp.path);
    cr_assert_eq(store_open(&reader, other, run_root, true, &err), 0, "%s", err.text);
    cr_expect_eq(faccessat(AT_FDCWD, other, F_OK, 0), -1);
    cr_expect_eq(store_list(&reader, &l, &err), 0);
    cr_expect_eq(l.len, 0);
    cr_expect_eq(store_resolve(&reader, "web", id, &err), -ENOENT);
    cr_expect_str_eq(err.text, "No such container: web");
    store_sweep(&reader);

    store_done(&store);
    strcpy(root, other);
    open_store(false);
    cr_assert_eq(create("web", NULL), 0);
    cr_expect_eq(store_list(&reader, &l, &err), 0);
    cr_expect_eq(l.len, 1);
    mtd_list_done(&l);
    store_done(&reader);
}

Test(store, says_which_directory_it_cannot_use)
{
    char bad[100];
    struct store s;
    cr_assert_eq(fs_replace_at(tmp.fd, "file", "", 0, 0600, false), 0);
    snprintf(bad, sizeof(bad), "%s/file/x", tmp.path);
    cr_expect_eq(store_open(&s, bad, run_root, false, &err), -ENOTDIR);
    cr_expect(strstr(err.text, bad), "%s", err.text);
}

Test(store, paths_become_absolute)
{
    struct store s;
    cr_assert_eq(chdir(tmp.path), 0);
    cr_assert_eq(store_open(&s, "rel", "relrun", false, &err), 0);
    cr_expect_eq(s.root[0], '/');
    cr_expect_eq(s.run_root[0], '/');
    store_done(&s);
}

/* ---- creating ---- */

Test(store, a_new_container_is_complete)
{
    auto_done(mtd_record_done) struct mtd_record r, back;
    static const struct {
        const char *name;
        mode_t mode;
    } PARTS[] = {{"config.json", 0600},
                 {"lock", 0600},
                 {"upper", 0755},
                 {"work", 0700},
                 {"rootfs", 0700}};
    umask(077);
    cr_assert_eq(create_record("web", &r), 0, "%s", err.text);
    cr_expect(hex_is_valid(r.id, MTD_ID_LEN));
    cr_expect_str_eq(r.name, "web");
    cr_expect(r.created_at > 0);
    mtd_record_init(&back);
    cr_assert_eq(store_load(&store, r.id, &back, &err), 0, "%s", err.text);
    cr_expect_eq(back.created_at, r.created_at);
    auto_fd int dir = store_open_dir(&store, r.id, &err);
    for (size_t i = 0; i < ARRAY_SIZE(PARTS); i++) {
        struct stat st;
        cr_assert_eq(fstatat(dir, PARTS[i].name, &st, 0), 0, "%s", PARTS[i].name);
        cr_expect_eq(st.st_mode & 07777, PARTS[i].mode, "%s", PARTS[i].name);
    }
    expect_counts(1, 1);
}

Test(store, a_taken_name_is_a_conflict_and_leaves_nothing)
{
    char id[MTD_ID_SIZE], expected[512];
    cr_assert_eq(create("web", id), 0);
    cr_expect_eq(create("/web", NULL), -EEXIST);
    snprintf(
        expected, sizeof(expected),
        "Conflict. The container name \"/web\" is already in use by container \"%s\". "
        "You have to remove (or rename) that container to be able to reuse that name.",
        id);
    cr_expect_str_eq(err.text, expected);
    expect_counts(1, 1);
}

Test(store, bad_names_are_refused)
{
    static const char *const BAD[] = {"", "-x", "a/b", "../x", "a b", ".", "//x"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
        cr_expect_eq(create(BAD[i], NULL), -EINVAL, "\"%s\"", BAD[i]);
    expect_counts(0, 0);
}

Test(store, names_itself_when_asked_for_none)
{
    auto_done(mtd_record_done) struct mtd_record r;
    cr_assert_eq(create_record(NULL, &r), 0, "%s", err.text);
    cr_expect(strchr(r.name, '_'), "%s", r.name);
    cr_expect(resolves_to(r.name, r.id));
}

Test(store, random_names_are_valid)
{
    for (int i = 0; i < 1000; i++) {
        char name[64];
        store_random_name(name, sizeof(name));
        cr_assert(name_is_valid(name) && strlen(name) < 40, "%s", name);
    }
}

/* The first twelve digits become a host name, and host names of digits are numbers to some. */
Test(store, short_ids_are_never_numbers)
{
    for (int i = 0; i < 5000; i++) {
        char id[MTD_ID_SIZE];
        cr_assert_eq(store_new_id(id), 0);
        cr_assert(hex_is_valid(id, MTD_ID_LEN));
        cr_assert(strspn(id, "0123456789") < MTD_SHORT_ID_LEN, "%s", id);
    }
}

Test(store, of_twenty_at_once_exactly_one_gets_the_name)
{
    int won = 0, lost = 0, status;
    for (int i = 0; i < 20; i++)
        if (fork() == 0) {
            int rc = create("web", NULL);
            _exit(rc == 0 ? 0 : rc == -EEXIST && strstr(err.text, "Conflict.") ? 1 : 2);
        }
    while (wait(&status) > 0) {
        won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
        lost += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    cr_expect_eq(won, 1);
    cr_expect_eq(lost, 19);
    expect_counts(1, 1);
}

Test(store, a_full_disk_leaves_no_container_and_no_torn_record)
{
    static char big[20000];
    auto_done(mtd_record_done) struct mtd_record r, back;
    struct rlimit limit = {4000, 4000};
    memset(big, 'x', sizeof(big) - 1);
    cr_assert_eq(create_record("old", &r), 0);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    strv_add(&r.spec.process.args, big);
    cr_expect_eq(store_save(&store, &r, true, &err), -EFBIG);
    cr_expect_eq(store_save(&store, &r, false, NULL), -EFBIG);
    mtd_record_init(&back);
    cr_expect_eq(store_load(&store, r.id, &back, NULL), 0);
    cr_expect_eq(back.spec.process.args.len, 2);
    mtd_error_clear(&err);
    cr_expect_eq(store_create(&store, &r, "new", &err), -EFBIG);
    expect_counts(1, 1);
}

/* ---- finding ---- */

Test(store, resolves_ids_names_and_prefixes)
{
    char web[MTD_ID_SIZE], id[MTD_ID_SIZE], prefix[MTD_ID_SIZE];
    cr_assert_eq(create("web", web), 0);
    cr_assert_eq(create("db", NULL), 0);
    cr_expect(resolves_to(web, web));
    cr_expect(resolves_to("web", web));
    cr_expect(resolves_to("/web", web));
    snprintf(prefix, sizeof(prefix), "%.12s", web);
    cr_expect(resolves_to(prefix, web));
    static const char *const BAD[] = {"",    "/",   "we",   "webx", "../names/web",
                                      "xyz", "WEB", "//web"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        cr_expect_eq(resolve(BAD[i], id), -ENOENT, "\"%s\"", BAD[i]);
        cr_expect(strstr(err.text, "No such container: "), "%s", err.text);
    }
}

Test(store, ambiguous_prefixes_list_the_candidates)
{
    char ids[17][MTD_ID_SIZE], id[MTD_ID_SIZE], ref[2] = "";
    const char *first = NULL, *second = NULL;
    for (int n = 0; n < 17 && !first; n++) { /* of seventeen ids two share a digit */
        cr_assert_eq(create(NULL, ids[n]), 0);
        for (int i = 0; i < n; i++)
            if (ids[i][0] == ids[n][0])
                first = ids[i], second = ids[n];
    }
    cr_assert(first);
    ref[0] = first[0];
    cr_expect_eq(resolve(ref, id), -ENOTUNIQ);
    cr_expect_eq(strncmp(err.text, "multiple IDs found with provided prefix: ", 41), 0);
    char *listed = strchr(err.text, ':') + 5;
    cr_expect(strstr(listed, ", "), "%s", err.text);
    cr_expect(memmem(listed, strlen(listed), first, MTD_SHORT_ID_LEN), "%s", err.text);
    cr_expect(memmem(listed, strlen(listed), second, MTD_SHORT_ID_LEN), "%s", err.text);
}

Test(store, a_name_wins_over_a_prefix)
{
    char first[MTD_ID_SIZE], named[MTD_ID_SIZE], name[8];
    cr_assert_eq(create(NULL, first), 0);
    snprintf(name, sizeof(name), "%.3s", first);
    cr_assert_eq(create(name, named), 0);
    cr_expect(resolves_to(name, named));
}

Test(store, unknown_ids_are_no_such_container)
{
    static const char *const IDS[] = {
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "..", "",
        "."};
    for (size_t i = 0; i < ARRAY_SIZE(IDS); i++) {
        auto_done(mtd_record_done) struct mtd_record r;
        mtd_record_init(&r);
        cr_expect_eq(store_load(&store, IDS[i], &r, NULL), -ENOENT);
        cr_expect_eq(store_lock(&store, IDS[i], NULL), -ENOENT);
        cr_expect_eq(store_open_dir(&store, IDS[i], NULL), -ENOENT);
        cr_expect_eq(store_remove(&store, IDS[i], NULL), -ENOENT);
        cr_expect_eq(store_open_run(&store, IDS[i], false, NULL), -ENOENT);
    }
}

/* ---- listing ---- */

Test(store, lists_newest_first)
{
    static const char *const NAMES[] = {"w", "x", "y", "z"};
    struct mtd_list l = {0};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        cr_assert_eq(create(NAMES[i], NULL), 0);
    list(&l);
    cr_assert_eq(l.len, 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect_str_eq(l.items[i].name, NAMES[3 - i]);
    cr_expect_str_eq(l.items[0].command, "/bin/sh -c");
    cr_expect_eq(l.items[0].state, MTD_STATE_CREATED);
    mtd_list_done(&l);
}

Test(store, broken_records_are_listed_with_name_and_reason)
{
    struct mtd_list l = {0};
    auto_done(mtd_record_done) struct mtd_record r;
    char torn[MTD_ID_SIZE], gone[MTD_ID_SIZE], other[MTD_ID_SIZE], path[128];
    cr_assert_eq(create("torn", torn), 0);
    cr_assert_eq(create("gone", gone), 0);
    cr_assert_eq(create("other", other), 0);
    write_config(torn, "{\"id\": ");
    snprintf(path, sizeof(path), "containers/%s/config.json", gone);
    unlinkat(store.root_fd, path, 0);
    list(&l);
    cr_assert_eq(l.len, 3);
    for (size_t i = 0; i < 3; i++) {
        bool good = strcmp(l.items[i].name, "other") == 0;
        cr_expect_eq(l.items[i].state, good ? MTD_STATE_CREATED : MTD_STATE_BROKEN);
        cr_expect(good || l.items[i].error, "%s", l.items[i].name);
    }
    mtd_list_done(&l);
    mtd_record_init(&r);
    mtd_error_clear(&err);
    cr_expect_eq(store_load(&store, torn, &r, &err), -EINVAL);
    cr_expect(strstr(err.text, "config.json"), "%s", err.text);
    cr_expect_eq(remove_container(torn), 0);
    cr_expect_eq(remove_container(gone), 0);
    expect_counts(1, 1);
}

Test(store, a_record_of_another_container_is_broken)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    char a[MTD_ID_SIZE], b[MTD_ID_SIZE], path[128];
    cr_assert_eq(create("a", a), 0);
    cr_assert_eq(create("b", b), 0);
    snprintf(path, sizeof(path), "containers/%s/config.json", a);
    cr_assert_eq(fs_read_at(store.root_fd, path, 1 << 20, &text), 0);
    write_config(b, text.data);
    mtd_record_init(&r);
    cr_expect_eq(store_load(&store, b, &r, NULL), -EINVAL);
}

Test(store, lists_and_loads_never_fail_beside_writers)
{
    char fixed[MTD_ID_SIZE];
    cr_assert_eq(create("fixed", fixed), 0);
    pid_t writer = fork();
    if (writer == 0) {
        auto_done(mtd_record_done) struct mtd_record r;
        mtd_record_init(&r);
        store_load(&store, fixed, &r, NULL);
        for (int i = 0; i < 30; i++) {
            char id[MTD_ID_SIZE];
            r.spec.auto_remove = i % 2;
            r.status.restart_count++;
            if (store_save(&store, &r, false, NULL) < 0 || create("t", id) < 0 ||
                rename_container(id, "u") < 0 || remove_container(id) < 0)
                _exit(1);
        }
        _exit(0);
    }
    int status = 0;
    for (int n = 0; waitpid(writer, &status, WNOHANG) == 0; n++) {
        struct mtd_list l = {0};
        auto_done(mtd_record_done) struct mtd_record r;
        mtd_record_init(&r);
        list(&l);
        store_sweep(&store);
        cr_assert(l.len == 1 || l.len == 2, "%zu", l.len);
        for (size_t i = 0; i < l.len; i++)
            cr_assert_neq(l.items[i].state, MTD_STATE_BROKEN, "%s", l.items[i].error);
        cr_assert_eq(store_load(&store, fixed, &r, &err), 0, "%s", err.text);
        mtd_list_done(&l);
    }
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    expect_counts(1, 1);
}

/* ---- locks ---- */

Test(store, one_holds_the_lock_at_a_time)
{
    char id[MTD_ID_SIZE];
    cr_assert_eq(create("web", id), 0);
    int lock = store_lock(&store, id, &err);
    cr_assert(lock >= 0);
    cr_expect_eq(store_try_lock(&store, id, &err), -EAGAIN);
    close(lock);
    auto_fd int again = store_try_lock(&store, id, NULL);
    cr_expect(again >= 0);
}

Test(store, who_waited_for_a_removed_container_is_told, .timeout = 10)
{
    char id[MTD_ID_SIZE];
    int status, ready[2];
    cr_assert_eq(create("web", id), 0);
    cr_assert_eq(pipe(ready), 0);
    int lock = store_lock(&store, id, &err);
    pid_t pid = fork();
    if (pid == 0) {
        close(lock);
        cr_assert_eq(write(ready[1], "x", 1), 1);
        _exit(store_lock(&store, id, NULL) == -ENOENT ? 0 : 1);
    }
    char byte;
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_expect_eq(store_remove(&store, id, &err), 0);
    close(lock);
    waitpid(pid, &status, 0);
    cr_expect_eq(status, 0);
}

/* ---- renaming and removing ---- */

/* Names that are not hexadecimal, or they would be prefixes of ids now and then. */
Test(store, rename_moves_the_name)
{
    char x[MTD_ID_SIZE], y[MTD_ID_SIZE], id[MTD_ID_SIZE];
    cr_assert_eq(create("x", x), 0);
    cr_assert_eq(create("y", y), 0);
    cr_expect_eq(rename_container(x, "y"), -EEXIST);
    cr_expect_eq(rename_container(x, "x"), -EINVAL);
    cr_expect_eq(rename_container(x, "../x"), -EINVAL);
    cr_expect_eq(rename_container(x, "/z"), 0);
    cr_expect(resolves_to("z", x));
    cr_expect_eq(resolve("x", id), -ENOENT);
    cr_expect_eq(create("x", NULL), 0);
    expect_counts(3, 3);
}

Test(store, remove_leaves_nothing)
{
    char id[MTD_ID_SIZE], other[MTD_ID_SIZE];
    cr_assert_eq(create("web", id), 0);
    auto_fd int dir = store_open_dir(&store, id, &err);
    auto_fd int run = store_open_run(&store, id, true, &err);
    auto_fd int upper = fs_mkdir_in_root(dir, "upper/a/b", 0755);
    cr_assert(run >= 0 && upper >= 0);
    cr_assert_eq(fs_replace_at(run, "monitor", "x", 1, 0600, false), 0);
    cr_expect_eq(remove_container(id), 0, "%s", err.text);
    expect_counts(0, 0);
    cr_expect_eq(tempdir_count(store.run_fd, "."), 0);
    cr_expect_eq(remove_container(id), -ENOENT);
    cr_expect_eq(create("web", other), 0);
    cr_expect(resolves_to("web", other));
}

Test(store, names_of_containers_that_are_gone_can_be_claimed)
{
    static const char GONE[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    char id[MTD_ID_SIZE];
    symlinkat(GONE, store.names_fd, "web");
    cr_expect_eq(resolve("web", id), -ENOENT);
    cr_expect_eq(create("web", id), 0, "%s", err.text);
    cr_expect(resolves_to("web", id));
}

Test(store, foreign_files_among_the_names_lead_nowhere)
{
    char id[MTD_ID_SIZE];
    symlinkat("../../../etc/passwd", store.names_fd, "web");
    mkdirat(store.names_fd, "dir", 0700);
    cr_expect_eq(resolve("web", id), -ENOENT);
    cr_expect_eq(create("web", NULL), -EEXIST);
    cr_expect_eq(create("dir", NULL), -EEXIST);
    cr_expect_eq(tempdir_count(store.root_fd, "containers"), 0);
}

Test(store, sweep_leaves_strangers_and_the_living_alone)
{
    char id[MTD_ID_SIZE];
    cr_assert_eq(create("web", id), 0);
    mkdirat(store.trash_fd, "lost+found", 0700);
    store_sweep(&store);
    cr_expect_eq(tempdir_count(store.root_fd, "trash"), 1);
    cr_expect(resolves_to("web", id));
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
    create("new", NULL);
}

static void run_remove(const char *id)
{
    remove_container(id);
}

static void run_rename(const char *id)
{
    rename_container(id, "new");
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
    {"store.rename.drop", run_rename},
};

/* After any step: the list is true, every name leads where the record says, nothing is left. */
static void expect_true_state(const char *point)
{
    struct mtd_list l = {0};
    store_sweep(&store);
    list(&l);
    expect_counts((int)l.len, (int)l.len);
    cr_expect(l.len <= 1, "%s", point);
    for (size_t i = 0; i < l.len; i++) {
        cr_expect_neq(l.items[i].state, MTD_STATE_BROKEN, "%s", point);
        cr_expect(resolves_to(l.items[i].name, l.items[i].id), "%s", point);
        cr_expect_eq(remove_container(l.items[i].id), 0, "%s", point);
    }
    mtd_list_done(&l);
    expect_counts(0, 0);
    cr_expect_eq(tempdir_count(store.run_fd, "."), 0, "%s", point);
}

Test(store, a_kill_at_any_step_leaves_a_true_state)
{
    for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++) {
        char id[MTD_ID_SIZE];
        cr_assert_eq(create("old", id), 0, "%s: %s", STEPS[i].point, err.text);
        auto_fd int run = store_open_run(&store, id, true, &err);
        int status = try_in_child(STEPS[i].point, "kill", STEPS[i].run, id);
        cr_expect(WIFSIGNALED(status), "%s was not passed", STEPS[i].point);
        expect_true_state(STEPS[i].point);
    }
}

Test(store, a_failure_at_any_step_leaves_a_true_state)
{
    for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++) {
        char id[MTD_ID_SIZE];
        cr_assert_eq(create("old", id), 0, "%s: %s", STEPS[i].point, err.text);
        cr_expect_eq(try_in_child(STEPS[i].point, "fail", STEPS[i].run, id), 0);
        if (STEPS[i].run != run_remove)
            expect_counts(1, 1);
        expect_true_state(STEPS[i].point);
    }
}

Test(store, a_killed_creator_does_not_keep_its_name)
{
    char id[MTD_ID_SIZE];
    try_in_child("store.create.publish", "kill", run_create, "");
    cr_expect_eq(tempdir_count(store.root_fd, "names"), 1);
    cr_expect_eq(create("new", id), 0, "%s", err.text); /* without a sweep */
    store_sweep(&store);
    cr_expect(resolves_to("new", id));
    expect_counts(1, 1);
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

Test(store, a_creator_at_work_is_neither_seen_nor_swept)
{
    static const char *const POINTS[] = {"store.create.lock", "store.create.record",
                                         "store.create.name", "store.create.publish"};
    char id[MTD_ID_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        struct mtd_list l = {0};
        pid_t pid = stop_in_child(POINTS[i], run_create, "");
        store_sweep(&store);
        list(&l);
        cr_expect_eq(l.len, 0, "%s", POINTS[i]);
        mtd_list_done(&l);
        cr_expect_eq(resolve("new", id), -ENOENT, "%s", POINTS[i]);
        if (strcmp(POINTS[i], "store.create.publish") == 0)
            cr_expect_eq(create("new", NULL), -EEXIST);
        resume_child(pid);
        cr_assert_eq(resolve("new", id), 0, "%s", POINTS[i]);
        cr_expect_eq(remove_container(id), 0);
        expect_counts(0, 0);
    }
}

Test(store, a_rename_at_work_keeps_both_names)
{
    char id[MTD_ID_SIZE];
    cr_assert_eq(create("old", id), 0);
    pid_t pid = stop_in_child("store.rename.drop", run_rename, id);
    store_sweep(&store);
    cr_expect_eq(create("old", NULL), -EEXIST);
    cr_expect_eq(create("new", NULL), -EEXIST);
    resume_child(pid);
    cr_expect_eq(create("old", NULL), 0);
    cr_expect(resolves_to("new", id));
    expect_counts(2, 2);
}

#endif
