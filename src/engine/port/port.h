/* port - ports as they are typed, as a list has them (mtd_summary.ports), and as text.
 * Shape   a line is "ADDRESS:HOST->TARGET/PROTOCOL", an IPv6 address in brackets, or
 *         "TARGET/PROTOCOL" when the port is exposed only.
 * Errors  -EINVAL = it is not of that shape; -ENOMEM. err: a sentence without the option's name.
 * Owner   what is added belongs to the lists.
 * Source  docker/cli opts/port.go, cli/command/formatter/container.go: DisplayablePorts
 */
#ifndef ENGINE_PORT_PORT_H
#define ENGINE_PORT_PORT_H

#include "base/buf.h"
#include "engine/types.h"

/* "80", "8080:80", "127.0.0.1:8080-8081:80-81/udp", "[::1]::80": adds one for each port of the
 * container; "8000-9000:80": one, which takes the first of them that is free.
 * address: for those that name none; NULL, "" = all. */
int mtd_port_parse(const char *text, const char *address, struct mtd_port **ports,
                   size_t *n, struct mtd_error *err);

/* Adds a copy of one. */
int mtd_ports_add(const struct mtd_port *p, struct mtd_port **ports, size_t *n);

/* The endpoint by which the container's default route goes, and that by which its ports are published, as if
 * endpoint but were not there; status.n_endpoints = none. */
#define MTD_NO_ENDPOINT SIZE_MAX
size_t mtd_way_out(const struct mtd_status *st, size_t but);
size_t mtd_port_way(const struct mtd_status *st, size_t but);
const struct mtd_endpoint *
mtd_port_endpoint(const struct mtd_status *st); /* NULL = none */

struct mtd_port_line {
    char address[64]; /* without brackets; "" = exposed only */
    unsigned host;    /* 0 = exposed only */
    unsigned target;
    char protocol[8]; /* "tcp" */
};
int mtd_port_line_read(const char *text, struct mtd_port_line *ret);
int mtd_port_line_put(const struct mtd_port_line *p, struct buf *out);
/* Published on an address that is not the host's own loopback. */
bool mtd_port_line_is_public(const struct mtd_port_line *p);

/* docker's text: sorted, neighbours as ranges, "0.0.0.0:80-81->80-81/tcp, 443/tcp". */
int mtd_ports_text(const struct strv *lines, struct buf *out);
/* For a narrow column: published ones only, "*:8080->80, 127.0.0.1:53->53/udp"; "*" is all of
 * the host's addresses, ranges as above, tcp goes without saying. */
int mtd_ports_short(const struct strv *lines, struct buf *out);

#endif
