/* clock_local - times in the zone of the process that prints or reads them (TZ, else
 * /etc/localtime), as docker's client has them. */

#include "base/clock_local.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"

/* Years of 64 bits of nanoseconds are no trouble for the C library. */
static struct tm break_down(int64_t wall_ns, int64_t *ret_nanos)
{
    struct tm tm = {0};
    time_t seconds = (time_t)(wall_ns / NS_PER_SEC);
    *ret_nanos = wall_ns % NS_PER_SEC;
    if (*ret_nanos < 0) {
        *ret_nanos += NS_PER_SEC;
        seconds--;
    }
    localtime_r(&seconds, &tm);
    return tm;
}

/* TZ may hold a name of any length: too long a one is left out. */
void time_format_created(int64_t wall_ns, char out[TIME_TEXT])
{
    int64_t nanos;
    struct tm tm = break_down(wall_ns, &nanos);
    if (strftime(out, TIME_TEXT, "%Y-%m-%d %H:%M:%S %z %Z", &tm) == 0)
        strftime(out, TIME_TEXT, "%Y-%m-%d %H:%M:%S %z", &tm);
}

void time_format_local(int64_t wall_ns, bool nanoseconds, char out[TIME_TEXT])
{
    int64_t nanos;
    struct tm tm = break_down(wall_ns, &nanos);
    size_t n = strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    if (nanoseconds)
        n += (size_t)snprintf(out + n, TIME_TEXT - n, ".%09lld", (long long)nanos);
    long minutes = tm.tm_gmtoff / 60;
    char sign = minutes < 0 ? '-' : '+';
    minutes = minutes < 0 ? -minutes : minutes;
    if (minutes == 0)
        snprintf(out + n, TIME_TEXT - n, "Z");
    else
        snprintf(out + n, TIME_TEXT - n, "%c%02ld:%02ld", sign, minutes / 60,
                 minutes % 60);
}

/* What the clock on the wall shows at that moment, summer time or not, is taken for it. */
bool time_from_local(const struct time_fields *f, int64_t *ret_seconds)
{
    struct tm tm = {.tm_year = (int)f->year - 1900,
                    .tm_mon = (int)f->month - 1,
                    .tm_mday = (int)f->day,
                    .tm_hour = (int)(f->second_of_day / 3600),
                    .tm_min = (int)(f->second_of_day / 60 % 60),
                    .tm_sec = (int)(f->second_of_day % 60),
                    .tm_wday = -1,
                    .tm_isdst = -1};
    time_t t = mktime(&tm);
    *ret_seconds = t;
    return tm.tm_wday >= 0; /* -1 is also a second of 1969 */
}
