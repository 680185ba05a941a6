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
#include "storebox.h"

TestSuite(store, .init = storebox_setup, .fini = storebox_teardown);

static void write_config(const char *id, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "containers/%s/config.json", id);
    cr_assert_eq(fs_replace_at(storebox.root_fd, path, text, strlen(text), 0600, false),
                 0);
}

/* ---- opening ---- */

Test(store, opens_what_only_root_may_see)
{
    static const char *const DIRS[] = {".", "containers", "names", "trash"};
    for (size_t i = 0; i < ARRAY_SIZE(DIRS); i++) {
        struct stat st;
        cr_assert_eq(fstatat(storebox.root_fd, DIRS[i], &st, 0), 0);
        cr_expect_eq(st.st_mode & 07777, 0700, "%s", DIRS[i]);
    }
}

Test(store, read_only_makes_nothing_and_sees_what_comes_later)
{
    char other[100], id[MTD_ID_SIZE];
    struct store reader;
    struct mtd_list l = {0};
    snprintf(other, sizeof(other), "%s/other", storebox_dir.path);
    cr_assert_eq(
        store_open(&reader, other, storebox.run_root, STORE_READ_ONLY, &storebox_err), 0,
        "%s", storebox_err.text);
    cr_expect_eq(faccessat(AT_FDCWD, other, F_OK, 0), -1);
    cr_expect_eq(store_list(&reader, &l, &storebox_err), 0);
    cr_expect_eq(l.len, 0);
    cr_expect_eq(store_resolve(&reader, "web", id, &storebox_err), -ENOENT);
    cr_expect_str_eq(storebox_err.text, "No such container: web");
    store_sweep(&reader);

    struct store first = storebox;
    cr_assert_eq(store_open(&storebox, other, first.run_root, STORE_MAKE, &storebox_err),
                 0);
    cr_assert_eq(storebox_create("web", NULL), 0);
    cr_expect_eq(store_list(&reader, &l, &storebox_err), 0);
    cr_expect_eq(l.len, 1);
    mtd_list_done(&l);
    store_done(&reader);
    store_done(&storebox);
    storebox = first;
}

Test(store, says_which_directory_it_cannot_use)
{
    char bad[100];
    struct store s;
    cr_assert_eq(fs_replace_at(storebox_dir.fd, "file", "", 0, 0600, false), 0);
    snprintf(bad, sizeof(bad), "%s/file/x", storebox_dir.path);
    cr_expect_eq(store_open(&s, bad, storebox.run_root, STORE_MAKE, &storebox_err),
                 -ENOTDIR);
    cr_expect(strstr(storebox_err.text, bad), "%s", storebox_err.text);
}

Test(store, paths_become_absolute)
{
    struct store s;
    cr_assert_eq(chdir(storebox_dir.path), 0);
    cr_assert_eq(store_open(&s, "rel", "relrun", STORE_MAKE, &storebox_err), 0);
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
    cr_assert_eq(storebox_create_record("web", &r), 0, "%s", storebox_err.text);
    cr_expect(hex_is_valid(r.id, MTD_ID_LEN));
    cr_expect_str_eq(r.name, "web");
    cr_expect(r.created_at > 0);
    mtd_record_init(&back);
    cr_assert_eq(store_load(&storebox, r.id, &back, &storebox_err), 0, "%s",
                 storebox_err.text);
    cr_expect_eq(back.created_at, r.created_at);
    auto_fd int dir = store_open_dir(&storebox, r.id, &storebox_err);
    for (size_t i = 0; i < ARRAY_SIZE(PARTS); i++) {
        struct stat st;
        cr_assert_eq(fstatat(dir, PARTS[i].name, &st, 0), 0, "%s", PARTS[i].name);
        cr_expect_eq(st.st_mode & 07777, PARTS[i].mode, "%s", PARTS[i].name);
    }
    storebox_expect_counts(1, 1);
}

Test(store, a_taken_name_is_a_conflict_and_leaves_nothing)
{
    char id[MTD_ID_SIZE], expected[512];
    cr_assert_eq(storebox_create("web", id), 0);
    cr_expect_eq(storebox_create("/web", NULL), -EEXIST);
    snprintf(
        expected, sizeof(expected),
        "Conflict. The container name \"/web\" is already in use by container \"%s\". "
        "You have to remove (or rename) that container to be able to reuse that name.",
        id);
    cr_expect_str_eq(storebox_err.text, expected);
    storebox_expect_counts(1, 1);
}

