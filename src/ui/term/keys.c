/* What is found in the table of keys. */
#include "ui/term/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ui/term/keys_table.h"

int keys_init(struct keys *k)
{
    k->len = KEYS_OBJECTS_LEN + KEYS_SCREEN_LEN;
    k->table = calloc(k->len, sizeof(*k->table));
    if (!k->table)
        return -ENOMEM;
    memcpy(k->table, KEYS_OBJECTS, KEYS_OBJECTS_LEN * sizeof(*k->table));
    memcpy(k->table + KEYS_OBJECTS_LEN, KEYS_SCREEN, KEYS_SCREEN_LEN * sizeof(*k->table));
    return 0;
}

void keys_done(struct keys *k)
{
    free(k->table);
    *k = (struct keys){0};
}

static bool has_key(const struct binding *b, int key)
{
    for (int i = 0; i < BINDING_KEYS && b->keys[i]; i++)
        if (b->keys[i] == key)
            return true;
    return false;
}

/* Within a context remapped bindings come first: a user's choice beats a default. */
static const struct binding *search(const struct keys *k, enum context c, int key)
{
    const struct binding *found = NULL;
    for (size_t i = 0; i < k->len; i++) {
        const struct binding *b = &k->table[i];
        if (b->context == c && has_key(b, key) && (!found || b->remapped))
            found = b;
    }
    return found;
}

const struct binding *keys_find(const struct keys *k, unsigned contexts, int key)
{
    for (int c = 0; c < CONTEXT_COUNT && key; c++) {
        const struct binding *b =
            contexts & 1u << c ? search(k, (enum context)c, key) : NULL;
        if (b)
            return b;
    }
    return NULL;
}

const struct binding *keys_of(const struct keys *k, unsigned contexts, enum command cmd)
{
    for (size_t i = 0; i < k->len; i++)
        if (k->table[i].command == cmd && contexts & 1u << k->table[i].context)
            return &k->table[i];
    return NULL;
}

const char *context_name(enum context c)
{
    static const char *const NAMES[CONTEXT_COUNT] = {
        [CONTEXT_IMAGES] = "Images",
        [CONTEXT_VOLUMES] = "Volumes",
        [CONTEXT_NETWORKS] = "Networks",
        [CONTEXT_MEMBERS] = "A network's containers",
        [CONTEXT_LOG_FULL] = "Full-screen log",
        [CONTEXT_LOG] = "Logs",
        [CONTEXT_STATS] = "Stats",
        [CONTEXT_TOP] = "Top",
        [CONTEXT_INSPECT] = "Inspect",
        [CONTEXT_DIFF] = "Diff",
        [CONTEXT_EVENTS] = "Events",
        [CONTEXT_DETAIL] = "Detail",
        [CONTEXT_LIST] = "List",
        [CONTEXT_CONTAINER] = "Containers",
        [CONTEXT_GLOBAL] = "Everywhere",
    };
    return NAMES[c];
}
