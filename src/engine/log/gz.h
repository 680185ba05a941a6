/* log/gz - a piece of a log as a gzip file that can be read from anywhere.
 * Shape   a member for each LOG_GZ_BLOCK bytes of the piece. An extra field of ours in its
 *         header says how long the member is, how long the whole piece, and which inode the piece
 *         had before. For other programs it is an ordinary gzip file of several members.
 * Bounds  memory: four blocks of all that are open, and 8 bytes for each block of a piece.
 * Damage  what cannot be read (a file cut short, a wrong checksum) reads as NULs, which readers of
 *         logs skip as damage.
 * Errors  0 or -errno.
 * Owner   descriptors are borrowed.
 * Source  RFC 1952, its part 2.3.1.1.
 */
#ifndef ENGINE_LOG_GZ_H
#define ENGINE_LOG_GZ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_GZ_BLOCK (256u << 10)

/* What the file had been. */
struct log_gz_piece {
    uint64_t size;   /* bytes */
    uint64_t origin; /* the inode number of the file that it was made of */
};
/* fd is such a file, and *ret what it says of itself. Reads only the beginning. */
bool log_gz_is(int fd, struct log_gz_piece *ret);
bool log_gz_is_at(int dir_fd, const char *name, struct log_gz_piece *ret);

struct log_gz;
/* *ret = NULL: it is none. */
int log_gz_open(int fd, struct log_gz **ret);
void log_gz_close(struct log_gz *gz); /* NULL = nothing */
const struct log_gz_piece *log_gz_about(const struct log_gz *gz);
/* Like pread() on the file that it was; never short but at the end. */
ssize_t log_gz_pread(struct log_gz *gz, void *out, size_t size, uint64_t offset);

/* Writes all of `in` to `out` so, and syncs it. */
int log_gz_write(int in, int out);

#endif
