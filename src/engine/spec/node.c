/* Recursive descent; the depth is bounded before the stack is. */

#include "engine/spec/node.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#define FEW 24 /* members that are compared each with each */

struct parser {
    struct node_tree *tree;
    char *at, *end; /* *end is NUL, which no rule takes */
    int depth;
    const char *problem; /* NULL = none, or no memory */
    bool no_memory;
};

static bool fail(struct parser *p, const char *problem)
{
    if (!p->problem)
        p->problem = problem;
    return false;
}

static bool lack_memory(struct parser *p)
{
    p->no_memory = true;
    return false;
}

static void skip_space(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')
        p->at++;
}

static bool take(struct parser *p, char c)
{
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

/* ---- strings ----------------------------------------------------------------------- */

static bool take_hex4(struct parser *p, uint32_t *ret)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        static const char DIGITS[] = "00112233445566778899aAbBcCdDeEfF";
        const char *digit = *p->at ? strchr(DIGITS, *p->at) : NULL;
        if (!digit)
            return fail(p, "\\u needs four hexadecimal digits");
        v = v << 4 | (uint32_t)(digit - DIGITS) / 2;
    }
    *ret = v;
    return true;
}

/* After "\u". Characters above U+FFFF are two of them. */
static bool take_rune(struct parser *p, char **to)
{
    auto_done(buf_done) struct buf bytes = {0};
    uint32_t v, low;
    if (!take_hex4(p, &v))
        return false;
    if (v == 0)
        return fail(p, "a NUL in a string");
    if (v >= 0xd800 && v < 0xdc00) {
        if (!take(p, '\\') || !take(p, 'u'))
            return fail(p, "half a character in a string");
        if (!take_hex4(p, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(p, "half a character in a string");
        v = 0x10000 + ((v - 0xd800) << 10 | (low - 0xdc00));
    } else if (v >= 0xdc00 && v < 0xe000) {
        return fail(p, "half a character in a string");
    }
    if (utf8_put(&bytes, v) < 0)
        return lack_memory(p);
    memcpy(*to, bytes.data, bytes.len);
    *to += bytes.len;
    return true;
}

static bool take_escape(struct parser *p, char **to)
{
    static const char LETTERS[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
    char letter = *p->at;
    const char *known = letter ? strchr(LETTERS, letter) : NULL;
    if (letter != 'u' && !known)
        return fail(p, "an unknown escape in a string");
    p->at++;
    if (letter == 'u')
        return take_rune(p, to);
    *(*to)++ = MEANT[known - LETTERS];
    return true;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* After the quote. What is decoded is never longer than what stood for it. */
static bool take_string(struct parser *p, const char **ret, uint32_t *ret_len)
{
    char *begin = p->at, *to;
    while (is_plain((unsigned char)*p->at))
        p->at++;
    for (to = p->at; !take(p, '"');) {
        size_t n = is_plain((unsigned char)*p->at)
                       ? 1
                       : utf8_len(p->at, (size_t)(p->end - p->at));
        if (take(p, '\\')) {
            if (!take_escape(p, &to))
                return false;
        } else if (n == 0 || (unsigned char)*p->at < 0x20) {
            return fail(p, p->at == p->end ? "a string without an end"
                                           : "a string with bytes that are no text");
        } else {
            memmove(to, p->at, n);
            to += n;
            p->at += n;
        }
    }
    *to = '\0';
    *ret = begin;
    *ret_len = (uint32_t)(to - begin);
    return true;
}

/* ---- numbers ----------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_digits(struct parser *p)
{
    const char *begin = p->at;
    while (is_digit(*p->at))
        p->at++;
    return p->at > begin;
}

static bool take_number(struct parser *p, struct node *ret)
{
    const char *begin = p->at;
    take(p, '-');
    bool zero = *p->at == '0';
    const char *digits = p->at;
    if (!take_digits(p) || (zero && p->at - digits > 1))
        return fail(p, "not a value");
    ret->kind = NODE_INT;
    if (take(p, '.')) {
        ret->kind = NODE_REAL;
        if (!take_digits(p))
            return fail(p, "not a number");
    }
    if (take(p, 'e') || take(p, 'E')) {
        ret->kind = NODE_REAL;
        if (!take(p, '+'))
            take(p, '-');
        if (!take_digits(p))
            return fail(p, "not a number");
    }
    errno = 0;
    if (ret->kind == NODE_INT)
        ret->number = strtoll(begin, NULL, 10);
    return errno == ERANGE ? fail(p, "a number that is too large") : true;
}

/* ---- objects ----------------------------------------------------------------------- */

static bool same_key(const struct node *a, const struct node *b)
{
    return a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct node *const *)a)->key,
                  (*(const struct node *const *)b)->key);
}

static bool is_unique_among_many(struct parser *p, const struct node *object)
{
    size_t n = 0;
    auto_free const struct node **all = calloc(object->len, sizeof(struct node *));
    if (!all)
        return lack_memory(p);
    for (const struct node *m = object->first; m; m = m->next)
        all[n++] = m;
    qsort(all, n, sizeof(*all), by_key);
    for (size_t i = 1; i < n; i++)
        if (same_key(all[i - 1], all[i]))
            return fail(p, "a member twice");
    return true;
}

static bool is_unique(struct parser *p, const struct node *object)
{
    if (object->len > FEW)
        return is_unique_among_many(p, object);
    for (const struct node *a = object->first; a; a = a->next)
        for (const struct node *b = a->next; b; b = b->next)
            if (same_key(a, b))
                return fail(p, "a member twice");
    return true;
}

static struct node *parse_value(struct parser *p);

static struct node *parse_member(struct parser *p)
{
    const char *key;
    uint32_t len;
    if (!take(p, '"')) {
        fail(p, "a member without a name");
        return NULL;
    }
    if (!take_string(p, &key, &len))
        return NULL;
    skip_space(p);
    if (!take(p, ':')) {
        fail(p, "a member without a colon");
        return NULL;
    }
    skip_space(p);
    struct node *member = parse_value(p);
    if (member) {
        member->key = key;
        member->key_len = len;
    }
    return member;
}

/* After the bracket. */
static bool parse_inside(struct parser *p, struct node *ret, char end)
{
    struct node **last = &ret->first;
    ret->first = NULL;
    if (++p->depth > NODE_MAX_DEPTH)
        return fail(p, "nested too deeply");
    skip_space(p);
    while (ret->len > 0 || !take(p, end)) {
        struct node *item = ret->kind == NODE_OBJECT ? parse_member(p) : parse_value(p);
        if (!item)
            return false;
        *last = item;
        last = &item->next;
        ret->len++;
        skip_space(p);
        if (take(p, end))
            break;
        if (!take(p, ','))
            return fail(p, "neither a comma nor the end of a list or object");
        skip_space(p);
    }
    p->depth--;
    return ret->kind == NODE_LIST || is_unique(p, ret);
}

static bool take_word(struct parser *p, struct node *ret)
{
    static const struct {
        const char *word;
        enum node_kind kind;
    } WORDS[] = {{"null", NODE_NULL}, {"false", NODE_FALSE}, {"true", NODE_TRUE}};
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++) {
        size_t n = strlen(WORDS[i].word);
        if (strncmp(p->at, WORDS[i].word, n) == 0) {
            p->at += n;
            ret->kind = WORDS[i].kind;
            return true;
        }
    }
    return fail(p, p->at == p->end ? "it ends too early" : "not a value");
}

