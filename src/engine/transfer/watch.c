/* skopeo draws its progress on terminals only, so it is looked at from outside: while it
 * downloads, by the sizes of the files it writes, which get their blob's name when they
 * are complete; while it uploads, by where it is in the files it reads. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/transfer/skopeo.h"

#define TEMP_PREFIX "oci-put-blob" /* skopeo's name for a blob that is not complete */
#define FILES_MAX 32

int watch_open(struct watch *w, const struct mtd_registry *how,
               const struct transfer_dir *dir, const struct oci_manifest *m)
{
    *w = (struct watch){.how = how,
                        .dir = dir,
                        .manifest = m,
                        .blobs_fd =
                            fs_open_dir_at(dir->store->root_fd, "images/blobs/sha256"),
                        .finished = calloc(m->n_layers + 1, sizeof(bool)),
                        .done = calloc(m->n_layers + 1, sizeof(uint64_t))};
    return w->finished && w->done ? 0 : -ENOMEM;
}

void watch_done(struct watch *w)
{
    if (w->blobs_fd >= 0)
        close(take_fd(&w->blobs_fd));
    free(take_ptr(&w->finished));
    free(take_ptr(&w->done));
}

static void report(const struct watch *w, size_t layer)
{
    const struct oci_descriptor *d = &w->manifest->layers[layer];
    char id[13];
    snprintf(id, sizeof(id), "%.12s", d->digest);
    const struct mtd_progress_step step = {.id = id,
                                           .what = w->what,
                                           .done = w->done[layer],
                                           .total = d->size,
                                           .finished = w->finished[layer]};
    mtd_progress_report(w->how->progress, &step);
}

static void set(struct watch *w, size_t layer, uint64_t done, bool finished)
{
    if (w->finished[layer] || (w->done[layer] == done && !finished))
        return;
    w->done[layer] = done;
    w->finished[layer] = finished;
    report(w, layer);
}

static uint64_t sum(const struct watch *w)
{
    uint64_t all = 0;
    for (size_t i = 0; i < w->manifest->n_layers; i++)
        all += w->done[i] + w->finished[i];
    return all;
}

/* ---- download ---- */

struct growing {
    uint64_t size, born;
};

static int compare_birth(const void *a, const void *b)
{
    const struct growing *x = a, *y = b;
    return x->born < y->born ? -1 : x->born > y->born;
}

/* The files being written, oldest first. */
static size_t list_growing(const struct watch *w, struct growing *ret)
{
    auto_done(fs_dir_done) struct fs_dir list = {.fd = -1};
    const struct dirent64 *d;
    size_t n = 0;
    if (fs_dir_open(&list, w->dir->fd) < 0)
        return 0;
    while (n < FILES_MAX && (d = fs_dir_next(&list))) {
        struct statx st;
        if (strncmp(d->d_name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0 &&
            statx(w->dir->fd, d->d_name, AT_SYMLINK_NOFOLLOW, STATX_SIZE | STATX_BTIME,
                  &st) == 0)
            ret[n++] = (struct growing){st.stx_size,
                                        (uint64_t)st.stx_btime.tv_sec * 1000000000u +
                                            st.stx_btime.tv_nsec};
    }
    qsort(ret, n, sizeof(*ret), compare_birth);
    return n;
}

/* skopeo begins layers in their order, so the oldest file is taken for the first of those
 * that are not there; which it is shows when it is complete. */
uint64_t watch_download(void *watch, pid_t pid)
{
    struct watch *w = watch;
    const struct oci_manifest *m = w->manifest;
    struct growing files[FILES_MAX];
    size_t n = list_growing(w, files), next = 0;
    uint64_t moved = 0;
    (void)pid;
    for (size_t i = 0; i < n; i++)
        moved += files[i].size;
    for (size_t i = 0; i < m->n_layers; i++)
        if (w->blobs_fd >= 0 && faccessat(w->blobs_fd, m->layers[i].digest, F_OK, 0) == 0)
            set(w, i, m->layers[i].size, true);
    for (size_t i = 0; i < m->n_layers && next < n; i++) {
        if (w->finished[i])
            continue;
        uint64_t size = files[next++].size;
        set(w, i, size < m->layers[i].size ? size : m->layers[i].size, false);
    }
    return sum(w) + moved;
}

/* ---- upload ---- */

/* "pos:\t123" */
static uint64_t position_of(int fdinfo, const char *fd)
{
    char text[256];
    const char *pos;
    uint64_t ret = 0;
    int rc = fs_read_small_at(fdinfo, fd, text, sizeof(text));
    if (rc <= 0 || !(pos = strstr(text, "pos:")))
        return 0;
    pos += strspn(pos + 4, " \t") + 4;
    for (; *pos >= '0' && *pos <= '9'; pos++)
        ret = ret * 10 + (uint64_t)(*pos - '0');
    return ret;
}

static void look_at(struct watch *w, int fds, int infos, const char *fd)
{
    const struct oci_manifest *m = w->manifest;
    char path[PATH_MAX];
    ssize_t n = readlinkat(fds, fd, path, sizeof(path) - 1);
    if (n < 0)
        return;
    path[n] = '\0';
    const char *name = strrchr(path, '/');
    for (size_t i = 0; name && i < m->n_layers; i++)
        if (strcmp(name + 1, m->layers[i].digest) == 0) {
            uint64_t at = position_of(infos, fd);
            set(w, i, at, at >= m->layers[i].size);
        }
}

uint64_t watch_upload(void *watch, pid_t pid)
{
    struct watch *w = watch;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    auto_fd int fds = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
    auto_fd int infos = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_done(fs_dir_done) struct fs_dir list = {.fd = -1};
    const struct dirent64 *d;
    if (fds < 0 || infos < 0 || fs_dir_open(&list, fds) < 0)
        return sum(w);
    while ((d = fs_dir_next(&list)))
        look_at(w, fds, infos, d->d_name);
    return sum(w);
}
