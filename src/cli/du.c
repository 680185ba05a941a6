#include "cli/du.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"

uint64_t du_tree(const char *path)
{
    return fs_size_at(AT_FDCWD, path);
}

uint64_t du_logs(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_done(fs_dir_done) struct fs_dir list;
    const struct dirent64 *d;
    uint64_t size = 0;
    struct stat st;
    fs_dir_init(&list, fd);
    while ((d = fs_dir_next(&list)))
        if (strstr(d->d_name, ".log") &&
            fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            size += (uint64_t)st.st_size;
    return size;
}
