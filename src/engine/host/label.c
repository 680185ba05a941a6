/* A container made where there is SELinux may start where there is none: it was given labels
 * because the host had them, so without them is right, unless they were asked for. */

#include "engine/host/label.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

_Static_assert(LABEL_SIZE >= SELINUX_LABEL_SIZE, "a label of either module fits");

#define PROFILE "exec "

int label_prepare(const struct mtd_spec *s, char ret[LABEL_SIZE], struct mtd_error *err)
{
    const char *label = s->process.selinux;
    bool enabled = label && selinux_is_enabled(-1);
    ret[0] = '\0';
    if (label && !enabled && s->label_words.len &&
        !selinux_has_word(&s->label_words, "disable"))
        return mtd_fail(err, EOPNOTSUPP,
                        "label %.100s: SELinux is not enabled on this host", label);
    if (!enabled)
        return apparmor_prepare(NULL, s->process.apparmor, s->process.privileged, ret,
                                err);
    if (!*label)
        return 0;
    snprintf(ret, LABEL_SIZE, "%s", label);
    return selinux_check(label, err);
}

bool label_is_profile(const char *label)
{
    return strncmp(label, PROFILE, strlen(PROFILE)) == 0;
}

const char *label_of_files(const struct mtd_spec *s)
{
    return s->mount_label && selinux_is_enabled(-1) ? s->mount_label : NULL;
}