Test(store, bad_names_are_refused)
{
    static const char *const BAD[] = {"", "-x", "a/b", "../x", "a b", ".", "//x"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
        cr_expect_eq(storebox_create(BAD[i], NULL), -EINVAL, "\"%s\"", BAD[i]);
    storebox_expect_counts(0, 0);
}

Test(store, names_itself_when_asked_for_none)
{
    auto_done(mtd_record_done) struct mtd_record r;
    cr_assert_eq(storebox_create_record(NULL, &r), 0, "%s", storebox_err.text);
    cr_expect(strchr(r.name, '_'), "%s", r.name);
    cr_expect(storebox_resolves_to(r.name, r.id));
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
            int rc = storebox_create("web", NULL);
            _exit(rc == 0                                                   ? 0
                  : rc == -EEXIST && strstr(storebox_err.text, "Conflict.") ? 1
                                                                            : 2);
        }
    while (wait(&status) > 0) {
        won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
        lost += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    cr_expect_eq(won, 1);
    cr_expect_eq(lost, 19);
    storebox_expect_counts(1, 1);
}

Test(store, a_full_disk_leaves_no_container_and_no_torn_record)
{
    static char big[20000];
    auto_done(mtd_record_done) struct mtd_record r, back;
    struct rlimit limit = {4000, 4000};
    memset(big, 'x', sizeof(big) - 1);
    cr_assert_eq(storebox_create_record("old", &r), 0);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    strv_add(&r.spec.process.args, big);
    cr_expect_eq(store_save(&storebox, &r, true, &storebox_err), -EFBIG);
    cr_expect_eq(store_save(&storebox, &r, false, NULL), -EFBIG);
    mtd_record_init(&back);
    cr_expect_eq(store_load(&storebox, r.id, &back, NULL), 0);
    cr_expect_eq(back.spec.process.args.len, 2);
    mtd_error_clear(&storebox_err);
    cr_expect_eq(store_create(&storebox, &r, "new", &storebox_err), -EFBIG);
    storebox_expect_counts(1, 1);
}

/* ---- finding ---- */

Test(store, resolves_ids_names_and_prefixes)
{
    char web[MTD_ID_SIZE], id[MTD_ID_SIZE], prefix[MTD_ID_SIZE];
    cr_assert_eq(storebox_create("web", web), 0);
    cr_assert_eq(storebox_create("db", NULL), 0);
    cr_expect(storebox_resolves_to(web, web));
    cr_expect(storebox_resolves_to("web", web));
    cr_expect(storebox_resolves_to("/web", web));
    snprintf(prefix, sizeof(prefix), "%.12s", web);
    cr_expect(storebox_resolves_to(prefix, web));
    static const char *const BAD[] = {"",    "/",   "we",   "webx", "../names/web",
                                      "xyz", "WEB", "//web"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        cr_expect_eq(storebox_resolve(BAD[i], id), -ENOENT, "\"%s\"", BAD[i]);
        cr_expect(strstr(storebox_err.text, "No such container: "), "%s",
                  storebox_err.text);
    }
}

Test(store, ambiguous_prefixes_list_the_candidates)
{
    char ids[17][MTD_ID_SIZE], id[MTD_ID_SIZE], ref[2] = "";
    const char *first = NULL, *second = NULL;
    for (int n = 0; n < 17 && !first; n++) { /* of seventeen ids two share a digit */
        cr_assert_eq(storebox_create(NULL, ids[n]), 0);
        for (int i = 0; i < n; i++)
            if (ids[i][0] == ids[n][0])
                first = ids[i], second = ids[n];
    }
    cr_assert(first);
    ref[0] = first[0];
    cr_expect_eq(storebox_resolve(ref, id), -ENOTUNIQ);
    cr_expect_eq(
        strncmp(storebox_err.text, "multiple IDs found with provided prefix: ", 41), 0);
    char *listed = strchr(storebox_err.text, ':') + 5;
    cr_expect(strstr(listed, ", "), "%s", storebox_err.text);
    cr_expect(memmem(listed, strlen(listed), first, MTD_SHORT_ID_LEN), "%s",
              storebox_err.text);
    cr_expect(memmem(listed, strlen(listed), second, MTD_SHORT_ID_LEN), "%s",
              storebox_err.text);
}

Test(store, a_name_wins_over_a_prefix)
{
    char first[MTD_ID_SIZE], named[MTD_ID_SIZE], name[8];
    cr_assert_eq(storebox_create(NULL, first), 0);
    snprintf(name, sizeof(name), "%.3s", first);
    cr_assert_eq(storebox_create(name, named), 0);
    cr_expect(storebox_resolves_to(name, named));
}

Test(store, unknown_ids_are_no_such_container)
{
    static const char *const IDS[] = {
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "..", "",
        "."};
    for (size_t i = 0; i < ARRAY_SIZE(IDS); i++) {
        auto_done(mtd_record_done) struct mtd_record r;
        mtd_record_init(&r);
        cr_expect_eq(store_load(&storebox, IDS[i], &r, NULL), -ENOENT);
        cr_expect_eq(store_lock(&storebox, IDS[i], NULL), -ENOENT);
        cr_expect_eq(store_open_dir(&storebox, IDS[i], NULL), -ENOENT);
        cr_expect_eq(store_remove(&storebox, IDS[i], NULL), -ENOENT);
        cr_expect_eq(store_open_run(&storebox, IDS[i], false, NULL), -ENOENT);
    }
}

/* ---- listing ---- */

Test(store, lists_newest_first)
{
    static const char *const NAMES[] = {"w", "x", "y", "z"};
    struct mtd_list l = {0};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        cr_assert_eq(storebox_create(NAMES[i], NULL), 0);
    storebox_list(&l);
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
    cr_assert_eq(storebox_create("torn", torn), 0);
    cr_assert_eq(storebox_create("gone", gone), 0);
    cr_assert_eq(storebox_create("other", other), 0);
    write_config(torn, "{\"id\": ");
    snprintf(path, sizeof(path), "containers/%s/config.json", gone);
    unlinkat(storebox.root_fd, path, 0);
    storebox_list(&l);
    cr_assert_eq(l.len, 3);
    for (size_t i = 0; i < 3; i++) {
        bool good = strcmp(l.items[i].name, "other") == 0;
        cr_expect_eq(l.items[i].state, good ? MTD_STATE_CREATED : MTD_STATE_BROKEN);
        cr_expect(good || l.items[i].error, "%s", l.items[i].name);
    }
    mtd_list_done(&l);
    mtd_record_init(&r);
    mtd_error_clear(&storebox_err);
    cr_expect_eq(store_load(&storebox, torn, &r, &storebox_err), -EINVAL);
    cr_expect(strstr(storebox_err.text, "config.json"), "%s", storebox_err.text);
    cr_expect_eq(storebox_remove(torn), 0);
    cr_expect_eq(storebox_remove(gone), 0);
    storebox_expect_counts(1, 1);
}

Test(store, a_record_of_another_container_is_broken)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    char a[MTD_ID_SIZE], b[MTD_ID_SIZE], path[128];
    cr_assert_eq(storebox_create("a", a), 0);
    cr_assert_eq(storebox_create("b", b), 0);
    snprintf(path, sizeof(path), "containers/%s/config.json", a);
    cr_assert_eq(fs_read_at(storebox.root_fd, path, 1 << 20, &text), 0);
    write_config(b, text.data);
    mtd_record_init(&r);
    cr_expect_eq(store_load(&storebox, b, &r, NULL), -EINVAL);
}

