/* options - getopt_long_only alone reads "-en=1" as an ambiguous abbreviation of
 * --env and --env-file, and "-ti" as one of --timestamps. So each element is
 * classified first: exact long names go to getopt_long_only, everything else to
 * getopt_long, where "-xyz" is always a cluster of letters. Both share getopt's
 * position, so they can take turns. */

#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define LONG_BASE 256

struct parser {
    const struct option_row **rows;
    size_t n_rows;
    struct option *longs; /* val = LONG_BASE + index of the row */
    char *letters;        /* getopt's short option string */
    char **argv;
    int argc;
    void *values;
    struct operands *operands;
    struct option_list first, last;
    bool stop_at_operand, stop_at_unknown;
    struct mtd_error *err;
};

static const struct option_row HELP = {"help", 0,    OPTION_FLAG,     0,
                                       NULL,   NULL, "Show this help"};

static bool takes_value(const struct option_row *r)
{
    switch (r->kind) {
    case OPTION_FLAG:
    case OPTION_MARK: return false;
    case OPTION_REFUSE:
    case OPTION_IGNORE: return r->metavar != NULL;
    default: return true;
    }
}

static size_t count_rows(const struct option_set *set)
{
    size_t n = 1;
    for (size_t t = 0; t < OPTION_TABLES && set->tables[t]; t++)
        for (const struct option_row *r = set->tables[t]; !OPTION_IS_END(r); r++)
            n++;
    return n;
}

static int prepare(struct parser *p, const struct option_set *set)
{
    size_t n = count_rows(set), n_longs = 0;
    p->rows = calloc(n, sizeof(*p->rows));
    p->longs = calloc(n + 1, sizeof(*p->longs));
    p->letters = calloc(1, 2 * n + 3);
    if (!p->rows || !p->longs || !p->letters)
        return -ENOMEM;
    for (size_t t = 0; t < OPTION_TABLES && set->tables[t]; t++)
        for (const struct option_row *r = set->tables[t]; !OPTION_IS_END(r); r++)
            p->rows[p->n_rows++] = r;
    p->rows[p->n_rows++] = &HELP;

    /* '-': operands are returned where they are; ':': a missing value has its own
     * code. */
    char *letter = stpcpy(p->letters, "-:");
    for (size_t i = 0; i < p->n_rows; i++) {
        const struct option_row *r = p->rows[i];
        if (r->name)
            p->longs[n_longs++] = (struct option){
                r->name, takes_value(r) ? required_argument : optional_argument, NULL,
                LONG_BASE + (int)i};
        if (r->letter)
            *letter++ = r->letter;
        if (r->letter && takes_value(r))
            *letter++ = ':';
    }
    return 0;
}

static const struct option_row *find_long(const struct parser *p, const char *name,
                                          size_t len)
{
    for (size_t i = 0; i < p->n_rows; i++)
        if (p->rows[i]->name && strlen(p->rows[i]->name) == len &&
            memcmp(p->rows[i]->name, name, len) == 0)
            return p->rows[i];
    return NULL;
}

static const struct option_row *find_letter(const struct parser *p, char letter)
{
    for (size_t i = 0; i < p->n_rows; i++)
        if (p->rows[i]->letter == letter)
            return p->rows[i];
    return NULL;
}

static int list_add(struct option_list *l, const char *value)
{
    const char **items = realloc(l->items, (l->len + 1) * sizeof(*items));
    if (!items)
        return -ENOMEM;
    items[l->len++] = value;
    l->items = items;
    return 0;
}

/* Which keys there are only the verb knows, and docker's daemon. */
static int filter_add(struct option_list *l, const char *value, struct mtd_error *err)
{
    if (*value && !strchr(value, '='))
        return mtd_fail(err, EINVAL, "\"%.60s\" is not KEY=VALUE", value);
    return *value ? list_add(l, value) : 0;
}

static int set_flag(bool *field, const char *value, struct mtd_error *err)
{
    bool on = true;
    if (value && parse_bool(value, &on) < 0)
        return mtd_fail(err, EINVAL, "\"%.60s\" is not true or false", value);
    *field = on;
    return 0;
}

