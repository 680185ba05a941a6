/* Every setting is a row of a table with a function that takes its value. */

#include "engine/defaults.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/settings.h"
#include "base/trust.h"
#include "engine/idmap.h"

#define LOG_SIZE ((uint64_t)100 << 20)
#define LOG_FILES_MAX 1000

int mtd_log_size_parse(const char *text, uint64_t *ret)
{
    uint64_t bytes = 0;
    int rc = strcmp(text, "-1") == 0 ? 0 : parse_size(text, &bytes);
    if (rc == 0 && bytes == 0 && *text != '-')
        rc = -ERANGE;
    if (rc == 0)
        *ret = bytes;
    return rc;
}

int mtd_log_files_parse(const char *text, unsigned *ret)
{
    uint64_t files = 0;
    int rc = parse_u64(text, LOG_FILES_MAX, &files);
    if (rc == 0 && files == 0)
        rc = -ERANGE;
    if (rc == 0)
        *ret = (unsigned)files;
    return rc;
}

static int set_log_size(struct mtd_defaults *d, const char *value)
{
    return mtd_log_size_parse(value, &d->log_max_size);
}

static int set_log_files(struct mtd_defaults *d, const char *value)
{
    return mtd_log_files_parse(value, &d->log_max_file);
}

static int set_log_driver(struct mtd_defaults *d, const char *value)
{
    return mtd_log_driver_parse(value, &d->log_driver);
}

static int set_userns(struct mtd_defaults *d, const char *value)
{
    struct mtd_spec asked;
    mtd_spec_init(&asked);
    int rc = mtd_userns_parse(value, &asked, NULL);
    if (asked.n_idmap)
        rc = -EINVAL; /* the same ids for all */
    d->userns_wrong = rc < 0;
    if (rc == 0) {
        d->userns = asked.userns;
        d->userns_size = asked.userns_size;
    }
    mtd_spec_done(&asked);
    return rc;
}

static int set_seconds(unsigned *slot, const char *value)
{
    uint64_t seconds = 0;
    int rc = parse_u64(value, MTD_START_TIMEOUT_MAX, &seconds);
    if (rc < 0 || seconds == 0)
        return rc < 0 ? rc : -ERANGE;
    *slot = (unsigned)seconds;
    return 0;
}

static int set_start_timeout(struct mtd_defaults *d, const char *value)
{
    return set_seconds(&d->start_timeout, value);
}

static int set_registry_timeout(struct mtd_defaults *d, const char *value)
{
    return set_seconds(&d->registry_timeout, value);
}

/* A network's name, or a mode that stands alone. */
static int set_network(struct mtd_defaults *d, const char *value)
{
    if (!name_is_valid(value))
        return -EINVAL;
    snprintf(d->network, sizeof(d->network), "%s", value);
    return 0;
}

static int set_publish_address(struct mtd_defaults *d, const char *value)
{
    unsigned char out[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, value, out) != 1 && inet_pton(AF_INET6, value, out) != 1)
        return -EINVAL;
    snprintf(d->publish_address, sizeof(d->publish_address), "%s", value);
    return 0;
}

static const struct {
    const char *name;
    int (*set)(struct mtd_defaults *d, const char *value);
    const char *hint;
} SETTINGS[] = {
    {"log_driver", set_log_driver, "one of " MTD_LOG_DRIVERS},
    {"log_max_size", set_log_size, "a size such as 10m, or -1 for no limit"},
    {"log_max_file", set_log_files, "a number from 1 to 1000"},
    {"registry_timeout", set_registry_timeout, "a number of seconds from 1 to 86400"},
    {"network", set_network, "none, host, bridge or the name of a network"},
    {"publish_address", set_publish_address, "an address of the host, such as 127.0.0.1"},
    {"start_timeout", set_start_timeout, "a number of seconds from 1 to 86400"},
    {"userns", set_userns, "host, auto or auto:size=COUNT"},
};

static int set(void *arg, const char *section, const char *name, const char *value,
               struct mtd_error *err)
{
    (void)section; /* the unnamed one */
    for (size_t i = 0; i < ARRAY_SIZE(SETTINGS); i++)
        if (strcmp(SETTINGS[i].name, name) == 0)
            return SETTINGS[i].set(arg, value) == 0
                       ? 0
                       : mtd_fail(err, EINVAL, "%s: \"%.80s\" is not %s", name, value,
                                  SETTINGS[i].hint);
    return mtd_fail(err, EINVAL, "unknown setting \"%.80s\"", name);
}

void mtd_defaults_init(struct mtd_defaults *d)
{
    *d = (struct mtd_defaults){.log_max_size = LOG_SIZE,
                               .network = MTD_NET_DEFAULT,
                               .start_timeout = MTD_START_TIMEOUT,
                               .registry_timeout = MTD_REGISTRY_TIMEOUT};
}

static void finish(struct mtd_defaults *d, const struct settings *s)
{
    d->problem = s->problem;
    d->wrong = s->wrong;
}

void mtd_defaults_parse(struct mtd_defaults *d, const char *name, char *text)
{
    struct settings s = {.set = set, .arg = d};
    settings_parse(&s, name, text);
    finish(d, &s);
}

int mtd_defaults_load(struct mtd_defaults *d, const char *named, struct mtd_error *err)
{
    struct settings s = {.set = set, .arg = d};
    struct mtd_error why = {0};
    auto_free char *path = NULL;
    mode_t mode;
    if (!named || !*named) {
        named = MTD_DEFAULTS_FILE;
        if (access(named, F_OK) < 0 && errno == ENOENT)
            return 0;
    }
    int rc = fs_absolute(named, &path);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "config file %.150s", named);
    if (trust_path(path, &mode, &why) == -EPERM)
        return mtd_fail(err, EPERM, "config file %.80s is refused: %s", named, why.text);
    settings_load(&s, named);
    finish(d, &s);
    return 0;
}
