/* A volume's files are in its _data. Where its options name something else, init attaches that over
 * _data first, in its own mount namespace, with which it goes; then it is a volume as any
 * other. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/host/loop.h"
#include "engine/host/mount.h"
#include "engine/volume/volume.h"

#define PATH_ROOM 4096
#define WORDS_ROOM 512

static int bind_device(const struct volume_source *s, uint64_t attrs)
{
    const struct mount_how how = {.attrs = attrs, .flat = !s->recursive};
    return mount_bind_as(AT_FDCWD, s->device, &how);
}

/* The superblock is read-only as well: a device may be. */
static int add_read_only(char *words, uint64_t attrs)
{
    size_t used = strlen(words);
    if (!(attrs & MOUNT_ATTR_RDONLY))
        return 0;
    int n = snprintf(words + used, WORDS_ROOM - used, "%sro", used ? "," : "");
    return (size_t)n >= WORDS_ROOM - used ? -ENAMETOOLONG : 0;
}

static int open_file_system(const struct volume_source *s)
{
    char words[WORDS_ROOM], loop[LOOP_PATH];
    uint64_t attrs = 0;
    auto_fd int device = -1;
    const char *source = s->device;
    struct stat st;
    int rc = mount_split(s->words, &attrs, words, sizeof(words));
    if (rc == 0)
        rc = add_read_only(words, attrs);
    if (rc == 0 && *source == '/' && stat(source, &st) == 0 && S_ISREG(st.st_mode)) {
        rc = loop_open(source, attrs & MOUNT_ATTR_RDONLY, loop, &device);
        source = loop;
    }
    return rc < 0 ? rc : mount_new(s->type, source, words, attrs);
}

static int fail(const char *name, const struct volume_source *s, int code,
                struct mtd_error *err)
{
    return rootfs_fail(err, MTD_STAGE_MOUNT, -code,
                       "cannot mount volume %.60s: type=%.20s, device=%.80s%s%.60s", name,
                       s->type, s->device, s->words ? ", o=" : "",
                       s->words ? s->words : "");
}

/* The container has it twice: once is enough. */
static bool is_repeated(const struct mtd_spec *s, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (s->mounts[k].type == MTD_MOUNT_VOLUME &&
            strcmp(s->mounts[k].source, s->mounts[i].source) == 0)
            return true;
    return false;
}

/* ---- by init's parent ---- */

static int open_dir(const char *volumes_dir, const char *name)
{
    char dir[PATH_ROOM];
    int n = snprintf(dir, sizeof(dir), "%s/%s", volumes_dir, name);
    return n < 0 || (size_t)n >= sizeof(dir) ? -ENAMETOOLONG
                                             : fs_open_dir_at(AT_FDCWD, dir);
}

static int add(struct rootfs_file_systems **all, size_t i, const char *name, int mount_fd,
               struct mtd_error *err)
{
    if (!*all)
        *all = calloc(1, sizeof(**all));
    if (!*all || (*all)->n == ROOTFS_FILE_SYSTEMS) {
        close(mount_fd);
        return mtd_fail(err, *all ? EMFILE : ENOMEM,
                        "cannot mount volume %.60s: more than %d file systems", name,
                        ROOTFS_FILE_SYSTEMS);
    }
    (*all)->mounts[(*all)->n] = i;
    (*all)->fds[(*all)->n++] = mount_fd;
    return 0;
}

static int open_of(const struct mtd_spec *spec, const char *volumes_dir, size_t i,
                   struct rootfs_file_systems **all, struct mtd_error *err)
{
    const char *name = spec->mounts[i].source;
    auto_done(mtd_volume_done) struct mtd_volume v = {0};
    auto_done(volume_source_done) struct volume_source s = {0};
    auto_fd int dir = open_dir(volumes_dir, name);
    if (dir < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -dir, "cannot open volume %.60s", name);
    int rc = volume_read(dir, name, &v, err);
    if (rc == 0)
        rc = volume_source_parse(&v.options, &s, err);
    if (rc < 0 || s.kind != VOLUME_FS)
        return rc;
    rc = open_file_system(&s);
    return rc < 0 ? fail(name, &s, rc, err) : add(all, i, name, rc, err);
}

