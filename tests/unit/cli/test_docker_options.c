/* Every option of docker's client 28.2 is known here: supported, ignored (with a word or
 * because it has no effect there either), or refused with the reason. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/verb.h"

static const struct {
    const char *verb;
    const char
        *options; /* as `docker VERB --help` lists them, and hidden ones after "|" */
} DOCKER[] = {
    {"run", "add-host annotation attach blkio-weight blkio-weight-device cap-add "
            "cap-drop cgroup-parent cgroupns cidfile cpu-count cpu-percent cpu-period "
            "cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus "
            "cpuset-mems detach detach-keys device device-cgroup-rule device-read-bps "
            "device-read-iops device-write-bps device-write-iops disable-content-trust "
            "dns dns-option dns-search domainname entrypoint env env-file expose gpus "
            "group-add health-cmd health-interval health-retries health-start-interval "
            "health-start-period health-timeout hostname init interactive "
            "io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label "
            "label-file link link-local-ip log-driver log-opt mac-address memory "
            "memory-reservation memory-swap memory-swappiness mount name network "
            "network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit "
            "platform privileged publish publish-all pull quiet read-only restart rm "
            "runtime security-opt shm-size sig-proxy stop-signal stop-timeout "
            "storage-opt sysctl tmpfs tty ulimit use-api-socket user userns uts volume "
            "volume-driver volumes-from workdir | dns-opt net net-alias"},
    {"create",
     "add-host annotation attach blkio-weight blkio-weight-device cap-add "
     "cap-drop cgroup-parent cgroupns cidfile cpu-count cpu-percent cpu-period "
     "cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus "
     "cpuset-mems device device-cgroup-rule device-read-bps device-read-iops "
     "device-write-bps device-write-iops disable-content-trust dns dns-option "
     "dns-search domainname entrypoint env env-file expose gpus group-add "
     "health-cmd health-interval health-retries health-start-interval "
     "health-start-period health-timeout hostname init interactive "
     "io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label "
     "label-file link link-local-ip log-driver log-opt mac-address memory "
     "memory-reservation memory-swap memory-swappiness mount name network "
     "network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit "
     "platform privileged publish publish-all pull quiet read-only restart rm "
     "runtime security-opt shm-size stop-signal stop-timeout storage-opt sysctl "
     "tmpfs tty ulimit use-api-socket user userns uts volume volume-driver "
     "volumes-from workdir | dns-opt net net-alias"},
    {"exec", "detach detach-keys env env-file interactive privileged tty user workdir"},
    {"start", "attach checkpoint checkpoint-dir detach-keys interactive"},
    {"attach", "detach-keys no-stdin sig-proxy"},
    {"stop", "signal timeout"},
    {"restart", "signal timeout"},
    {"kill", "signal"},
    {"rm", "force link volumes"},
    {"update",
     "blkio-weight cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares "
     "cpus cpuset-cpus cpuset-mems memory memory-reservation memory-swap "
     "pids-limit restart"},
    {"ps", "all filter format last latest no-trunc quiet size"},
    {"logs", "details follow since tail timestamps until"},
    {"inspect", "format platform size type"},
    {"stats", "all format no-stream no-trunc"},
    {"events", "filter format since until"},
    {"commit", "author change message pause"},
    {"export", "output"},
    {"import", "change message platform"},
    {"images", "all digests filter format no-trunc quiet tree"},
    {"rmi", "force no-prune platform"},
    {"history", "format human no-trunc platform quiet"},
    {"info", "format"},
    {"version", "format"},
    {"volume create",
     "availability driver group label limit-bytes opt required-bytes scope secret "
     "sharing topology-preferred topology-required type | name"},
    {"volume ls", "cluster filter format quiet"},
    {"volume rm", "force"},
    {"volume prune", "all filter force"},
    {"image prune", "all filter force"},
    {"container prune", "filter force"},
    {"system df", "format verbose"},
    {"build",
     "add-host build-arg cache-from cgroup-parent compress cpu-period cpu-quota "
     "cpu-shares cpuset-cpus cpuset-mems disable-content-trust file force-rm iidfile "
     "isolation label memory memory-swap network no-cache platform pull quiet rm "
     "security-opt shm-size squash tag target ulimit"},
    {"builder prune", "all filter force keep-storage"},
    {"save", "output platform"},
    {"load", "input platform quiet"},
    {"pull", "all-tags disable-content-trust platform quiet"},
    {"push", "all-tags disable-content-trust platform quiet"},
    {"login", "password password-stdin username"},
    {"cp", "archive follow-link quiet"},
    {"network create",
     "attachable aux-address config-from config-only driver gateway ingress internal "
     "ip-range ipam-driver ipam-opt ipv4 ipv6 label opt scope subnet"},
    {"network connect", "alias driver-opt gw-priority ip ip6 link link-local-ip"},
    {"network disconnect", "force"},
    {"network ls", "filter format no-trunc quiet"},
    {"network prune", "filter force"},
    {"network rm", "force"},
    {"network inspect", "format verbose"},
    {"system prune", "all filter force volumes"},
};