/* Once for each row, however often it was given. */
static int ignore(struct operands *o, const struct option_row *r)
{
    size_t i = 0;
    while (i < o->n_notes && o->notes[i] != r)
        i++;
    if (r->help && i == o->n_notes && i < OPTION_NOTES)
        o->notes[o->n_notes++] = r;
    return 0;
}

static int apply(struct parser *p, const struct option_row *r, const char *value,
                 struct mtd_error *err)
{
    void *field = (char *)p->values + r->offset;
    if (r == &HELP)
        return set_flag(&p->operands->help, value, err);
    switch (r->kind) {
    case OPTION_FLAG: return set_flag(field, value, err);
    case OPTION_TEXT: *(const char **)field = value; return 0;
    case OPTION_LIST: return list_add(field, value);
    case OPTION_FILTER: return filter_add(field, value, err);
    case OPTION_VALUE:
    case OPTION_LATE: return r->set(field, value, err);
    case OPTION_MARK: return r->set(field, value, err);
    case OPTION_FIRST: return list_add(&p->first, value);
    case OPTION_LAST: return list_add(&p->last, value);
    case OPTION_IGNORE: return ignore(p->operands, r);
    case OPTION_REFUSE: return mtd_fail(err, EOPNOTSUPP, "%s", r->help);
    }
    return -EINVAL;
}

static int apply_named(struct parser *p, const struct option_row *r, const char *value)
{
    struct mtd_error own = {0};
    p->operands->given++;
    int rc = apply(p, r, value, &own);
    if (rc >= 0)
        return rc;
    p->operands->late =
        r->kind == OPTION_LATE || (r->kind == OPTION_VALUE && rc == -ERANGE);
    if (!own.code)
        mtd_fail(&own, -rc, "\"%.60s\" is not valid", value ? value : "");
    if (r->name)
        mtd_context(&own, "--%s", r->name);
    else
        mtd_context(&own, "-%c", r->letter);
    if (p->err && !p->err->code)
        *p->err = own;
    return rc;
}

enum element { ELEMENT_GETOPT, ELEMENT_LONG_ONLY, ELEMENT_DONE, ELEMENT_STOP };

/* "-d=false": getopt has no optional value for a letter that may be in a cluster. */
static int try_letter_equals(struct parser *p, const char *text)
{
    const struct option_row *r = find_letter(p, text[1]);
    if (!r || takes_value(r) || text[2] != '=')
        return ELEMENT_GETOPT;
    int rc = apply_named(p, r, text + 3);
    return rc < 0 ? rc : ELEMENT_DONE;
}

/* Decides what the next element is. -EINVAL = an unknown option. */
static int classify(struct parser *p, const char *text)
{
    if (text[0] != '-' || !text[1] || strcmp(text, "--") == 0)
        return ELEMENT_GETOPT;
    bool two = text[1] == '-';
    const char *name = text + (two ? 2 : 1);
    size_t len = strcspn(name, "=");
    if ((two || len > 1) && find_long(p, name, len))
        return two ? ELEMENT_GETOPT : ELEMENT_LONG_ONLY;
    if (two || !find_letter(p, name[0])) {
        if (!two && name[0] == 'h' && !name[1])
            return p->operands->help = true, ELEMENT_DONE;
        if (p->stop_at_unknown)
            return ELEMENT_STOP;
        p->operands->unknown = true;
        return mtd_fail(p->err, EINVAL, "unknown option %s%.*s", two ? "--" : "-",
                        (int)(len > 60 ? 60 : len), name);
    }
    return try_letter_equals(p, text);
}

/* optarg of a letter may begin with '=': "-m=100m" (pflag drops it). */
static int apply_code(struct parser *p, int code)
{
    if (code >= LONG_BASE)
        return apply_named(p, p->rows[code - LONG_BASE], optarg);
    const struct option_row *r = find_letter(p, (char)code);
    const char *value = optarg;
    if (value && value[0] == '=' && value > p->argv[optind - 1])
        value++;
    return apply_named(p, r, value);
}

