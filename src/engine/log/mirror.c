/* The log once more, in docker's json-file format or for systemd's journal. A line that the log has in parts is put
 * together, as docker waits for its end; it may wait for 16 kB of text, or while 64 kB of other
 * records pass. A small file says how far it is, whenever no line is begun: the place in the log,
 * and the length of the mirror then. A writer that was killed is followed by one that makes the
 * same lines again from there, and writes what is missing of them: the records alone decide what
 * they are. So the mirror needs neither the log's spool nor a lock. */

#include "engine/log/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"

#define PLACE_NAME LOG_NAME ".mirrored"
#define LINES_ROOM (2 * (size_t)LOG_JSON_MAX)
#define ROOM (LINES_ROOM + 3 * (size_t)LOG_TEXT_MAX)
#define PATIENCE (64 * 1024) /* bytes of the log that pass a part */

static void save_place(struct log_mirror *m)
{
    const struct log_place p = m->clean;
    if (m->place_fd >= 0)
        (void)!pwrite(m->place_fd, &p, sizeof(p), 0);
}

static int open_file(struct log_mirror *m, int more)
{
    struct stat st;
    auto_fd int fd = openat(m->dir_fd, m->name, LOG_OPEN_FLAGS | more, LOG_MODE);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (m->fd >= 0)
        close(m->fd);
    m->fd = take_fd(&fd);
    m->ino = st.st_ino;
    m->size = (uint64_t)st.st_size;
    return 0;
}

/* A socket that has failed is opened again: the journal may have been started anew. */
static int open_journal(struct log_mirror *m)
{
    if (m->fd < 0)
        m->fd = log_journal_open();
    return m->fd < 0 ? m->fd : 0;
}

