/* parse - by hand, because strtoul and its like accept leading spaces and signs. */

#include "base/parse.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads the digits at *p and moves *p past them. At least one is needed. */
static int scan_u64(const char **p, uint64_t *ret)
{
    const char *s = *p;
    uint64_t v = 0;
    bool overflow = false;
    if (!is_digit(*s))
        return -EINVAL;
    for (; is_digit(*s); s++)
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
            overflow = true;
    *p = s;
    if (overflow)
        return -ERANGE;
    *ret = v;
    return 0;
}

/* "12.5": whole part and the fraction in 1e-9. Digits past the ninth: cut when `cut`,
 * else they must be zeros. */
static int scan_decimal(const char **p, bool cut, uint64_t *ret_whole, uint64_t *ret_nano)
{
    const char *s = *p;
    uint64_t whole = 0, nano = 0, unit = 100000000;
    int rc = *s == '.' ? 0 : scan_u64(&s, &whole);
    if (rc < 0)
        return rc;
    if (*s == '.') {
        s++;
        if (!is_digit(*s))
            return -EINVAL;
        for (; is_digit(*s); s++, unit /= 10) {
            if (unit == 0 && *s != '0' && !cut)
                return -EINVAL;
            nano += unit * (uint64_t)(*s - '0');
        }
    }
    *p = s;
    *ret_whole = whole;
    *ret_nano = nano;
    return 0;
}

int parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    int rc = scan_u64(&s, &v);
    if (rc == -EINVAL || *s != '\0')
        return -EINVAL;
    if (rc < 0 || v > max)
        return -ERANGE;
    *ret = v;
    return 0;
}

int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
    bool negative = *s == '-';
    uint64_t v;
    int rc = parse_u64(s + negative, (uint64_t)INT64_MAX + negative, &v);
    if (rc < 0)
        return rc;
    int64_t value = negative ? (int64_t)(0 - v) : (int64_t)v;
    if (value < min || value > max)
        return -ERANGE;
    *ret = value;
    return 0;
}

int parse_bool(const char *s, bool *ret)
{
    static const struct {
        const char *word;
        bool value;
    } WORDS[] = {{"true", true},   {"1", true},  {"yes", true}, {"t", true},
                 {"false", false}, {"0", false}, {"no", false}, {"f", false}};
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++)
        if (strcasecmp(s, WORDS[i].word) == 0) {
            *ret = WORDS[i].value;
            return 0;
        }
    return -EINVAL;
}

/* [kmgtp][i]b | [kmgtp] | b | nothing, any case. */
static int scan_size_unit(const char *s, uint64_t *ret)
{
    static const char UNITS[] = "kmgtp";
    const char *unit = *s ? strchr(UNITS, *s | 0x20) : NULL;
    uint64_t factor = 1;
    if (unit && *unit) {
        factor = 1ULL << (10 * (unit - UNITS + 1));
        s++;
        if (*s == 'i' || *s == 'I') {
            s++;
            if (*s != 'b' && *s != 'B')
                return -EINVAL;
        }
    }
    if (*s == 'b' || *s == 'B')
        s++;
    if (*s != '\0')
        return -EINVAL;
    *ret = factor;
    return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
    uint64_t whole, nano, factor;
    int range = scan_decimal(&s, true, &whole, &nano);
    if (range == -EINVAL)
        return range;
    if (range == -ERANGE) {
        while (is_digit(*s) || *s == '.')
            s++;
        whole = nano = 0;
    }
    int rc = scan_size_unit(s, &factor);
    if (rc < 0 || range < 0)
        return rc < 0 ? rc : range;
    unsigned __int128 bytes = (unsigned __int128)whole * factor +
                              (unsigned __int128)nano * factor / 1000000000u;
    if (bytes > INT64_MAX)
        return -ERANGE;
    *ret = (uint64_t)bytes;
    return 0;
}

int parse_decimal_nano(const char *s, int64_t *ret)
{
    uint64_t whole, nano;
    int rc = scan_decimal(&s, false, &whole, &nano);
    if (rc < 0)
        return rc;
    if (*s != '\0')
        return -EINVAL;
    if (whole > INT64_MAX / 1000000000u - 1)
        return -ERANGE;
    *ret = (int64_t)(whole * 1000000000u + nano);
    return 0;
}

static int scan_duration_unit(const char **p, uint64_t *ret)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } UNITS[] = {{"ns", 1},           {"us", 1000},
                 {"\xc2\xb5s", 1000}, /* micro sign */
                 {"\xce\xbcs", 1000}, /* Greek mu */
                 {"ms", 1000000},     {"s", 1000000000},
                 {"m", 60000000000},  {"h", 3600000000000}};
    for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
        size_t n = strlen(UNITS[i].name);
        if (strncmp(*p, UNITS[i].name, n) != 0)
            continue;
        *p += n;
        *ret = UNITS[i].ns;
        return 0;
    }
    return -EINVAL;
}

int parse_duration_ns(const char *s, int64_t *ret)
{
    unsigned __int128 sum = 0;
    bool range = false;
    if (strcmp(s, "0") == 0) {
        *ret = 0;
        return 0;
    }
    do {
        uint64_t whole, nano, unit;
        int rc = scan_decimal(&s, true, &whole, &nano);
        if (rc < 0)
            return rc;
        rc = scan_duration_unit(&s, &unit);
        if (rc < 0)
            return rc;
        sum += (unsigned __int128)whole * unit +
               (unsigned __int128)nano * unit / 1000000000u;
        range = range || sum > INT64_MAX;
    } while (*s && !range);
    if (range)
        return -ERANGE;
    *ret = (int64_t)sum;
    return 0;
}

bool name_is_valid(const char *s)
{
    size_t n = 0;
    for (; s[n]; n++) {
        char c = s[n], lower = (char)(c | 0x20);
        bool alnum = is_digit(c) || (lower >= 'a' && lower <= 'z');
        if (!alnum && (n == 0 || !strchr("_.-", c)))
            return false;
        if (n >= NAME_MAX)
            return false;
    }
    return n > 0;
}

bool hex_is_valid(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_digit(s[i]) && (s[i] < 'a' || s[i] > 'f'))
            return false;
    return s[len] == '\0';
}

static int scan_cpu(const char **p, unsigned limit, uint64_t *ret)
{
    int rc = scan_u64(p, ret);
    if (rc < 0)
        return rc;
    return *ret > UINT_MAX || (limit && *ret >= limit) ? -ERANGE : 0;
}

int parse_cpu_list(const char *s, unsigned limit, unsigned *ret_highest)
{
    uint64_t highest = 0;
    for (;;) {
        uint64_t first, last;
        int rc = scan_cpu(&s, limit, &first);
        last = first;
        if (rc == 0 && *s == '-') {
            s++;
            rc = scan_cpu(&s, limit, &last);
        }
        if (rc < 0)
            return rc;
        if (last < first)
            return -EINVAL;
        highest = last > highest ? last : highest;
        if (*s == '\0')
            break;
        if (*s++ != ',')
            return -EINVAL;
    }
    if (ret_highest)
        *ret_highest = (unsigned)highest;
    return 0;
}