static int fail_code(struct parser *p, int code, const char *element)
{
    if (code == ':')
        return mtd_fail(p->err, EINVAL, "option %.80s needs a value", element);
    p->operands->unknown = true;
    return mtd_fail(p->err, EINVAL, "unknown option -%c in %.60s", optopt ? optopt : '?',
                    element);
}

static void add_operand(struct parser *p, char *text)
{
    p->operands->items[p->operands->len++] = text;
}

/* One step at p->argv[optind]. 1 = there may be more, 0 = the options end, -errno. */
static int step(struct parser *p, bool *in_cluster)
{
    int at = optind;
    int kind = ELEMENT_GETOPT;
    if (!*in_cluster) {
        if (at >= p->argc)
            return 0;
        kind = classify(p, p->argv[at]);
        if (kind < 0)
            return kind;
        if (kind == ELEMENT_STOP)
            return 0;
        if (kind == ELEMENT_DONE) {
            optind++;
            return 1;
        }
    }
    int code = kind == ELEMENT_LONG_ONLY
                   ? getopt_long_only(p->argc, p->argv, p->letters, p->longs, NULL)
                   : getopt_long(p->argc, p->argv, p->letters, p->longs, NULL);
    if (code == -1)
        return 0;
    if (code == ':' || code == '?')
        return fail_code(p, code, p->argv[at]);
    if (code == 1) {
        add_operand(p, optarg);
        return p->stop_at_operand ? 0 : 1;
    }
    *in_cluster = code < LONG_BASE && optind == at;
    int rc = apply_code(p, code);
    return rc < 0 ? rc : 1;
}

static int run_parser(struct parser *p)
{
    bool in_cluster = false;
    int rc = 1;
    opterr = 0;
    optind = 0; /* glibc: forget everything about the last parse */
    char *nothing[] = {p->argv[0], NULL};
    getopt_long(1, nothing, p->letters, p->longs, NULL);
    while (rc > 0 && !p->operands->help)
        rc = step(p, &in_cluster);
    if (rc < 0 || p->operands->help)
        return rc < 0 ? rc : 0;
    while (optind < p->argc)
        add_operand(p, p->argv[optind++]);
    return 0;
}

/* Puts the values of -containerId before the operands, those of -imageName after them. */
static void merge_operands(struct parser *p)
{
    struct operands *o = p->operands;
    memmove(o->items + p->first.len, o->items, o->len * sizeof(*o->items));
    for (size_t i = 0; i < p->first.len; i++)
        o->items[i] = (char *)p->first.items[i];
    o->len += p->first.len;
    for (size_t i = 0; i < p->last.len; i++)
        o->items[o->len++] = (char *)p->last.items[i];
    o->items[o->len] = NULL;
}

int options_parse(const struct option_set *set, int argc, char **argv, void *values,
                  struct operands *ret, struct mtd_error *err)
{
    struct parser p = {.argc = argc,
                       .argv = argv,
                       .values = values,
                       .operands = ret,
                       .stop_at_operand = set->stop_at_operand,
                       .stop_at_unknown = set->stop_at_unknown,
                       .err = err};
    int rc = prepare(&p, set);
    ret->items = calloc((size_t)argc + 1, sizeof(*ret->items));
    ret->len = 0;
    ret->help = ret->unknown = ret->late = false;
    ret->n_notes = ret->given = 0;
    if (rc == 0 && !ret->items)
        rc = -ENOMEM;
    if (rc == 0)
        rc = run_parser(&p);
    if (rc == 0)
        merge_operands(&p);
    if (rc == -ENOMEM)
        mtd_fail(err, ENOMEM, "out of memory");
    free(p.rows);
    free(p.longs);
    free(p.letters);
    free(p.first.items);
    free(p.last.items);
    return rc;
}

void options_done(const struct option_set *set, void *values, struct operands *o)
{
    for (size_t t = 0; t < OPTION_TABLES && set->tables[t]; t++)
        for (const struct option_row *r = set->tables[t]; !OPTION_IS_END(r); r++) {
            struct option_list *l = (void *)((char *)values + r->offset);
            if (r->kind != OPTION_LIST && r->kind != OPTION_FILTER)
                continue;
            free(l->items);
            *l = (struct option_list){0};
        }
    free(o->items);
    *o = (struct operands){0};
}
