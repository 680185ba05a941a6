/* apparmor - the profile that confines a container's processes, on a host with AppArmor.
 * Shape   APPARMOR_DEFAULT, as strict as docker's docker-default, is part of the program
 *         and loaded by apparmor_parser at the first start after a boot. A host has
 *         AppArmor when the kernel says so, securityfs shows its profiles and the parser
 *         is installed, as for docker.
 * Errors  -errno; err says what to do. A profile that is wanted and cannot be had is an
 *         error: nothing runs less confined than it was meant to.
 * Process monitor and front end, on the host's file tree.
 * Source  apparmor.d(5), apparmor_parser(8); the kernel's admin-guide/LSM/apparmor.rst.
 */
#ifndef ENGINE_HOST_APPARMOR_H
#define ENGINE_HOST_APPARMOR_H

#include <stdbool.h>

#include "base/error.h"

#define APPARMOR_DEFAULT "mytop-docker-default"
#define APPARMOR_UNCONFINED "unconfined"
#define APPARMOR_NAME_MAX 256

/* Where a test puts another machine's files. */
struct apparmor_host {
    int root_fd; /* "/" */
    const char
        *parser; /* the program's absolute path; below root_fd to see if it is there */
};
bool apparmor_is_enabled(const struct apparmor_host *h);

/* Of a name that the user gave: letters that can be in a profile's name. -EINVAL */
int apparmor_name_check(const char *name, struct mtd_error *err);

/* wanted: NULL = the default one. What is to be written into attr/apparmor/exec ("exec
 * NAME") goes to ret; "" = none, the host has no AppArmor or it is not wanted. Loads the
 * default profile if it is missing. h: NULL = this host. */
int apparmor_prepare(const struct apparmor_host *h, const char *wanted, bool privileged,
                     char ret[APPARMOR_NAME_MAX + 8], struct mtd_error *err);

extern const char apparmor_default_profile[]; /* as apparmor_parser reads it */

#endif
