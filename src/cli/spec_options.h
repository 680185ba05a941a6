/* spec_options - the options of run and create, and the spec they make.
 * Shape   RUN_OPTIONS is parsed into struct run_values; spec_from_values turns the lists
 *         into the spec and checks what depends on several options. Nothing is created
 *         here.
 * Errors  -errno, err names the option.
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
        security, labels, label_files, log_opts, attach, dns, add_hosts;
    const char *name, *entrypoint, *cidfile, *pull, *network, *pid, *ipc, *uts, *userns,
        *cgroupns, *detach_keys, *health_cmd;
    bool detach, no_healthcheck;
    bool sig_proxy;
};

extern const struct option_row SPEC_OPTIONS[]; /* what a container is */
extern const struct option_row RUN_OPTIONS[];  /* how run attaches to it */

void run_values_init(void *values);
void run_values_done(void *values);

/* operands: image and command. */
int spec_from_values(struct run_values *v, const struct operands *o,
                     struct mtd_error *err);

/* ---- spec_env.c ---- */

/* env files first, then assignments; later ones win. "NAME" alone copies ours or is left
 * out. */
int spec_env(struct strv *ret, const struct option_list *files,
             const struct option_list *assignments, struct mtd_error *err);
int spec_env_file(struct strv *ret, const char *path, struct mtd_error *err);
/* "key[=value]" lists, later wins, sorted. */
int spec_labels(struct strv *ret, const struct option_list *files,
                const struct option_list *labels, struct mtd_error *err);

/* ---- spec_mounts.c ---- */

int spec_mounts(struct mtd_spec *s, const struct run_values *v, struct mtd_error *err);
/* One -v / --mount / --tmpfs value. *ret owns its strings. */
int spec_parse_volume(const char *text, struct mtd_mount *ret, struct mtd_error *err);
int spec_parse_mount(const char *text, struct mtd_mount *ret, struct mtd_error *err);
int spec_parse_tmpfs(const char *text, struct mtd_mount *ret, struct mtd_error *err);
void spec_mount_done(struct mtd_mount *m);
/* "/a/./b/../c//" -> "/a/c"; relative to the working directory. Caller frees. */
char *spec_clean_path(const char *path);

#endif
