/* The lock on the file is held from the search until the device has it, so that two processes do
 * not each make one. */

#include "engine/host/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define TRIES 64

static bool has_file(int device_fd, const struct stat *st)
{
    struct loop_info64 info = {0};
    return ioctl(device_fd, LOOP_GET_STATUS64, &info) == 0 && info.lo_offset == 0 &&
           info.lo_device == st->st_dev && info.lo_inode == st->st_ino;
}

static int find(const struct stat *st, int how, char path[LOOP_PATH])
{
    auto_fd int all = fs_open_dir_at(AT_FDCWD, "/sys/block");
    auto_done(fs_dir_done) struct fs_dir dir;
    if (all < 0)
        return -ENOENT;
    fs_dir_open(&dir, all);
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));) {
        char backing[300];
        unsigned number;
        if (sscanf(d->d_name, "loop%u", &number) != 1)
            continue;
        snprintf(backing, sizeof(backing), "%s/loop/backing_file", d->d_name);
        if (faccessat(all, backing, F_OK, 0) < 0)
            continue;
        snprintf(path, LOOP_PATH, "/dev/loop%u", number);
        auto_fd int fd = open(path, how | O_CLOEXEC);
        if (fd >= 0 && has_file(fd, st))
            return take_fd(&fd);
    }
    return -ENOENT;
}

static int make(int file_fd, int how, char path[LOOP_PATH])
{
    struct loop_config config = {
        .fd = (unsigned)file_fd,
        .info.lo_flags = LO_FLAGS_AUTOCLEAR | (how == O_RDONLY ? LO_FLAGS_READ_ONLY : 0)};
    auto_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return -errno;
    for (int tries = 0; tries < TRIES; tries++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            return -errno;
        snprintf(path, LOOP_PATH, "/dev/loop%d", number);
        auto_fd int fd = open(path, how | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
            return take_fd(&fd);
        if (errno != EBUSY) /* somebody else was faster */
            return -errno;
    }
    return -EBUSY;
}

int loop_open(const char *file, bool read_only, char path[LOOP_PATH], int *ret_fd)
{
    struct stat st;
    int how = read_only ? O_RDONLY : O_RDWR;
    auto_fd int fd = open(file, how | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    /* Not by the same descriptor: the device keeps that one's file open, and with it a lock. */
    auto_fd int lock = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || lock < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    while (flock(lock, LOCK_EX) < 0)
        if (errno != EINTR)
            return -errno;
    auto_fd int device = find(&st, how, path);
    if (device == -ENOENT)
        device = make(fd, how, path);
    if (device < 0)
        return device;
    *ret_fd = take_fd(&device);
    return 0;
}
