/* traffic - how much goes through each network of each container: rates between two readings.
 * Units   bytes per second; -1 = not known yet.
 * Owner   traffic_done() frees; what traffic_find() gives is valid until the next reading.
 */
#ifndef UI_MODEL_TRAFFIC_H
#define UI_MODEL_TRAFFIC_H

#include "engine/engine.h"

struct flow {
    char id[MTD_ID_SIZE];
    char *network;
    struct mtd_traffic last;
    double in, out;
};
struct traffic {
    struct flow *flows;
    size_t len;
};
typedef int traffic_fn(const struct mtd_summary *s, const char *network,
                       struct mtd_traffic *ret);

/* All that run; network: of that one alone, NULL = of all. read: mtd_network_traffic(). */
void traffic_read(struct traffic *t, const struct mtd_list *l, const char *network,
                  traffic_fn *read);
const struct flow *traffic_find(const struct traffic *t, const char *id,
                                const char *network); /* NULL = never read */
void traffic_done(struct traffic *t);

#endif
