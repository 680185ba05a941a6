/* The file may be a pipe of the shell's, <(...), so it is read to its end and not asked for
 * its size. */

#include "cli/spec_seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

static int read_file(const char *path, struct buf *ret)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0) {
        char block[4096];
        n = read(fd, block, sizeof(block));
        int rc = n > 0 ? buf_add(ret, block, (size_t)n) : 0;
        if (rc < 0)
            return rc;
        if (ret->len > MTD_SECCOMP_MAX_BYTES)
            return -EFBIG;
    }
    return n < 0 ? -errno : 0;
}

static int fail(struct mtd_error *err, int code, const char *path, const char *why)
{
    return mtd_fail(err, code, "seccomp profile %.100s: %.80s", path, why);
}

static int keep_json(char **ret, const char *path, const struct buf *text,
                     struct mtd_error *err)
{
    char why[96];
    json_error_t at;
    json_t *in =
        json_loadb(text->data ? text->data : "", text->len, JSON_REJECT_DUPLICATES, &at);
    if (!in) {
        snprintf(why, sizeof(why), "line %d: %.70s", at.line, at.text);
        return fail(err, EINVAL, path, why);
    }
    char *kept = json_dumps(in, JSON_COMPACT);
    json_decref(in);
    if (!kept)
        return mtd_fail(err, ENOMEM, "out of memory");
    free(*ret);
    *ret = kept;
    return 0;
}

int spec_seccomp(char **ret, const char *value, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    if (!*value)
        return mtd_fail(err, EINVAL, "seccomp= needs a file, builtin or unconfined");
    if (strcmp(value, MTD_SECCOMP_UNCONFINED) == 0 ||
        strcmp(value, MTD_SECCOMP_BUILTIN) == 0) {
        char *kept = strdup(value);
        if (!kept)
            return mtd_fail(err, ENOMEM, "out of memory");
        free(*ret);
        *ret = kept;
        return 0;
    }
    int rc = read_file(value, &text);
    if (rc == -EFBIG)
        return fail(err, EFBIG, value, "it is larger than 256 kB");
    return rc < 0 ? fail(err, -rc, value, strerror(-rc))
                  : keep_json(ret, value, &text, err);
}
