/* format - a template is checked as a whole before the first row, so that a mistake in it
 * is reported before anything is printed. */

#include "cli/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/print.h"

static const char ONLY[] = "only {{.Field}}, {{.A.B}} and {{json .X}} are supported";

void format_done(struct format *f)
{
    for (size_t i = 0; i < f->n_pieces; i++)
        free(f->pieces[i].text);
    free(f->pieces);
    *f = (struct format){0};
}

static int add_piece(struct format *f, enum format_piece_kind kind, const char *text,
                     size_t len, size_t at)
{
    struct format_piece *pieces =
        realloc(f->pieces, (f->n_pieces + 1) * sizeof(*f->pieces));
    if (!pieces)
        return -ENOMEM;
    f->pieces = pieces;
    char *copy = strndup(text, len);
    if (!copy)
        return -ENOMEM;
    f->pieces[f->n_pieces++] = (struct format_piece){kind, copy, at};
    return 0;
}

/* docker replaces exactly these two before it parses the template. */
static int add_literal(struct format *f, const char *text, size_t len, size_t at)
{
    auto_done(buf_done) struct buf b = {0};
    int rc = 0;
    for (size_t i = 0; i < len && rc == 0; i++) {
        bool escape = text[i] == '\\' && i + 1 < len && strchr("tn", text[i + 1]);
        rc = buf_putc(&b, !escape ? text[i] : text[i + 1] == 't' ? '\t' : '\n');
        i += escape;
    }
    return rc < 0 || b.len == 0 ? rc : add_piece(f, FORMAT_TEXT, b.data, b.len, at);
}

static bool is_word(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

static const char *skip_word(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && is_word(*p, p == start))
        p++;
    return p;
}

/* ".A.B" or "." at p; returns its end, NULL when it is not a path. */
static const char *skip_path(const char *p, const char *end)
{
    if (p == end || *p != '.')
        return NULL;
    const char *word = skip_word(p + 1, end);
    if (word == p + 1)
        return word;
    while (word < end && *word == '.') {
        const char *next = skip_word(word + 1, end);
        if (next == word + 1)
            return NULL;
        word = next;
    }
    return word;
}

static size_t position(const char *template, const char *p)
{
    return print_width(template, (size_t)(p - template)) + 1;
}

/* What is between "{{" and "}}". */
static int add_action(struct format *f, const char *template, const char *p,
                      const char *end, struct mtd_error *err)
{
    enum format_piece_kind kind = FORMAT_VALUE;
    p = skip_blanks(p, end);
    const char *word = skip_word(p, end);
    if (word != p) {
        if (word - p != 4 || memcmp(p, "json", 4) != 0)
            return mtd_fail(err, EINVAL, "template position %zu: \"%.*s\": %s",
                            position(template, p), (int)(word - p > 40 ? 40 : word - p),
                            p, ONLY);
        kind = FORMAT_VALUE_JSON;
        p = skip_blanks(word, end);
    }
    const char *path_end = skip_path(p, end);
    if (!path_end)
        return mtd_fail(err, EINVAL,
                        "template position %zu: expected a field such as .ID; %s",
                        position(template, p), ONLY);
    const char *rest = skip_blanks(path_end, end);
    if (rest != end)
        return mtd_fail(err, EINVAL, "template position %zu: unexpected \"%.*s\"; %s",
                        position(template, rest),
                        (int)(end - rest > 40 ? 40 : end - rest), rest, ONLY);
    return add_piece(f, kind, p + 1, (size_t)(path_end - p) - 1, position(template, p));
}

static int compile_template(struct format *f, const char *template, struct mtd_error *err)
{
    const char *p = template;
    int rc = 0;
    while (*p && rc == 0) {
        const char *open = strstr(p, "{{");
        size_t len = open ? (size_t)(open - p) : strlen(p);
        rc = add_literal(f, p, len, position(template, p));
        if (rc < 0 || !open)
            break;
        const char *close = strstr(open + 2, "}}");
        if (!close)
            return mtd_fail(err, EINVAL, "template position %zu: \"{{\" is never closed",
                            position(template, open));
        rc = add_action(f, template, open + 2, close, err);
        p = close + 2;
    }
    return rc == -ENOMEM ? mtd_fail(err, ENOMEM, "out of memory") : rc;
}

static const struct format_field *find_field(const struct format_field *fields,
                                             const char *name)
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

static int fail_unknown(const struct format *f, const struct format_piece *piece,
                        struct mtd_error *err)
{
    auto_done(buf_done) struct buf names = {0};
    for (const struct format_field *field = f->fields; field->name; field++)
        if (buf_printf(&names, " %s", field->name) < 0)
            break;
    return mtd_fail(err, EINVAL,
                    "template position %zu: no field .%.40s; the fields are%s", piece->at,
                    piece->text, names.data ? names.data : " none");
}

static int check_fields(const struct format *f, struct mtd_error *err)
{
    for (size_t i = 0; i < f->n_pieces; i++) {
        const struct format_piece *piece = &f->pieces[i];
        bool whole = piece->kind == FORMAT_VALUE_JSON && piece->text[0] == '\0';
        if (piece->kind != FORMAT_TEXT && !whole && !find_field(f->fields, piece->text))
            return fail_unknown(f, piece, err);
    }
    return 0;
}

