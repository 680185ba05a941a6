/* A reference becomes a file name and is compared as text, so it is checked against
 * docker's grammar and brought into its short form first; what does not match is
 * refused, never repaired. */

#include "engine/image/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define HEX_LEN (SHA256_HEX_SIZE - 1)
#define TAG_MAX 128
#define REPO_MAX 255

struct span {
    const char *s;
    size_t len;
};

static bool only(struct span v, const char *chars)
{
    for (size_t i = 0; i < v.len; i++)
        if (!v.s[i] || !strchr(chars, v.s[i]))
            return false;
    return v.len > 0;
}

static bool is_alnum(char c)
{
    return c && strchr(LOWER UPPER DIGIT, c);
}

/* alphanumerics joined by ".", "_", "__" or any number of "-" */
static bool path_component_is_valid(struct span v)
{
    if (!only(v, LOWER DIGIT "._-") || strchr("._-", v.s[0]) ||
        strchr("._-", v.s[v.len - 1]))
        return false;
    for (size_t i = 0; i < v.len;) {
        size_t n = strspn(v.s + i, "._-");
        if (n > v.len - i)
            n = v.len - i;
        struct span gap = {v.s + i, n};
        if (n > 1 && !only(gap, "-") && !(n == 2 && only(gap, "_")))
            return false;
        i += n ? n : 1;
    }
    return true;
}

static bool host_is_valid(struct span v)
{
    const char *colon = memchr(v.s, ':', v.len);
    size_t len = colon ? (size_t)(colon - v.s) : v.len;
    if (colon &&
        (v.len - len > 6 || !only((struct span){colon + 1, v.len - len - 1}, DIGIT)))
        return false;
    if (!only((struct span){v.s, len}, LOWER UPPER DIGIT ".-"))
        return false;
    for (size_t i = 0; i < len; i++) { /* no label is empty or begins or ends with "-" */
        bool starts = i == 0 || v.s[i - 1] == '.';
        bool ends = i + 1 == len || v.s[i + 1] == '.';
        if ((starts || ends) && !is_alnum(v.s[i]))
            return false;
    }
    return true;
}

static bool tag_is_valid(struct span v)
{
    return v.len <= TAG_MAX && only(v, LOWER UPPER DIGIT "_.-") && !strchr(".-", v.s[0]);
}

/* The first component is a host when it could not be a path on the default registry. */
static bool is_host(struct span v)
{
    if (v.len == 9 && memcmp(v.s, "localhost", 9) == 0)
        return true;
    return !only(v, LOWER DIGIT "_-");
}

static struct span cut(struct span *rest, char at)
{
    const char *p = memchr(rest->s, at, rest->len);
    struct span head = {rest->s, p ? (size_t)(p - rest->s) : rest->len};
    size_t skip = p ? head.len + 1 : head.len;
    *rest = (struct span){rest->s + skip, rest->len - skip};
    return head;
}

static bool span_is(struct span v, const char *text)
{
    return v.len == strlen(text) && memcmp(v.s, text, v.len) == 0;
}

static const char *check_path(struct span path)
{
    if (path.len == 0 || path.s[path.len - 1] == '/')
        return "a component of the name is empty";
    while (path.len > 0) {
        struct span part = cut(&path, '/');
        if (part.len == 0)
            return "a component of the name is empty";
        if (only(part, LOWER UPPER DIGIT "._-") && !only(part, LOWER DIGIT "._-"))
            return "the name must be lower case";
        if (!path_component_is_valid(part))
            return "use a-z and 0-9, joined by single . _ or -";
    }
    return NULL;
}

/* Removes "docker.io/" and "library/", which are the defaults. */
static const char *shorten(struct span *repo)
{
    struct span path = *repo, host = {NULL, 0};
    if (memchr(path.s, '/', path.len)) {
        struct span rest = path, first = cut(&rest, '/');
        if (is_host(first)) {
            host = first;
            path = rest;
        }
    }
    if (host.s && !host_is_valid(host))
        return "the registry's host name is not valid";
    const char *reason = check_path(path);
    if (reason)
        return reason;
    if (path.len == HEX_LEN && only(path, DIGIT "abcdef") && !host.s)
        return "64 hex digits are an id, not a name";
    if (host.s && !span_is(host, "docker.io") && !span_is(host, "index.docker.io"))
        return NULL;
    struct span rest = path;
    if (span_is(cut(&rest, '/'), "library") && rest.len > 0 &&
        !memchr(rest.s, '/', rest.len))
        path = rest;
    *repo = path;
    return NULL;
}

