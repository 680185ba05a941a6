/* spec_security - --security-opt WORD[=VALUE], with docker's older WORD:VALUE.
 * Errors  -EINVAL, -EOPNOTSUPP; err names the option and the word.
 */
#ifndef CLI_SPEC_SECURITY_H
#define CLI_SPEC_SECURITY_H

#include "base/error.h"
#include "cli/options.h"
#include "engine/engine.h"

int spec_security(struct mtd_spec *s, const struct option_list *list,
                  struct mtd_error *err);

#endif
