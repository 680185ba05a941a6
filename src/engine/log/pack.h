/* log/pack - rotated pieces become gzip files (gz.h), without the container waiting for it.
 * Shape   a process of the lowest priority, "mtd:packer", writes the compressed piece to a file
 *         of another name; only when it has ended well that takes the place of the piece, in one
 *         rename. While there is a writer, it does that, between two rotations. When the writer has
 *         closed the log, a last packer does the rest alone.
 * Rule    who renames, writer or last packer, holds byte 0 of the container's `lock` file by
 *         fcntl(): a new writer kills a last packer first. A piece that a reader holds stays
 *         as it is. A kill leaves each piece whole, and one file, which the next writer deletes.
 * Files   container.log.N stays container.log.N; the mirror's NAME.N becomes NAME.N.gz, as docker
 *         has it.
 * Errors  none that a caller could react to: what cannot be compressed (a full disk) stays.
 */
#ifndef ENGINE_LOG_PACK_H
#define ENGINE_LOG_PACK_H

#include "engine/log/log.h"

#define LOG_PACKER_NAME "mtd:packer"
#define LOG_PACKER_ALL "all"

/* argv: name; fds 3 and 4: from and to. Or name, LOG_PACKER_ALL, the mirror's name or "";
 * 3 and 4: the directory and its file `lock`. Returns an exit status. */
int log_packer_main(int argc, char **argv);

/* For who is to write: kills a last packer and takes its lock, for as long as lock_fd is open;
 * deletes what a killed one left. mirror: NULL = none. false = it could not be had. */
bool log_pack_claim(int dir_fd, int lock_fd, const char *mirror);

/* A piece on its way. */
struct log_piece {
    int in;             /* -1 = none */
    const char *mirror; /* the mirror's name, if it is a piece of that; borrowed */
};
/* The newest piece that may be compressed, but for the one with the inode number `not`, and where
 * it is written to. false = there is none. */
bool log_pack_begin(int dir_fd, const char *mirror, uint64_t not, struct log_piece *ret,
                    int *ret_out);
bool log_pack_is_due(int dir_fd, const char *mirror); /* there is one */
/* whole: the packer has ended well. waits: for readers of it. Returns the piece's inode number. */
uint64_t log_pack_end(int dir_fd, struct log_piece *p, bool whole, bool waits);

#endif
