/* api/lower.h - the image's side of a container's directories: what its stacked
 * layers have at a path.
 * Shape   one struct per directory of the container: a descriptor for each layer that has
 *         it and that no layer above hides, topmost first.
 * Errors  0 or -errno.
 * Owner   lower_done() closes. A struct of zeros is a directory that no layer has.
 */
#ifndef ENGINE_API_LOWER_H
#define ENGINE_API_LOWER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/strv.h"

struct lower {
    int *fds;
    size_t len;
};
void lower_done(struct lower *l);

/* The root. layers_fd is <root>/images/layers; layers are its names, the lowest first. */
int lower_open(struct lower *ret, int layers_fd, const struct strv *layers);
/* Enters the directory `name`; *ret is empty if the image has no directory of that
 * name. */
int lower_enter(const struct lower *l, const char *name, struct lower *ret);
/* Whether the image has that name; *ret is set if it does. */
bool lower_find(const struct lower *l, const char *name, struct stat *ret);
/* Whether the file below dir_fd differs from the image's, by docker's rules: mode, owner,
 * device, capabilities; unless it is a directory also size and time. */
bool lower_differs(const struct lower *l, const char *name, int dir_fd);
/* All names the image has in it, sorted. */
int lower_list(const struct lower *l, struct strv *ret);

bool lower_is_whiteout(const struct stat *st);
bool lower_is_opaque(int dir_fd); /* hides lower layers; not for an O_PATH fd */

#endif