Test(store, lists_and_loads_never_fail_beside_writers)
{
    char fixed[MTD_ID_SIZE];
    cr_assert_eq(storebox_create("fixed", fixed), 0);
    pid_t writer = fork();
    if (writer == 0) {
        auto_done(mtd_record_done) struct mtd_record r;
        mtd_record_init(&r);
        store_load(&storebox, fixed, &r, NULL);
        for (int i = 0; i < 30; i++) {
            char id[MTD_ID_SIZE];
            r.spec.auto_remove = i % 2;
            r.status.restart_count++;
            if (storebox_save(&r) < 0 || storebox_create("t", id) < 0 ||
                storebox_rename(id, "u") < 0 || storebox_remove(id) < 0) {
                fprintf(stderr, "round %d: %s\n", i, storebox_err.text);
                _exit(1);
            }
        }
        _exit(0);
    }
    int status = 0;
    for (int n = 0; waitpid(writer, &status, WNOHANG) == 0; n++) {
        struct mtd_list l = {0};
        auto_done(mtd_record_done) struct mtd_record r;
        mtd_record_init(&r);
        storebox_list(&l);
        store_sweep(&storebox);
        cr_assert(l.len == 1 || l.len == 2, "%zu", l.len);
        for (size_t i = 0; i < l.len; i++)
            cr_assert_neq(l.items[i].state, MTD_STATE_BROKEN, "%s", l.items[i].error);
        cr_assert_eq(store_load(&storebox, fixed, &r, &storebox_err), 0, "%s",
                     storebox_err.text);
        mtd_list_done(&l);
    }
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    storebox_expect_counts(1, 1);
}
