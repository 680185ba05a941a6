/* template/internal.h - what the files of the template room share.
 * Flow    lex.c and literal.c -> pipeline.c and parse.c make nodes -> eval.c walks them,
 *         with fields.c and functions.c (text.c); verbs.c prints values, printf.c formats
 *         them, json.c too. Below all: run.c, write.c, value.c, utf8.c, arena.c.
 * Owner   everything made lives in an arena: the template's, or that of one run.
 */
#ifndef CLI_TEMPLATE_INTERNAL_H
#define CLI_TEMPLATE_INTERNAL_H

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/template/template.h"

/* ---- arena ---- */

#define ARENA_FIRST 2048 /* enough for the usual row: no allocation then */
struct chunk {
    struct chunk *next;
    char bytes[];
};
struct arena {
    struct chunk *chunks;
    char *at;
    size_t left, total, max;
    _Alignas(16) char first[ARENA_FIRST];
};
void arena_init(struct arena *a, size_t max);
void arena_done(struct arena *a);
void *arena_alloc(struct arena *a,
                  size_t size); /* zeroed; NULL = no memory, or above max */
char *arena_strndup(struct arena *a, const char *text, size_t len);

/* ---- values ---- */

enum value_kind {
    VALUE_NONE, /* a missing key: <no value> */
    VALUE_NIL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_MAP,
    VALUE_ROW,
};
struct value {
    enum value_kind kind;
    bool open;        /* a map in the sense of template_data.maps */
    const char *name; /* the field it is from; of an item, that of its list or map */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const char *text;
            size_t len;
        } string;
        struct {
            const json_t *array; /* or */
            const struct value *items;
            size_t from, len;
        } list;
        const json_t *map;
    };
};
struct value value_of_json(const json_t *j);
struct value value_inside(const struct value *list_or_map, const json_t *item);
struct value value_of_int(int64_t i);
struct value value_of_bool(bool b);
struct value value_of_string(const char *text, size_t len);
struct value value_item(const struct value *list, size_t i);
size_t value_len(const struct value *list_or_map);
bool value_truth(const struct value *v);
const char *value_type(const struct value *v); /* Go's name of its type */
/* Keys in the order Go visits them; NULL = out of memory. */
const char **value_keys(struct arena *a, const json_t *map);

/* ---- tokens ---- */

enum token_kind {
    TOKEN_CLOSE, /* }} */
    TOKEN_WORD,  /* functions, keywords, true, false, nil */
    TOKEN_FIELD, /* .Name */
    TOKEN_DOT,
    TOKEN_VARIABLE,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_RAW,
    TOKEN_CHAR,
    TOKEN_OPEN_PAREN,
    TOKEN_CLOSE_PAREN,
    TOKEN_PIPE,
    TOKEN_DECLARE, /* := */
    TOKEN_ASSIGN,  /* = */
    TOKEN_COMMA,
};
struct token {
    enum token_kind kind;
    size_t at, len;
    bool space; /* before it */
};

/* ---- the tree ---- */

struct name {
    struct name *next;
    const char *text;
    size_t at;
};

enum node_kind {
    /* of lists */
    NODE_TEXT,
    NODE_ACTION,
    NODE_IF,
    NODE_RANGE,
    NODE_WITH,
    NODE_BREAK,
    NODE_CONTINUE,
    /* operands */
    NODE_DOT,
    NODE_NIL,
    NODE_CONST,
    NODE_FIELD,    /* names, of the dot */
    NODE_VARIABLE, /* slot, and names */
    NODE_PIPE,     /* parenthesized, and names */
    NODE_FUNCTION,
};
struct list {
    struct node *first, **end;
};
struct node {
    enum node_kind kind;
    size_t at, len; /* where in the template */
    struct node *next;
    struct name *names;
    union {
        struct value constant; /* of NODE_TEXT, too */
        size_t slot;
        const struct function *function;
        struct {
            struct pipe *pipe;
            struct list body, otherwise;
        };
    };
};
struct command {
    struct command *next;
    struct node *args;
    size_t len;
};
struct pipe {
    size_t at;
    struct command *first;
    struct token declared[2]; /* variables declared or set */
    size_t slots[2];
    int vars;
    bool sets; /* = and not := */
};
struct template
{
    char *text;
    struct arena arena;
    struct list list;
    size_t slots; /* variables at once; slot 0 is $ */
};

/* ---- the lexer ---- */

struct lexer {
    const struct template *t;
    size_t pos, len;
    int parens;
    bool trim; /* remove the leading blanks of the text that follows */
    struct mtd_error *err;
};
/* Reads the text up to the next "{{" or the end; returns what follows it, or -errno. */
enum { LEX_END, LEX_ACTION, LEX_COMMENT };
int lex_text(struct lexer *x, struct token *ret);
int lex_next(struct lexer *x, struct token *ret);
bool token_is(const struct lexer *x, const struct token *t, const char *word);
int lex_number(struct lexer *x, const struct token *t, struct value *ret);
/* The bytes of a quoted string or character. */
int lex_unquote(struct lexer *x, const struct token *t, struct buf *out);

/* ---- the parser ---- */

#define VARIABLES_MAX 1000 /* in scope at once: the search for one is linear */

