/* verbs - the list of all verbs. It is passed down in struct cli, so that help can
 * describe verbs without depending on them. */

#include <stddef.h>

#include "cli/verb.h"

const struct verb *const VERBS[] = {
    VERBS_RUN,     VERBS_EXEC,   VERBS_LIFECYCLE, VERBS_QUERY,      VERBS_LOGS,
    VERBS_STATS,   VERBS_TOP,    VERBS_EVENTS,    VERBS_IMAGE,      VERBS_HISTORY,
    VERBS_ARCHIVE, VERBS_CP,     VERBS_LOAD,      VERBS_VOLUME,     VERBS_REGISTRY,
    VERBS_BUILD,   VERBS_SYSTEM, VERBS_HELP,      VERBS_CHECK,      VERBS_PRUNE,
    VERBS_NETWORK, VERBS_PORT,   VERBS_BOOT,      VERBS_COMPLETION, VERBS_REFUSED,
    NULL,
};
