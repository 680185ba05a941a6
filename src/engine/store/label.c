/* Two containers must not have the same categories. <root>/levels/<level> is a link to the id
 * of the container whose they are; links are made and judged under the lock of the directory.
 * One that a killed process left behind is taken over by whoever wants its level. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/host/selinux.h"
#include "engine/store/internal.h"

#define DIR_NAME "levels"
#define TRIES 4096

static bool is_owned_by(int dir_fd, const char *level, const char *id)
{
    char owner[MTD_ID_SIZE] = "";
    ssize_t n = readlinkat(dir_fd, level, owner, sizeof(owner) - 1);
    return n > 0 && strcmp(owner, id) == 0;
}

static bool is_free(struct store *s, int dir_fd, const char *level, const char *id)
{
    char owner[MTD_ID_SIZE] = "";
    ssize_t n = readlinkat(dir_fd, level, owner, sizeof(owner) - 1);
    return n < 0 || strcmp(owner, id) == 0 || !hex_is_valid(owner, MTD_ID_LEN) ||
           !(store_is_being_made(s, owner) || store_exists(s, owner));
}

static int claim(struct store *s, int dir_fd, const char *level, const char *id)
{
    if (!is_free(s, dir_fd, level, id))
        return -EEXIST;
    unlinkat(dir_fd, level, 0);
    return symlinkat(id, dir_fd, level) < 0 ? -errno : 0;
}

static int claim_any(struct store *s, int dir_fd, const char *id,
                     char ret[SELINUX_LEVEL_SIZE])
{
    int rc = -EEXIST;
    for (int i = 0; i < TRIES && rc == -EEXIST; i++) {
        unsigned number;
        if (getrandom(&number, sizeof(number), 0) < 0)
            return -errno;
        selinux_pair(number % SELINUX_PAIRS, ret);
        rc = claim(s, dir_fd, ret, id);
    }
    return rc;
}

static const char *given_level(const struct strv *words)
{
    const char *level = NULL;
    for (size_t i = 0; i < words->len; i++)
        if (strncmp(words->items[i], "level:", 6) == 0)
            level = words->items[i] + 6;
    return level;
}

/* Also what shares processes or memory with all of the host, or is its root: it is kept from
 * nothing. As in docker, unless a label is asked for. */
static bool is_without(const struct mtd_spec *s)
{
    bool host = s->process.privileged || s->pid_host || s->ipc == MTD_IPC_HOST;
    return selinux_has_word(&s->label_words, "disable") ||
           (host && s->label_words.len == 0);
}

static int set_labels(struct mtd_spec *s, const char *level, struct mtd_error *err)
{
    char process[SELINUX_LABEL_SIZE], files[SELINUX_LABEL_SIZE];
    auto_done(strv_done) struct strv words = {0};
    if (strv_add_all(&words, &s->label_words) < 0 ||
        (is_without(s) && strv_add(&words, "disable") < 0))
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = selinux_choose(-1, &words, level, process, files, err);
    if (rc == 0 && *process)
        rc = selinux_check(process, err);
    if (rc == 0)
        rc = selinux_check(files, err);
    if (rc < 0)
        return rc;
    free(s->process.selinux);
    free(s->mount_label);
    s->process.selinux = strdup(process);
    s->mount_label = strdup(files);
    return s->process.selinux && s->mount_label ? 0
                                                : mtd_fail(err, ENOMEM, "out of memory");
}

/* One that was asked for may be shared. */
static int claim_and_set(struct store *s, struct mtd_record *r, struct mtd_error *err)
{
    char pair[SELINUX_LEVEL_SIZE] = "";
    const char *given = given_level(&r->spec.label_words);
    const char *level = given ? given : pair;
    auto_fd int dir = store_lock_claims(s, DIR_NAME);
    int rc = dir < 0 ? dir
             : given ? claim(s, dir, given, r->id)
                     : claim_any(s, dir, r->id, pair);
    if (rc < 0 && !(given && rc == -EEXIST))
        return mtd_fail_errno(err, -rc, "cannot claim SELinux categories");
    rc = set_labels(&r->spec, level, err);
    if (rc < 0 && is_owned_by(dir, level, r->id))
        unlinkat(dir, level, 0);
    return rc;
}

int store_label_claim(struct store *s, struct mtd_record *r, struct mtd_error *err)
{
    if (!selinux_is_enabled(-1))
        return 0;
    return is_without(&r->spec) ? set_labels(&r->spec, "s0", err)
                                : claim_and_set(s, r, err);
}

void store_label_drop(struct store *s, const struct mtd_record *r)
{
    char level[SELINUX_LABEL_SIZE];
    if (!r->spec.mount_label)
        return;
    auto_fd int dir = store_lock_claims(s, DIR_NAME);
    selinux_level(r->spec.process.selinux, level);
    if (dir >= 0 && *level && is_owned_by(dir, level, r->id))
        unlinkat(dir, level, 0);
}

/* Of one whose record cannot be read. */
void store_label_drop_all(struct store *s, const char *id)
{
    if (faccessat(s->root_fd, DIR_NAME, F_OK, 0) < 0)
        return;
    auto_fd int fd = store_lock_claims(s, DIR_NAME);
    auto_done(fs_dir_done) struct fs_dir dir;
    const struct dirent64 *e;
    if (fd < 0 || fs_dir_open(&dir, fd) < 0)
        fs_dir_init(&dir, -1);
    while ((e = fs_dir_next(&dir)))
        if (is_owned_by(fd, e->d_name, id))
            unlinkat(fd, e->d_name, 0);
}
