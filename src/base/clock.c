/* clock - the kernel's clocks, and durations in docker's words. */

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t = {0};
    clock_gettime(id, &t);
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

int64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_boot_ns(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

/* The units of go-units HumanDuration, with its rounding: seconds and minutes are cut,
 * hours are rounded to the nearest. */
void time_human_duration(int64_t ns, char out[TIME_TEXT])
{
    static const struct {
        int64_t below_hours; /* this unit is used below so many hours */
        int64_t hours;
        const char *name;
    } UNITS[] = {{48, 1, "hours"},
                 {24 * 7 * 2, 24, "days"},
                 {24 * 30 * 2, 24 * 7, "weeks"},
                 {24 * 365 * 2, 24 * 30, "months"},
                 {INT64_MAX, 24 * 365, "years"}};
    long long seconds = ns / NS_PER_SEC, minutes = seconds / 60;
    long long hours = (seconds + 1800) / 3600;
    size_t i = 0;
    if (seconds < 1)
        snprintf(out, TIME_TEXT, "Less than a second");
    else if (seconds < 60)
        snprintf(out, TIME_TEXT, "%lld second%s", seconds, seconds == 1 ? "" : "s");
    else if (minutes < 60)
        snprintf(out, TIME_TEXT, minutes == 1 ? "About a minute" : "%lld minutes",
                 minutes);
    else if (hours == 1)
        snprintf(out, TIME_TEXT, "About an hour");
    else {
        while (hours >= UNITS[i].below_hours)
            i++;
        snprintf(out, TIME_TEXT, "%lld %s", hours / (long long)UNITS[i].hours,
                 UNITS[i].name);
    }
}
