/* Other processes must find the sessions of a container: so the front end of each
 * writes <run-root>/<id>/exec/<session id> while the command runs. Its first line
 * identifies the process; a file without its process (the front end was killed) is
 * removed by the next reader. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/proc.h"
#include "engine/exec/exec.h"
#include "engine/exec/internal.h"

#define DIRECTORY "exec"

static int make_id(char out[MTD_ID_SIZE])
{
    unsigned char bytes[MTD_ID_LEN / 2];
    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        return -errno;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

/* "PID START\nCOMMAND\n"; the command is for display only. */
static int format(struct buf *b, pid_t pid, uint64_t start, const struct strv *args)
{
    int rc = buf_printf(b, "%d %llu\n", (int)pid, (unsigned long long)start);
    for (size_t i = 0; i < args->len && rc == 0 && b->len < MTD_EXEC_COMMAND_MAX; i++)
        rc = buf_printf(b, "%s%.*s", i ? " " : "", MTD_EXEC_COMMAND_MAX, args->items[i]);
    return rc < 0 ? rc : buf_putc(b, '\n');
}

int exec_list_add(int run_dir, pid_t pid, const struct strv *args,
                  char ret_id[MTD_ID_SIZE])
{
    auto_done(buf_done) struct buf text = {0};
    char id[MTD_ID_SIZE];
    uint64_t start;
    int rc = proc_start_time(pid, false, &start);
    if (rc == 0)
        rc = make_id(id);
    if (rc == 0)
        rc = format(&text, pid, start, args);
    if (rc < 0)
        return rc;
    auto_fd int dir = fs_open_dir_at(run_dir, DIRECTORY);
    if (dir == -ENOENT && (mkdirat(run_dir, DIRECTORY, 0700) == 0 || errno == EEXIST))
        dir = fs_open_dir_at(run_dir, DIRECTORY);
    if (dir < 0)
        return dir;
    rc = fs_make_whole_at(dir, id, text.data, text.len, 0600, false);
    if (rc == 0)
        memcpy(ret_id, id, sizeof(id));
    return rc;
}

void exec_list_remove(int run_dir, const char *id)
{
    char path[MTD_ID_SIZE + sizeof(DIRECTORY)];
    snprintf(path, sizeof(path), DIRECTORY "/%s", id);
    unlinkat(run_dir, path, 0);
}

/* Splits in place at the first c. */
static char *cut(char *text, char c)
{
    char *at = strchr(text, c);
    if (!at)
        return NULL;
    *at = '\0';
    return at + 1;
}

static int read_session(int dir, const char *id, struct mtd_exec_info *ret)
{
    auto_done(buf_done) struct buf text = {0};
    uint64_t pid, start;
    int rc = fs_read_at(dir, id, 1u << 20, &text);
    if (rc < 0)
        return rc;
    char *start_text = text.len ? cut(text.data, ' ') : NULL;
    char *command = start_text ? cut(start_text, '\n') : NULL;
    if (!command || parse_u64(text.data, INT32_MAX, &pid) < 0 ||
        parse_u64(start_text, UINT64_MAX, &start) < 0)
        return -EINVAL;
    cut(command, '\n');
    snprintf(ret->id, sizeof(ret->id), "%s", id);
    snprintf(ret->command, sizeof(ret->command), "%s", command);
    ret->pid = (pid_t)pid;
    ret->pid_start = start;
    return proc_is(ret->pid, start) ? 0 : -ESRCH;
}

static int collect(DIR *d, struct mtd_exec_info **ret)
{
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        struct mtd_exec_info info;
        if (!hex_is_valid(e->d_name, MTD_ID_LEN))
            continue;
        int rc = read_session(dirfd(d), e->d_name, &info);
        if (rc == -ESRCH)
            unlinkat(dirfd(d), e->d_name, 0);
        if (rc < 0)
            continue;
        struct mtd_exec_info *more = realloc(*ret, (size_t)(n + 1) * sizeof(**ret));
        if (!more)
            return -ENOMEM;
        *ret = more;
        more[n++] = info;
    }
    return n;
}

/* By age: ids are random. */
static int compare_start(const void *a, const void *b)
{
    const struct mtd_exec_info *x = a, *y = b;
    if (x->pid_start != y->pid_start)
        return x->pid_start < y->pid_start ? -1 : 1;
    return strcmp(x->id, y->id);
}

int exec_list(int run_dir, struct mtd_exec_info **ret)
{
    *ret = NULL;
    int fd = fs_open_dir_at(run_dir, DIRECTORY);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    auto_dir DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return -ENOMEM;
    }
    int n = collect(d, ret);
    if (n < 0) {
        free(*ret);
        *ret = NULL;
    }
    if (n > 1)
        qsort(*ret, (size_t)n, sizeof(**ret), compare_start);
    return n;
}
