/* output - a file at a path the user gave: complete or not there at all.
 * Shape   written without a name (O_TMPFILE), then given its name. A process killed at any
 *         moment leaves the old file or the new one. Only where the file system has no
 *         unnamed files, or between the two calls that replace an old file, a temporary
 *         name can be left, which the next output to the same path removes.
 * Rule    links are followed: the file they lead to is replaced, the links stay. The old
 *         file's mode and owner are kept. What is not a regular file (a device, a FIFO, a
 *         socket, a directory) is refused and left as it is, as docker does.
 * Errors  0 or -errno; err names the path.
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct output {
    int fd;        /* to write to */
    int dir_fd;    /* of the directory the file is in */
    char *path;    /* as given */
    char *name;    /* of the file, below dir_fd */
    bool is_new;   /* there must be no file yet */
    char temp[32]; /* its temporary name */
    bool has_temp; /* it has that name */
};

#define OUTPUT_NONE ((struct output){.fd = -1, .dir_fd = -1})

/* mode is a new file's, less the umask. OUTPUT_NEW: -EEXIST when there is anything at path,
 * now or at the end. o needs no output_done() after a failure. */
enum output_flags { OUTPUT_REPLACE = 0, OUTPUT_NEW = 1 };
int output_open(struct output *o, const char *path, mode_t mode, enum output_flags flags,
                struct mtd_error *err);
/* Gives the file its name. durable: it outlives a power loss, for which this waits. */
int output_commit(struct output *o, bool durable, struct mtd_error *err);
/* Frees; what was not committed is gone. */
void output_done(struct output *o);

#endif
