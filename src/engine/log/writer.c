/* Lines are copied, each with its head, into one buffer, which is written at once: an
 * iovec per line would cost the kernel more than the copy costs us. */

#include "engine/log/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"

#define BATCH ((size_t)128 << 10)

/* Repairs what a crash left at the end: a record without its '\n' gets one, so that its
 * text ends where it was cut; anything less is truncated. */
static int repair_tail(int dir_fd, int fd, struct stat *st)
{
    if (st->st_size == 0)
        return 0;
    uint64_t end;
    bool torn;
    auto_fd int in = openat(dir_fd, LOG_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int rc = in < 0 ? -errno : log_find_end(in, (uint64_t)st->st_size, &end, &torn);
    if (rc < 0)
        return rc;
    if (end < (uint64_t)st->st_size && ftruncate(fd, (off_t)end) < 0)
        return -errno;
    if (torn && write(fd, "\n", 1) != 1 && ftruncate(fd, (off_t)end) < 0)
        return -errno;
    return fstat(fd, st) < 0 ? -errno : 0;
}

int log_open_present(struct log_writer *w, bool repair)
{
    struct stat st;
    auto_fd int fd = openat(w->dir_fd, LOG_NAME, LOG_OPEN_FLAGS, LOG_MODE);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    int rc = repair ? repair_tail(w->dir_fd, fd, &st) : 0;
    if (rc < 0)
        return rc;
    log_take_file(w, take_fd(&fd), &st);
    return 0;
}

int log_open_rest(struct log_writer *w, struct mtd_error *err)
{
    w->out =
        mmap(NULL, BATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (w->out == MAP_FAILED) {
        int rc = errno;
        close(w->fd);
        return mtd_fail_errno(err, rc, "cannot open the container's log");
    }
    log_trim(w);
    return 0;
}

int log_open(struct log_writer *ret, int dir_fd, uint64_t max_size, unsigned max_file,
             struct mtd_error *err)
{
    struct log_writer w = {.fd = -1,
                           .dir_fd = dir_fd,
                           .spool_dir = -1,
                           .max_size = max_size,
                           .max_file = max_file ? max_file : 1};
    int rc = log_open_present(&w, true);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot open the container's log");
    rc = log_open_rest(&w, err);
    if (rc == 0)
        *ret = w;
    return rc;
}

/* How many of the container's bytes are in the whole records of out[0..len). */
static uint64_t count_text(const char *out, size_t len)
{
    uint64_t bytes = 0;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(out + at + LOG_HEAD, '\n', len - at - LOG_HEAD);
        size_t next = (size_t)(end - out) + 1;
        bytes += next - at - LOG_HEAD - (out[at + 38] == 'P');
        at = next;
    }
    return bytes;
}

/* Writes all of it, or after a failure up to the end of some record. Returns
 * the bytes written. */
static size_t write_records(struct log_writer *w, const char *data, size_t len,
                            int *ret_rc)
{
    size_t done = 0;
    *ret_rc = 0;
    while (done < len && *ret_rc == 0) {
        ssize_t n = write(w->fd, data + done, len - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            *ret_rc = n == 0 ? -EIO : -errno;
    }
    if (*ret_rc < 0 && done > 0) {
        const char *end = memrchr(data, '\n', done);
        size_t whole = end ? (size_t)(end - data) + 1 : 0;
        struct stat st;
        if (whole < done && fstat(w->fd, &st) == 0 &&
            ftruncate(w->fd, st.st_size - (off_t)(done - whole)) == 0)
            done = whole;
    }
    w->size += done;
    return done;
}

/* Another program may have deleted, moved or truncated the file. */
static int check_file(struct log_writer *w)
{
    struct stat st;
    if (fstatat(w->dir_fd, LOG_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_ino == w->ino) {
        w->size = (uint64_t)st.st_size;
        return 0;
    }
    return log_open_present(w, true);
}

static void note_loss(struct log_writer *w, uint64_t bytes, int rc)
{
    if (w->lost == 0)
        w->lost_why = -rc;
    w->lost += bytes;
}

static int flush(struct log_writer *w)
{
    size_t len = w->out_len;
    w->out_len = 0;
    if (len == 0)
        return 0;
    check_file(w); /* on failure the open file still takes the bytes */
    if (w->max_size && w->size && w->size + len > w->max_size) {
        log_mark(
            w); /* what a killed writer had written, and this one skipped, is in the old file */
        log_rotate(w);
    }
    log_mark(w);
    fault_point("log.write");
    int rc;
    size_t done = write_records(w, w->out, len, &rc);
    fault_point("log.written");
    log_mirror_add(w, w->out, done);
    if (done < len)
        note_loss(w, count_text(w->out + done, len - done), rc);
    w->done = w->taken;
    log_mark(w);
    return rc;
}

/* A killed writer has written this record, or part of it: the rest goes to the
 * same file at once. */
static int complete_record(struct log_writer *w, const char *record, size_t len)
{
    size_t there = w->skip < len ? (size_t)w->skip : len;
    int rc = 0;
    w->skip -= there;
    if (write_records(w, record + there, len - there, &rc) < len - there) {
        w->size -= there;
        (void)!ftruncate(w->fd, (off_t)w->size);
        note_loss(w, count_text(record, len), rc);
    }
    return rc;
}

/* head: 40 bytes with the tag at 38. Flushes before a record that does not fit, so that a
 * file is longer than max_size only if one record is. */
static int add_record(struct log_writer *w, const char *head, char tag, const char *text,
                      size_t len)
{
    size_t need = LOG_HEAD + len + 1;
    int rc = 0;
    if (w->out_len + need > BATCH ||
        (w->max_size && w->size + w->out_len + need > w->max_size))
        rc = flush(w);
    char *p = w->out + w->out_len;
    memcpy(p, head, LOG_HEAD);
    p[38] = tag; /* set in head, it would be a store that the copy has to wait for */
    memcpy(p + LOG_HEAD, text, len);
    p[LOG_HEAD + len] = '\n';
    if (w->skip)
        return complete_record(w, p, need);
    w->out_len += need;
    return rc;
}

static void make_head(char head[TIME_TEXT + 16], enum log_stream stream, int64_t wall_ns)
{
    time_format_rfc3339(wall_ns ? wall_ns : 1, head);
    snprintf(head + LOG_TIME_LEN, 16, " %s F ",
             stream == LOG_STDERR ? "stderr" : "stdout");
}

/* Written before anything that follows the gap. A line interrupted by the
 * gap ends before it. */
static int mark_gap(struct log_writer *w, int64_t wall_ns)
{
    char head[TIME_TEXT + 16], text[128];
    int n = snprintf(text, sizeof(text), "[mytop-docker: %llu bytes lost: %s]",
                     (unsigned long long)w->lost,
                     w->lost_why == ENOSPC ? "no space left on device"
                                           : strerror(w->lost_why));
    for (int s = LOG_STDOUT; s <= LOG_STDERR; s++) {
        make_head(head, (enum log_stream)s, wall_ns);
        if (w->partial[s])
            add_record(w, head, 'F', "", 0);
    }
    add_record(w, head, 'F', text, (size_t)n); /* on stderr, the last of the two */
    size_t len = w->out_len;
    w->out_len = 0;
    check_file(w);
    log_mark(w);
    int rc;
    if (write_records(w, w->out, len, &rc) < len)
        return rc;
    log_mirror_add(w, w->out, len);
    w->lost = 0;
    w->partial[LOG_STDOUT] = w->partial[LOG_STDERR] = false;
    log_mark(w);
    return 0;
}

int log_write(struct log_writer *w, enum log_stream stream, const char *data, size_t len,
              int64_t wall_ns)
{
    char head[TIME_TEXT + 16];
    if (w->discards && !log_is_read(w->dir_fd)) {
        w->done = w->taken += len;
        log_mark(w);
        return 0;
    }
    int rc = w->lost ? mark_gap(w, wall_ns) : 0;
    if (rc < 0) {
        w->lost += len;
        w->done = w->taken += len;
        log_mark(w);
        return rc;
    }
    make_head(head, stream, wall_ns);
    const char *end = data + len;
    while (data < end) {
        size_t rest = (size_t)(end - data),
               max = rest < LOG_TEXT_MAX ? rest : LOG_TEXT_MAX;
        const char *nl =
            memchr(data, '\n', rest <= LOG_TEXT_MAX ? rest : LOG_TEXT_MAX + 1);
        size_t n = nl ? (size_t)(nl - data) : max;
        int one = add_record(w, head, nl ? 'F' : 'P', data, n);
        rc = rc < 0 ? rc : one;
        data += n + (nl != NULL);
        w->taken += n + (nl != NULL);
        if (w->out_len == 0)
            w->done = w->taken;
        w->partial[stream] = nl == NULL;
    }
    int last = flush(w);
    return rc < 0 ? rc : last;
}

void log_idle(struct log_writer *w)
{
    if (w->out)
        madvise(w->out, BATCH, MADV_DONTNEED);
    log_mirror_idle(w);
    log_spool_idle(w);
}

void log_close(struct log_writer *w)
{
    if (w->fd >= 0 && w->lost)
        mark_gap(w, clock_wall_ns());
    log_mirror_finish(w);
    if (w->fd >= 0)
        close(w->fd);
    if (w->out)
        munmap(w->out, BATCH);
    if (w->fd >= 0 && w->discards)
        log_clear(w);
    log_spool_close(w);
    w->fd = -1;
    w->out = NULL;
}
