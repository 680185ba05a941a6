/* Names of keys, the remap line, and the table printed for people. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "ui/draw/text.h"
#include "ui/term/keys.h"

static const struct {
    const char *name;
    int key;
} NAMES[] = {
    {"Tab", KEY_TAB},     {"Enter", KEY_ENTER},
    {"Esc", KEY_ESC},     {"Backspace", KEY_BACKSPACE},
    {"Space", ' '},       {"Up", KEY_UP},
    {"Down", KEY_DOWN},   {"Left", KEY_LEFT},
    {"Right", KEY_RIGHT}, {"Home", KEY_HOME},
    {"End", KEY_END},     {"PgUp", KEY_PGUP},
    {"PgDn", KEY_PGDN},   {"Ins", KEY_INSERT},
    {"Del", KEY_DELETE},  {"S-Tab", KEY_BACKTAB},
};

static int parse_plain(const char *name, int *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (strcasecmp(NAMES[i].name, name) == 0) {
            *ret = NAMES[i].key;
            return 0;
        }
    if ((name[0] == 'F' || name[0] == 'f') && name[1] >= '1' && name[1] <= '9') {
        int n = name[1] - '0';
        if (name[2] >= '0' && name[2] <= '9')
            n = n * 10 + name[2] - '0';
        if (n > 12 || strlen(name) > 3)
            return -EINVAL;
        *ret = KEY_F1 + n - 1;
        return 0;
    }
    struct glyph g;
    uint32_t state = 0;
    size_t len = strlen(name);
    if (len == 0 || text_next(name, len, &g, &state) != len || state ||
        strcmp(g.bytes, name) != 0)
        return -EINVAL;
    *ret = (int)g.code;
    return 0;
}

int key_parse(const char *name, int *ret)
{
    if (strncasecmp(name, "alt-", 4) == 0) {
        int rc = key_parse(name + 4, ret);
        *ret |= rc == 0 ? KEY_ALT : 0;
        return rc;
    }
    if (strncasecmp(name, "ctrl-", 5) == 0) {
        char letter = name[5] | 32;
        if (letter < 'a' || letter > 'z' || name[6])
            return -EINVAL;
        *ret = KEY_CTRL(letter);
        return 0;
    }
    return parse_plain(name, ret);
}

const char *key_name(int key, char out[16])
{
    const char *alt = key & KEY_ALT ? "alt-" : "";
    key &= ~KEY_ALT;
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (NAMES[i].key == key) {
            snprintf(out, 16, "%s%s", alt, NAMES[i].name);
            return out;
        }
    char text[5] = "";
    if (key >= KEY_F1 && key <= KEY_F12)
        snprintf(out, 16, "%sF%d", alt, key - KEY_F1 + 1);
    else if (key > 0 && key < 32)
        snprintf(out, 16, "%sctrl-%c", alt, key | 96);
    else {
        text_encode(key > 0 && key < 0x110000 ? (uint32_t)key : '?', text);
        snprintf(out, 16, "%s%s", alt, text);
    }
    return out;
}

const char *keys_for(const struct keys *k, enum command cmd, char out[16])
{
    const struct binding *b = keys_of(k, ~0u, cmd);
    if (b && b->keys[0])
        return key_name(b->keys[0], out);
    snprintf(out, 16, "its key");
    return out;
}

/* A key given to one command is taken from the others of its context. */
static void take_key(struct keys *k, const struct binding *owner, int key)
{
    for (size_t i = 0; i < k->len; i++) {
        struct binding *b = &k->table[i];
        if (b == owner || b->context != owner->context)
            continue;
        int n = 0;
        for (int j = 0; j < BINDING_KEYS && b->keys[j]; j++)
            if (b->keys[j] != key)
                b->keys[n++] = b->keys[j];
        if (n < BINDING_KEYS)
            b->keys[n] = KEY_NONE;
    }
}

/* The next name of a list separated by commas or blanks; a comma alone is a key. */
static char *next_name(char **at)
{
    char *s = *at + strspn(*at, " \t");
    size_t n = *s ? 1 + strcspn(s + 1, " \t,") : 0;
    *at = s + n + (n && s[n] ? 1 : 0);
    s[n] = '\0';
    return n ? s : NULL;
}

int keys_remap(struct keys *k, const char *command, const char *list,
               struct mtd_error *err)
{
    struct binding *b = NULL;
    for (size_t i = 0; i < k->len && !b; i++)
        if (strcmp(k->table[i].name, command) == 0)
            b = &k->table[i];
    if (!b)
        return mtd_fail(err, EINVAL, "unknown command \"%s\"", command);
    int keys[BINDING_KEYS + 1] = {0}, n = 0;
    auto_free char *copy = strdup(list);
    char *at = copy;
    for (char *w = copy ? next_name(&at) : NULL; w; w = next_name(&at)) {
        if (n == BINDING_KEYS)
            return mtd_fail(err, EINVAL, "more than %d keys for %s", BINDING_KEYS,
                            command);
        if (key_parse(w, &keys[n]) < 0)
            return mtd_fail(err, EINVAL, "\"%s\" is not a key", w);
        n++;
    }
    memcpy(b->keys, keys, sizeof(b->keys));
    b->remapped = true;
    for (int i = 0; i < n; i++)
        take_key(k, b, keys[i]);
    return 0;
}

static void print_keys(const struct binding *b, bool markdown, struct buf *out)
{
    char name[16];
    for (int i = 0; i < BINDING_KEYS && b->keys[i]; i++) {
        const char *text = key_name(b->keys[i], name);
        const char *escape = !markdown && (*text == '\\' || *text == '-') ? "\\" : "";
        if (markdown)
            buf_printf(out, "%s`%s`", i ? " " : "", text);
        else
            buf_printf(out, "%s%s%s", i ? ", " : "", escape, text);
    }
}

int keys_print(const struct keys *k, bool markdown, struct buf *out)
{
    int context = -1;
    for (size_t i = 0; i < k->len; i++) {
        const struct binding *b = &k->table[i];
        if ((int)b->context != context && !markdown)
            buf_printf(out, ".SS %s\n", context_name(b->context));
        else if ((int)b->context != context)
            buf_printf(out, "%s**%s**\n\n| keys | does | name |\n|---|---|---|\n",
                       context < 0 ? "" : "\n", context_name(b->context));
        context = b->context;
        buf_puts(out, markdown ? "| " : ".TP\n.B ");
        print_keys(b, markdown, out);
        if (markdown)
            buf_printf(out, " | %s | `%s` |\n", b->help, b->name);
        else
            buf_printf(out, "\n%s (%s)\n", b->help, b->name);
    }
    return 0;
}
