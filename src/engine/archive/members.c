/* An archive of images is read once from front to back, whatever it comes from. */

#include "engine/archive/members.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/archive/gunzip.h"
#include "engine/archive/internal.h"

#define BLOCK (256u << 10)

struct archive_members {
    struct archive *a;
    int fd;
    unsigned char *input; /* BLOCK bytes */
    struct archive_gunzip gunzip;
    uint64_t start, max_bytes, done;
    bool is_file;
    struct archive_path path, target;
};

void archive_members_free(struct archive_members *m)
{
    if (!m)
        return;
    if (m->a)
        archive_read_free(m->a);
    archive_gunzip_done(&m->gunzip);
    free(m->input);
    free(m);
}

static ssize_t read_input(void *arg, const void **ret)
{
    struct archive_members *m = arg;
    ssize_t n;
    do
        n = read(m->fd, m->input, BLOCK);
    while (n < 0 && errno == EINTR);
    *ret = m->input;
    m->done += n > 0 ? (uint64_t)n : 0;
    return n < 0 ? -errno : n;
}

static la_ssize_t read_inflated(struct archive *a, void *data, const void **ret)
{
    struct archive_members *m = data;
    ssize_t n = archive_gunzip_next(&m->gunzip, read_input, m, ret);
    const char *reason = archive_gunzip_reason(&m->gunzip);
    if (n < 0)
        archive_set_error(a, (int)-n, "%s", reason ? reason : strerror((int)-n));
    return n < 0 ? ARCHIVE_FATAL : n;
}

/* Of a plain file; elsewhere, and beyond its end, libarchive reads what it skips. */
static la_int64_t skip_input(struct archive *a, void *data, la_int64_t bytes)
{
    struct archive_members *m = data;
    struct stat st;
    (void)a;
    if (!m->is_file || archive_gunzip_is_on(&m->gunzip) || fstat(m->fd, &st) < 0)
        return 0;
    off_t at = lseek(m->fd, 0, SEEK_CUR);
    if (at < 0 || bytes > st.st_size - at || lseek(m->fd, bytes, SEEK_CUR) < 0)
        return 0;
    m->done += (uint64_t)bytes;
    return bytes;
}

static int open_archive(struct archive_members *m, struct mtd_error *err)
{
    int rc = archive_add_filters(m->a, err);
    if (rc < 0)
        return rc;
    if (archive_read_support_format_tar(m->a) != ARCHIVE_OK)
        return mtd_fail_errno(err, ENOMEM, "cannot read the archive");
    rc = archive_read_open2(m->a, m, NULL, read_inflated, skip_input, NULL);
    return rc == ARCHIVE_OK ? 0 : archive_read_failed(m->a, err);
}

int archive_members_open(int fd, uint64_t max_bytes, struct archive_members **ret,
                         struct mtd_error *err)
{
    struct stat st;
    struct archive_members *m = calloc(1, sizeof(*m));
    if (m) {
        m->a = archive_read_new();
        m->input = malloc(BLOCK);
    }
    if (!m || !m->a || !m->input) {
        archive_members_free(m);
        return mtd_fail_errno(err, ENOMEM, "cannot read the archive");
    }
    off_t at = lseek(fd, 0, SEEK_CUR);
    m->fd = fd;
    m->max_bytes = max_bytes;
    m->is_file = at >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    m->start = at > 0 ? (uint64_t)at : 0;
    int rc = open_archive(m, err);
    if (rc < 0)
        archive_members_free(m);
    else
        *ret = m;
    return rc;
}

bool archive_members_can_seek(const struct archive_members *m)
{
    return m->is_file && archive_filter_code(m->a, 0) == ARCHIVE_FILTER_NONE &&
           !archive_gunzip_is_on(&m->gunzip);
}

uint64_t archive_members_done(const struct archive_members *m)
{
    return m->done;
}

