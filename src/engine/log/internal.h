/* log/internal.h - what the files of log share.
 * Shape   writer.c makes records, rotate.c renames and drops files, spool.c is the file
 *         that survives a killed writer, take.c moves a batch through both; mirror.c
 *         writes it once more, json.c in docker's form,
 *         journal.c for systemd; pack.c compresses files, in the format of gz.c; reader.c and
 *         seek.c read; log.c has the format of a record and of a file's name.
 * Errors  0 or -errno.
 */
#ifndef ENGINE_LOG_INTERNAL_H
#define ENGINE_LOG_INTERNAL_H

#include <sys/stat.h>

#include "base/buf.h"
#include "engine/log/log.h"

#define LOG_NAME_SIZE 40
#define LOG_OPEN_FLAGS (O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW)
#define LOG_MODE 0640

/* "container.log" for 0, else "container.log.N". */
const char *log_name(unsigned index, char out[LOG_NAME_SIZE]);
/* The highest N that exists; 0 = only the current file or none. */
unsigned log_oldest(int dir_fd);
/* The position after the last byte in fd[0..size) that is (not) c; 0 = none, -errno. */
int64_t log_find_back(int fd, uint64_t size, char c, bool equal);
/* Where the last whole record ends. *ret_torn = the file ends with a record that lacks
 * only its '\n', which counts. Reads backwards. */
int log_find_end(int fd, uint64_t size, uint64_t *ret_end, bool *ret_torn);

/* Writer: opens container.log, which is created if missing; repair = what follows the
 * last whole record is truncated or completed. */
int log_open_present(struct log_writer *w, bool repair);
/* Writer: the rest of log_open once the file is open. */
int log_open_rest(struct log_writer *w, struct mtd_error *err);

/* ---- log/rotate.c ---- */

int log_rotate(struct log_writer *w);
/* Writer: continues in this file; takes fd. */
void log_take_file(struct log_writer *w, int fd, const struct stat *st);
/* The file is neither dropped nor compressed while this descriptor is open. Waits for who
 * exchanges it at this moment. */
void log_hold(int fd);
/* A reader holds any file of it. */
bool log_is_read(int dir_fd);
/* Bytes of the files that were dropped since the log began. */
uint64_t log_dropped(int dir_fd);

/* ---- log/json.c, log/mirror.c ---- */

#define LOG_JSON_MAX (6 * LOG_TEXT_MAX + 128 + LOG_EXTRA_MAX)
/* One line of docker's json-file, with the member that log_json_attrs() made. Returns its length. */
size_t log_json(const struct log_record *r, const char *attrs, size_t attrs_len,
                char out[LOG_JSON_MAX]);
int log_json_attrs(const struct strv *pairs, struct buf *ret);
/* A record's time as RFC3339Nano, not terminated; its length. */
size_t log_json_time(const char *time, char *out);
/* These records were written to the log's end. */
void log_mirror_add(struct log_writer *w, const char *data, size_t len);
void log_mirror_idle(struct log_writer *w);
/* A line that was not ended goes out as it is. */
void log_mirror_finish(struct log_writer *w);

/* ---- log/journal.c ---- */

int log_journal_open(void); /* a descriptor, or -errno */
/* more = the line goes on in the next message. */
int log_journal_send(int fd, const struct log_record *r, bool more, const char *fields,
                     size_t len);
int log_journal_fields(const struct strv *pairs, struct buf *ret);

/* ---- log/spool.c ---- */

#define LOG_SPOOL_MAX ((size_t)64 << 10) /* bytes of a batch */

/* How much of a batch has been written. */
struct log_mark {
    uint64_t done; /* bytes of the batch that are in the log */
    /* The log at that time; what follows size in it is the beginning of
     * the next records. */
    uint64_t ino, size;
    uint64_t lost;
    int32_t lost_why;
    bool partial[3];
};
/* What a killed writer left. */
struct log_batch {
    const char *data; /* in the spool */
    uint64_t len;
    bool begun; /* the spool was not empty */
    enum log_stream stream;
    int64_t wall_ns;
    struct log_mark mark;
};
/* What a killed writer left in w->spool_dir; w->spool stays NULL if there is none. */
void log_spool_find(struct log_writer *w, struct log_batch *ret);
/* w->spool stays NULL if it cannot be made. */
void log_spool_make(struct log_writer *w, struct log_batch *ret);
/* Records in the spool, if there is one, that the log has w->done bytes of the batch
 * and ends at w->size. */
void log_mark(struct log_writer *w);
/* How many whole pages to move from a pipe that holds `ready` bytes; 0 = less than a
 * page, all of it. -ENOSPC = the spool's disk is full. */
int log_spool_pages(struct log_writer *w, size_t ready);
void log_spool_begin(struct log_writer *w, enum log_stream stream, int64_t wall_ns);
/* splice() into the spool; *ret_data points to the bytes in it. Bytes, 0 = end
 * of input, or -errno. */
ssize_t log_spool_move(struct log_writer *w, int fd, int pages, const char **ret_data);
void log_spool_empty(struct log_writer *w, bool tail);
void log_spool_idle(struct log_writer *w);
void log_spool_close(struct log_writer *w);

/* Bytes of the file called index, as they were written; 0 = there is none. */
uint64_t log_size_at(int dir_fd, unsigned index);
/* A reader holds the file called index. */
bool log_is_held(int dir_fd, unsigned index);

/* Reader: bytes of its file, or -errno; those of it at an offset. */
int64_t log_reader_size(const struct log_reader *r);
ssize_t log_reader_pread(const struct log_reader *r, void *out, size_t size,
                         uint64_t offset);
/* Reader: opens the file called index; -ENOENT. Forgets what was buffered. */
int log_reader_switch(struct log_reader *r, unsigned index, uint64_t offset);

/* Reader: sets base. */
void log_reader_locate(struct log_reader *r);

#endif
