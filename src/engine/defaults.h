/* defaults - what a new container gets where its options say nothing: ours, unless the
 * administrator's file says otherwise.
 * Shape   /etc/mytop-docker/config, or another file that the caller names. Lines
 *         "name = value" (base/settings.h); every name is a row of one table.
 * Errors  a wrong line is ignored; the first is kept, and how many there were.
 * Process front end, when it makes a container. What is made keeps what it got.
 */
#ifndef ENGINE_DEFAULTS_H
#define ENGINE_DEFAULTS_H

#include "engine/types.h"

#define MTD_DEFAULTS_FILE "/etc/mytop-docker/config"
#define MTD_REGISTRY_TIMEOUT 30

struct mtd_defaults {
    enum mtd_log_driver log_driver;
    uint64_t log_max_size;    /* bytes; 0 = no rotation */
    unsigned log_max_file;    /* 0 = the file does not say: 5 of the default size, or 1 */
    unsigned start_timeout;   /* seconds */
    char network[256];        /* of a container that names none */
    char publish_address[46]; /* of a port that names none; "" = all */
    unsigned registry_timeout; /* seconds without an answer */
    enum mtd_userns userns;    /* HOST or AUTO */
    uint64_t userns_size;
    bool userns_wrong; /* its line is: to ignore that one would undo a protection */
    struct mtd_error problem;
    unsigned wrong; /* lines ignored */
};
void mtd_defaults_init(struct mtd_defaults *d); /* ours */
/* And the file; named: another one instead, NULL or "" = none. -EPERM = somebody else could
 * change it: it is not read. */
int mtd_defaults_load(struct mtd_defaults *d, const char *named, struct mtd_error *err);
/* A text as if it were the file, whose name is said in problem. The text is cut up. */
void mtd_defaults_parse(struct mtd_defaults *d, const char *name, char *text);

/* The value of max-size: bytes, or -1 for no limit, which is *ret = 0. -errno. */
int mtd_log_size_parse(const char *text, uint64_t *ret);
int mtd_log_files_parse(const char *text, unsigned *ret); /* max-file: 1 to 1000 */

#endif
