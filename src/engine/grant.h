/* grant - what a container is given of the host besides files: device nodes, rules about
 * devices, kernel parameters. The text of the record, and what it means.
 * Errors  -EINVAL = malformed or not allowed, -errno of the device; err says which.
 * Source  docker's --device, --device-cgroup-rule and --sysctl; runc's list of the parameters
 *         that have a namespace.
 */
#ifndef ENGINE_GRANT_H
#define ENGINE_GRANT_H

#include <sys/stat.h>

#include "engine/types.h"

/* "/dev/host[:/dev/inside][:rwm]" */
struct mtd_device {
    char source[256], target[256];
    char access[4];
};
int mtd_device_parse(const char *text, struct mtd_device *ret, struct mtd_error *err);

/* Calls back for the device, or for each one below it when it is a directory of the host:
 * target is its path inside. Stops when the callback returns not 0, and returns that. */
typedef int (*mtd_device_fn)(const char *target, const struct stat *st,
                             const char *access, void *arg, struct mtd_error *err);
int mtd_device_each(const char *text, mtd_device_fn fn, void *arg, struct mtd_error *err);

/* "c 189:* rwm" */
struct mtd_device_rule {
    char type;        /* 'a' 'b' 'c' */
    int major, minor; /* -1 = any */
    char access[4];   /* of "rwm" */
    bool deny;        /* it takes away what rules before it gave */
};
int mtd_device_rule_parse(const char *text, struct mtd_device_rule *ret,
                          struct mtd_error *err);

/* "net.core.somaxconn=128", in a container of these namespaces. */
int mtd_sysctl_check(const char *text, const struct mtd_spec *spec,
                     struct mtd_error *err);
/* Its path below /proc/sys; returns the value. -ENAMETOOLONG = NULL. */
const char *mtd_sysctl_split(const char *text, char *path, size_t size);

#endif
