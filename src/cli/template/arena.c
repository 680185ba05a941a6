/* arena - a run makes many small values and frees them all at once: so they come from
 * chunks, and the first chunk is part of the arena, because most rows need no more. */

#include <stdlib.h>

#include "cli/template/internal.h"

#define CHUNK 16384
#define ALIGN 16

void arena_init(struct arena *a, size_t max)
{
    a->chunks = NULL;
    a->at = a->first;
    a->left = sizeof(a->first);
    a->total = 0;
    a->max = max;
}

void arena_done(struct arena *a)
{
    while (a->chunks) {
        struct chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
}

static int add_chunk(struct arena *a, size_t size)
{
    size_t room = size + ALIGN > CHUNK ? size + ALIGN : CHUNK;
    struct chunk *c = malloc(sizeof(*c) + room);
    if (!c)
        return -1;
    c->next = a->chunks;
    a->chunks = c;
    size_t skip = (ALIGN - (uintptr_t)c->bytes % ALIGN) % ALIGN;
    a->at = c->bytes + skip;
    a->left = room - skip;
    return 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > a->max)
        return NULL;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (size > a->max - a->total)
        return NULL;
    if (size > a->left && add_chunk(a, size) < 0)
        return NULL;
    void *p = a->at;
    a->at += size;
    a->left -= size;
    a->total += size;
    return memset(p, 0, size);
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
    char *copy = arena_alloc(a, len + 1);
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}
