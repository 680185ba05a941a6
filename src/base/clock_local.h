/* clock_local - points in time in the local zone: TZ, else /etc/localtime, else UTC.
 * Units   nanoseconds since the epoch.
 * Errors  cannot fail; a time the C library cannot express is written in UTC.
 */
#ifndef BASE_CLOCK_LOCAL_H
#define BASE_CLOCK_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* docker's CreatedAt, Go's time.Time.String(): "2026-01-02 15:04:05 +0100 CET". */
void time_format_created(int64_t wall_ns, char out[TIME_TEXT]);
/* RFC 3339: "2026-01-02T15:04:05[.000000000]+01:00". */
void time_format_local(int64_t wall_ns, bool nanoseconds, char out[TIME_TEXT]);

/* A date without a zone, for time_parse(). */
struct time_fields {
    unsigned year, month, day;
    int64_t second_of_day;
};
bool time_from_local(const struct time_fields *f, int64_t *ret_seconds);

#endif
