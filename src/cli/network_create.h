/* network_create - the options of network create: drivers, subnets, what a driver is told. */
#ifndef CLI_NETWORK_CREATE_H
#define CLI_NETWORK_CREATE_H

#include "cli/verb.h"
#include "engine/engine.h"

struct network_create_values {
    struct option_list subnets, gateways, ranges, options, labels;
    const char *driver;
    bool internal, ipv4, ipv6;
    struct mtd_net net;
};
extern const struct option_row NETWORK_CREATE_ROWS[];
void network_create_init(void *values);
/* Fills in net. */
int network_create_check(void *values, const struct operands *o, struct mtd_error *err);
void network_create_done(void *values);

#endif
