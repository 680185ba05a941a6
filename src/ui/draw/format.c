/* As short as possible: a row is one line. */
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
enum { WORDINGS = 2 };
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
    char age[FORMAT_MAX];
    format_age(up > NS_PER_SEC ? up : NS_PER_SEC, age);
    bool unusual = s->health && strcmp(s->health, "healthy") != 0;
    if (unusual) { /* more important than for how long */
        add(w, "%s, up %s", s->health, age);
        add(w, "%s", s->health);
    } else
        add(w, "up %s", age);
}

static void say_ended(struct wording *w, const struct mtd_summary *s, int64_t now_ns)
{
    char age[FORMAT_MAX];
    if (s->exit_code < 0)
        add(w, "exit unknown");
    else if (s->finished_at)
        add(w, "exit %d %s", s->exit_code, format_age(now_ns - s->finished_at, age));
    add(w, "exit %d", s->exit_code);
}

static void say_restarting(struct wording *w, const struct mtd_summary *s, int64_t now_ns)
{
    char left[FORMAT_MAX];
    int64_t wait = s->next_start_at - now_ns;
    if (wait >= NS_PER_SEC)
        add(w, "in %s (%u)", format_age(wait, left), s->restart_count);
    else
        add(w, "restarting (%u)", s->restart_count);
    add(w, "restarts");
}

static void say_status(struct wording *w, const struct mtd_summary *s, int64_t now_ns)
{
    switch (s->state) {
    case MTD_STATE_RUNNING: say_running(w, s, now_ns); break;
    case MTD_STATE_PAUSED: add(w, "paused"); break;
    case MTD_STATE_EXITED: say_ended(w, s, now_ns); break;
    case MTD_STATE_RESTARTING: say_restarting(w, s, now_ns); break;
    case MTD_STATE_DEAD: add(w, "dead"); break;
    case MTD_STATE_CREATED: add(w, s->error ? "start failed" : "created"); break;
    case MTD_STATE_REMOVING: add(w, "removing"); break;
    default:
        add(w, "broken record");
        add(w, "broken");
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
