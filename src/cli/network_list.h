/* network_list - network ls: its fields and filters. */
#ifndef CLI_NETWORK_LIST_H
#define CLI_NETWORK_LIST_H

#include "cli/table.h"
#include "cli/verb.h"

struct network_ls_values {
    bool quiet, no_trunc;
    const char *format;
    struct option_list filters;
    struct table table;
};
extern const struct option_row NETWORK_LS_ROWS[];
int network_ls_check(void *values, const struct operands *o, struct mtd_error *err);
int network_ls_run(struct cli *c, void *values, const struct operands *o);
void network_ls_done(void *values);

/* filters are those that were checked. */
bool network_is_wanted(const struct mtd_net *n, const struct option_list *filters);
bool network_is_custom(const struct mtd_net *n); /* somebody made it */

/* host and none, which docker lists with the networks and gives ids; false = another name. */
bool network_is_mode(const char *name, char ret_id[MTD_ID_SIZE]);
const char *network_driver(const struct mtd_net *n); /* docker's word, static */

#endif
