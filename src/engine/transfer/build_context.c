/* What comes from stdin is a Dockerfile, or a tar that is unpacked as a layer is: below one
 * directory, whatever it says. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/archive.h"
#include "engine/transfer/build_steps.h"

#define DOCKERFILE_MAX ((size_t)4 << 20)

static const char *const NAMES[] = {"Dockerfile", "Containerfile"};

/* ---- a directory of the caller's ---- */

static int read_file(struct build *b, struct mtd_error *err)
{
    int rc = fs_read_at(AT_FDCWD, b->file, DOCKERFILE_MAX, &b->text);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot read %.200s", b->file) : 0;
}

static int use_directory(struct build *b, struct mtd_error *err)
{
    const struct mtd_build *a = b->asked;
    struct stat st;
    snprintf(b->context, sizeof(b->context), "%s", a->context);
    if (a->file)
        snprintf(b->file, sizeof(b->file), "%s", a->file);
    for (size_t i = 0; !a->file && i < ARRAY_SIZE(NAMES); i++) {
        snprintf(b->file, sizeof(b->file), "%.4000s/%s", a->context, NAMES[i]);
        if (fstatat(AT_FDCWD, b->file, &st, 0) == 0)
            break;
        if (i + 1 == ARRAY_SIZE(NAMES))
            return mtd_fail(err, ENOENT, "%.150s has no Dockerfile", a->context);
    }
    return read_file(b, err);
}

/* ---- stdin ---- */

static int spool(const struct build *b)
{
    auto_fd int fd =
        openat(b->dir.fd, "stdin", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    char block[65536];
    ssize_t n = 0;
    int rc = fd < 0 ? -errno : 0;
    while (rc == 0 && (n = read(b->asked->in, block, sizeof(block))) != 0)
        if (n < 0)
            rc = errno == EINTR ? 0 : -errno;
        else
            rc = fs_write_all(fd, block, (size_t)n);
    if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
        rc = -errno;
    return rc < 0 ? rc : take_fd(&fd);
}

/* By content: a tar, or one of the compressions it may have. */
static bool is_archive(int fd)
{
    static const struct {
        size_t at, len;
        const char *bytes;
    } MAGIC[] = {
        {257, 5, "ustar"},
        {0, 2, "\x1f\x8b"},
        {0, 3, "BZh"},
        {0, 6,
         "\xfd"
         "7zXZ\0"},
        {0, 4, "\x28\xb5\x2f\xfd"},
        {0, 4, "\x04\x22\x4d\x18"},
    };
    char head[512] = "";
    ssize_t n = pread(fd, head, sizeof(head), 0);
    for (size_t i = 0; i < ARRAY_SIZE(MAGIC); i++)
        if (n >= (ssize_t)(MAGIC[i].at + MAGIC[i].len) &&
            memcmp(head + MAGIC[i].at, MAGIC[i].bytes, MAGIC[i].len) == 0)
            return true;
    return false;
}

static int read_below(struct build *b, int context, struct mtd_error *err)
{
    const char *const given[] = {b->asked->file};
    const char *const *names = b->asked->file ? given : NAMES;
    size_t n = b->asked->file ? 1 : ARRAY_SIZE(NAMES);
    for (size_t i = 0; i < n; i++) {
        auto_fd int fd = fs_open_in_root(context, names[i], O_RDONLY | O_NONBLOCK, 0);
        char path[32];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        auto_fd int again = fd < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat st;
        if (again < 0 || fstat(again, &st) < 0 || !S_ISREG(st.st_mode) ||
            (size_t)st.st_size > DOCKERFILE_MAX ||
            buf_reserve(&b->text, (size_t)st.st_size + 1) < 0)
            continue;
        ssize_t len = read(again, b->text.data, (size_t)st.st_size);
        b->text.len = len > 0 ? (size_t)len : 0;
        b->text.data[b->text.len] = '\0';
        return 0;
    }
    return mtd_fail(err, ENOENT, "the context has no %.100s", names[0]);
}

static int unpack(struct build *b, int tar_fd, struct mtd_error *err)
{
    auto_fd int context = fs_open_dir_at(b->dir.fd, "context");
    struct archive_tar tar = {.fd = tar_fd};
    struct archive_unpacked unpacked;
    if (context < 0)
        return mtd_fail_errno(err, -context, "cannot open %s/context", b->dir.path);
    struct archive_limits limits = archive_limits_of(context);
    int rc = archive_unpack(context, &tar, &limits, &unpacked, err);
    mtd_context(rc < 0 ? err : NULL, "the context");
    return rc < 0 ? rc : read_below(b, context, err);
}

static int use_stdin(struct build *b, struct mtd_error *err)
{
    auto_fd int fd = spool(b);
    if (fd < 0)
        return mtd_fail_errno(err, -fd, "cannot keep what comes from stdin");
    if (mkdirat(b->dir.fd, "context", 0700) < 0)
        return mtd_fail_errno(err, errno, "cannot make %s/context", b->dir.path);
    int rc = is_archive(fd) ? unpack(b, fd, err)
                            : fs_read_at(b->dir.fd, "stdin", DOCKERFILE_MAX, &b->text);
    if (rc == 0)
        rc = fs_replace_at(b->dir.fd, "Dockerfile", b->text.data ? b->text.data : "",
                           b->text.len, 0600, false);
    unlinkat(b->dir.fd, "stdin", 0);
    snprintf(b->context, sizeof(b->context), "%s/context", b->dir.path);
    snprintf(b->file, sizeof(b->file), "%s/Dockerfile", b->dir.path);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot read the Dockerfile") : 0;
}

/* ---- all of it ---- */

/* With a context, `in` is the Dockerfile alone. */
static int use_given_file(struct build *b, struct mtd_error *err)
{
    auto_fd int fd = spool(b);
    if (fd < 0)
        return mtd_fail_errno(err, -fd, "cannot keep what comes from stdin");
    snprintf(b->context, sizeof(b->context), "%s", b->asked->context);
    snprintf(b->file, sizeof(b->file), "%s/stdin", b->dir.path);
    return read_file(b, err);
}

int build_take_context(struct build *b, struct mtd_error *err)
{
    int rc = !b->asked->context  ? use_stdin(b, err)
             : b->asked->in >= 0 ? use_given_file(b, err)
                                 : use_directory(b, err);
    if (rc == 0 && (!b->text.data || strlen(b->text.data) != b->text.len ||
                    !b->text.data[strspn(b->text.data, " \t\r\n")]))
        rc = mtd_fail(err, EINVAL, "the Dockerfile is empty or no text");
    return rc;
}
