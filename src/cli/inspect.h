/* inspect - the JSON objects of docker's `inspect`, made from records and images.
 * Errors  NULL = out of memory.
 * Owner   the returned reference belongs to the caller.
 * Source  moby api/types/container and image; members without a counterpart here are left
 *         out.
 */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <jansson.h>

#include "engine/engine.h"

json_t *inspect_container(struct mtd_engine *e, const struct mtd_record *r);
json_t *inspect_image(const struct mtd_engine *e, const struct mtd_image *i);

json_t *inspect_volume(struct mtd_engine *e, const struct mtd_volume *v);

/* ["a", "b"]; text that is not UTF-8 is made visible. */
json_t *inspect_strings(const struct strv *v);
json_t *inspect_text(const char *s); /* NULL = "" */
json_t *inspect_time(int64_t wall_ns);
json_t *inspect_healthcheck(const struct mtd_healthcheck *h);
/* {"key": "value"} out of "key=value". */
json_t *inspect_labels(const struct strv *labels);

/* HostConfig's members for what the host gives, Config's for ports and domain: they replace
 * members of these names. */
void inspect_add_host(json_t *host_config, const struct mtd_spec *s);
void inspect_add_exposed(json_t *config, const struct mtd_spec *s);

/* NetworkSettings; NetworkMode and PortBindings of HostConfig. */
json_t *inspect_networks(struct mtd_engine *e, const struct mtd_record *r);
/* docker's `network inspect` of one. */
int inspect_network(struct mtd_engine *e, const char *name, json_t **ret,
                    struct mtd_error *err);
json_t *inspect_network_mode(const struct mtd_spec *s);
json_t *inspect_port_bindings(const struct mtd_spec *s);

/* Mounts; Binds, Mounts, Tmpfs and VolumesFrom of HostConfig; Volumes of Config. */
json_t *inspect_mounts(struct mtd_engine *e, const struct mtd_spec *s);
void inspect_add_mounts(json_t *host_config, const struct mtd_spec *s);
void inspect_add_volumes(json_t *config, const struct mtd_spec *s);

#endif
