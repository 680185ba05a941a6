/* name - parses and formats image names by docker's reference grammar.
 * Shape   [host[:port]/]path[:tag][@sha256:<64 hex>], kept in its short form: "busybox"
 *         is "busybox:latest", and so are "docker.io/library/busybox" and
 *         "library/busybox".
 * Rule    upper case only in host and tag; path 1..255 bytes, tag up to 128. Nothing that
 *         passes can be "." or "..", or hold a "%", which stands for "/" in file names.
 * Errors  -EINVAL, err says what is wrong with the name.
 * Source  github.com/distribution/reference, regexp.go and normalize.go
 */
#ifndef ENGINE_IMAGE_NAME_H
#define ENGINE_IMAGE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "engine/archive/hash.h"

#define IMAGE_NAME_SIZE 256 /* name and tag are one file name */

struct image_name {
    char text[IMAGE_NAME_SIZE];   /* "host:5000/a/b:tag" */
    size_t repo_len;              /* length of text without ":tag" */
    bool has_tag;                 /* written, not the default */
    char digest[SHA256_HEX_SIZE]; /* hex, or "" */
};

int image_name_parse(const char *ref, struct image_name *ret, struct mtd_error *err);
/* Like image_name_parse(), for a name to be given to an image: a digest is refused. */
int image_name_parse_new(const char *ref, struct image_name *ret, struct mtd_error *err);

void image_name_to_file(const char *text, char out[IMAGE_NAME_SIZE]);
void image_name_from_file(const char *file, char out[IMAGE_NAME_SIZE]);

/* A name as registries know it, with what is left out of the short form: "busybox:latest"
 * becomes "docker.io/library/busybox:latest". */
#define IMAGE_WHOLE_SIZE (IMAGE_NAME_SIZE + 24)
void image_name_to_whole(const char *text, char out[IMAGE_WHOLE_SIZE]);
/* The length of the registry's host and port in a whole name. */
size_t image_name_host_len(const char *whole);
/* "localhost", "localhost:5000", "127.0.0.1:5000": a registry on this machine. */
bool image_name_is_loopback(const char *host, size_t len);

/* The length of text without ":latest", as it is usually written. */
size_t image_name_short_len(const char *text);

/* "sha256:" and 1..64 hex digits, or the digits alone: *ret_hex points at the digits. */
bool image_name_is_id(const char *ref, const char **ret_hex);

#endif
