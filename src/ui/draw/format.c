/* Docker's words where a docker user expects them; otherwise as short as possible. */
#include "ui/draw/format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/size.h"

char *format_size(uint64_t bytes, char out[FORMAT_MAX])
{
    _Static_assert(FORMAT_MAX >= SIZE_TEXT, "a size fits");
    if (bytes != MTD_STAT_NONE)
        return size_short(bytes, out);
    snprintf(out, FORMAT_MAX, "-");
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

/* From the fullest to the shortest; the state's shape and colour are next to each of
 * them. */
enum { WORDINGS = 4 };
struct wording {
    char text[WORDINGS][FORMAT_MAX];
    int n;
};

static void add(struct wording *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct wording *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(w->text[w->n++], FORMAT_MAX, fmt, args);
    va_end(args);
}

static void say_running(struct wording *w, const struct mtd_summary *s, int64_t now_ns)
{
    int64_t up = now_ns - s->started_at;
    char words[TIME_TEXT], age[FORMAT_MAX];
    time_human_duration(up > NS_PER_SEC ? up : NS_PER_SEC, words);
    format_age(up > NS_PER_SEC ? up : NS_PER_SEC, age);
    if (s->health) {
        add(w, "Up %s (%s)", words, s->health);
        add(w, "Up %s (%s)", age, s->health);
    } else
        add(w, "Up %s", words);
    if (s->health && strcmp(s->health, "unhealthy") == 0)
        add(w, "unhealthy"); /* more important than for how long */
    else
        add(w, "Up %s", age);
}

static void say_ended(struct wording *w, const struct mtd_summary *s, int64_t now_ns,
                      const char *how, const char *shorter)
{
    char age[FORMAT_MAX];
    if (s->finished_at)
        add(w, "%s (%d) %s", how, s->exit_code, format_age(now_ns - s->finished_at, age));
    add(w, "%s (%d)", how, s->exit_code);
    add(w, "%s %d", shorter, s->exit_code);
}

static void say_status(struct wording *w, const struct mtd_summary *s, int64_t now_ns)
{
    switch (s->state) {
    case MTD_STATE_RUNNING: say_running(w, s, now_ns); break;
    case MTD_STATE_PAUSED: add(w, "Paused"); break;
    case MTD_STATE_EXITED: say_ended(w, s, now_ns, "Exited", "Exited"); break;
    case MTD_STATE_RESTARTING: say_ended(w, s, now_ns, "Restarting", "Restart"); break;
    case MTD_STATE_DEAD: say_ended(w, s, now_ns, "Dead", "Dead"); break;
    case MTD_STATE_CREATED: add(w, s->error ? "Start failed" : "Created"); break;
    case MTD_STATE_REMOVING: add(w, "Removing"); break;
    default:
        add(w, "Broken record");
        add(w, "Broken");
        break;
    }
}

char *format_status(const struct mtd_summary *s, int64_t now_ns, int cols,
                    char out[FORMAT_MAX])
{
    struct wording w = {.n = 0};
    int i = 0;
    say_status(&w, s, now_ns);
    while (i < w.n - 1 && (int)strlen(w.text[i]) > cols)
        i++;
    memcpy(out, w.text[i], FORMAT_MAX);
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