/* Somebody may have moved it away, as logrotate does, or emptied it. */
static int check_file(struct log_mirror *m)
{
    struct stat st;
    if (m->journal)
        return open_journal(m);
    if (m->fd >= 0 && fstatat(m->dir_fd, m->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_ino == m->ino) {
        if (!m->skip)
            m->size = (uint64_t)st.st_size;
        return 0;
    }
    m->skip = 0;
    int rc = open_file(m, 0);
    m->clean.ino = m->ino;
    m->clean.size = m->size;
    return rc;
}

/* NAME.N, or NAME for 0, with the suffix of a compressed one. */
static const char *old_name(const struct log_mirror *m, unsigned n, const char *suffix,
                            char out[sizeof(m->name) + 16])
{
    if (n == 0)
        snprintf(out, sizeof(m->name) + 16, "%s", m->name);
    else
        snprintf(out, sizeof(m->name) + 16, "%s.%u%s", m->name, n, suffix);
    return out;
}

static void move_up(const struct log_mirror *m, unsigned n, const char *suffix)
{
    char from[sizeof(m->name) + 16], to[sizeof(m->name) + 16];
    (void)!renameat(m->dir_fd, old_name(m, n, suffix, from), m->dir_fd,
                    old_name(m, n + 1, suffix, to));
}

static void drop_oldest(const struct log_mirror *m)
{
    char name[sizeof(m->name) + 16];
    unlinkat(m->dir_fd, old_name(m, m->max_file - 1, "", name), 0);
    unlinkat(m->dir_fd, old_name(m, m->max_file - 1, ".gz", name), 0);
}

/* As docker: NAME.1 is the newest of the old ones; a single file is emptied. */
static int rotate(struct log_mirror *m)
{
    if (m->max_file < 2)
        return open_file(m, O_TRUNC);
    drop_oldest(m);
    for (unsigned i = m->max_file - 1; i-- > 0;) {
        move_up(m, i, "");
        if (i > 0)
            move_up(m, i, ".gz");
    }
    m->unpacked = true;
    return open_file(m, 0);
}

/* Writes what is collected but for what a killed writer has written. What is not written is
 * made again, from the log, when there is room. */
static int flush(struct log_mirror *m)
{
    size_t len = m->len, done = m->skip < len ? (size_t)m->skip : len;
    m->len = 0;
    m->skip -= done;
    if (done < len) {
        int rc = fs_write_all(m->fd, m->out + done, len - done);
        if (rc < 0) {
            (void)!ftruncate(m->fd, (off_t)(m->size + done));
            return rc;
        }
    }
    m->size += len;
    return 0;
}

static int send_record(struct log_mirror *m, const struct log_record *r)
{
    bool more = !r->full && !m->ending;
    int rc = log_journal_send(m->fd, r, more, m->extra, m->extra_len);
    if (rc < 0 && rc != -EAGAIN)
        close(take_fd(&m->fd));
    return rc;
}

static int emit(struct log_mirror *m, const struct log_record *r)
{
    if (m->journal)
        return send_record(m, r);
    int rc = m->len + LOG_JSON_MAX > LINES_ROOM ? flush(m) : 0;
    if (rc == 0)
        m->len += log_json(r, m->extra, m->extra_len, m->out + m->len);
    return rc;
}

static char *part_text(const struct log_mirror *m, enum log_stream stream)
{
    return m->out + LINES_ROOM + (size_t)stream * LOG_TEXT_MAX;
}

static bool is_begun(const struct log_mirror *m)
{
    return m->parts[LOG_STDOUT].len > 0 || m->parts[LOG_STDERR].len > 0;
}

static int emit_part(struct log_mirror *m, enum log_stream stream, bool full)
{
    struct log_part *p = &m->parts[stream];
    struct log_record r = {.time = p->time,
                           .stream = stream,
                           .full = full,
                           .text = part_text(m, stream),
                           .len = p->len};
    p->len = 0;
    return emit(m, &r);
}

static int emit_parts(struct log_mirror *m)
{
    int rc = 0;
    for (int i = LOG_STDOUT; i <= LOG_STDERR && rc == 0; i++)
        if (m->parts[i].len > 0)
            rc = emit_part(m, (enum log_stream)i, false);
    return rc;
}

/* The record's text goes behind what its line has already; full parts and whole lines go out. */
static int join(struct log_mirror *m, const struct log_record *r)
{
    struct log_part *p = &m->parts[r->stream];
    const char *text = r->text;
    size_t left = r->len;
    if (p->len == 0 && r->full)
        return emit(m, r);
    int rc = 0;
    memcpy(p->time, r->time, LOG_TIME_LEN);
    while (left > 0 && rc == 0) {
        size_t room = LOG_TEXT_MAX - p->len, n = left < room ? left : room;
        memcpy(part_text(m, r->stream) + p->len, text, n);
        p->len += n;
        text += n;
        left -= n;
        if (p->len == LOG_TEXT_MAX && (left > 0 || !r->full))
            rc = emit_part(m, r->stream, false);
    }
    return rc == 0 && r->full ? emit_part(m, r->stream, true) : rc;
}

static int turn_over(struct log_mirror *m)
{
    int rc = flush(m);
    if (rc < 0)
        return rc;
    save_place(m);
    rc = rotate(m);
    m->clean.ino = m->ino;
    m->clean.size = m->size;
    if (rc == 0)
        save_place(m);
    return rc;
}

static size_t line_length(const struct log_record *r)
{
    return LOG_HEAD + r->len + 1;
}

/* end: where it ends in its file of the log. */
static int add(struct log_mirror *m, const struct log_record *r, uint64_t log_ino,
               uint64_t end)
{
    bool full = m->max_size && m->size + m->len >= m->max_size;
    int rc = full && !is_begun(m) ? turn_over(m) : 0;
    if (rc == 0)
        rc = join(m, r);
    m->since += line_length(r);
    if (rc == 0 && m->since > PATIENCE)
        rc = emit_parts(m);
    if (rc < 0 || is_begun(m))
        return rc;
    m->since = 0;
    m->clean = (struct log_place){log_ino, end, m->ino, m->size + m->len};
    if (m->journal) /* what is sent cannot be looked at */
        save_place(m);
    return 0;
}

/* Opens the log where the mirror ends, and holds it from there. */
static int find_place(struct log_mirror *m, const struct log_place *p)
{
    int rc = log_reader_open(&m->reader, m->dir_fd, true, 0, NULL);
    if (rc < 0)
        return rc;
    log_reader_hold(&m->reader, NULL);
    for (unsigned i = 0; p->log_ino && i <= log_oldest(m->dir_fd); i++)
        if (log_reader_switch(&m->reader, i, p->log_offset) == 0 &&
            m->reader.ino == p->log_ino)
            return 0;
    log_reader_close(&m->reader);
    rc = log_reader_open(&m->reader, m->dir_fd, true, 0, NULL);
    return rc < 0 ? rc : log_reader_hold(&m->reader, NULL);
}

/* All that the log has. */
static int catch_up(struct log_mirror *m)
{
    struct log_record r;
    const struct log_reader *from = &m->reader;
    int rc = check_file(m);
    while (rc == 0 && (rc = log_reader_next(&m->reader, &r)) == 1)
        rc = add(m, &r, from->ino, from->offset - (from->len - from->start));
    if (rc == 0)
        rc = flush(m);
    log_reader_close(&m->reader);
    return rc;
}

/* What follows the last whole line without a known reason: a power loss. */
static void cut_tail(struct log_mirror *m)
{
    auto_fd int fd =
        openat(m->dir_fd, m->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int64_t end = fd < 0 ? -1 : log_find_back(fd, m->size, '\n', true);
    if (end >= 0 && (uint64_t)end < m->size && ftruncate(m->fd, end) == 0)
        m->size = (uint64_t)end;
}

/* From the place that is on file: what the mirror has beyond is skipped when it is made again. */
static void go_to(struct log_mirror *m, const struct log_place *p)
{
    m->len = 0;
    m->skip = m->since = 0;
    m->parts[LOG_STDOUT].len = m->parts[LOG_STDERR].len = 0;
    m->clean = *p;
    if (p->ino == m->ino && m->size >= p->size) {
        m->skip = m->size - p->size;
        m->size = p->size;
        return;
    }
    cut_tail(m);
    m->clean.ino = m->ino;
    m->clean.size = m->size;
}

static struct log_place read_place(const struct log_mirror *m)
{
    struct log_place p = {0};
    if (m->place_fd < 0 || pread(m->place_fd, &p, sizeof(p), 0) != sizeof(p))
        p = (struct log_place){0};
    return p;
}

static int open_all(struct log_mirror *m)
{
    m->place_fd =
        openat(m->dir_fd, PLACE_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = m->place_fd < 0 ? -errno : m->journal ? 0 : open_file(m, 0);
    if (rc < 0)
        return rc;
    void *out =
        mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (out == MAP_FAILED)
        return -errno;
    m->out = out;
    struct log_place p = read_place(m);
    go_to(m, &p);
    return find_place(m, &p);
}

int log_mirror_open(struct log_mirror *ret, int dir_fd, const char *name,
                    uint64_t max_size, unsigned max_file)
{
    *ret = (struct log_mirror){.dir_fd = dir_fd,
                               .fd = -1,
                               .place_fd = -1,
                               .reader = {.fd = -1},
                               .journal = !name,
                               .max_size = name ? max_size : 0,
                               .max_file = max_file};
    snprintf(ret->name, sizeof(ret->name), "%s", name ? name : "");
    int rc = open_all(ret);
    if (rc < 0)
        log_mirror_close(ret);
    return rc;
}

void log_mirror_start(struct log_writer *w, struct log_mirror *m)
{
    m->behind = catch_up(m) < 0;
    w->mirror = m;
    if (!m->behind)
        save_place(m);
}

/* After a failure the log is where the rest is read from, as long as it has it. */
static int retry(struct log_mirror *m)
{
    int rc = check_file(m);
    struct log_place p = read_place(m);
    if (rc < 0)
        return rc;
    go_to(m, &p);
    rc = find_place(m, &p);
    return rc < 0 ? rc : catch_up(m);
}

/* Whole records, as the log has just got them. */
static int add_all(struct log_mirror *m, const struct log_writer *w, const char *data,
                   size_t len)
{
    struct log_record r;
    uint64_t at = w->size - len;
    int rc = check_file(m);
    for (const char *end = data + len; rc == 0 && data < end;) {
        size_t line = (size_t)((const char *)rawmemchr(data, '\n') - data);
        at += line + 1;
        if (log_parse(data, line, &r) == 0)
            rc = add(m, &r, w->ino, at);
        data += line + 1;
    }
    return rc < 0 ? rc : flush(m);
}

void log_mirror_add(struct log_writer *w, const char *data, size_t len)
{
    struct log_mirror *m = w->mirror;
    if (!m || len == 0)
        return;
    fault_point("log.mirror"); /* to be killed at */
    m->behind = (m->behind ? retry(m) : add_all(m, w, data, len)) < 0;
    fault_point("log.mirrored");
    if (!m->behind)
        save_place(m);
}

void log_mirror_idle(struct log_writer *w)
{
    if (w->mirror && !is_begun(w->mirror))
        madvise(w->mirror->out, ROOM, MADV_DONTNEED);
}

void log_mirror_finish(struct log_writer *w)
{
    struct log_mirror *m = w->mirror;
    if (m)
        m->ending = true;
    if (m && m->behind)
        m->behind = retry(m) < 0;
    if (m && !m->behind && emit_parts(m) == 0 && flush(m) == 0) {
        m->clean = (struct log_place){w->ino, w->size, m->ino, m->size};
        save_place(m);
    }
    if (m)
        log_mirror_close(m);
    w->mirror = NULL;
}

bool log_journal_is_there(void)
{
    auto_fd int fd = log_journal_open();
    return fd >= 0;
}

int log_mirror_say(struct log_mirror *m, const struct strv *pairs)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = m->journal ? log_journal_fields(pairs, &text) : log_json_attrs(pairs, &text);
    if (rc == 0 && text.len > LOG_EXTRA_MAX)
        rc = -E2BIG;
    if (rc < 0 || text.len == 0)
        return rc;
    m->extra_len = text.len;
    m->extra = buf_take(&text);
    return m->extra ? 0 : -ENOMEM;
}

void log_mirror_close(struct log_mirror *m)
{
    log_reader_close(&m->reader);
    if (m->fd >= 0)
        close(m->fd);
    if (m->place_fd >= 0)
        close(m->place_fd);
    if (m->out)
        munmap(m->out, ROOM);
    free(m->extra);
    m->extra = NULL;
    m->extra_len = 0;
    m->fd = m->place_fd = -1;
    m->out = NULL;
}
