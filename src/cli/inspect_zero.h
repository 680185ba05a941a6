/* inspect_zero - docker's objects with every member at its zero value, in docker's order.
 * Errors  NULL = out of memory.
 * Source  moby 28 api/types/container, api/types/image.
 */
#ifndef CLI_INSPECT_ZERO_H
#define CLI_INSPECT_ZERO_H

#include <jansson.h>

enum inspect_zero {
    ZERO_CONTAINER,
    ZERO_HOST_CONFIG,
    ZERO_CONFIG, /* of a container and of an image */
    ZERO_NETWORK_SETTINGS,
    ZERO_ENDPOINT, /* one of Networks */
    ZERO_IMAGE,
    ZERO_COUNT
};
/* The members of known over those of the zero object; what docker does not have comes last.
 * Takes known; NULL stays NULL. */
json_t *inspect_over_zero(enum inspect_zero which, json_t *known);

#endif
