#include "storebox.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct tempdir box_dir;
struct store box;
struct mtd_error box_err;

void box_setup(void)
{
    char root[80], run_root[80];
    tempdir_make(&box_dir);
    snprintf(root, sizeof(root), "%s/var/root", box_dir.path);
    snprintf(run_root, sizeof(run_root), "%s/run", box_dir.path);
    cr_assert_eq(store_open(&box, root, run_root, false, &box_err), 0, "%s",
                 box_err.text);
}

void box_teardown(void)
{
    store_done(&box);
    tempdir_done(&box_dir);
}

int box_create_record(const char *name, struct mtd_record *r)
{
    mtd_error_clear(&box_err);
    mtd_record_init(r);
    r->spec.image = strdup("busybox");
    strv_add(&r->spec.process.args, "/bin/sh");
    strv_add(&r->spec.process.args, "-c");
    return store_create(&box, r, name, &box_err);
}

/* Creates and forgets; ret_id may be NULL. */
int box_create(const char *name, char ret_id[MTD_ID_SIZE])
{
    auto_done(mtd_record_done) struct mtd_record r;
    int rc = box_create_record(name, &r);
    if (rc == 0 && ret_id)
        memcpy(ret_id, r.id, MTD_ID_SIZE);
    return rc;
}

int box_remove(const char *id)
{
    mtd_error_clear(&box_err);
    auto_fd int lock = store_lock(&box, id, &box_err);
    return lock < 0 ? lock : store_remove(&box, id, &box_err);
}

int box_rename(const char *id, const char *name)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_error_clear(&box_err);
    mtd_record_init(&r);
    auto_fd int lock = store_lock(&box, id, &box_err);
    int rc = lock < 0 ? lock : store_load(&box, id, &r, &box_err);
    return rc < 0 ? rc : store_rename(&box, &r, name, &box_err);
}

int box_resolve(const char *ref, char id[MTD_ID_SIZE])
{
    mtd_error_clear(&box_err);
    return store_resolve(&box, ref, id, &box_err);
}

bool box_resolves_to(const char *ref, const char *id)
{
    char found[MTD_ID_SIZE] = "";
    return box_resolve(ref, found) == 0 && strcmp(found, id) == 0;
}

void box_expect_counts(int containers, int names)
{
    cr_expect_eq(tempdir_count(box.root_fd, "containers"), containers);
    cr_expect_eq(tempdir_count(box.root_fd, "names"), names);
    cr_expect_eq(tempdir_count(box.root_fd, "trash"), 0);
}

void box_list(struct mtd_list *l)
{
    mtd_error_clear(&box_err);
    cr_assert_eq(store_list(&box, l, &box_err), 0, "%s", box_err.text);
}
