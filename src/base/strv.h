/* strv - a list of strings.
 * Shape   items is NULL-terminated when not NULL, so it can be handed to execve.
 * Errors  -ENOMEM; the list is unchanged then.
 * Owner   the list owns its strings; strv_done frees all.
 */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
    char **items;
    size_t len;
};

void strv_done(struct strv *v);
int strv_add(struct strv *v, const char *s);             /* copies */
int strv_add_n(struct strv *v, const char *s, size_t n); /* copies n bytes */
int strv_take(struct strv *v, char *s);                  /* owns s, frees it on failure */
int strv_copy(struct strv *ret, const struct strv *from);
int strv_add_all(struct strv *v, const struct strv *from);
bool strv_contains(const struct strv *v, const char *s);

/* Environment lists ("NAME=VALUE"): set replaces the entry of that name, or appends. */
int strv_env_set(struct strv *env, const char *assignment);
const char *strv_env_get(const struct strv *env, const char *name); /* NULL = unset */

#endif
