/* Writer and readers are different processes, perhaps of different versions: the
 * format of a record and of a file's name, and the end of a damaged file, are
 * decided here for both. */

#include "engine/log/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

/* '0' = any digit; other characters match themselves. */
static const char TIME_SHAPE[] = "0000-00-00T00:00:00.000000000Z";

static bool is_time(const char *s)
{
    for (int i = 0; i < LOG_TIME_LEN; i++) {
        bool digit = s[i] >= '0' && s[i] <= '9';
        if (TIME_SHAPE[i] == '0' ? !digit : s[i] != TIME_SHAPE[i])
            return false;
    }
    return true;
}

int log_parse(const char *line, size_t len, struct log_record *ret)
{
    if (len < LOG_HEAD || !is_time(line) || line[30] != ' ' || line[37] != ' ' ||
        line[39] != ' ' || (line[38] != 'F' && line[38] != 'P'))
        return -EBADMSG;
    enum log_stream stream;
    if (memcmp(line + 31, "stdout", 6) == 0)
        stream = LOG_STDOUT;
    else if (memcmp(line + 31, "stderr", 6) == 0)
        stream = LOG_STDERR;
    else
        return -EBADMSG;
    *ret = (struct log_record){.time = line,
                               .stream = stream,
                               .full = line[38] == 'F',
                               .text = line + LOG_HEAD,
                               .len = len - LOG_HEAD};
    return 0;
}

int64_t log_time(const struct log_record *r)
{
    char text[LOG_TIME_LEN + 1];
    int64_t ns = 0;
    memcpy(text, r->time, LOG_TIME_LEN);
    text[LOG_TIME_LEN] = '\0';
    return time_parse(text, 0, &ns) == 0 ? ns : 0;
}

const char *log_name(unsigned index, char out[LOG_NAME_SIZE])
{
    if (index == 0)
        snprintf(out, LOG_NAME_SIZE, LOG_NAME);
    else
        snprintf(out, LOG_NAME_SIZE, LOG_NAME ".%u", index);
    return out;
}

static bool has_file(int dir_fd, unsigned index)
{
    char name[LOG_NAME_SIZE];
    return faccessat(dir_fd, log_name(index, name), F_OK, 0) == 0;
}

/* The numbers have no gap but in a rotation, which a kill may have cut off: then one is
 * missing. */
bool log_was_rotated(int dir_fd, const char *path)
{
    char name[LOG_NAME_SIZE], file[PATH_MAX];
    bool any = false;
    for (unsigned i = 1; i <= 2 && !any; i++) {
        snprintf(file, sizeof(file), "%s/%s", path, log_name(i, name));
        any = faccessat(dir_fd, file, F_OK, 0) == 0;
    }
    return any;
}

unsigned log_oldest(int dir_fd)
{
    if (!has_file(dir_fd, 1) && !has_file(dir_fd, 2))
        return 0;
    auto_done(fs_dir_done) struct fs_dir dir;
    unsigned long highest = 0;
    const struct dirent64 *e;
    fs_dir_open(&dir, dir_fd);
    while ((e = fs_dir_next(&dir))) {
        char *end;
        const char *number = e->d_name + sizeof(LOG_NAME ".") - 1;
        if (strncmp(e->d_name, LOG_NAME ".", sizeof(LOG_NAME ".") - 1) != 0 ||
            *number < '1' || *number > '9')
            continue;
        unsigned long n = strtoul(number, &end, 10);
        if (*end == '\0' && n > highest && n < 1000000)
            highest = n;
    }
    /* readdir may miss a file that is renamed at the same moment. */
    while (has_file(dir_fd, (unsigned)highest + 1))
        highest++;
    return (unsigned)highest;
}

int64_t log_find_back(int fd, uint64_t size, char c, bool equal)
{
    char buf[16384];
    while (size > 0) {
        size_t n = size < sizeof(buf) ? (size_t)size : sizeof(buf);
        ssize_t got = pread(fd, buf, n, (off_t)(size - n));
        if (got != (ssize_t)n)
            return got < 0 ? -errno : -EIO;
        for (size_t i = n; i > 0; i--)
            if ((buf[i - 1] == c) == equal)
                return (int64_t)(size - n + i);
        size -= n;
    }
    return 0;
}

/* After a power loss the file may end in NULs: its size reached the disk,
 * its bytes did not. */
int log_find_end(int fd, uint64_t size, uint64_t *ret_end, bool *ret_torn)
{
    int64_t used = log_find_back(fd, size, '\0', false);
    int64_t line = used < 0 ? used : log_find_back(fd, (uint64_t)used, '\n', true);
    if (line < 0)
        return (int)line;
    char head[LOG_HEAD];
    struct log_record r;
    ssize_t n = pread(fd, head, sizeof(head), line);
    bool torn = n == (ssize_t)sizeof(head) && used - line >= LOG_HEAD &&
                log_parse(head, sizeof(head), &r) == 0;
    *ret_torn = torn;
    *ret_end = torn ? (uint64_t)used : (uint64_t)line;
    return n < 0 ? -errno : 0;
}
