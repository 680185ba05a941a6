/* docker makes ranges only of ports that have the same number outside; that is kept in its text.
 * The short one makes them wherever both sides count on. */
#include "engine/port/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

static int read_number(const char *text, size_t len, unsigned *ret)
{
    char number[8];
    uint64_t n;
    if (len == 0 || len >= sizeof(number))
        return -EINVAL;
    snprintf(number, sizeof(number), "%.*s", (int)len, text);
    if (parse_u64(number, UINT16_MAX, &n) < 0)
        return -EINVAL;
    *ret = (unsigned)n;
    return 0;
}

/* "ADDRESS:HOST", up to the arrow. */
static int read_outside(const char *text, size_t len, struct mtd_port_line *p)
{
    const char *colon = memrchr(text, ':', len);
    if (!colon)
        return -EINVAL;
    size_t n = (size_t)(colon - text);
    bool brackets = n > 1 && text[0] == '[' && text[n - 1] == ']';
    if (n >= sizeof(p->address))
        return -EINVAL;
    snprintf(p->address, sizeof(p->address), "%.*s", (int)n - 2 * brackets,
             text + brackets);
    return read_number(colon + 1, len - n - 1, &p->host);
}

int mtd_port_line_read(const char *text, struct mtd_port_line *ret)
{
    struct mtd_port_line p = {0};
    const char *arrow = strstr(text, "->"), *target = arrow ? arrow + 2 : text;
    size_t len = strcspn(target, "/");
    int rc = arrow ? read_outside(text, (size_t)(arrow - text), &p) : 0;
    if (rc == 0)
        rc = read_number(target, len, &p.target);
    if (rc < 0)
        return rc;
    snprintf(p.protocol, sizeof(p.protocol), "%s",
             target[len] ? target + len + 1 : "tcp");
    *ret = p;
    return 0;
}

bool mtd_port_line_is_public(const struct mtd_port_line *p)
{
    return p->host && strncmp(p->address, "127.", 4) != 0 &&
           strcmp(p->address, "::1") != 0;
}

static int put_range(unsigned first, unsigned last, struct buf *out)
{
    return last == first ? buf_printf(out, "%u", first)
                         : buf_printf(out, "%u-%u", first, last);
}

static int put_outside(const struct mtd_port_line *p, unsigned more, struct buf *out)
{
    bool six = strchr(p->address, ':');
    int rc = buf_printf(out, "%s%s%s:", six ? "[" : "", p->address, six ? "]" : "");
    if (rc == 0)
        rc = put_range(p->host, p->host + more, out);
    return rc < 0 ? rc : buf_puts(out, "->");
}

/* more: how many follow it. */
static int put_line(const struct mtd_port_line *p, unsigned more, bool with_protocol,
                    struct buf *out)
{
    int rc = p->host ? put_outside(p, more, out) : 0;
    if (rc == 0)
        rc = put_range(p->target, p->target + more, out);
    return rc < 0 || !with_protocol ? rc : buf_printf(out, "/%s", p->protocol);
}

int mtd_port_line_put(const struct mtd_port_line *p, struct buf *out)
{
    return put_line(p, 0, true, out);
}

/* ---- all of them --------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct mtd_port_line *x = a, *y = b;
    if (x->target != y->target)
        return x->target < y->target ? -1 : 1;
    int rc = strcmp(x->address, y->address);
    if (rc == 0 && x->host != y->host)
        return x->host < y->host ? -1 : 1;
    return rc ? rc : strcmp(x->protocol, y->protocol);
}

/* Those that can be read; *ret is malloc'ed. */
static int read_all(const struct strv *lines, struct mtd_port_line **ret)
{
    struct mtd_port_line *all = calloc(lines->len + 1, sizeof(*all));
    int n = 0;
    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < lines->len; i++)
        n += mtd_port_line_read(lines->items[i], &all[n]) == 0;
    *ret = all;
    return n;
}

static bool same_place(const struct mtd_port_line *a, const struct mtd_port_line *b)
{
    return strcmp(a->address, b->address) == 0 && strcmp(a->protocol, b->protocol) == 0;
}

/* A row of neighbours, which lasts until one is missing. */
struct group {
    struct mtd_port_line first;
    unsigned more;
};

static int put_group(const struct group *g, struct buf *out)
{
    int rc = out->len ? buf_puts(out, ", ") : 0;
    return rc < 0 ? rc : put_line(&g->first, g->more, true, out);
}

static int join_group(struct group *groups, size_t *n, const struct mtd_port_line *p,
                      struct buf *out)
{
    size_t i = 0;
    while (i < *n && !same_place(&groups[i].first, p))
        i++;
    if (i < *n && p->target == groups[i].first.target + groups[i].more + 1) {
        groups[i].more++;
        return 0;
    }
    int rc = i < *n ? put_group(&groups[i], out) : 0;
    groups[i] = (struct group){.first = *p};
    *n += i == *n;
    return rc;
}

int mtd_ports_text(const struct strv *lines, struct buf *out)
{
    auto_free struct mtd_port_line *all = NULL;
    auto_free struct group *groups = calloc(lines->len + 1, sizeof(*groups));
    auto_done(buf_done) struct buf text = {0};
    size_t n_groups = 0;
    int n = groups ? read_all(lines, &all) : -ENOMEM, rc = n < 0 ? n : 0;
    if (n > 0)
        qsort(all, (size_t)n, sizeof(*all), compare);
    for (int i = 0; i < n && rc == 0; i++)
        if (!all[i].host || all[i].host == all[i].target)
            rc = join_group(groups, &n_groups, &all[i], &text);
    for (size_t i = 0; i < n_groups && rc == 0; i++)
        rc = put_group(&groups[i], &text);
    for (int i = 0; i < n && rc == 0; i++)
        if (all[i].host && all[i].host != all[i].target)
            rc = put_group(&(struct group){.first = all[i]}, &text);
    return rc == 0 && text.len ? buf_puts(out, text.data) : rc;
}

/* ---- the short text ------------------------------------------------------------------ */

/* IPv4's and IPv6's "all addresses" become one. Returns how many are left. */
static int keep_published(struct mtd_port_line *all, int n)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        bool seen = false;
        if (strcmp(all[i].address, "0.0.0.0") == 0 || strcmp(all[i].address, "::") == 0)
            snprintf(all[i].address, sizeof(all[i].address), "*");
        for (int k = 0; k < kept; k++)
            seen |= compare(&all[k], &all[i]) == 0;
        if (all[i].host && !seen)
            all[kept++] = all[i];
    }
    return kept;
}

int mtd_ports_short(const struct strv *lines, struct buf *out)
{
    auto_free struct mtd_port_line *all = NULL;
    int n = read_all(lines, &all), rc = n < 0 ? n : 0;
    n = keep_published(all, n);
    if (n > 0)
        qsort(all, (size_t)n, sizeof(*all), compare);
    for (int i = 0, next; i < n && rc == 0; i = next) {
        const struct mtd_port_line *p = &all[i];
        unsigned more = 0;
        for (next = i + 1; next < n && same_place(p, &all[next]) &&
                           all[next].target == p->target + more + 1 &&
                           all[next].host == p->host + more + 1;
             next++)
            more++;
        rc = i ? buf_puts(out, ", ") : 0;
        if (rc == 0)
            rc = put_line(p, more, strcmp(p->protocol, "tcp") != 0, out);
    }
    return rc;
}
