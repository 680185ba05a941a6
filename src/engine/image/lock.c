/* Whoever has the lock has a store of this version's form, without what killed processes
 * left. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

int image_lock(const struct image_store *s, struct mtd_error *err)
{
    int prepared = 0;
    auto_fd int lock = image_disk_lock(s, IMAGE_LOCK, NULL);
    bool old = image_is_old(s); /* its new directories are not there yet */
    if (lock < 0 || old)
        prepared = image_disk_prepare(s, err);
    if (lock < 0 && prepared == 0)
        lock = image_disk_lock(s, IMAGE_LOCK, err);
    if (lock < 0 || prepared < 0)
        return lock < 0 ? lock : prepared;
    int rc = image_is_old(s) ? image_take_over(s, err) : 0;
    return rc < 0 ? rc : take_fd(&lock);
}

int image_sweep_first(const struct image_store *s, struct mtd_error *err)
{
    int rc = image_disk_prepare(s, err);
    if (rc < 0)
        return rc;
    auto_fd int lock = image_lock(s, err);
    if (lock < 0)
        return lock;
    image_sweep_found(s);
    return 0;
}

/* Without waiting: whoever has the lock is alive, and sweeps or is followed by who does. */
void image_sweep_left(const struct image_store *s)
{
    auto_done(strv_done) struct strv left = {0};
    bool old = image_is_old(s);
    if (!old && (image_list_left(s, &left) < 0 || left.len == 0))
        return;
    if (old && image_disk_prepare(s, NULL) < 0)
        return;
    auto_fd int lock = image_disk_try_lock(s);
    if (lock < 0)
        return;
    if (old && image_is_old(s))
        image_take_over(s, NULL);
    image_sweep_found(s);
}

/* ---- transfers ---- */

int image_transfer_begin(const struct image_store *s, struct image_transfer *ret,
                         struct mtd_error *err)
{
    struct image_transfer t = {.store = s, .lock = -1, .note = -1};
    int rc = image_sweep_first(s, err);
    if (rc < 0)
        return rc;
    /* Under the lock no sweep is between looking for notes and taking the transfer lock. */
    auto_fd int lock = image_lock(s, err);
    if (lock < 0)
        return lock;
    t.lock = image_disk_lock(s, IMAGE_LOCK_TRANSFER, err);
    if (t.lock < 0)
        return t.lock;
    t.note = image_staging_named(s, "transfer", t.name, err);
    if (t.note < 0) {
        close(t.lock);
        return t.note;
    }
    fault_point("transfer.begin");
    *ret = t;
    return 0;
}

/* Its note goes last: killed before, it is found and swept. */
void image_transfer_end(struct image_transfer *t)
{
    auto_done(strv_done) struct strv note = {0};
    if (t->lock < 0)
        return;
    close(t->lock);
    fault_point("transfer.end");
    auto_fd int lock = image_lock(t->store, NULL);
    if (lock >= 0)
        image_blob_sweep(t->store);
    if (strv_add(&note, t->name) == 0)
        image_disk_drop_tmp(t->store, &note);
    close(t->note);
    *t = (struct image_transfer){.lock = -1, .note = -1};
}
