/* clock_text - points in time as text. The calendar is computed here: the C library's
 * reads time zone files of the host, and is too slow for a time on every log line. It is
 * asked only about a time that a user gives without a zone. */

#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock_local.h"
#include "base/parse.h"

/* Proleptic Gregorian calendar in cycles of 400 years that start on 1 March, so that the
 * leap day is a year's last. Source: H. Hinnant, "chrono-compatible low-level date
 * algorithms". */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static void date_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month,
                           unsigned *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned shifted = (5 * doy + 2) / 153;
    *ret_day = doy - (153 * shifted + 2) / 5 + 1;
    *ret_month = shifted < 10 ? shifted + 3 : shifted - 9;
    *ret_year = (int64_t)yoe + era * 400 + (*ret_month <= 2);
}

static char *put_digits(char *p, uint64_t value, int width, char after)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        p[i] = (char)('0' + value % 10);
    p[width] = after;
    return p + width + 1;
}

void time_format_rfc3339(int64_t wall_ns, char out[TIME_TEXT])
{
    if (wall_ns == 0) {
        memcpy(out, "0001-01-01T00:00:00Z", sizeof("0001-01-01T00:00:00Z"));
        return;
    }
    int64_t seconds = wall_ns / NS_PER_SEC, nanos = wall_ns % NS_PER_SEC;
    if (nanos < 0) {
        nanos += NS_PER_SEC;
        seconds--;
    }
    int64_t days = seconds / 86400, rest = seconds % 86400, year;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    unsigned month, day;
    date_from_days(days, &year, &month, &day);
    char *p = put_digits(out, (uint64_t)year, 4, '-');
    p = put_digits(p, month, 2, '-');
    p = put_digits(p, day, 2, 'T');
    p = put_digits(p, (uint64_t)rest / 3600, 2, ':');
    p = put_digits(p, (uint64_t)rest / 60 % 60, 2, ':');
    p = put_digits(p, (uint64_t)rest % 60, 2, '.');
    p = put_digits(p, (uint64_t)nanos, 9, 'Z');
    *p = '\0';
}

/* Exactly `width` digits within low..high; moves *p past them. */
static bool take_number(const char **p, int width, unsigned low, unsigned high,
                        unsigned *ret)
{
    unsigned v = 0;
    for (int i = 0; i < width; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (unsigned)(c - '0');
    }
    *p += width;
    *ret = v;
    return v >= low && v <= high;
}

static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* ".5" -> 500000000; digits past the ninth are cut. Nothing there = 0. */
static bool take_fraction(const char **p, int64_t *ret)
{
    int64_t unit = 100000000, value = 0;
    if (take_char(p, '.')) {
        if (**p < '0' || **p > '9')
            return false;
        for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
            value += unit * (**p - '0');
    }
    *ret = value;
    return true;
}

/* "Z", "+02:00", "-0730". */
static bool take_zone(const char **p, int64_t *ret_seconds)
{
    unsigned hours, minutes;
    *ret_seconds = 0;
    if (take_char(p, 'Z') || take_char(p, 'z'))
        return true;
    int64_t sign = **p == '-' ? -1 : 1;
    if (!take_char(p, '+') && !take_char(p, '-'))
        return false;
    if (!take_number(p, 2, 0, 23, &hours))
        return false;
    take_char(p, ':');
    if (!take_number(p, 2, 0, 59, &minutes))
        return false;
    *ret_seconds = sign * (int64_t)(hours * 3600 + minutes * 60);
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return DAYS[month - 1] + (month == 2 && leap);
}

/* "15[:04[:05[.fraction]]]" */
static bool take_time_of_day(const char **p, int64_t *ret_seconds, int64_t *ret_nanos)
{
    unsigned hour, minute = 0, second = 0;
    *ret_nanos = 0;
    if (!take_number(p, 2, 0, 23, &hour))
        return false;
    if (take_char(p, ':')) {
        if (!take_number(p, 2, 0, 59, &minute))
            return false;
        if (take_char(p, ':') &&
            (!take_number(p, 2, 0, 60, &second) || !take_fraction(p, ret_nanos)))
            return false;
    }
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

static int to_ns(int64_t seconds, int64_t nanos, int64_t *ret)
{
    int64_t v;
    if (__builtin_mul_overflow(seconds, NS_PER_SEC, &v) ||
        __builtin_add_overflow(v, nanos, &v))
        return -ERANGE;
    *ret = v;
    return 0;
}

static bool take_date(const char **p, struct time_fields *ret)
{
    return take_number(p, 4, 1, 9999, &ret->year) && take_char(p, '-') &&
           take_number(p, 2, 1, 12, &ret->month) && take_char(p, '-') &&
           take_number(p, 2, 1, days_in_month(ret->year, ret->month), &ret->day);
}

static int parse_date(const char *s, int64_t *ret)
{
    struct time_fields f = {0};
    int64_t nanos = 0, zone, seconds;
    if (!take_date(&s, &f) || ((take_char(&s, 'T') || take_char(&s, 't')) &&
                               !take_time_of_day(&s, &f.second_of_day, &nanos)))
        return -EINVAL;
    if (*s == '\0')
        return time_from_local(&f, &seconds) ? to_ns(seconds, nanos, ret) : -ERANGE;
    if (!take_zone(&s, &zone) || *s != '\0')
        return -EINVAL;
    return to_ns(days_from_date(f.year, f.month, f.day) * 86400 + f.second_of_day - zone,
                 nanos, ret);
}

static int parse_unix(const char *s, int64_t *ret)
{
    int64_t seconds = 0, nanos;
    if (*s < '0' || *s > '9')
        return -EINVAL;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(seconds, 10, &seconds) ||
            __builtin_add_overflow(seconds, *s - '0', &seconds))
            return -ERANGE;
    if (!take_fraction(&s, &nanos) || *s != '\0')
        return -EINVAL;
    return to_ns(seconds, nanos, ret);
}

int time_parse(const char *s, int64_t now_wall_ns, int64_t *ret_wall_ns)
{
    int rc = parse_unix(s, ret_wall_ns);
    if (rc != -EINVAL)
        return rc;
    int64_t ago, sign = *s == '-' ? -1 : 1; /* as docker's: -5m is in five minutes */
    rc = parse_duration_ns(s + (sign < 0), &ago);
    if (rc == -EINVAL)
        return parse_date(s, ret_wall_ns);
    if (rc < 0)
        return rc;
    return __builtin_sub_overflow(now_wall_ns, sign * ago, ret_wall_ns) ? -ERANGE : 0;
}
