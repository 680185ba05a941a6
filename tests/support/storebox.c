#include "storebox.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct tempdir storebox_dir;
struct store storebox;
struct mtd_error storebox_err;

void storebox_setup(void)
{
    char root[80], run_root[80];
    tempdir_make(&storebox_dir);
    snprintf(root, sizeof(root), "%s/var/root", storebox_dir.path);
    snprintf(run_root, sizeof(run_root), "%s/run", storebox_dir.path);
    cr_assert_eq(store_open(&storebox, root, run_root, STORE_MAKE, &storebox_err), 0,
                 "%s", storebox_err.text);
}

void storebox_teardown(void)
{
    store_done(&storebox);
    tempdir_done(&storebox_dir);
}

int storebox_create_record(const char *name, struct mtd_record *r)
{
    mtd_error_clear(&storebox_err);
    mtd_record_init(r);
    r->spec.image = strdup("busybox");
    strv_add(&r->spec.process.args, "/bin/sh");
    strv_add(&r->spec.process.args, "-c");
    return store_create(&storebox, r, name, &storebox_err);
}

/* Creates and forgets; ret_id may be NULL. */
int storebox_create(const char *name, char ret_id[MTD_ID_SIZE])
{
    auto_done(mtd_record_done) struct mtd_record r;
    int rc = storebox_create_record(name, &r);
    if (rc == 0 && ret_id)
        memcpy(ret_id, r.id, MTD_ID_SIZE);
    return rc;
}

int storebox_remove(const char *id)
{
    mtd_error_clear(&storebox_err);
    auto_fd int lock = store_lock(&storebox, id, &storebox_err);
    return lock < 0 ? lock : store_remove(&storebox, id, &storebox_err);
}

int storebox_rename(const char *id, const char *name)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_error_clear(&storebox_err);
    mtd_record_init(&r);
    auto_fd int lock = store_lock(&storebox, id, &storebox_err);
    int rc = lock < 0 ? lock : store_load(&storebox, id, &r, &storebox_err);
    return rc < 0 ? rc : store_rename(&storebox, &r, name, &storebox_err);
}

int storebox_save(const struct mtd_record *r)
{
    mtd_error_clear(&storebox_err);
    auto_fd int lock = store_lock(&storebox, r->id, &storebox_err);
    return lock < 0 ? lock : store_save(&storebox, r, false, &storebox_err);
}

int storebox_resolve(const char *ref, char id[MTD_ID_SIZE])
{
    mtd_error_clear(&storebox_err);
    return store_resolve(&storebox, ref, id, &storebox_err);
}

bool storebox_resolves_to(const char *ref, const char *id)
{
    char found[MTD_ID_SIZE] = "";
    return storebox_resolve(ref, found) == 0 && strcmp(found, id) == 0;
}

void storebox_expect_counts(int containers, int names)
{
    cr_expect_eq(tempdir_count(storebox.root_fd, "containers"), containers);
    cr_expect_eq(tempdir_count(storebox.root_fd, "names"), names);
    cr_expect_eq(tempdir_count(storebox.root_fd, "trash"), 0);
}

void storebox_list(struct mtd_list *l)
{
    mtd_error_clear(&storebox_err);
    cr_assert_eq(store_list(&storebox, l, &storebox_err), 0, "%s", storebox_err.text);
}
