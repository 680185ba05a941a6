/* log - container.log, which the monitor writes and any process may read.
 * Shape   one record per line, in k8s-file format: "2026-01-02T03:04:05.678901234Z stdout
 *         F text\n". Tag P = the line continues in the stream's next record, F = it ends
 *         here (the container wrote '\n'). Text is raw bytes without '\n', at most
 *         LOG_TEXT_MAX. What precedes it has a fixed width. Rotated files:
 *         container.log.1 (newest) to .N.
 * Rule    each batch is one write of whole records; a torn tail is repaired at open;
 *         readers consume whole records only and resynchronise after damage. The texts of
 *         a stream, with a '\n' after each F, are exactly what the container wrote.
 * Rotate  the new file is made under another name before the old one moves up, so the
 *         name container.log is missing only for an instant, and there is one writer
 *         at most. Files that a reader holds, and newer ones, are kept beyond
 *         max_file, up to log_is_full(). A rotated file may be compressed (gz.h): it keeps
 *         its name, and readers' offsets are those of what it was.
 * Units   bytes; wall ns.
 * Errors  0 or -errno; err, where there is one, has the sentence. After -ENOSPC
 *         while writing, writing continues when there is room, and a record says
 *         how much was lost.
 * Owner   a writer is the monitor's and mallocs nothing after it was opened. A reader
 *         only reads. Both borrow dir_fd.
 * Source  CRI's log format; podman's k8s-file.
 */
#ifndef ENGINE_LOG_LOG_H
#define ENGINE_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strv.h"

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
    uint64_t ino;  /* of fd: shows whether the name still refers to it */
    uint64_t lost; /* bytes not written since the disk filled up */
    int lost_why;  /* errno value of the first of them */
    char *out;     /* mmapped batch buffer */
    size_t out_len;
    bool partial[3];         /* by enum log_stream: the last record of the stream was P */
    struct log_spool *spool; /* NULL = none; see log_resume */
    int spool_fd, spool_dir; /* spool_dir: where one is made; borrowed, -1 = nowhere */
    struct log_mirror *mirror; /* NULL = none; see log_mirror_start */
    bool discards; /* what no client reads now is not kept (log driver none) */
    bool burst;    /* much was written since log_idle */
    bool unpacked; /* there may be a piece to be compressed; see pack.h */
    /* of the batch: bytes made into records, and bytes whose records are in the file */
    uint64_t taken, done;
    uint64_t skip; /* bytes of its records that a killed writer has already written */
};
/* max_size: bytes of a file, 0 = no rotation. max_file: files in all. */
int log_open(struct log_writer *ret, int dir_fd, uint64_t max_size, unsigned max_file,
             struct mtd_error *err);
/* Appends what one read() returned, all of its lines with the time wall_ns. Bytes
 * after the last '\n' are written at once, as a P record (a prompt must be seen).
 * Blocks only for the disk. A file that another program deleted, moved or truncated is
 * replaced. -errno = some of it was not written and is counted in lost; the caller
 * need not react. */
int log_write(struct log_writer *w, enum log_stream stream, const char *data, size_t len,
              int64_t wall_ns);

/* Like log_open(), for a writer that may be killed. run_fd/LOG_SPOOL has the batch on its
 * way from the container's pipe to the log, and how much of it is in the log: the kernel
 * moves bytes there in one step (splice), so each is in the pipe or in the spool, never
 * in both or in neither. A batch that a killed writer left there is completed here. It is made
 * for the first batch; if it cannot be, that one goes without. run_fd: -1 = none is wanted;
 * stays open as long as the writer. */
#define LOG_SPOOL "output"
int log_resume(struct log_writer *ret, int dir_fd, int run_fd, uint64_t max_size,
               unsigned max_file, struct mtd_error *err);
/* Moves one batch from a pipe into the log through the spool; from other fds with read().
 * Returns the bytes taken, 0 = end of input, -EAGAIN or another -errno. What could not be
 * written is counted in lost, as by log_write(). */
ssize_t log_take(struct log_writer *w, enum log_stream stream, int fd, int64_t wall_ns);
/* The files that readers hold exceed max_file by as much as is allowed (1 GiB or 100
 * files): take nothing more until log_trim() finds that a reader has moved on. */
bool log_is_full(const struct log_writer *w);
/* Drops the files beyond max_file that no reader holds any more. For the writer
 * only or, if there is none, for the last reader, with a log_writer of dir_fd,
 * max_size and max_file. */