int format_compile(struct format *ret, const char *text,
                   const struct format_field *fields, const char *table,
                   struct mtd_error *err)
{
    struct format f = {.kind = FORMAT_TEMPLATE, .fields = fields};
    const char *template = text ? text : "";
    if (strcmp(template, "json") == 0) {
        f.kind = FORMAT_JSON;
        template = "{{json .}}";
    } else if (!*template || (fields && strcmp(template, "table") == 0)) {
        f.kind = FORMAT_TABLE;
        template = table ? table : "";
    } else if (fields && strncmp(template, "table ", 6) == 0) {
        f.kind = FORMAT_TABLE;
        template += 6;
    }
    int rc = compile_template(&f, template, err);
    if (rc == 0 && fields)
        rc = check_fields(&f, err);
    if (rc < 0) {
        format_done(&f);
        return rc;
    }
    *ret = f;
    return 0;
}

static int add_json(struct buf *out, const json_t *value, size_t flags)
{
    char *text = json_dumps(value, flags | JSON_ENCODE_ANY);
    int rc = text ? buf_puts(out, text) : -ENOMEM;
    free(text);
    return rc;
}

/* ---- rows with fields ---- */

/* JSON cannot hold bytes that are not UTF-8; they are shown as by print_visible. */
static json_t *field_json(const struct format_field *field, const void *row)
{
    auto_done(buf_done) struct buf raw = {0}, safe = {0};
    if (field->get(row, &raw) < 0)
        return NULL;
    json_t *s = json_stringn(raw.data ? raw.data : "", raw.len);
    if (!s && print_visible(&safe, raw.data, raw.len, "") == 0)
        s = json_stringn(safe.data ? safe.data : "", safe.len);
    return s;
}

static int add_whole_row(const struct format *f, const void *row, struct buf *out)
{
    json_t *object = json_object();
    int rc = object ? 0 : -ENOMEM;
    for (const struct format_field *field = f->fields; field->name && rc == 0; field++)
        if (json_object_set_new(object, field->name, field_json(field, row)) < 0)
            rc = -ENOMEM;
    if (rc == 0)
        rc = add_json(out, object, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(object);
    return rc;
}

static int add_field(const struct format *f, const struct format_piece *piece,
                     const void *row, struct buf *out)
{
    if (piece->text[0] == '\0')
        return add_whole_row(f, row, out);
    const struct format_field *field = find_field(f->fields, piece->text);
    if (piece->kind == FORMAT_VALUE)
        return field->get(row, out);
    json_t *s = field_json(field, row);
    int rc = s ? add_json(out, s, 0) : -ENOMEM;
    json_decref(s);
    return rc;
}

int format_row(const struct format *f, const void *row, struct buf *out,
               struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < f->n_pieces && rc == 0; i++)
        rc = f->pieces[i].kind == FORMAT_TEXT ? buf_puts(out, f->pieces[i].text)
                                              : add_field(f, &f->pieces[i], row, out);
    return rc == -ENOMEM ? mtd_fail(err, ENOMEM, "out of memory") : rc;
}

/* ---- JSON trees ---- */

static int add_go_value(struct buf *out, const json_t *value);

static int add_go_list(struct buf *out, const json_t *list)
{
    int rc = buf_putc(out, '[');
    for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
        if (i > 0)
            rc = buf_putc(out, ' ');
        if (rc == 0)
            rc = add_go_value(out, json_array_get(list, i));
    }
    return rc < 0 ? rc : buf_putc(out, ']');
}

static int add_go_map(struct buf *out, const json_t *map)
{
    const char *key;
    json_t *value;
    int rc = buf_puts(out, "map[");
    bool first = true;
    json_object_foreach((json_t *)map, key, value)
    {
        if (rc == 0)
            rc = buf_printf(out, "%s%s:", first ? "" : " ", key);
        if (rc == 0)
            rc = add_go_value(out, value);
        first = false;
    }
    return rc < 0 ? rc : buf_putc(out, ']');
}

/* As Go's text/template prints a value. */
static int add_go_value(struct buf *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return buf_add(out, json_string_value(value), json_string_length(value));
    case JSON_ARRAY: return add_go_list(out, value);
    case JSON_OBJECT: return add_go_map(out, value);
    case JSON_NULL: return buf_puts(out, "<nil>");
    default: return add_json(out, value, 0);
    }
}

static const json_t *walk(const json_t *value, const char *path)
{
    while (*path && value) {
        size_t len = strcspn(path, ".");
        value = json_object_getn(value, path, len);
        path += len + (path[len] == '.');
    }
    return value;
}

static int add_tree_value(const struct format_piece *piece, const json_t *row,
                          struct buf *out, struct mtd_error *err)
{
    const json_t *value = walk(row, piece->text);
    if (!value)
        return mtd_fail(err, EINVAL, "template position %zu: no field .%.80s", piece->at,
                        piece->text);
    return piece->kind == FORMAT_VALUE ? add_go_value(out, value)
                                       : add_json(out, value, JSON_COMPACT);
}

int format_json_row(const struct format *f, const json_t *row, struct buf *out,
                    struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < f->n_pieces && rc == 0; i++)
        rc = f->pieces[i].kind == FORMAT_TEXT
                 ? buf_puts(out, f->pieces[i].text)
                 : add_tree_value(&f->pieces[i], row, out, err);
    return rc == -ENOMEM ? mtd_fail(err, ENOMEM, "out of memory") : rc;
}
