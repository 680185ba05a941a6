/* Properties: pairs of a name and a value that says its type, (sv). Values in annotations are
 * GVariant's text, of which simple types and lists of them are read: systemd has no property of
 * another kind that makes sense for a scope. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "engine/systemd/message.h"

#define NAME_MAX_BYTES 100
#define TEXT_MAX_BYTES 4096
#define USEC_PER_SEC 1000000.0

void systemd_properties_done(struct systemd_properties *p)
{
    buf_done(&p->bytes);
    *p = (struct systemd_properties){0};
}

static void begin(struct systemd_properties *p, const char *name, const char *type)
{
    message_align(p, 8);
    message_text(p, name);
    message_signature(p, type);
}

void systemd_add_text(struct systemd_properties *p, const char *name, const char *value)
{
    begin(p, name, "s");
    message_text(p, value);
}

void systemd_add_flag(struct systemd_properties *p, const char *name, bool value)
{
    begin(p, name, "b");
    message_u32(p, value);
}

void systemd_add_number(struct systemd_properties *p, const char *name, uint64_t value)
{
    begin(p, name, "t");
    message_u64(p, value);
}

void systemd_add_pid(struct systemd_properties *p, const char *name, pid_t pid)
{
    size_t from;
    begin(p, name, "au");
    size_t length_at = message_open_array(p, 4, &from);
    message_u32(p, (uint32_t)pid);
    message_close_array(p, length_at, from);
}

void systemd_add_bytes(struct systemd_properties *p, const char *name,
                       const unsigned char *bytes, size_t n)
{
    size_t from;
    begin(p, name, "ay");
    size_t length_at = message_open_array(p, 1, &from);
    for (size_t i = 0; i < n; i++)
        message_byte(p, bytes[i]);
    message_close_array(p, length_at, from);
}

/* ---- GVariant's text ---- */

/* letter: of D-Bus; size of what is sent, which is the alignment too. */
static const struct type {
    const char *word;
    char letter;
    unsigned char size;
    int64_t min;
    uint64_t max;
} TYPES[] = {
    {"boolean", 'b', 4, 0, 1},
    {"byte", 'y', 1, 0, UINT8_MAX},
    {"int16", 'n', 2, INT16_MIN, INT16_MAX},
    {"uint16", 'q', 2, 0, UINT16_MAX},
    {"int32", 'i', 4, INT32_MIN, INT32_MAX},
    {"uint32", 'u', 4, 0, UINT32_MAX},
    {"int64", 'x', 8, INT64_MIN, INT64_MAX},
    {"uint64", 't', 8, 0, UINT64_MAX},
    {"double", 'd', 8, 0, 0},
    {"string", 's', 0, 0, 0},
    {"objectpath", 'o', 0, 0, 0},
};

struct value {
    const struct type *type;
    uint64_t bits; /* of a number, in two's complement; of a double its own */
    char text[TEXT_MAX_BYTES];
};

static const struct type *type_of(char letter)
{
    for (size_t i = 0; i < ARRAY_SIZE(TYPES); i++)
        if (TYPES[i].letter == letter)
            return &TYPES[i];
    return NULL;
}

static void skip_spaces(const char **at)
{
    *at += strspn(*at, " \t\n");
}

/* "uint64 " or "@t ", before a value. NULL = none; at stays. */
static const struct type *read_type(const char **at)
{
    if (**at == '@' && (*at)[1] && (*at)[2] == ' ') {
        const struct type *type = type_of((*at)[1]);
        *at += type ? 3 : 0;
        return type;
    }
    for (size_t i = 0; i < ARRAY_SIZE(TYPES); i++) {
        size_t n = strlen(TYPES[i].word);
        if (strncmp(*at, TYPES[i].word, n) == 0 && (*at)[n] == ' ') {
            *at += n + 1;
            return &TYPES[i];
        }
    }
    return NULL;
}

static int read_string(const char **at, char ret[TEXT_MAX_BYTES])
{
    const char quote = *(*at)++;
    size_t n = 0;
    for (; **at && **at != quote; ++*at) {
        if (**at == '\\' && !*++*at)
            return -EINVAL;
        if (n == TEXT_MAX_BYTES - 1)
            return -EINVAL;
        ret[n++] = **at;
    }
    ret[n] = '\0';
    return *(*at)++ == quote ? 0 : -EINVAL;
}

static int read_number(const char *word, const struct type *type, uint64_t *ret)
{
    char *end;
    double d;
    int64_t negative;
    if (type->letter == 'd') {
        d = strtod(word, &end);
        memcpy(ret, &d, sizeof(*ret));
        return *word && !*end && isfinite(d) ? 0 : -EINVAL;
    }
    if (*word != '-')
        return parse_u64(word, type->max, ret);
    int rc = parse_i64(word, type->min, 0, &negative);
    *ret = rc < 0 ? 0 : (uint64_t)negative;
    return rc;
}

