/* spec/node.h - a JSON text as a tree of nodes.
 * Shape   one allocation for all nodes and one for the text, in which strings are decoded
 *         where they stand. A list of ten thousand containers parses ten thousand records,
 *         and building jansson's hash tables took half of its time.
 * Rule    what RFC 8259 allows, with an object at the top; also refused are members of
 *         the same name, NUL, text that is not UTF-8, whole numbers beyond 64 bits, and
 *         more levels than NODE_MAX_DEPTH.
 * Errors  -EINVAL or -ENOMEM; err says what is wrong in which line.
 * Owner   nodes and their strings belong to the document.
 */
#ifndef ENGINE_SPEC_NODE_H
#define ENGINE_SPEC_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define NODE_MAX_DEPTH 32

enum node_kind {
    NODE_NULL,
    NODE_FALSE,
    NODE_TRUE,
    NODE_INT,
    NODE_REAL, /* has no value: no member is one */
    NODE_STRING,
    NODE_LIST,
    NODE_OBJECT,
};

struct node {
    enum node_kind kind;
    uint32_t key_len, len; /* len: of a string, or how many members or items */
    const char *key;       /* in an object; terminated */
    union {
        const char *text; /* NODE_STRING; terminated */
        int64_t number;   /* NODE_INT */
        struct node *first;
    };
    struct node *next; /* member or item; NULL = the last */
};

struct node_tree {
    char *text;
    struct node *nodes; /* the first is the top */
    size_t n;
};

int node_parse(const char *text, size_t len, struct node_tree *ret,
               struct mtd_error *err);
void node_tree_done(struct node_tree *t);
/* The member of that name; NULL = there is none, or it is no object. */
const struct node *node_member(const struct node *object, const char *key, size_t len);

#endif
