#include "tarfile.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "tarfile: %s\n", what);
    abort();
}

static void set_target(struct archive_entry *e, const struct tar_item *i,
                       const char *outside)
{
    char full[4096];
    const char *target = i->target ? i->target : "";
    if (target[0] == '@') {
        snprintf(full, sizeof(full), "%s%s", outside, target + 1);
        target = full;
    }
    if (i->mode == 0)
        archive_entry_copy_hardlink(e, target);
    else if (S_ISLNK(i->mode))
        archive_entry_copy_symlink(e, target);
    else if (S_ISREG(i->mode))
        archive_entry_set_size(e, (int64_t)strlen(target));
}

static void add(struct archive *a, const struct tar_item *i, const char *outside)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_copy_pathname(e, i->path);
    archive_entry_set_filetype(e, i->mode ? i->mode & S_IFMT : AE_IFREG);
    archive_entry_set_perm(e, i->mode & 07777);
    archive_entry_set_uid(e, i->uid);
    archive_entry_set_gid(e, i->gid);
    archive_entry_set_mtime(e, i->mtime, i->mtime_ns);
    archive_entry_set_rdevmajor(e, i->major);
    archive_entry_set_rdevminor(e, i->minor);
    set_target(e, i, outside);
    if (i->xattr)
        archive_entry_xattr_add_entry(e, i->xattr, i->value,
                                      i->value_len ? i->value_len : strlen(i->value));
    must(archive_write_header(a, e) >= ARCHIVE_WARN, archive_error_string(a));
    if (S_ISREG(i->mode) && i->target)
        archive_write_data(a, i->target, strlen(i->target));
    archive_entry_free(e);
}

void tarfile_make(struct tarfile *t, const struct tar_item *items, const char *filter,
                  const char *outside)
{
    struct archive *a = archive_write_new();
    *t = (struct tarfile){.data = calloc(1, TAR_MAX)};
    must(a && t->data, "memory");
    archive_write_set_format_pax(a);
    if (filter[0])
        must(archive_write_add_filter_by_name(a, filter) == ARCHIVE_OK, filter);
    archive_write_set_filter_option(a, "gzip", "timestamp",
                                    NULL); /* the same each second */
    must(archive_write_open_memory(a, t->data, TAR_MAX, &t->len) == ARCHIVE_OK, "open");
    for (; items->path; items++)
        add(a, items, outside);
    must(archive_write_close(a) == ARCHIVE_OK, "close");
    archive_write_free(a);
}

static void put(char *to, const char *bytes, size_t len)
{
    memcpy(to, bytes, len);
}

void tarfile_add_header(struct tarfile *t, const char *path, char type, const char *size)
{
    if (!t->data)
        t->data = calloc(1, TAR_MAX);
    must(t->data && t->len + 512 <= TAR_MAX, "room");
    char *h = t->data + t->len;
    unsigned sum = 0;
    memset(h, 0, 512);
    snprintf(h, 100, "%s", path);
    put(h + 100, "0000644\0000000000\0000000000", 24);
    put(h + 124, size, strlen(size));
    put(h + 136, "00000000000", 12);
    memset(h + 148, ' ', 8);
    h[156] = type;
    put(h + 257, "ustar\00000", 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    t->len += 512;
}

void tarfile_done(struct tarfile *t)
{
    free(t->data);
    *t = (struct tarfile){0};
}
