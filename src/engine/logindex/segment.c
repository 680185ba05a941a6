/* Addresses are turned into a file and an offset only here, below all that reads the
 * log. */

#include <errno.h>
#include <unistd.h>

#include "engine/log/gz.h"
#include "engine/logindex/internal.h"

ssize_t logindex_pread(const struct log_segment *s, void *out, size_t size,
                       uint64_t offset)
{
    size_t done = 0;
    if (s->gz)
        return log_gz_pread(s->gz, out, size, offset);
    while (done < size) {
        ssize_t n = pread(s->fd, (char *)out + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

size_t logindex_segment(const struct logindex *x, uint64_t address)
{
    size_t i = 0;
    while (i < x->n && address >= x->segments[i].base + x->segments[i].size)
        i++;
    return i;
}
