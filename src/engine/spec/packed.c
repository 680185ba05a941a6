/* Lengths are checked against what is left, so that no number in the bytes leads beyond
 * them, or to memory for what is not there. */

#include "engine/spec/packed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"

static int put_string(struct buf *b, const char *s)
{
    uint32_t n = s ? (uint32_t)strlen(s) + 1 : 0; /* 0 = NULL */
    int rc = buf_add(b, &n, sizeof(n));
    return rc == 0 && s ? buf_add(b, s, n - 1) : rc;
}

static int put_list(struct buf *b, const struct strv *v)
{
    uint32_t n = (uint32_t)v->len;
    int rc = buf_add(b, &n, sizeof(n));
    for (size_t i = 0; rc == 0 && i < v->len; i++)
        rc = put_string(b, v->items[i]);
    return rc;
}

static int put(const struct packed_member *m, const void *p, struct buf *ret)
{
    switch (m->kind) {
    case PACKED_PLAIN: return buf_add(ret, p, m->size);
    case PACKED_STRING: return put_string(ret, *(char *const *)p);
    case PACKED_LIST: return put_list(ret, p);
    }
    return -EINVAL;
}

int spec_packed_put(const struct packed_member *members, size_t n, const void *base,
                    struct buf *ret)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put(&members[i], (const char *)base + members[i].offset, ret);
    return rc;
}

struct cursor {
    const char *p;
    size_t left;
};

static bool take_bytes(struct cursor *c, void *out, size_t n)
{
    if (n > c->left)
        return false;
    memcpy(out, c->p, n);
    c->p += n;
    c->left -= n;
    return true;
}

static int take_string(struct cursor *c, char **ret)
{
    uint32_t n;
    *ret = NULL;
    if (!take_bytes(c, &n, sizeof(n)) || (n > 0 && n - 1 > c->left))
        return -EBADMSG;
    if (n == 0)
        return 0;
    char *s = malloc(n);
    if (!s)
        return -ENOMEM;
    take_bytes(c, s, n - 1);
    s[n - 1] = '\0';
    *ret = s;
    return 0;
}

static int take_list(struct cursor *c, struct strv *ret)
{
    uint32_t n;
    int rc = take_bytes(c, &n, sizeof(n)) ? 0 : -EBADMSG;
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        char *s;
        rc = take_string(c, &s);
        if (rc == 0)
            rc = s ? strv_take(ret, s) : -EBADMSG;
    }
    return rc;
}

static int take(const struct packed_member *m, struct cursor *c, void *p)
{
    switch (m->kind) {
    case PACKED_PLAIN: return take_bytes(c, p, m->size) ? 0 : -EBADMSG;
    case PACKED_STRING: return take_string(c, p);
    case PACKED_LIST: return take_list(c, p);
    }
    return -EINVAL;
}

int spec_packed_take(const struct packed_member *members, size_t n, const char *data,
                     size_t len, void *base)
{
    struct cursor c = {data, len};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = take(&members[i], &c, (char *)base + members[i].offset);
    return rc;
}