static bool parse_kind(struct parser *p, struct node *ret)
{
    switch (*p->at) {
    case '"':
        p->at++;
        ret->kind = NODE_STRING;
        return take_string(p, &ret->text, &ret->len);
    case '{':
    case '[':
        ret->kind = *p->at++ == '{' ? NODE_OBJECT : NODE_LIST;
        return parse_inside(p, ret, ret->kind == NODE_OBJECT ? '}' : ']');
    default:
        return *p->at == '-' || is_digit(*p->at) ? take_number(p, ret)
                                                 : take_word(p, ret);
    }
}

static struct node *parse_value(struct parser *p)
{
    struct node *node = &p->tree->nodes[p->tree->n++];
    return parse_kind(p, node) ? node : NULL;
}

/* As many as there can be: each value but the first follows a comma or a bracket. */
static size_t count_values(const char *text, size_t len)
{
    size_t n = 1;
    for (size_t i = 0; i < len; i++)
        n += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return n;
}

static int line_of(const char *text, size_t at)
{
    int line = 1;
    for (size_t i = 0; i < at; i++)
        line += text[i] == '\n';
    return line;
}

int node_parse(const char *text, size_t len, struct node_tree *ret, struct mtd_error *err)
{
    auto_done(node_tree_done) struct node_tree tree = {0};
    tree.text = malloc(len + 1);
    tree.nodes = calloc(count_values(text, len), sizeof(*tree.nodes));
    if (!tree.text || !tree.nodes)
        return mtd_fail(err, ENOMEM, "out of memory");
    memcpy(tree.text, text, len);
    tree.text[len] = '\0';
    struct parser p = {.tree = &tree, .at = tree.text, .end = tree.text + len};
    skip_space(&p);
    if (parse_value(&p)) {
        skip_space(&p);
        if (p.at != p.end)
            fail(&p, "something after its end");
    }
    if (p.no_memory)
        return mtd_fail(err, ENOMEM, "out of memory");
    if (p.depth > NODE_MAX_DEPTH)
        return mtd_fail(err, EINVAL, "nested deeper than %d", NODE_MAX_DEPTH);
    if (p.problem)
        return mtd_fail(err, EINVAL, "not JSON: %s, line %d", p.problem,
                        line_of(text, (size_t)(p.at - tree.text)));
    if (tree.nodes->kind != NODE_OBJECT)
        return mtd_fail(err, EINVAL, "not a JSON object");
    *ret = tree;
    tree = (struct node_tree){0};
    return 0;
}

void node_tree_done(struct node_tree *t)
{
    free(t->text);
    free(t->nodes);
    *t = (struct node_tree){0};
}

const struct node *node_member(const struct node *object, const char *key, size_t len)
{
    if (object->kind != NODE_OBJECT)
        return NULL;
    for (const struct node *m = object->first; m; m = m->next)
        if (m->key_len == len && *m->key == *key && memcmp(m->key, key, len) == 0)
            return m;
    return NULL;
}