void log_trim(struct log_writer *w);
/* dir_fd/path is a directory with a log that was rotated, or may have been. */
bool log_was_rotated(int dir_fd, const char *path);
/* A reader holds a file other than the current one, so it still needs the directory. */
bool log_is_awaited(int dir_fd);
/* Gives the pages of the buffers back to the kernel; for a monitor about to wait. */
void log_idle(struct log_writer *w);
/* Drops all files but those from the oldest rotated one that a reader holds; who reads the
 * current one needs no name for it. For the writer before it closes, or as log_trim. */
void log_clear(struct log_writer *w);
/* A last line without '\n' remains a P record: that is what the container wrote. */
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

/* A reader that survives rotation: it keeps its file open and, at the end of that, finds
 * the one that follows. */
struct log_reader {
    int dir_fd, fd;
    struct log_gz *gz; /* fd is a compressed piece; NULL = it is not */
    uint64_t offset;   /* next byte to read in fd */
    uint64_t ino;      /* inode of fd: shows which of the rotated files it is */
    char *buf;
    size_t len, start, cap;
    uint64_t damaged; /* records and regions skipped */
    bool lost;        /* files were rotated away before they were read, or truncated */
    bool holds;      /* its file, and so all newer ones, are kept until it has moved on */
    uint64_t base;   /* bytes of the log before fd, including dropped ones */
    uint64_t missed; /* bytes that were rotated away before they were read */
    bool skipping;   /* inside a line that is too long */
    bool nuls;       /* inside a region of NULs */
};
/* oldest = begin with the oldest rotated file (base says how much of the log was
 * dropped before it), else at offset in the current one. A log that does not
 * exist yet is no error. */
int log_reader_open(struct log_reader *ret, int dir_fd, bool oldest, uint64_t offset,
                    struct mtd_error *err);
/* From now on no file is dropped that it has still to read. -ESTALE = its file already
 * was. *ret_size: of its file; NULL. */
int log_reader_hold(struct log_reader *r, uint64_t *ret_size);
/* It reads the current file, not a rotated one. */
bool log_reader_is_present(const struct log_reader *r);
/* The inode of the current file; of its own if the log was deleted. */
uint64_t log_reader_newest(const struct log_reader *r);
/* The next whole record, valid until the next call. 1 = a record, 0 = nothing
 * more now, or -errno. */
int log_reader_next(struct log_reader *r, struct log_record *ret);
/* Positions so that the last n lines (F records) of both streams remain, in all files; a
 * line that has not ended yet counts. n = 0 = the end. */
int log_reader_tail(struct log_reader *r, uint64_t n);
/* Positions at the first record of wall_ns or later, by binary search. */
int log_reader_since(struct log_reader *r, int64_t wall_ns);
void log_reader_close(struct log_reader *r);

/* The same records once more: for systemd's journal, or as a second file, lossy where they are no UTF-8, as docker's json-file driver
 * writes it, for programs that read docker's logs. Rotated as docker does: NAME, NAME.1 ... A
 * writer that is killed leaves nothing doubled or left out of it; to the journal the last line may
 * go twice. */
#define LOG_EXTRA_MAX 32768
struct log_mirror {
    int dir_fd, fd, place_fd; /* fd: the file, or the journal's socket */
    bool journal, ending;
    char *extra; /* goes with each line, as log_mirror_say() got it; NULL = nothing */
    size_t extra_len;
    char name[96];
    uint64_t ino, size, max_size;
    unsigned max_file;
    struct log_place { /* how far it is, with no line begun */
        uint64_t log_ino, log_offset, ino, size;
    } clean;
    uint64_t since;           /* bytes of the log behind that */
    uint64_t skip;            /* bytes of its lines that a killed writer has written */
    bool behind;              /* it could not be written; the log has the rest */
    bool unpacked;            /* as the writer's */
    struct log_reader reader; /* open between the two calls: holds the log */
    char *out;                /* mmapped, with the parts behind it */
    size_t len;
    struct log_part { /* of a line whose end has not come, by stream */
        char time[LOG_TIME_LEN];
        size_t len;
    } parts[3];
};
/* Before the writer is opened, so that it drops nothing the mirror has not; -errno. name: of the
 * file in dir_fd; NULL = the journal, which may be missing: see log_journal_is_there(). */
int log_mirror_open(struct log_mirror *ret, int dir_fd, const char *name,
                    uint64_t max_size, unsigned max_file);
/* After that: catches up, and from here on follows the writer, until log_close closes both. */
void log_mirror_start(struct log_writer *w, struct log_mirror *m);
void log_mirror_close(struct log_mirror *m);
/* Between the two: what each line has with it, "key=value"; for the journal they are its fields.
 * -E2BIG = more than LOG_EXTRA_MAX. */
int log_mirror_say(struct log_mirror *m, const struct strv *pairs);
bool log_journal_is_there(void);

#endif
