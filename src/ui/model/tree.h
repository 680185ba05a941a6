/* tree - a JSON value as foldable lines. Pure but for jansson.
 * Shape   every line is one member, element or closing bracket; a container knows the
 *         line after its end. Visible lines are found by walking and skipping folded
 *         ones.
 * Owner   tree_done frees; texts belong to the tree.
 */
#ifndef UI_MODEL_TREE_H
#define UI_MODEL_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct tree_line {
    char *text; /* "\"Name\": \"api\"," without indentation */
    int depth;
    size_t end; /* containers: index after the closing bracket; else 0 */
    bool folded;
    char key[64]; /* of the member, for keeping folds over a reload */
};
struct tree {
    struct tree_line *lines;
    size_t len, cap;
};
int tree_parse(struct tree *t, const char *json); /* -EINVAL, -ENOMEM; replaces */
void tree_done(struct tree *t);
void tree_fold_all(struct tree *t, bool folded, int from_depth);
size_t tree_visible(const struct tree *t);            /* lines not inside a fold */
size_t tree_at(const struct tree *t, size_t visible); /* index of the n-th visible line */

#endif
