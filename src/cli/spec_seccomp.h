/* spec_seccomp - the value of --security-opt seccomp=VALUE.
 * Shape   "unconfined" and "builtin" are kept as words; else it names a file, whose JSON is
 *         kept without its white space, as docker's client does: the container needs the
 *         file never again.
 * Errors  -errno; err names option and file. What the JSON says is checked by the engine.
 * Owner   *ret is the caller's; an old value is freed.
 */
#ifndef CLI_SPEC_SECCOMP_H
#define CLI_SPEC_SECCOMP_H

#include "engine/types.h"

int spec_seccomp(char **ret, const char *value, struct mtd_error *err);

#endif