int rootfs_open_file_systems(const struct mtd_spec *s, const char *volumes_dir,
                             struct rootfs_file_systems **ret, struct mtd_error *err)
{
    struct rootfs_file_systems *all = NULL;
    int rc = 0;
    for (size_t i = 0; i < s->n_mounts && rc == 0; i++)
        if (s->mounts[i].type == MTD_MOUNT_VOLUME && !is_repeated(s, i))
            rc = open_of(s, volumes_dir, i, &all, err);
    if (rc < 0)
        rootfs_file_systems_free(all);
    else
        *ret = all;
    return rc;
}

void rootfs_file_systems_free(struct rootfs_file_systems *f)
{
    for (size_t i = 0; f && i < f->n; i++)
        close(f->fds[i]);
    free(f);
}

/* ---- by init ---- */

static int attach(int mount_fd, int dir_fd)
{
    auto_fd int data =
        openat(dir_fd, VOLUME_DATA, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return data < 0 ? -errno : mount_move(mount_fd, data);
}

static int find(const struct rootfs_file_systems *f, size_t i)
{
    for (size_t k = 0; f && k < f->n; k++)
        if (f->mounts[k] == i)
            return f->fds[k];
    return -1;
}

static int attach_device(const struct volume_source *s, int dir_fd)
{
    char rest[WORDS_ROOM];
    uint64_t attrs = 0;
    int rc = mount_split(s->words, &attrs, rest, sizeof(rest));
    if (rc == 0 && *rest)
        rc = -EINVAL;
    auto_fd int mount = rc < 0 ? rc : bind_device(s, attrs);
    return mount < 0 ? mount : attach(mount, dir_fd);
}

static int mount_options(const struct rootfs *r, size_t i, int dir_fd,
                         struct mtd_error *err)
{
    const char *name = r->record->spec.mounts[i].source;
    auto_done(mtd_volume_done) struct mtd_volume v = {0};
    auto_done(volume_source_done) struct volume_source s = {0};
    int mount = find(r->file_systems, i);
    if (mount >= 0 || is_repeated(&r->record->spec, i))
        return mount < 0 ? 0 : attach(mount, dir_fd);
    int rc = volume_read(dir_fd, name, &v, err);
    if (rc == 0)
        rc = volume_source_parse(&v.options, &s, err);
    if (rc < 0 || s.kind != VOLUME_BIND)
        return rc;
    rc = attach_device(&s, dir_fd);
    return rc < 0 ? fail(name, &s, rc, err) : 0;
}

/* Below the volume, whatever links a container has put there. */
static int clone_part(int dir_fd, const char *subpath, const struct mount_how *how)
{
    auto_fd int data =
        openat(dir_fd, VOLUME_DATA, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (data < 0)
        return -errno;
    auto_fd int part = fs_open_in_root(data, subpath, O_PATH | O_CLOEXEC, 0);
    return part < 0 ? part : mount_bind_as(part, "", how);
}

static int clone_part_of(const struct mtd_mount *m, int dir_fd,
                         const struct mount_how *how, struct mtd_error *err)
{
    int fd = clone_part(dir_fd, m->subpath, how);
    return fd < 0 ? rootfs_fail(err, MTD_STAGE_MOUNT, -fd,
                                "cannot mount %.80s of volume %.60s on %.60s", m->subpath,
                                m->source, m->target)
                  : fd;
}

/* A volume's directory is ours: no link leads elsewhere. With a map the volume's ids are the
 * container's, whatever its range is on the host, so that containers can share it. */
int rootfs_volume(const struct rootfs *r, size_t i, struct mtd_error *err)
{
    const struct mtd_mount *m = &r->record->spec.mounts[i];
    const struct mount_how how = rootfs_bind_how(r, m);
    struct stat st;
    auto_fd int fd = open_dir(r->volumes_dir, m->source);
    int rc = fd < 0 ? fd : mount_options(r, i, fd, err);
    if (rc == 0)
        rc = rootfs_label_mount(r, m, err);
    if (rc < 0)
        return rc;
    if (m->subpath)
        return clone_part_of(m, fd, &how, err);
    auto_fd int mount = mount_bind_as(fd, VOLUME_DATA, &how);
    if (mount >= 0 && (fstat(mount, &st) < 0 || !S_ISDIR(st.st_mode)))
        return -ENOTDIR;
    return mount < 0 ? mount : take_fd(&mount);
}