static const char *parse_digest(const char *s, char out[SHA256_HEX_SIZE])
{
    if (strncmp(s, "sha256:", 7) != 0 || strlen(s + 7) != HEX_LEN ||
        !hex_is_valid(s + 7, HEX_LEN))
        return "a digest is sha256: and 64 hex digits";
    memcpy(out, s + 7, SHA256_HEX_SIZE);
    return NULL;
}

static const char *parse(const char *ref, struct image_name *ret)
{
    struct span repo = {ref, strcspn(ref, "@")}, tag = {"latest", 6};
    const char *reason =
        ref[repo.len] ? parse_digest(ref + repo.len + 1, ret->digest) : NULL;
    if (reason)
        return reason;
    const char *slash = memrchr(ref, '/', repo.len);
    const char *last = slash ? slash : ref;
    const char *colon = memchr(last, ':', repo.len - (size_t)(last - ref));
    if (colon) {
        ret->has_tag = true;
        tag = (struct span){colon + 1, repo.len - (size_t)(colon + 1 - ref)};
        repo.len = (size_t)(colon - ref);
        if (!tag_is_valid(tag))
            return "a tag is up to 128 of a-z A-Z 0-9 _ . -, not beginning with . or -";
    }
    if (repo.len == 0)
        return "the name is empty";
    reason = shorten(&repo);
    if (reason)
        return reason;
    if (repo.len > REPO_MAX || repo.len + 1 + tag.len >= sizeof(ret->text))
        return "the name is too long";
    ret->repo_len = repo.len;
    snprintf(ret->text, sizeof(ret->text), "%.*s:%.*s", (int)repo.len, repo.s,
             (int)tag.len, tag.s);
    return NULL;
}

int image_name_parse(const char *ref, struct image_name *ret, struct mtd_error *err)
{
    struct image_name name = {0};
    const char *reason = parse(ref, &name);
    if (reason)
        return mtd_fail(err, EINVAL, "invalid image name \"%.100s\": %s", ref, reason);
    *ret = name;
    return 0;
}

int image_name_parse_new(const char *ref, struct image_name *ret, struct mtd_error *err)
{
    struct image_name name;
    int rc = image_name_parse(ref, &name, err);
    if (rc < 0)
        return rc;
    if (name.digest[0])
        return mtd_fail(
            err, EINVAL,
            "invalid image name \"%.100s\": an image cannot be named by digest", ref);
    *ret = name;
    return 0;
}

static void replace(const char *from, char out[IMAGE_NAME_SIZE], char what, char by)
{
    size_t n = strnlen(from, IMAGE_NAME_SIZE - 1);
    for (size_t i = 0; i < n; i++)
        out[i] = from[i] == what ? by : from[i];
    out[n] = '\0';
}

void image_name_to_file(const char *text, char out[IMAGE_NAME_SIZE])
{
    replace(text, out, '/', '%');
}

void image_name_from_file(const char *file, char out[IMAGE_NAME_SIZE])
{
    replace(file, out, '%', '/');
}

void image_name_to_whole(const char *text, char out[IMAGE_WHOLE_SIZE])
{
    struct span rest = {text, strlen(text)};
    bool path = strchr(text, '/') != NULL;
    bool host = path && is_host(cut(&rest, '/'));
    snprintf(out, IMAGE_WHOLE_SIZE, "%s%s",
             host   ? ""
             : path ? "docker.io/"
                    : "docker.io/library/",
             text);
}

size_t image_name_host_len(const char *whole)
{
    return strcspn(whole, "/");
}

bool image_name_is_loopback(const char *host, size_t len)
{
    struct span name = {host, len};
    name = cut(&name, ':');
    return span_is(name, "localhost") ||
           (name.len > 4 && memcmp(name.s, "127.", 4) == 0 && only(name, DIGIT "."));
}

size_t image_name_short_len(const char *text)
{
    size_t len = strlen(text), cut_len = strlen(":latest");
    return len > cut_len && strcmp(text + len - cut_len, ":latest") == 0 ? len - cut_len
                                                                         : len;
}

bool image_name_is_id(const char *ref, const char **ret_hex)
{
    const char *hex = strncmp(ref, "sha256:", 7) == 0 ? ref + 7 : ref;
    size_t len = strlen(hex);
    if (len < 1 || len > HEX_LEN || !hex_is_valid(hex, len))
        return false;
    *ret_hex = hex;
    return true;
}
