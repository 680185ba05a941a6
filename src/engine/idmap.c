/* A range of the kernel's begins and ends within 32 bits, and the last id of all means "none". */

#include "engine/idmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define ID_END UINT32_MAX /* the first that is no id */

static int take_number(const char **text, uint64_t *ret)
{
    char part[16];
    size_t n = strcspn(*text, ":");
    if (n == 0 || n >= sizeof(part))
        return -EINVAL;
    memcpy(part, *text, n);
    part[n] = '\0';
    *text += n + ((*text)[n] != '\0');
    return parse_u64(part, UINT64_MAX, ret);
}

static bool has_two_colons(const char *text)
{
    const char *first = strchr(text, ':');
    const char *second = first ? strchr(first + 1, ':') : NULL;
    return second && second[1] && !strchr(second + 1, ':');
}

static int parse_range(const char *text, struct mtd_idrange *ret, struct mtd_error *err)
{
    uint64_t n[3] = {0};
    const char *rest = text;
    int rc = has_two_colons(text) ? 0 : -EINVAL;
    for (size_t i = 0; i < 3 && rc == 0; i++)
        rc = take_number(&rest, &n[i]);
    if (rc < 0)
        return mtd_fail(err, EINVAL,
                        "\"%.80s\" is neither host, auto, auto:size=COUNT nor "
                        "FROM:TO:COUNT, the first id in the container, the first on the "
                        "host and how many",
                        text);
    if (n[2] == 0 || n[0] >= ID_END || n[1] >= ID_END || n[2] > ID_END - n[0] ||
        n[2] > ID_END - n[1])
        return mtd_fail(err, ERANGE, "\"%.80s\": COUNT is at least 1, and ids end at %u",
                        text, ID_END - 1);
    *ret = (struct mtd_idrange){n[0], n[1], n[2]};
    return 0;
}

static int add_range(struct mtd_spec *s, const struct mtd_idrange *range,
                     struct mtd_error *err)
{
    if (s->n_idmap == MTD_IDMAP_RANGES)
        return mtd_fail(err, E2BIG, "more than %d ranges of ids", MTD_IDMAP_RANGES);
    struct mtd_idrange *all = reallocarray(s->idmap, s->n_idmap + 1, sizeof(*all));
    if (!all)
        return mtd_fail(err, ENOMEM, "out of memory");
    s->idmap = all;
    all[s->n_idmap++] = *range;
    return 0;
}

static int parse_auto(const char *text, struct mtd_spec *s, struct mtd_error *err)
{
    static const char SIZE[] = ":size=";
    uint64_t size = MTD_IDMAP_SIZE;
    size_t n = strlen(SIZE);
    if (*text && (strncmp(text, SIZE, n) != 0 || parse_u64(text + n, ID_END, &size) < 0 ||
                  size == 0))
        return mtd_fail(err, EINVAL, "\"auto%.60s\": use auto or auto:size=COUNT", text);
    s->userns = MTD_USERNS_AUTO;
    s->userns_size = size;
    return 0;
}

int mtd_userns_parse(const char *text, struct mtd_spec *s, struct mtd_error *err)
{
    struct mtd_idrange range;
    bool is_auto = strncmp(text, "auto", 4) == 0 && (!text[4] || text[4] == ':');
    if (strcmp(text, "host") == 0)
        return 0;
    if (is_auto)
        return parse_auto(text + 4, s, err);
    if (strcmp(text, "keep") == 0 || strcmp(text, "keep-id") == 0)
        return mtd_fail(err, EINVAL,
                        "\"%s\": the caller's id stays the same for an engine that an "
                        "ordinary user runs; this one is run by root, whose id must not "
                        "be in a container: use auto",
                        text);
    int rc = parse_range(text, &range, err);
    if (rc == 0)
        rc = add_range(s, &range, err);
    if (rc == 0)
        s->userns = MTD_USERNS_RANGES;
    return rc;
}

static bool overlap(uint64_t a, uint64_t b, uint64_t a_size, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

int mtd_idmap_check(const struct mtd_spec *s, struct mtd_error *err)
{
    uint32_t root;
    for (size_t i = 0; i < s->n_idmap; i++)
        for (size_t j = 0; j < i; j++) {
            const struct mtd_idrange *a = &s->idmap[i], *b = &s->idmap[j];
            if (overlap(a->inside, b->inside, a->count, b->count) ||
                overlap(a->host, b->host, a->count, b->count))
                return mtd_fail(
                    err, EINVAL,
                    "the ranges of ids %llu:%llu:%llu and %llu:%llu:%llu "
                    "overlap",
                    (unsigned long long)b->inside, (unsigned long long)b->host,
                    (unsigned long long)b->count, (unsigned long long)a->inside,
                    (unsigned long long)a->host, (unsigned long long)a->count);
        }
    if (s->n_idmap && !mtd_idmap_to_host(s, 0, &root))
        return mtd_fail(err, EINVAL,
                        "the ranges of ids have none for the container's id 0, which it "
                        "starts with");
    return 0;
}

bool mtd_idmap_to_host(const struct mtd_spec *s, uint32_t inside, uint32_t *ret_host)
{
    *ret_host = inside;
    for (size_t i = 0; i < s->n_idmap; i++) {
        const struct mtd_idrange *r = &s->idmap[i];
        if (inside < r->inside || inside - r->inside >= r->count)
            continue;
        *ret_host = (uint32_t)(r->host + (inside - r->inside));
        return true;
    }
    return s->n_idmap == 0;
}

bool mtd_idmap_to_inside(const struct mtd_spec *s, uint32_t host, uint32_t *ret_inside)
{
    *ret_inside = host;
    for (size_t i = 0; i < s->n_idmap; i++) {
        const struct mtd_idrange *r = &s->idmap[i];
        if (host < r->host || host - r->host >= r->count)
            continue;
        *ret_inside = (uint32_t)(r->inside + (host - r->host));
        return true;
    }
    return s->n_idmap == 0;
}

const char *mtd_userns_name(const struct mtd_spec *s)
{
    static const char *const NAMES[] = {"", "auto", "private"};
    return NAMES[s->userns];
}
