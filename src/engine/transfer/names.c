/* Which images a Dockerfile will ask for, so that they are at hand before buildah reads it.
 * It is no parser: a line's first words are looked at, with the arguments that stand before
 * the first FROM. What is missed buildah asks a registry for. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "engine/transfer/skopeo.h"

#define BLANKS " \t\r"

struct reader {
    const struct strv *given; /* arguments of the command line */
    struct strv args;         /* those in force, "NAME=value" */
    struct strv stages;
    struct strv *images;
    bool in_stage;
};

/* The next word of *at; NULL = none is left. */
static char *next_word(char **at)
{
    *at += strspn(*at, BLANKS);
    if (!**at)
        return NULL;
    char *word = *at;
    *at += strcspn(*at, BLANKS);
    if (**at)
        *(*at)++ = '\0';
    return word;
}

/* "name", "{name}", "{name:-other}" behind the dollar. Returns what follows, NULL = it
 * cannot be told. */
static const char *expand_one(const struct reader *r, const char *at, struct buf *out)
{
    char name[128];
    bool brace = *at == '{';
    size_t len = 0;
    at += brace;
    while (isalnum((unsigned char)at[len]) || at[len] == '_')
        len++;
    if (len == 0 || len >= sizeof(name))
        return NULL;
    snprintf(name, sizeof(name), "%.*s", (int)len, at);
    at += len;
    const char *value = strv_env_get(&r->args, name);
    size_t other = brace && at[0] == ':' && at[1] == '-' ? strcspn(at, "}") : 0;
    if ((!value || !*value) && other > 2)
        return buf_add(out, at + 2, other - 2) < 0 || !at[other] ? NULL : at + other + 1;
    at += other;
    if (!value || (brace && *at != '}') || buf_puts(out, value) < 0)
        return NULL;
    return at + brace;
}

/* 1 = done, 0 = it cannot be told. */
static int expand(const struct reader *r, const char *word, struct buf *out)
{
    while (word && *word)
        if (*word == '$')
            word = expand_one(r, word + 1, out);
        else if (*word != '"' && *word != '\'' && buf_putc(out, *word) < 0)
            return -ENOMEM;
        else
            word++;
    return word != NULL;
}

static bool is_stage(const struct reader *r, const char *name)
{
    for (size_t i = 0; i < r->stages.len; i++)
        if (strcasecmp(r->stages.items[i], name) == 0)
            return true;
    return false;
}

static int add_image(struct reader *r, const char *word)
{
    auto_done(buf_done) struct buf name = {0};
    struct image_name parsed;
    int rc = expand(r, word, &name);
    const char *text = name.data ? name.data : "";
    if (rc <= 0 || strcmp(text, "scratch") == 0 || is_stage(r, text) ||
        text[strspn(text, "0123456789")] == '\0' ||
        image_name_parse(text, &parsed, NULL) < 0 || strv_contains(r->images, text))
        return rc < 0 ? rc : 0;
    return strv_add(r->images, text);
}

/* The value of the command line counts, else the one that stands there. */
static int take_arg(struct reader *r, char *at)
{
    auto_done(buf_done) struct buf value = {0};
    char *word = next_word(&at);
    if (!word || r->in_stage)
        return 0;
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < r->given->len; i++)
        if (strncmp(r->given->items[i], word, len) == 0 && r->given->items[i][len] == '=')
            return strv_env_set(&r->args, r->given->items[i]);
    if (!word[len])
        return 0;
    int rc = buf_add(&value, word, len + 1);
    if (rc == 0)
        rc = expand(r, word + len + 1, &value);
    return rc <= 0 ? rc : strv_env_set(&r->args, value.data);
}

static int take_from(struct reader *r, char *at)
{
    char *image = next_word(&at);
    while (image && strncmp(image, "--", 2) == 0)
        image = next_word(&at);
    r->in_stage = true;
    int rc = image ? add_image(r, image) : 0;
    char *as = next_word(&at), *name = next_word(&at);
    return rc == 0 && as && name && strcasecmp(as, "AS") == 0 ? strv_add(&r->stages, name)
                                                              : rc;
}

/* COPY --from=NAME, RUN --mount=type=bind,from=NAME,... */
static int take_options(struct reader *r, char *at)
{
    int rc = 0;
    for (char *word; rc == 0 && (word = next_word(&at)) && strncmp(word, "--", 2) == 0;) {
        char *from = strstr(word, "from=");
        if (!from || (from[-1] != '-' && from[-1] != ','))
            continue;
        from += strlen("from=");
        from[strcspn(from, ",")] = '\0';
        rc = add_image(r, from);
    }
    return rc;
}

static int take_line(struct reader *r, char *line)
{
    char *word = next_word(&line);
    if (!word || *word == '#')
        return 0;
    if (strcasecmp(word, "ARG") == 0)
        return take_arg(r, line);
    if (strcasecmp(word, "FROM") == 0)
        return take_from(r, line);
    bool copies = strcasecmp(word, "COPY") == 0 || strcasecmp(word, "RUN") == 0 ||
                  strcasecmp(word, "ADD") == 0;
    return copies ? take_options(r, line) : 0;
}

/* Without what continues a line: those ends become blanks. */
static void join_lines(char *text)
{
    for (char *at = text; (at = strchr(at, '\\')); at++) {
        size_t skip = 1 + strspn(at + 1, BLANKS);
        if (at[skip] == '\n')
            memset(at, ' ', skip + 1);
    }
}

int dockerfile_images(const char *text, const struct strv *args, struct strv *ret)
{
    static const struct strv NONE = {0};
    struct reader r = {.given = args ? args : &NONE, .images = ret};
    auto_free char *copy = strdup(text);
    char *rest = copy;
    if (!copy)
        return -ENOMEM;
    join_lines(copy);
    int rc = 0;
    for (char *line; rc == 0 && (line = strsep(&rest, "\n"));)
        rc = take_line(&r, line);
    strv_done(&r.args);
    strv_done(&r.stages);
    return rc;
}
