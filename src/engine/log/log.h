/* log - container.log: written by the monitor, read by everybody.
 * Shape   k8s-file lines: "2026-01-02T03:04:05.678901234Z stdout F text\n"; tag P = the line
 *         goes on in the stream's next record, F = it ends here ('\n' was written by the
 *         container). Text is raw bytes without '\n', at most LOG_TEXT_MAX of them. The head
 *         has a fixed width. Rotated files: container.log.1 (newest) ... container.log.N.
 * Rule    whole records go out with one write each batch; a torn tail is repaired at open;
 *         readers consume whole records only and resynchronise after damage. Text of a stream
 *         with a '\n' after each F is exactly what the container wrote.
 * Rotate  the new file is made under another name before the old one moves up, so the name
 *         container.log is missing only for an instant, and never written by two. Files that a
 *         reader holds stay beyond max_file, and those after them; how many, log_is_full says.
 * Errors  -errno. -ENOSPC while writing marks a gap and goes on when there is room.
 * Owner   writer: the monitor, no malloc after open. Reader: any process, pread only.
 */
#ifndef ENGINE_LOG_LOG_H
#define ENGINE_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define LOG_NAME "container.log"
#define LOG_TEXT_MAX 16384
#define LOG_HEAD 40 /* bytes in front of the text */
#define LOG_TIME_LEN 30

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2 };

struct log_writer {
    int fd;     /* O_APPEND; -1 = closed */
    int dir_fd; /* the container's directory; borrowed */
    uint64_t size, max_size;
    unsigned max_file;
    uint64_t surplus; /* bytes in files beyond max_file that readers hold */
    unsigned surplus_files;
    uint64_t ino;  /* of fd: tells whether the name still leads to it */
    uint64_t lost; /* bytes not written since the disk filled up */
    int lost_why;  /* errno value of the first of them */
    char *out;     /* mmapped batch buffer */
    size_t out_len;
    bool partial[3];         /* by enum log_stream: the last record of the stream was P */
    struct log_spool *spool; /* NULL = none; see log_resume */
    int spool_fd;
    bool burst; /* much was written since log_idle */
    uint64_t taken,
        done;      /* of the batch: bytes made into records, and of these on file */
    uint64_t skip; /* bytes of its records that a killed writer has written */
};
int log_open(struct log_writer *ret, int dir_fd, uint64_t max_size, unsigned max_file,
             struct mtd_error *err);
/* Appends what one read() returned. wall_ns stamps all its lines. Bytes after the last '\n'
 * go out at once as a P record (a prompt must be seen). Never blocks but for the disk. A file
 * somebody deleted, moved or truncated is noticed and made anew. -errno = some of it was not
 * written and is counted in lost; the caller has nothing to do about it. */
int log_write(struct log_writer *w, enum log_stream stream, const char *data, size_t len,
              int64_t wall_ns);

/* The same writer, for one that may be killed. run_fd/LOG_SPOOL holds the batch on its way from
 * the container's pipe to the log, and how far it has come: the kernel moves bytes there in
 * one step (splice), so each is in the pipe or in the spool, never in both or in none. What a
 * killed writer left there is completed here. A spool that cannot be made is done without. */
#define LOG_SPOOL "output"
int log_resume(struct log_writer *ret, int dir_fd, int run_fd, uint64_t max_size,
               unsigned max_file, struct mtd_error *err);
/* One batch from the pipe into the log by way of the spool; other fds as read() would.
 * Returns the bytes taken, 0 at the end of input, -EAGAIN, -errno. What could not be written
 * is counted in lost, as log_write does. */
ssize_t log_take(struct log_writer *w, enum log_stream stream, int fd, int64_t wall_ns);
/* Readers that hold files are as far behind as may be (1 GiB or 100 files more than max_file):
 * nothing more is to be taken until one has moved on, which log_trim finds out. */
bool log_is_full(const struct log_writer *w);
/* Drops the files beyond max_file that nobody holds any more. Writer only; and for the last
 * reader when there is no writer, on a log_writer with dir_fd, max_size and max_file. */
void log_trim(struct log_writer *w);
/* A reader holds a file other than the present one, so it needs the directory. */
bool log_is_awaited(int dir_fd);
/* Gives the buffers' pages back to the kernel; for a monitor about to wait. */
void log_idle(struct log_writer *w);
/* A last line without '\n' stays a P record: that is what the container wrote. */
void log_close(struct log_writer *w);

/* One record inside a buffer. */
struct log_record {
    const char *time; /* 30 bytes, as written */
    enum log_stream stream;
    bool full; /* F */
    const char *text;
    size_t len;
};
/* Parses one line without its '\n'. -EBADMSG = damaged. */
int log_parse(const char *line, size_t len, struct log_record *ret);
int64_t log_time(const struct log_record *r); /* wall ns; 0 = unreadable */

/* A reader that survives rotation: holds the open file, and when that ends looks for the one
 * that follows it. */
struct log_reader {
    int dir_fd, fd;
    uint64_t offset; /* next byte to read in fd */
    uint64_t ino;    /* inode of fd: tells which of the rotated files it is */
    char *buf;
    size_t len, start, cap;
    uint64_t damaged; /* records and regions skipped */
    bool lost;        /* files were rotated away before they were read, or truncated */
    bool holds;      /* the file it has, and so all that follow, stay until it moved on */
    uint64_t base;   /* bytes of the log in front of fd, dropped ones too */
    uint64_t missed; /* bytes that were rotated away before they were read */
    bool skipping;   /* inside a line that is too long */
    bool nuls;       /* inside a region of NULs */
};
/* dir_fd is borrowed. oldest = begin with the oldest rotated file (base tells how much of the
 * log was rotated away before), else offset in the present one. */
int log_reader_open(struct log_reader *ret, int dir_fd, bool oldest, uint64_t offset,
                    struct mtd_error *err);
/* From here on no file is dropped that it has still to read. -ESTALE = its file was already. */
int log_reader_hold(struct log_reader *r);
/* It has the present file, not one that was rotated. */
bool log_reader_is_present(const struct log_reader *r);
/* The inode of the present file; of its own when the log is deleted. */
uint64_t log_reader_newest(const struct log_reader *r);
/* Next whole record; text stays valid until the next call. 1 = a record, 0 = nothing more
 * now, -errno. */
int log_reader_next(struct log_reader *r, struct log_record *ret);
/* Positions so that the last n lines (F records) of both streams remain, over all files; a
 * line not ended yet counts. n = 0 is the end. */
int log_reader_tail(struct log_reader *r, uint64_t n);
/* Positions at the first record stamped wall_ns or later, by binary search. */
int log_reader_since(struct log_reader *r, int64_t wall_ns);
void log_reader_close(struct log_reader *r);

#endif
