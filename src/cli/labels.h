/* labels - filters by label, of containers, images, networks and volumes alike.
 * Rule    "key" = the label is there, "key=value" = with this value. All must hold, as with
 *         docker.
 */
#ifndef CLI_LABELS_H
#define CLI_LABELS_H

#include <stdbool.h>

#include "base/strv.h"
#include "cli/options.h"

/* labels: "key=value" each. */
bool labels_have(const struct strv *labels, const char *wanted);
/* The filters "label=..." and "label!=..." among all of these; others are passed over. */
bool labels_pass(const struct strv *labels, const struct option_list *filters);
bool labels_is_filter(const char *text);

#endif
