/* log/internal.h - what the files of log share.
 * Shape   writer.c makes records, rotate.c keeps the row of files, spool.c is the file that survives a killed writer,
 *         take.c moves a batch through both; reader.c and seek.c read; log.c knows what a record
 *         and a file's name look like.
 */
#ifndef ENGINE_LOG_INTERNAL_H
#define ENGINE_LOG_INTERNAL_H

#include <sys/stat.h>

#include "engine/log/log.h"

#define LOG_NAME_SIZE 40
#define LOG_OPEN_FLAGS (O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW)
#define LOG_MODE 0640

/* "container.log" for 0, else "container.log.N". */
const char *log_name(unsigned index, char out[LOG_NAME_SIZE]);
/* The highest N there is; 0 = only the present file or none. */
unsigned log_oldest(int dir_fd);
/* Where the last whole record ends; *ret_torn = a fragment that follows is a record but for
 * its '\n'. Both found by reading backwards. */
int log_find_end(int fd, uint64_t size, uint64_t *ret_end, bool *ret_torn);

/* Writer: opens container.log, made when it is not there; repair = what follows the last whole
 * record is cut off or completed. */
int log_open_present(struct log_writer *w, bool repair);
/* Writer: the rest of log_open once the file is open. */
int log_open_rest(struct log_writer *w, struct mtd_error *err);

/* ---- log/rotate.c ---- */

int log_rotate(struct log_writer *w);
/* Writer: goes on in this file; fd is its own from here. */
void log_take_file(struct log_writer *w, int fd, const struct stat *st);
/* The file stays while this descriptor is open. */
void log_hold(int fd);
/* Bytes of the files that were dropped since the log began. */
uint64_t log_dropped(int dir_fd);

/* ---- log/spool.c ---- */

#define LOG_SPOOL_MAX ((size_t)64 << 10) /* bytes of a batch */

/* How far a batch has come. */
struct log_mark {
    uint64_t done; /* of the batch, in the log */
    uint64_t ino,
        size; /* the log then; more in it is the begin of the batch's next records */
    uint64_t lost;
    int32_t lost_why;
    bool partial[3];
};
/* What a killed writer left. */
struct log_batch {
    const char *data; /* in the spool */
    uint64_t len;
    bool begun; /* the spool is not empty */
    enum log_stream stream;
    int64_t wall_ns;
    struct log_mark mark;
};
/* w->spool stays NULL when it cannot be made. */
void log_spool_open(struct log_writer *w, int run_fd, struct log_batch *ret);
/* Notes in the spool, if there is one, that the batch is in the log up to w->done and the log
 * ends at w->size. */
void log_mark(struct log_writer *w);
/* How many whole pages to move from a pipe that holds `ready` bytes; 0 = what there is, less
 * than a page. -ENOSPC: the spool has no room. */
int log_spool_pages(struct log_writer *w, size_t ready);
void log_spool_begin(struct log_writer *w, enum log_stream stream, int64_t wall_ns);
/* splice() into the spool; *ret_data = what came, in it. Bytes, 0 = end of input, -errno. */
ssize_t log_spool_move(struct log_writer *w, int fd, int pages, const char **ret_data);
void log_spool_empty(struct log_writer *w, bool tail);
void log_spool_idle(struct log_writer *w);
void log_spool_close(struct log_writer *w);

/* Reader: opens the file called index; -ENOENT. Forgets what was buffered. */
int log_reader_switch(struct log_reader *r, unsigned index, uint64_t offset);
/* Reader: the name the present file has now; -ENOENT = none. Looks from the newest to the
 * oldest, the way files move, so one on the move is not missed. */
int log_reader_index(const struct log_reader *r);
/* Reader: sets base. */
void log_reader_locate(struct log_reader *r);

#endif
