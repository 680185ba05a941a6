/* spec_options - the options of run and create, and the spec made from them.
 * Shape   the tables are parsed into struct run_values; spec_from_values turns the lists
 *         into the spec and checks what depends on several options. Nothing is created
 *         here.
 * Errors  -errno; err names the option.
 * Owner   run_values_done frees the spec; the other values are borrowed from argv.
 * Source  docker run's reference.
 */
#ifndef CLI_SPEC_OPTIONS_H
#define CLI_SPEC_OPTIONS_H

#include "cli/options.h"
#include "cli/values.h"
#include "engine/engine.h"

struct run_values {
    struct mtd_spec spec;
    struct value_restart restart;
    struct option_list env, env_files, volumes, mounts, tmpfs, ulimits, cap_add, cap_drop,
        security, labels, label_files, log_opts, attach, dns, dns_search, dns_options,
        add_hosts, devices, device_rules, sysctls, annotations, group_add, exposes,
        publish, volumes_from, userns, networks, aliases, link_locals,
        blkio[MTD_BLKIO_COUNT];
    const char *name, *entrypoint, *cidfile, *pull, *ip, *ip6, *mac, *pid, *ipc, *uts,
        *cgroupns, *log_driver, *detach_keys, *health_cmd, *platform, *isolation,
        *volume_driver;
    bool detach, quiet, no_healthcheck, publish_all, read_only_tmpfs;
    bool sig_proxy, keep_running;
    struct mtd_defaults defaults;
};

/* spec_table.c */
extern const struct option_row CREATE_OPTIONS[]; /* run's that create only accepts */
extern const struct option_row SPEC_OPTIONS[];   /* what a container is: create and run */
extern const struct option_row RUN_OPTIONS[];    /* how run attaches to it */

/* The administrator's file, or the one that root names. */
int spec_defaults(struct mtd_defaults *d, struct mtd_error *err);

void run_values_init(void *values);
void run_values_done(void *values);

/* spec_network.c: networks; ports, once these are known. */
int spec_network(struct run_values *v, struct mtd_error *err);
int spec_ports(struct run_values *v, struct mtd_error *err);

/* spec_host.c: namespaces, devices, kernel parameters, limits of block devices, ports. The
 * spec's network is set already. */
int spec_host(struct run_values *v, struct mtd_error *err);

/* operands: image and command. */
int spec_from_values(struct run_values *v, const struct operands *o,
                     struct mtd_error *err);

/* spec_log.c: the log's part of it, and which options it has no use for. */
int spec_log(struct run_values *v, struct mtd_error *err);
struct cli;
void spec_log_warn(const struct cli *c, const struct run_values *v);

#endif
