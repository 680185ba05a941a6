/* api/internal.h - what only the calls of engine.h share.
 * Errors  0 or -errno, as in engine.h.
 */
#ifndef ENGINE_API_INTERNAL_H
#define ENGINE_API_INTERNAL_H

#include <signal.h>

#include "engine/container/container.h"

struct mtd_attachment {
    char id[MTD_ID_SIZE];
    int socket; /* -1 = not connected yet */
    int dir_fd;
    struct log_reader reader;
    bool tty;
    bool redraw; /* make a full-screen program repaint */
    bool holds;  /* signals are blocked since the start; before they were so: */
    sigset_t before;
};

/* Opens the log of a container at its current end; it need not exist yet. The caller
 * connects afterwards: a moment later the container, and its log with it, may be gone. */
int api_attachment_new(struct mtd_engine *e, const char *id, struct mtd_attachment **ret,
                       struct mtd_error *err);

/* kernel_check(), once for all commands of a batch and for both halves of `run`. */
int api_check_kernel(struct mtd_engine *e, struct mtd_error *err);

/* Refuses limits that this machine or docker's rules do not allow. */
int api_check_resources(const struct mtd_resources *r, struct mtd_error *err);

/* Adds what the containers ("name[:ro]") have mounted; NULL = none. */
int api_add_volumes_from(struct mtd_engine *e, struct mtd_spec *s, struct mtd_error *err);

/* Refuses a volume's name, options and part that cannot be, and a device that is not there. */
int api_check_volume(struct mtd_engine *e, const struct mtd_mount *m,
                     struct mtd_error *err);

/* After net_change_begin(): rc = what came of it, until the record was written. ports: they may have
 * changed. */
void api_end_network_change(struct mtd_engine *e, const struct mtd_record *r, int rc,
                            bool ports, const struct net_held *held);
/* Publishes and unpublishes ports in the record, and of a live container. held: sockets for its
 * monitor. */
int api_change_ports(struct mtd_engine *e, struct mtd_record *r,
                     const struct mtd_update *u, bool live, struct net_held *held,
                     struct mtd_error *err);

/* Puts the ids of the containers it shares namespaces with in the place of what the user
 * typed. -EINVAL = one of them does not share. */
int api_share(struct mtd_engine *e, struct mtd_spec *s, struct mtd_error *err);

#endif