struct parser {
    struct template *t;
    struct lexer lexer;
    struct token now; /* the current token, not yet consumed */
    struct token *variables;
    size_t n_variables; /* in scope */
    int depth, ranges;
};

int parser_fail(struct parser *p, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int parser_no_memory(struct parser *p);
int parser_unexpected(struct parser *p, const char *in); /* the current token */
int parser_advance(struct parser *p);
bool parser_is(const struct parser *p, const char *word);
int parser_deeper(struct parser *p, size_t at);
struct node *parser_node(struct parser *p, enum node_kind kind, const struct token *t);
/* A token in a message; a long one is cut. */
#define SHOWN(p, token) \
    (int)((token)->len < 40 ? (token)->len : 40), (p)->t->text + (token)->at

/* Parses up to `end`, which becomes the current token. */
int parse_pipe(struct parser *p, const char *of, enum token_kind end, struct pipe **ret);

/* ---- a run ---- */

struct run {
    const struct template *t;
    const struct template_data *data;
    struct buf *out;
    size_t out_max;
    struct mtd_error *err;
    struct arena *arena;
    struct value *vars;
    json_t *row; /* the row as an object; NULL until it is needed */
    size_t steps;
};
/* The arguments of one call. */
struct call {
    struct run *run;
    const struct node *node;
    const char *name;
    struct value *args;
    size_t len;
};
typedef int (*function_fn)(const struct call *c, struct value *ret);
struct function {
    const char *name;
    int min, max;      /* arguments; max < 0 = any number */
    const char *types; /* of the first ones: s string, i int, l list of strings, . any */
    function_fn fn;
    bool is_title; /* in a header it is its first argument */
};
const struct function *function_find(const char *name, size_t len);
int function_call(const struct call *c, const struct function *f, struct value *ret);

int call_fail(const struct call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int run_fail(struct run *r, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Zeroed; NULL = failed, and err is set. */
void *run_alloc(struct run *r, size_t at, size_t size);
/* What a write or an allocation ended with, as an error with its place. */
int run_result(struct run *r, size_t at, int rc);
/* Takes the bytes of b as a string of the run; frees b. */
int run_string(struct run *r, size_t at, struct buf *b, struct value *ret);
/* Counts one step; an error if there were too many. */
int run_step(struct run *r, size_t at);
/* One field of a value; argument: of a method, or NULL. */
int run_field(struct run *r, const struct name *name, const struct value *of,
              const struct value *argument, struct value *ret);
/* The value of a key that the map does not have: the empty value of its type. */
struct value run_missing(const struct run *r, const struct value *map);
/* A field of the row, written as it is. */
int run_write_field(struct run *r, const struct name *name);
/* Turns a row into an object, for `json .` and `print .`; other values are unchanged. */
int run_whole(struct run *r, size_t at, struct value *v);

#define FUNCTION(name) int function_##name(const struct call *c, struct value *ret)
FUNCTION(not );
FUNCTION(len);
FUNCTION(index);
FUNCTION(slice);
FUNCTION(eq);
FUNCTION(ne);
FUNCTION(lt);
FUNCTION(le);
FUNCTION(gt);
FUNCTION(ge);
FUNCTION(print);
FUNCTION(println);
FUNCTION(printf);
FUNCTION(html);
FUNCTION(js);
FUNCTION(urlquery);
FUNCTION(json);
FUNCTION(split);
FUNCTION(join);
FUNCTION(title);
FUNCTION(lower);
FUNCTION(upper);
FUNCTION(pad);
FUNCTION(truncate);

/* ---- writing ---- */

/* All writers fail with -E2BIG if `out` would become larger than max. */
struct writer {
    struct buf *out;
    size_t max;
    struct arena *arena;
};
int write_bytes(const struct writer *w, const char *text, size_t len);
int write_fill(const struct writer *w, char c, uint64_t n); /* n times c */
int fill_bytes(struct buf *b, char c, size_t n);
int write_value(const struct writer *w, const struct value *v); /* fmt's %v */
int write_json(const struct writer *w, const struct value *v);
/* As fmt.Sprint; all = blanks between all values, not only between those without text. */
int write_spaced(const struct writer *w, const struct value *args, size_t len, bool all);
int write_printf(const struct writer *w, const struct value *args, size_t len);

/* ---- one value in a verb of printf ---- */

struct spec {
    const char *verb; /* its character, and how many bytes that is */
    size_t verb_len;
    bool plus, minus, sharp, space, zero;
    bool has_width, has_precision;
    int width, precision;
};
/* Any value: verbs T and v, lists and maps item by item. */
int format_value(const struct writer *w, const struct spec *s, const struct value *v);
int format_float(const struct writer *w, const struct spec *s, double f);
/* Text as it is, filled up to the width. */
int format_padded(const struct writer *w, const struct spec *s, const char *text,
                  size_t len);
/* Go's strconv.Quote; ascii = QuoteToASCII. */
int quote_text(struct buf *out, const char *text, size_t len, char quote, bool ascii);
bool is_printable(uint32_t rune);

/* verb: e f g E F G; precision < 0 = as few digits as read back as f. */
int float_text(struct buf *out, double f, char verb, int precision);

#endif
