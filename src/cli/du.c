/* du - without a table of inodes, so that memory does not grow with the number of
 * files. */

#include "cli/du.h"

#include <fts.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/cleanup.h"

uint64_t du_tree(const char *path)
{
    char *const paths[] = {(char *)path, NULL};
    uint64_t sum = 0;
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
    if (!tree)
        return 0;
    for (const FTSENT *e; (e = fts_read(tree));) {
        if (e->fts_info != FTS_F && e->fts_info != FTS_SL)
            continue;
        const struct stat *st = e->fts_statp;
        /* Each of a file's n links counts 1/n of it. */
        sum += (uint64_t)st->st_size / (st->st_nlink ? st->st_nlink : 1);
    }
    fts_close(tree);
    return sum;
}