static const struct option_row *find_row(const struct verb *v, const char *name)
{
    for (size_t t = 0; t < OPTION_TABLES && v->options.tables[t]; t++)
        for (const struct option_row *r = v->options.tables[t]; !OPTION_IS_END(r); r++)
            if (r->name && strcmp(r->name, name) == 0)
                return r;
    return NULL;
}

static const struct verb *find_verb(const char *name)
{
    const struct verb *v;
    for (size_t i = 0; (v = verb_at(VERBS, i)); i++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

Test(docker_options, none_is_unknown)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof(DOCKER) / sizeof(DOCKER[0]); i++) {
        char words[4096], *save = NULL;
        const struct verb *v = find_verb(DOCKER[i].verb);
        cr_assert(v, "no verb %s", DOCKER[i].verb);
        if (v->flags & VERB_REFUSED)
            continue;
        cr_assert_lt(strlen(DOCKER[i].options), sizeof(words));
        snprintf(words, sizeof(words), "%s", DOCKER[i].options);
        for (char *w = strtok_r(words, " |", &save); w; w = strtok_r(NULL, " |", &save)) {
            const struct option_row *r = find_row(v, w);
            cr_expect(r, "%s --%s is unknown", v->name, w);
            n++;
            if (r && r->kind == OPTION_REFUSE)
                cr_expect(r->help && strlen(r->help) > 10, "%s --%s: no reason", v->name,
                          w);
        }
    }
    cr_expect_gt(n, 200, "%zu", n);
}

/* As `docker --help` and the groups' lists have them: none is unknown either. */
Test(docker_options, every_verb_is_known)
{
    char words[] =
        "run exec ps build pull push images login logout search version info attach "
        "commit cp create diff events export history import inspect kill load logs pause "
        "port rename restart rm rmi save start stats stop tag top unpause update wait "
        "config node secret service stack swarm checkpoint context manifest plugin trust "
        "buildx compose help builder-build builder-prune container-ls container-list "
        "container-prune container-inspect container-commit container-cp container-export "
        "image-ls image-rm image-inspect image-prune image-build image-import image-history "
        "network-connect network-create network-disconnect network-inspect network-ls "
        "network-prune network-rm volume-create volume-inspect volume-ls volume-prune "
        "volume-rm volume-update system-df system-events system-info system-prune";
    char *save = NULL;
    for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        char *second = strchr(w, '-'), *argv[] = {w, second ? second + 1 : NULL, NULL};
        int found = 0, n = second ? 2 : 1;
        if (second)
            *second = '\0';
        cr_expect(verb_find(VERBS, n, argv, &found), "%s %s", w, second ? argv[1] : "");
        cr_expect_eq(found, n, "%s %s", w, second ? argv[1] : "");
    }
}

/* What takes a value in docker takes one here: "--platform linux/arm64 busybox" must not run
 * an image of that name. */
Test(docker_options, ignored_and_refused_ones_take_their_values)
{
    static const char *const FLAGS[] = {
        "quiet",   "rm",       "force-rm",       "disable-content-trust",
        "digests", "tree",     "use-api-socket", "cluster",
        "verbose", "link",     "attachable",     "config-only",
        "force",   "compress", "squash",         "ingress",
        "tls",     "tlsverify"};
    const struct verb *v;
    for (size_t i = 0; (v = verb_at(VERBS, i)); i++)
        for (size_t t = 0; t < OPTION_TABLES && v->options.tables[t]; t++)
            for (const struct option_row *r = v->options.tables[t]; !OPTION_IS_END(r);
                 r++) {
                if (r->kind != OPTION_IGNORE && r->kind != OPTION_REFUSE)
                    continue;
                bool flag = false;
                for (size_t k = 0; k < sizeof(FLAGS) / sizeof(FLAGS[0]); k++)
                    flag = flag || strcmp(FLAGS[k], r->name) == 0;
                bool run_link =
                    strcmp(r->name, "link") == 0 && strcmp(v->name, "rm") != 0;
                cr_expect_eq(r->metavar == NULL, flag && !run_link, "%s --%s", v->name,
                             r->name);
            }
}
