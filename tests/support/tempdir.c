#include "tempdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "guard.h"

static void end_containers(const char *dir)
{
    char command[512];
    snprintf(command, sizeof(command),
             "[ ! -d '%s/root/containers' ] || { p='" MTD_PROGRAM
             " --root %s/root --run-root %s/run'; ids=$($p ps -aq) && $p rm -f $ids; } "
             ">/dev/null 2>&1",
             dir, dir, dir);
    (void)!system(command);
}

/* A test that is skipped or fails in its middle never gets to its end. */
static void remove_one(const char *dir)
{
    end_containers(dir);
    (void)fs_remove_tree_at(AT_FDCWD, dir);
    tempdir_forget_config(dir);
}

static void remove_left(void)
{
    guard_each(remove_one);
}

static void note(const char *dir)
{
    static bool first = true;
    if (first)
        atexit(remove_left);
    first = false;
    guard_add(dir);
}

void tempdir_make(struct tempdir *d)
{
    /* In memory if possible: with a busy disk most of the tests' time would be waiting
     * for it. */
    snprintf(d->path, sizeof(d->path), "/dev/shm/mtd-test.XXXXXX");
    if (!mkdtemp(d->path))
        snprintf(d->path, sizeof(d->path), "/tmp/mtd-test.XXXXXX");
    if (access(d->path, F_OK) < 0 && !mkdtemp(d->path))
        abort();
    d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd < 0)
        abort();
    note(d->path);
}

void tempdir_forget_config(const char *dir)
{
    char path[512];
    snprintf(path, sizeof(path), "%s.config", dir);
    unlink(path);
    guard_drop(dir);
}

void tempdir_done(struct tempdir *d)
{
    close(d->fd);
    d->fd = -1;
    if (fs_remove_tree_at(AT_FDCWD, d->path) < 0)
        abort();
    tempdir_forget_config(d->path);
}

void tempdir_put(const struct tempdir *d, const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof(full), "%s/%s", d->path, path);
    *strrchr(full, '/') = '\0';
    if (fs_mkdir_p(full, 0755) < 0 ||
        fs_replace_at(d->fd, path, text, strlen(text), 0644, false) < 0)
        abort();
}

void tempdir_configure(const char *dir, const char *text)
{
    char path[512], whole[1024];
    int n = snprintf(whole, sizeof(whole), "%snetwork = none\n", text);
    snprintf(path, sizeof(path), "%s.config", dir);
    note(dir);
    guard_start(); /* who has a configuration runs the program */
    if (n >= (int)sizeof(whole) ||
        fs_replace_at(AT_FDCWD, path, whole, (size_t)n, 0600, false) < 0 ||
        setenv("MYTOP_DOCKER_CONFIG", path, 1) < 0)
        abort();
}

int tempdir_count(int dir_fd, const char *name)
{
    int n = 0, fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    while (dir && readdir(dir))
        n++;
    return dir ? n - 2 : -1;
}
