/* image/internal.h - what is below <root>/images, and what the files of image share.
 * Shape   refs/<name:tag>    "/" as "%": symbolic link "sha256:<hex>", followed by
 *         "@<stamp>" when it was unpacked from a source config/<hex>.json  the image
 *         layers/<chain id>/ a layer tmp/<random>/      being unpacked or removed; its
 *         user holds flock on it lock               held while refs, config and layers
 *         change source.lock        held by the process that unpacks a source; taken
 *         before lock use.lock           see image_hold(); taken before both
 * Rule    everything appears and disappears by one rename or symlink. Under `lock` an
 *         image has its layers, and a layer without an image was left by a crash.
 * Errors  0 or -errno, as in image.h.
 */
#ifndef ENGINE_IMAGE_INTERNAL_H
#define ENGINE_IMAGE_INTERNAL_H

#include "engine/archive/archive.h"
#include "engine/image/image.h"
#include "engine/image/name.h"

#define IMAGE_STAMP_SIZE 96

struct image_ref {
    char hex[SHA256_HEX_SIZE];
    char stamp[IMAGE_STAMP_SIZE]; /* "" = not from a source */
};

/* Makes the directories. */
int image_disk_prepare(const struct image_store *s, struct mtd_error *err);
enum image_lock { IMAGE_LOCK, IMAGE_LOCK_SOURCE, IMAGE_LOCK_USE };
/* Waits for the lock; closing the fd releases it. image_disk_prepare()
 * must come first. */
int image_disk_lock(const struct image_store *s, enum image_lock which,
                    struct mtd_error *err);
/* IMAGE_LOCK without waiting. -EAGAIN: another process has it. */
int image_disk_try_lock(const struct image_store *s);

/* A name for images/tmp: "kind-<random>". */
#define IMAGE_TMP_NAME 32
void image_disk_tmp_name(char out[IMAGE_TMP_NAME], const char *kind);

/* text: "repo:tag". -ENOENT = no such name. */
int image_disk_read_ref(const struct image_store *s, const char *text,
                        struct image_ref *ret);
int image_disk_write_ref(const struct image_store *s, const char *text,
                         const struct image_ref *ref, struct mtd_error *err);
int image_disk_drop_ref(const struct image_store *s, const char *text,
                        struct mtd_error *err);
/* All names, sorted, and the hex ids that they refer to. Missing directories = none. */
int image_disk_list_refs(const struct image_store *s, struct strv *ret_names,
                         struct strv *ret_hex);
/* Hex ids of all images that begin with prefix, sorted. */
int image_disk_list_ids(const struct image_store *s, const char *prefix,
                        struct strv *ret);

/* Without names. -ENOENT, or -EINVAL for a damaged file. */
int image_disk_load(const struct image_store *s, const char *hex, struct mtd_image *ret,
                    struct mtd_error *err);
int image_disk_save(const struct image_store *s, const char *hex, const char *text,
                    size_t len);
int image_disk_drop_config(const struct image_store *s, const char *hex);
/* Names in a directory, sorted; none when it is missing. */
int image_disk_list(const struct image_store *s, const char *path, struct strv *ret);

/* ---- image/staging.c: images/tmp and images/layers ---- */

bool image_disk_has_layer(const struct image_store *s, const char *chain);
/* Moves the layer out of layers/; image_disk_drop_tmp() deletes what is
 * added to *ret_tmp. */
int image_disk_retire_layer(const struct image_store *s, const char *chain,
                            struct strv *ret_tmp);
void image_disk_drop_tmp(const struct image_store *s, const struct strv *tmp);

/* A new directory on the layers' file system, removed again unless it is published. */
struct image_staging {
    const struct image_store *store;
    int fd; /* -1 = none */
    char name[IMAGE_TMP_NAME];
};
/* Hold the lock: otherwise a sweep could remove the directory before it is locked. */
int image_staging_open(const struct image_store *s, struct image_staging *ret,
                       struct mtd_error *err);
void image_staging_done(struct image_staging *g);
/* Becomes layers/<chain>, unless that exists: then it is the same. Hold the lock.
 * *ret_new = it did not exist. */
int image_staging_publish(struct image_staging *g, const char *chain, bool *ret_new,
                          struct mtd_error *err);
/* An entry of images/tmp, locked by the returned descriptor, that says a layer is being
 * published. Lock held. */
int image_staging_mark(const struct image_store *s, char name[IMAGE_TMP_NAME],
                       struct mtd_error *err);
/* An unnamed file on the layers' file system. */
int image_staging_file(const struct image_store *s, struct mtd_error *err);

/* ---- image/sweep.c ---- */

/* Removes what killed processes left. Hold the lock. */
void image_sweep(const struct image_store *s);
/* To import, commit or unpack: takes the lock, sweeps, opens a staging directory. */
int image_sweep_and_stage(const struct image_store *s, struct image_staging *ret,
                          struct mtd_error *err);
/* The layers of all images. -errno = one cannot be read, so no layer may be removed. */
int image_list_needed(const struct image_store *s, struct strv *ret);

/* ---- image.c ---- */

/* -ENOENT, err lists the images that exist. */
int image_unknown(const struct image_store *s, const char *ref, struct mtd_error *err);
/* 1 = one image's id begins with prefix, 0 = none, -ENOTUNIQ = several. */
int image_resolve_id(const struct image_store *s, const char *prefix,
                     char ret_hex[SHA256_HEX_SIZE], struct mtd_error *err);

/* ---- image/publish.c ---- */

struct image_draft {
    const struct strv *base; /* chain ids below; NULL = none */
    const struct mtd_image_config *config;
    const char *name; /* "repo:tag"; NULL = none */
    int64_t created_at;
    bool written_out;        /* the layer's data is on the disk already */
    struct image_ref source; /* hex "" = the id is the config's hash */
};
int image_publish(const struct image_store *s, const struct image_draft *d,
                  struct image_staging *layer, const struct archive_unpacked *unpacked,
                  char ret_hex[SHA256_HEX_SIZE], struct mtd_error *err);

/* ---- image/source.c: the embedded busybox and <root>/image/NAME.tar ---- */

struct image_source {
    char name[IMAGE_NAME_SIZE];      /* "repo:tag" */
    char file[IMAGE_NAME_SIZE + 16]; /* "image/NAME.tar"; "" = embedded */
    struct image_ref ref;            /* known without unpacking */
    int64_t created_at;
    uint64_t size; /* of the source */
};
/* -ENOENT = the name has no source. */
int image_source_find(const struct image_store *s, const char *text,
                      struct image_source *ret);
int image_source_unpack(const struct image_store *s, const struct image_source *src,
                        struct mtd_error *err);
/* Names of all sources, sorted. */
int image_source_list(const struct image_store *s, struct strv *ret);

#endif
