/* json - a value as encoding/json writes it with SetEscapeHTML(false). */

#include <stdio.h>

#include "base/cleanup.h"
#include "cli/template/internal.h"

static int write_text(const struct writer *w, const char *text)
{
    return write_bytes(w, text, strlen(text));
}

/* What stands for the character at text in a JSON string; NULL = itself. */
static const char *json_escape(const char *text, size_t len, char room[8])
{
    static const char NAMED[] = "\"\\\b\f\n\r\t", LETTERS[] = "\"\\bfnrt";
    unsigned char c = (unsigned char)*text;
    const char *named = c ? strchr(NAMED, c) : NULL;
    if (named)
        snprintf(room, 8, "\\%c", LETTERS[named - NAMED]);
    else if (c < 0x20)
        snprintf(room, 8, "\\u%04x", c);
    else if (len == 0)
        snprintf(room, 8, "\\ufffd");
    else if (len == 3 && (utf8_rune(text, len) | 1) == 0x2029)
        snprintf(room, 8, "\\u%04x", utf8_rune(text, len));
    else
        return NULL;
    return room;
}

static int write_json_string(const struct writer *w, const char *text, size_t len)
{
    char room[8];
    size_t plain = 0; /* bytes before i that are themselves */
    int rc = write_bytes(w, "\"", 1);
    for (size_t i = 0; i < len && rc == 0;) {
        size_t n = utf8_len(text + i, len - i);
        const char *escape = json_escape(text + i, n, room);
        if (escape) {
            rc = write_bytes(w, text + plain, i - plain);
            if (rc == 0)
                rc = write_text(w, escape);
            plain = i + (n ? n : 1);
        }
        i += n ? n : 1;
    }
    if (rc == 0)
        rc = write_bytes(w, text + plain, len - plain);
    return rc < 0 ? rc : write_bytes(w, "\"", 1);
}

static int write_json_list(const struct writer *w, const struct value *list)
{
    if (!list->list.array && !list->list.items)
        return write_text(w, "null");
    int rc = write_bytes(w, "[", 1);
    for (size_t i = 0; i < list->list.len && rc == 0; i++) {
        struct value item = value_item(list, i);
        if (i > 0)
            rc = write_bytes(w, ",", 1);
        if (rc == 0)
            rc = write_json(w, &item);
    }
    return rc < 0 ? rc : write_bytes(w, "]", 1);
}

/* Members in the order of the tree, which is that of docker's structs. */
static int write_json_map(const struct writer *w, const json_t *map)
{
    json_t *m = (json_t *)map, *member;
    const char *key;
    bool first = true;
    if (!map)
        return write_text(w, "null");
    int rc = write_bytes(w, "{", 1);
    json_object_foreach(m, key, member)
    {
        struct value v = value_of_json(member);
        if (rc == 0 && !first)
            rc = write_bytes(w, ",", 1);
        if (rc == 0)
            rc = write_json_string(w, key, strlen(key));
        if (rc == 0)
            rc = write_bytes(w, ":", 1);
        if (rc == 0)
            rc = write_json(w, &v);
        first = false;
    }
    return rc < 0 ? rc : write_bytes(w, "}", 1);
}

static int write_json_float(const struct writer *w, double f)
{
    auto_done(buf_done) struct buf text = {0};
    double size = f < 0 ? -f : f;
    bool exponent = size != 0 && (size < 1e-6 || size >= 1e21);
    int rc = float_text(&text, f, exponent ? 'e' : 'f', -1);
    if (rc < 0)
        return rc;
    /* encoding/json writes e-9 where strconv writes e-09. */
    size_t len = text.len;
    if (len > 4 && memcmp(text.data + len - 4, "e-0", 3) == 0) {
        text.data[len - 2] = text.data[len - 1];
        len--;
    }
    return write_bytes(w, text.data, len);
}

int write_json(const struct writer *w, const struct value *v)
{
    char number[32];
    switch (v->kind) {
    case VALUE_BOOL: return write_text(w, v->boolean ? "true" : "false");
    case VALUE_INT:
        snprintf(number, sizeof(number), "%lld", (long long)v->integer);
        return write_text(w, number);
    case VALUE_FLOAT: return write_json_float(w, v->real);
    case VALUE_STRING: return write_json_string(w, v->string.text, v->string.len);
    case VALUE_LIST: return write_json_list(w, v);
    case VALUE_MAP: return write_json_map(w, v->map);
    default: return write_text(w, "null");
    }
}
