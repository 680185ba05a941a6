/* size - the units and digits are those of docker/go-units, which scripts read. */

#include "base/size.h"

#include <stdio.h>

static char *print(double value, double base, int digits, const char *const *units,
                   char out[SIZE_TEXT])
{
    /* 999.9 at three digits would print as 1e+03: go to the next unit before that. */
    double limit = digits == 3 ? base - 0.5 : base - 0.05;
    size_t i = 0;
    for (; value >= limit && units[i + 1]; i++)
        value /= base;
    snprintf(out, SIZE_TEXT, "%.*g%s", digits, value, units[i]);
    return out;
}

static const char *const DECIMAL[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", NULL};

char *size_decimal(uint64_t bytes, char out[SIZE_TEXT])
{
    return print((double)bytes, 1000, 3, DECIMAL, out);
}

char *size_usage(uint64_t bytes, char out[SIZE_TEXT])
{
    return print((double)bytes, 1000, 4, DECIMAL, out);
}

static const char *const BINARY[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL};

char *size_binary(uint64_t bytes, char out[SIZE_TEXT])
{
    return print((double)bytes, 1024, 4, BINARY, out);
}

#define PIB 5 /* the largest unit that parse_size() and docker read */

char *size_exact(uint64_t bytes, char out[SIZE_TEXT])
{
    size_t i = 0;
    for (; bytes && bytes % 1024 == 0 && i < PIB; i++)
        bytes /= 1024;
    snprintf(out, SIZE_TEXT, "%llu%s", (unsigned long long)bytes, BINARY[i]);
    return out;
}

char *size_short(uint64_t bytes, char out[SIZE_TEXT])
{
    static const char UNITS[] = " kMGTPE";
    double v = (double)bytes;
    int u = 0;
    for (; v >= 999.5 && u < 6; u++)
        v /= 1024;
    if (u == 0)
        snprintf(out, SIZE_TEXT, "%.0f", v);
    else
        snprintf(out, SIZE_TEXT, v < 9.95 ? "%.1f%c" : "%.0f%c", v, UNITS[u]);
    return out;
}
