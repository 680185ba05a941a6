/* clock - the wall clock for times that users read, the monotonic clock for timeouts.
 * Units   nanoseconds.
 * Errors  time_parse: -EINVAL, or -ERANGE; the others cannot fail.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_SEC 1000000000LL
#define NS_PER_MS 1000000LL

int64_t clock_wall_ns(void); /* CLOCK_REALTIME, since the epoch */
int64_t clock_mono_ns(void); /* CLOCK_MONOTONIC */
int64_t clock_boot_ns(void); /* CLOCK_BOOTTIME */

#define TIME_TEXT 48
/* "2026-01-02T03:04:05.678901234Z"; ns = 0 gives docker's zero "0001-01-01T00:00:00Z". */
void time_format_rfc3339(int64_t wall_ns, char out[TIME_TEXT]);
/* In the local zone (TZ, else /etc/localtime), as docker's CreatedAt, Go's time.Time.String():
 * "2026-01-02 15:04:05 +0100 CET". */
void time_format_created(int64_t wall_ns, char out[TIME_TEXT]);
/* There, too, RFC3339: "2026-01-02T15:04:05[.000000000]+01:00". */
void time_format_local(int64_t wall_ns, bool nanoseconds, char out[TIME_TEXT]);
/* RFC3339 with optional fraction, "2006-01-02[T15:04[:05]]"; without a zone it is local time;
 * Unix "1136073600[.nnn]", or a Go duration before now ("10m"; "-10m" is after it). */
int time_parse(const char *s, int64_t now_wall_ns, int64_t *ret_wall_ns);
/* As docker: "Less than a second", "3 minutes", "About an hour", "2 hours", "5 weeks". */
void time_human_duration(int64_t ns, char out[TIME_TEXT]);

#endif
