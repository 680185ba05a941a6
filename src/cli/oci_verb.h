/* oci_verb - what a verb of the runtime's face is, as verb.h has it for the others.
 * Errors  run() returns 0 or -errno with err, and may set c->status.
 */
#ifndef CLI_OCI_VERB_H
#define CLI_OCI_VERB_H

#include "base/buf.h"
#include "cli/options.h"
#include "engine/runtime/runtime.h"

struct oci {
    struct runtime runtime;
    char **argv; /* of the whole process */
    int status;  /* exit status if run() succeeds */
};

struct oci_verb {
    const char *name, *operands, *summary;
    struct option_set options;
    size_t values_size, min, max;
    int failed; /* exit status when it fails; 0 = 1 */
    int (*run)(struct oci *c, void *values, const struct operands *o,
               struct mtd_error *err);
};
extern const struct oci_verb OCI_VERBS[], OCI_VERBS_EXEC[]; /* ended by a name of NULL */

/* oci_text.c: appended to ret. -ENOMEM */
int oci_features(struct buf *ret);
int oci_spec(struct buf *ret);

#endif
