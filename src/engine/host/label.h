/* label - what is written into attr/exec for a container's command, whichever security module
 * the host has.
 * Process monitor and front end, on the host's file tree.
 */
#ifndef ENGINE_HOST_LABEL_H
#define ENGINE_HOST_LABEL_H

#include "engine/host/apparmor.h"
#include "engine/host/selinux.h"
#include "engine/types.h"

#define LABEL_SIZE (APPARMOR_NAME_MAX + 8)

/* "exec PROFILE" for attr/apparmor/exec, a label of SELinux for attr/exec, or "" = none.
 * A label that was asked for and cannot be had is an error. */
int label_prepare(const struct mtd_spec *s, char ret[LABEL_SIZE], struct mtd_error *err);
bool label_is_profile(const char *label); /* AppArmor's */
/* Of what is made for the container; NULL = the host has no SELinux, or the container has no labels. */
const char *label_of_files(const struct mtd_spec *s);

#endif