/* true, 12, -1, 1.5, up to what ends a value. */
static int read_word(const char **at, const struct type *asked, struct value *ret)
{
    char word[64];
    size_t n = strcspn(*at, " \t\n,]");
    if (n == 0 || n >= sizeof(word))
        return -EINVAL;
    memcpy(word, *at, n);
    word[n] = '\0';
    *at += n;
    bool yes = strcmp(word, "true") == 0, is_flag = yes || strcmp(word, "false") == 0;
    ret->type = asked ? asked : type_of(is_flag ? 'b' : strpbrk(word, ".e") ? 'd' : 'i');
    if (is_flag != (ret->type->letter == 'b') || ret->type->size == 0)
        return -EINVAL;
    ret->bits = yes;
    return is_flag ? 0 : read_number(word, ret->type, &ret->bits);
}

static int read_value(const char **at, const struct type *asked, struct value *ret)
{
    skip_spaces(at);
    const struct type *said = read_type(at);
    if (said && asked && said != asked)
        return -EINVAL;
    asked = said ? said : asked;
    skip_spaces(at);
    if (**at != '\'' && **at != '"')
        return read_word(at, asked, ret);
    ret->type = asked ? asked : type_of('s');
    return ret->type->size ? -EINVAL : read_string(at, ret->text);
}

static void put_value(struct systemd_properties *p, const struct value *v)
{
    if (v->type->size == 0) {
        message_text(p, v->text);
        return;
    }
    const unsigned char *low = (const unsigned char *)&v->bits;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    low += sizeof(v->bits) - v->type->size;
#endif
    message_fixed(p, low, v->type->size);
}

/* Its first element says of what type the others are. An empty one has to be typed: "@as []". */
static int add_list(struct systemd_properties *p, const char *name, const char **at,
                    const struct type *type)
{
    struct value v;
    size_t from = 0, length_at = 0;
    bool any = false;
    for (++*at; skip_spaces(at), **at != ']' || (!any && !type);) {
        int rc = any && *(*at)++ != ',' ? -EINVAL : read_value(at, type, &v);
        if (rc < 0)
            return rc;
        if (!any) {
            begin(p, name, (char[]){'a', v.type->letter, '\0'});
            length_at = message_open_array(p, v.type->size ? v.type->size : 4, &from);
        }
        any = true;
        type = v.type;
        put_value(p, &v);
    }
    if (!any) {
        begin(p, name, (char[]){'a', type->letter, '\0'});
        length_at = message_open_array(p, type->size ? type->size : 4, &from);
    }
    ++*at;
    message_close_array(p, length_at, from);
    return 0;
}

/* Seconds to the microseconds that systemd's properties have. */
static int to_usec(struct value *v)
{
    double seconds;
    if (v->type->size == 0 || v->type->letter == 'b')
        return -EINVAL;
    if (v->type->letter == 'd')
        memcpy(&seconds, &v->bits, sizeof(seconds));
    else
        seconds = v->type->min < 0 ? (double)(int64_t)v->bits : (double)v->bits;
    if (!(seconds >= 0) || seconds * USEC_PER_SEC >= (double)INT64_MAX)
        return -EINVAL;
    v->type = type_of('t');
    v->bits = (uint64_t)(seconds * USEC_PER_SEC);
    return 0;
}

static int add_value(struct systemd_properties *p, const char *name, const char *text,
                     bool seconds)
{
    struct value v;
    const char *at = text;
    skip_spaces(&at);
    bool typed = at[0] == '@' && at[1] == 'a' && at[2] && at[3] == ' ';
    const struct type *type = typed ? type_of(at[2]) : NULL;
    if (typed && !type)
        return -EINVAL;
    at += typed ? 4 : 0;
    skip_spaces(&at);
    int rc;
    if (*at == '[' && !seconds)
        rc = add_list(p, name, &at, type);
    else if ((rc = typed ? -EINVAL : read_value(&at, NULL, &v)) == 0 &&
             (rc = seconds ? to_usec(&v) : 0) == 0) {
        begin(p, name, (char[]){v.type->letter, '\0'});
        put_value(p, &v);
    }
    if (rc < 0)
        return rc; /* at may be behind the end by now */
    skip_spaces(&at);
    return *at ? -EINVAL : 0;
}

int systemd_add_parsed(struct systemd_properties *p, const char *name, const char *value,
                       struct mtd_error *err)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char own[NAME_MAX_BYTES + 2];
    size_t n = strlen(name), before = p->bytes.len;
    if (n < 3 || n > NAME_MAX_BYTES || name[strspn(name, LETTERS)])
        return mtd_fail(err, EINVAL, "\"%.80s\" is no name of a unit's property", name);
    bool seconds = n > 3 && strcmp(name + n - 3, "Sec") == 0 && name[n - 4] >= 'a' &&
                   name[n - 4] <= 'z';
    memcpy(own, name, n + 1);
    if (seconds)
        memcpy(own + n - 3, "USec", 5);
    int rc = add_value(p, own, value, seconds);
    if (rc < 0 && p->rc == 0)
        p->bytes.len = before;
    return rc < 0 ? mtd_fail(err, EINVAL,
                             "the unit's property %s has a value that is not understood: "
                             "\"%.80s\"; it is to be as in true, 5, uint64 5, 'text' or "
                             "['a', 'b']",
                             name, value)
                  : 0;
}
