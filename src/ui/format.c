/* Docker's words where a docker user expects them, otherwise as short as can be. */
#include "ui/format.h"

#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"

char *format_size(uint64_t bytes, char out[FORMAT_MAX])
{
    static const char UNITS[] = " kMGTPE";
    if (bytes == MTD_STAT_NONE) {
        snprintf(out, FORMAT_MAX, "-");
        return out;
    }
    double v = (double)bytes;
    int u = 0;
    for (; v >= 999.5 && u < 6; u++)
        v /= 1024;
    if (u == 0)
        snprintf(out, FORMAT_MAX, "%.0f", v);
    else
        snprintf(out, FORMAT_MAX, v < 9.95 ? "%.1f%c" : "%.0f%c", v, UNITS[u]);
    return out;
}

char *format_percent(double percent, char out[FORMAT_MAX])
{
    snprintf(out, FORMAT_MAX, percent < 999.95 ? "%.1f" : "%.0f", percent);
    return out;
}

char *format_age(int64_t ns, char out[FORMAT_MAX])
{
    static const struct {
        int64_t below, unit;
        char letter;
    } STEPS[] = {
        {60, 1, 's'}, {3600, 60, 'm'}, {2 * 86400, 3600, 'h'}, {INT64_MAX, 86400, 'd'}};
    int64_t s = ns > 0 ? ns / NS_PER_SEC : 0;
    size_t i = 0;
    while (i < ARRAY_SIZE(STEPS) - 1 && s >= STEPS[i].below)
        i++;
    snprintf(out, FORMAT_MAX, "%lld%c", (long long)(s / STEPS[i].unit), STEPS[i].letter);
    return out;
}

char *format_count(uint64_t n, char out[FORMAT_MAX])
{
    char digits[FORMAT_MAX];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), o = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[o++] = ',';
        out[o++] = digits[i];
    }
    out[o] = '\0';
    return out;
}

char *format_status(const struct mtd_summary *s, int64_t now_ns, char out[FORMAT_MAX])
{
    char age[FORMAT_MAX], words[TIME_TEXT];
    switch (s->state) {
    case MTD_STATE_RUNNING:
        time_human_duration(now_ns - s->started_at > NS_PER_SEC ? now_ns - s->started_at
                                                                : NS_PER_SEC,
                            words);
        snprintf(out, FORMAT_MAX, "Up %s%s%s%s", words, s->health ? " (" : "",
                 s->health ? s->health : "", s->health ? ")" : "");
        break;
    case MTD_STATE_PAUSED: snprintf(out, FORMAT_MAX, "Paused"); break;
    case MTD_STATE_EXITED:
    case MTD_STATE_RESTARTING:
    case MTD_STATE_DEAD:
        format_age(now_ns - s->finished_at, age);
        snprintf(out, FORMAT_MAX, "%s (%d) %s",
                 s->state == MTD_STATE_EXITED       ? "Exited"
                 : s->state == MTD_STATE_RESTARTING ? "Restarting"
                                                    : "Dead",
                 s->exit_code, s->finished_at ? age : "");
        break;
    case MTD_STATE_CREATED:
        snprintf(out, FORMAT_MAX, "%s", s->error ? "Start failed" : "Created");
        break;
    case MTD_STATE_REMOVING: snprintf(out, FORMAT_MAX, "Removing"); break;
    default: snprintf(out, FORMAT_MAX, "Broken record"); break;
    }
    return out;
}

char *format_time(int64_t wall_ns, char out[FORMAT_MAX])
{
    time_t t = (time_t)(wall_ns / NS_PER_SEC);
    struct tm tm;
    if (wall_ns <= 0 || !localtime_r(&t, &tm) ||
        !strftime(out, FORMAT_MAX, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(out, FORMAT_MAX, "-");
    return out;
}
