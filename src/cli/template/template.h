/* template - Go's text/template over JSON values, with docker's functions.
 * Shape   parsed once, run as often as there are rows. The dot is a JSON tree or a row
 *         whose fields are made when the template asks for them.
 * Types   JSON does not say what Go knows of structs, maps and empty lists; the caller
 *         may. A key that an object does not have is an error, as with Go's structs; in
 *         maps (labels) it is "<no value>".
 * Bounds  TEMPLATE_*_MAX: a template cannot make the program large, slow or deep.
 * Errors  "template: LINE:COLUMN: why" in one line; -EINVAL or -ENOMEM. What was written
 *         to `out` before an error stays there.
 * Owner   the caller frees a template with template_free(). Rows and trees are
 *         borrowed for the call.
 * Source  Go text/template and fmt; docker/cli templates/templates.go. Not there: define,
 *         template, block, call, complex numbers.
 */
#ifndef CLI_TEMPLATE_TEMPLATE_H
#define CLI_TEMPLATE_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define TEMPLATE_DEPTH_MAX 100         /* blocks and parentheses inside each other */
#define TEMPLATE_STEPS_MAX 1000000     /* nodes evaluated in one run */
#define TEMPLATE_OUTPUT_MAX (8 << 20)  /* bytes of one run */
#define TEMPLATE_STRING_MAX (1 << 20)  /* bytes of one string that a function makes */
#define TEMPLATE_MEMORY_MAX (16 << 20) /* bytes of all values made in one run */

struct template;

/* In text outside of actions, \t and \n, written as two characters, are a
 * tab and a newline. */
int template_parse(const char *text, struct template **ret, struct mtd_error *err);
void template_free(struct template *t); /* NULL = nothing */

/* Calls fn for the name of every field that is asked of the dot the template began with
 * (`.Name`, `$.Name`), so that a wrong one is found before there is a row. */
typedef int (*template_field_fn)(const struct template *t, const char *name, size_t at,
                                 void *arg, struct mtd_error *err);
int template_each_field(const struct template *t, template_field_fn fn, void *arg,
                        struct mtd_error *err);
/* Sets err to "template: LINE:COLUMN: ..." for the byte `at`; returns -EINVAL. */
int template_fail(const struct template *t, size_t at, struct mtd_error *err,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

struct template_row {
    const void *data;
    /* The name of field i; NULL after the last. */
    const char *(*name)(const void *data, size_t i);
    /* argument: of `.Label "x"`, else NULL. -ENOENT = field i takes none, -EINVAL = it
     * needs one; such a field is no part of the row as a whole. */
    int (*get)(const void *data, size_t i, const char *argument, struct buf *out);
};

struct template_data {
    const json_t *tree;             /* the dot, or */
    const struct template_row *row; /* the dot */
    /* Names of fields that hold maps, NULL at the end. NULL = none. */
    const char *const *maps;
    /* Name of an object ("" = the tree) or of the list or map it is in -> field -> what
     * the field is when it is missing or null: null, "", 0, [] or {}. In a map "*" = what
     * `index` gives for a missing key, else "". NULL = nothing known. */
    const json_t *types;
    bool header; /* the header of a table: docker's functions do not change the titles */
};
int template_run(const struct template *t, const struct template_data *data,
                 struct buf *out, struct mtd_error *err);

#endif
