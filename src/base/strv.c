/* strv - NULL-terminated at every moment, so that a list can be passed to execve as it
 * is. */

#include "base/strv.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void strv_done(struct strv *v)
{
    int saved = errno;
    for (size_t i = 0; i < v->len; i++)
        free(v->items[i]);
    free(v->items);
    *v = (struct strv){0};
    errno = saved;
}

/* The capacity is not stored: the array is full when len + 1 (the NULL) is a power of
 * two. */
static int grow(struct strv *v)
{
    size_t used = v->len + 1;
    if (v->items && (used & (used - 1)) != 0)
        return 0;
    if (used > SIZE_MAX / (4 * sizeof(*v->items)))
        return -ENOMEM;
    char **items = realloc(v->items, (v->items ? used * 2 : 2) * sizeof(*items));
    if (!items)
        return -ENOMEM;
    v->items = items;
    return 0;
}

int strv_take(struct strv *v, char *s)
{
    if (!s)
        return -ENOMEM;
    if (grow(v) < 0) {
        free(s);
        return -ENOMEM;
    }
    v->items[v->len++] = s;
    v->items[v->len] = NULL;
    return 0;
}

int strv_add(struct strv *v, const char *s)
{
    return strv_take(v, strdup(s));
}

int strv_add_n(struct strv *v, const char *s, size_t n)
{
    return strv_take(v, strndup(s, n));
}

int strv_add_all(struct strv *v, const struct strv *from)
{
    size_t before = v->len;
    for (size_t i = 0, n = from->len; i < n; i++) {
        if (strv_add(v, from->items[i]) == 0)
            continue;
        while (v->len > before)
            free(v->items[--v->len]);
        if (v->items)
            v->items[v->len] = NULL;
        return -ENOMEM;
    }
    return 0;
}

int strv_copy(struct strv *ret, const struct strv *from)
{
    struct strv copy = {0};
    if (strv_add_all(&copy, from) < 0) {
        strv_done(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

bool strv_contains(const struct strv *v, const char *s)
{
    for (size_t i = 0; i < v->len; i++)
        if (strcmp(v->items[i], s) == 0)
            return true;
    return false;
}

static bool has_name(const char *entry, const char *name, size_t n)
{
    return strncmp(entry, name, n) == 0 && (entry[n] == '=' || entry[n] == '\0');
}

int strv_env_set(struct strv *env, const char *assignment)
{
    size_t n = strcspn(assignment, "=");
    for (size_t i = 0; i < env->len; i++) {
        if (!has_name(env->items[i], assignment, n))
            continue;
        char *copy = strdup(assignment);
        if (!copy)
            return -ENOMEM;
        free(env->items[i]);
        env->items[i] = copy;
        return 0;
    }
    return strv_add(env, assignment);
}

const char *strv_env_get(const struct strv *env, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < env->len; i++)
        if (strncmp(env->items[i], name, n) == 0 && env->items[i][n] == '=')
            return env->items[i] + n + 1;
    return NULL;
}