/* A symbolic link is relative to its directory: "../x/layer.tar". */
static const char *clean_target(struct archive_members *m, const char *raw, bool is_hard)
{
    char text[PATH_MAX];
    size_t len = is_hard ? 0 : m->path.parent_len;
    memcpy(text, m->path.text, len);
    text[len] = '\0';
    while (!is_hard && raw[0] != '/' && strncmp(raw, "../", 3) == 0 && len > 0) {
        char *slash = strrchr(text, '/');
        len = slash ? (size_t)(slash - text) : 0;
        text[len] = '\0';
        raw += 3;
    }
    size_t room = sizeof(text) - len;
    if ((size_t)snprintf(text + len, room, "/%s", raw) >= room)
        return "the path is too long";
    return archive_path_clean(text, &m->target);
}

static int describe(struct archive_members *m, struct archive_entry *e,
                    struct archive_member *ret, struct mtd_error *err)
{
    const char *raw = archive_entry_pathname(e), *hard = archive_entry_hardlink(e);
    const char *link = hard ? hard : archive_entry_symlink(e);
    mode_t type = archive_entry_filetype(e);
    const char *reason = raw ? archive_path_clean(raw, &m->path) : "an unreadable name";
    if (!reason && link)
        reason = clean_target(m, link, hard != NULL);
    if (!reason && archive_entry_sparse_count(e) > 0)
        reason = "a file with holes cannot be in an archive of images";
    if (reason)
        return archive_entry_bad(err, raw ? raw : "?", reason);
    *ret = (struct archive_member){
        .kind = link               ? ARCHIVE_MEMBER_LINK
                : type == AE_IFREG ? ARCHIVE_MEMBER_FILE
                : type == AE_IFDIR ? ARCHIVE_MEMBER_DIR
                                   : ARCHIVE_MEMBER_OTHER,
        .path = m->path.text,
        .target = link ? m->target.text : NULL,
        .size = archive_entry_size(e) > 0 ? (uint64_t)archive_entry_size(e) : 0,
        .position = m->start + (uint64_t)archive_filter_bytes(m->a, 0),
    };
    return 1;
}

static int failed(struct archive *a, struct mtd_error *err)
{
    const char *text = archive_error_string(a);
    if (text && strcasestr(text, "truncated"))
        return mtd_fail(err, EBADMSG, "the archive is truncated");
    return archive_read_failed(a, err);
}

/* gzip's checksum stands behind the end of the tar. */
static int finish_gzip(struct archive_members *m, struct mtd_error *err)
{
    const void *block;
    la_ssize_t n = archive_gunzip_is_on(&m->gunzip) ? 1 : 0;
    for (uint64_t bytes = 0; n > 0; bytes += (uint64_t)n) {
        if (bytes > m->max_bytes)
            return mtd_fail(err, EBADMSG, "not a valid archive: it does not end");
        n = read_inflated(m->a, m, &block);
    }
    return n < 0 ? failed(m->a, err) : 0;
}

int archive_members_next(struct archive_members *m, struct archive_member *ret,
                         struct mtd_error *err)
{
    struct archive_entry *e;
    int rc = archive_read_next_header(m->a, &e);
    if (rc == ARCHIVE_EOF)
        return finish_gzip(m, err);
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
        return failed(m->a, err);
    if ((uint64_t)archive_filter_bytes(m->a, 0) > m->max_bytes)
        return mtd_fail(err, EBADMSG, "not a valid archive: more than %ju bytes",
                        (uintmax_t)m->max_bytes);
    return describe(m, e, ret, err);
}

ssize_t archive_members_read(struct archive_members *m, const void **ret)
{
    size_t len = 0;
    int64_t offset;
    int rc;
    do
        rc = archive_read_data_block(m->a, ret, &len, &offset);
    while (rc == ARCHIVE_OK && len == 0);
    if (rc == ARCHIVE_EOF)
        return 0;
    if (rc == ARCHIVE_OK)
        return (ssize_t)len;
    return archive_errno(m->a) > 0 ? -archive_errno(m->a) : -EBADMSG;
}
