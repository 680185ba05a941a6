/* Whether what a container has is still its own, and the descriptors it holds ports by. */

#include "engine/net/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"

bool net_is_live(struct store *s, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int run = store_open_run(s, id, false, NULL);
    auto_fd int fd =
        run < 0 ? -1 : openat(run, "monitor", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
        return true;
    /* Its monitor was killed, and it waits for another one. */
    return store_load(s, id, &r, NULL) == 0 && mtd_state_is_live(r.status.state) &&
           proc_is(r.status.pid, r.status.pid_start);
}

bool net_is_live_here(struct store *s, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    return net_is_live(s, id) && store_load(s, id, &r, NULL) == 0 &&
           net_is_here(&r.status);
}

void net_owner_init(struct store *s, const char *id, struct net_owner *ret)
{
    *ret = (struct net_owner){0};
    snprintf(ret->id, sizeof(ret->id), "%s", id);
    net_root_of(s, ret->root);
}

/* Of another root's container nothing is known here. */
bool net_owner_is_live(struct store *s, const struct net_owner *o)
{
    char root[NET_ROOT_SIZE];
    net_root_of(s, root);
    return strcmp(root, o->root) != 0 || net_is_live(s, o->id);
}

void net_held_done(struct net_held *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->fds[i] >= 0)
            close(h->fds[i]);
    free(h->fds);
    *h = (struct net_held){0};
}
