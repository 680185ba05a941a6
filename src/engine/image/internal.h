/* image/internal.h - what is below <root>/images, and what the files of image share.
 * Shape   refs/<name:tag>    "/" as "%": symbolic link "sha256:<hex>", followed by
 *         "@<stamp>" when it was unpacked from a source config/<hex>.json  the image
 *         layers/<chain id>/ a layer tmp/<random>/      being unpacked or removed; its
 *         user holds flock on it lock               held while refs, config and layers
 *         change source.lock        held by the process that unpacks a source; taken
 *         before lock use.lock           see image_hold(); taken before both
 *         oci-layout index.json blobs/sha256/<hex>   the same as an OCI image layout, for
 *         other programs and for save and push
 *         form               made last: a store without it is an older version's
 *         info/<chain id>    diff id, size and blob of a layer; .recipe: see archive_remake()
 *         digests/<hex>      link to the id of the image with that manifest
 *         ids/<hex>          link to the id of the image that an older version gave this one
 *         transfer.lock      held shared by who fills blobs/
 * Rule    everything appears and disappears by one rename or symlink. Under `lock` an
 *         image has its layers, and a layer without an image was left by a crash.
 * Errors  0 or -errno, as in image.h.
 */
#ifndef ENGINE_IMAGE_INTERNAL_H
#define ENGINE_IMAGE_INTERNAL_H

#include "engine/archive/archive.h"
#include "engine/image/compose.h"
#include "engine/image/image.h"
#include "engine/image/name.h"

#define IMAGE_STAMP_SIZE 96

struct image_ref {
    char hex[SHA256_HEX_SIZE];
    char stamp[IMAGE_STAMP_SIZE]; /* "" = not from a source */
};

/* Makes the directories. */
int image_disk_prepare(const struct image_store *s, struct mtd_error *err);
enum image_lock { IMAGE_LOCK, IMAGE_LOCK_SOURCE, IMAGE_LOCK_USE, IMAGE_LOCK_TRANSFER };
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

/* Replaces the file path of the root. Its temp file is an entry of images/tmp, so what a killed
 * process leaves of it makes the next command sweep. Needs no lock. */
int image_disk_replace(const struct image_store *s, const char *path, const void *data,
                       size_t len, bool durable);
/* Without names. -ENOENT, or -EINVAL for a damaged file. */
int image_disk_load(const struct image_store *s, const char *hex, struct mtd_image *ret,
                    struct mtd_error *err);
int image_disk_save(const struct image_store *s, const char *hex, const char *text,
                    size_t len, bool durable);
int image_disk_drop_config(const struct image_store *s, const char *hex);
/* Links from other digests to the ids of images. */
#define IMAGE_DIGESTS "images/digests" /* of the manifest or index that it is */
#define IMAGE_IDS "images/ids"         /* ids that it had */
/* -ENOENT. */
int image_disk_read_link(const struct image_store *s, const char *dir, const char *hex,
                         char ret_hex[SHA256_HEX_SIZE]);
int image_disk_write_link(const struct image_store *s, const char *dir, const char *hex,
                          const char *to);
int image_disk_drop_link(const struct image_store *s, const char *dir, const char *hex);
/* All that lead to `of`; NULL = those that lead to no image. */
void image_disk_drop_links(const struct image_store *s, const char *dir, const char *of);
void image_disk_sort(struct strv *v);
bool image_disk_sorted_has(const struct strv *v, const char *item);
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
/* An entry of images/tmp, locked by the returned descriptor, that says an image is being made
 * or removed. Lock held. */
int image_staging_mark(const struct image_store *s, char name[IMAGE_TMP_NAME],
                       struct mtd_error *err);
/* Its content: what is to be named once the image is there, also by a sweep. */
int image_mark_write(int fd, const struct image_ref *ref, const struct strv *names,
                     const struct strv *digests);
/* The same of an image that goes, with its names. */
int image_mark_removal(int fd, const char *hex, const struct strv *names);
void image_mark_finish(const struct image_store *s, const char *tmp_name);
/* A new file in images/tmp, locked by the returned descriptor. */
int image_staging_named(const struct image_store *s, const char *kind,
                        char name[IMAGE_TMP_NAME], struct mtd_error *err);
/* An unnamed file on the layers' file system. */
int image_staging_file(const struct image_store *s, struct mtd_error *err);

/* ---- image/sync.c ---- */

/* Forces the staged layers to the disk, with blobs and recipes: file by file when it is little, as
 * syncfs() waits for the data of all other processes, too; else once for all. -errno. */
int image_sync_parts(const struct image_part *parts, size_t n);
/* Names that were written are there from now on. */
int image_sync_names(const struct image_store *s, struct mtd_error *err);

/* ---- image/draft.c: an image before it is published ---- */

struct image_draft {
    const struct image_store *store;
    const struct image_compose *c;
    const struct image_ref *source; /* NULL = it is none; the stamp is the name's */
    bool in_memory;
    char hex[SHA256_HEX_SIZE];
    struct mtd_image image;
    struct image_info *infos; /* one per part */
    struct buf config, manifest;
    struct strv names, repo_digests, digests; /* digests: 64 hex digits of repo_digests */
};
/* Everything that can be found out before the lock is taken. */
int image_draft_make(struct image_draft *d, struct mtd_error *err);
void image_draft_done(struct image_draft *d);

/* ---- image/links.c ---- */

/* Makes the hard links of new layers to files of those below them. */
int image_draft_link(struct image_draft *d, struct mtd_error *err);

/* ---- image/sweep.c ---- */

/* Removes what killed processes left, if they left an entry in images/tmp. Hold the lock. */
void image_sweep_found(const struct image_store *s);
/* All that nobody has, whoever left it. False = not all, as blobs are being transferred. */
bool image_sweep_all(const struct image_store *s);
void image_sweep_layers(const struct image_store *s);
/* The layers of all images and containers. -errno = one cannot be read, so no layer may be removed. */
int image_list_needed(const struct image_store *s, struct strv *ret);

/* ---- image.c ---- */

/* -ENOENT, err lists the images that exist. */
int image_unknown(const struct image_store *s, const char *ref, struct mtd_error *err);
/* 1 = one image's id begins with prefix, 0 = none, -ENOTUNIQ = several. */
int image_resolve_id(const struct image_store *s, const char *prefix,
                     char ret_hex[SHA256_HEX_SIZE], struct mtd_error *err);

/* ---- image/info.c: images/info/<chain id>, what is known of a layer ---- */

struct image_info {
    char diff_id[SHA256_HEX_SIZE];
    uint64_t size;              /* bytes in its files */
    struct oci_descriptor blob; /* which may be dropped */
};
/* -ENOENT, -EBADMSG. */
int image_info_read(const struct image_store *s, const char *chain,
                    struct image_info *ret);
int image_info_write(const struct image_store *s, const char *chain,
                     const struct image_info *info);
void image_info_drop(const struct image_store *s, const char *chain);
/* images/info/<chain id>.recipe: what packing the layer as it came needs. */
#define IMAGE_INFO_PATH 128
void image_info_recipe(const char *chain, char out[IMAGE_INFO_PATH]);
/* Of a layer without one, that an older version made: packs it to see what its tar is. */
int image_info_ensure(const struct image_store *s, const char *chain,
                      struct image_info *ret, struct mtd_error *err);
/* Bytes of its plain tar; 0 = not known: its blob is compressed. */
uint64_t image_info_plain_size(const struct image_info *i);
/* Packs the layer, to out_fd if that is not -1. */
int image_info_pack(const struct image_store *s, const char *chain, int out_fd,
                    struct mtd_progress_item *progress, char ret_digest[SHA256_HEX_SIZE],
                    uint64_t *ret_size, struct mtd_error *err);

/* ---- image/blobs.c: images/blobs/sha256 ---- */

#define IMAGE_BLOB_PATH 128
void image_blob_path(const char *digest, char out[IMAGE_BLOB_PATH]);
/* *ret_size may be NULL. */
/* Of all images, sorted. */
int image_blob_list_needed(const struct image_store *s, struct strv *ret);
bool image_blob_has(const struct image_store *s, const char *digest, uint64_t *ret_size);
int image_blob_put(const struct image_store *s, const void *data, size_t len,
                   bool durable, char ret_digest[SHA256_HEX_SIZE], struct mtd_error *err);
/* images/tmp/<name> becomes the blob, or goes when that is there. */
int image_blob_adopt(const struct image_store *s, const char *tmp_name,
                     const char *digest, struct mtd_error *err);
/* A document; -EBADMSG = not what its digest says. */
int image_blob_read(const struct image_store *s, const char *digest, struct buf *ret,
                    struct mtd_error *err);
/* A descriptor that holds off transfers, or -EAGAIN: one runs. Hold the lock. */
int image_blob_exclude(const struct image_store *s);
/* Removes what no image names. Hold the lock. false = not now: a transfer runs. */
bool image_blob_sweep(const struct image_store *s);

/* ---- image/named.c: which names an image has ---- */

/* All names, by the image that they refer to and then by name. */
struct image_named {
    struct strv names, ids; /* as image_disk_list_refs() gives them */
    struct image_named_item {
        const char *hex, *name; /* borrowed from the two */
    } * items;
    size_t len;
};
int image_named_list(const struct image_store *s, struct image_named *ret);
void image_named_done(struct image_named *n);
/* The first of an image's; *ret_n = how many. */
const struct image_named_item *image_named_find(const struct image_named *n,
                                                const char *hex, size_t *ret_n);

/* ---- image/index.c ---- */

/* index.json, of all names and of images without one. Hold the lock. */
int image_index_write(const struct image_store *s, struct mtd_error *err);

/* ---- image/complete.c: an image's config and manifest blobs ---- */

/* Makes them for one that has none. Hold the lock. *i is the image as it is then. */
int image_complete(const struct image_store *s, const char *hex, struct mtd_image *i,
                   struct mtd_error *err);
int image_quick_write(const struct image_store *s, struct mtd_image *i, const char *hex,
                      bool durable, struct mtd_error *err);

/* ---- image/again.c ---- */

void image_complete_small(const struct image_store *s, const struct strv *chains);

/* ---- image/lock.c ---- */

/* IMAGE_LOCK of a store of this form: an older one is taken over first. Waits. */
int image_lock(const struct image_store *s, struct mtd_error *err);
/* To import, commit or unpack: takes the lock and sweeps. */
int image_sweep_first(const struct image_store *s, struct mtd_error *err);

/* ---- image/ids.c: other ids that images had ---- */

/* Gives the image its config's digest as id; the old one goes on to be found. Names and
 * digests move along. Hold the lock. */
int image_ids_move(const struct image_store *s, const char *hex, struct mtd_image *i,
                   struct mtd_error *err);
/* The one of an image that had it, or -ENOENT; prefix: of the old id, which must be unique. */
int image_ids_find(const struct image_store *s, const char *prefix,
                   char ret_hex[SHA256_HEX_SIZE]);

/* ---- image/takeover.c ---- */

bool image_is_old(const struct image_store *s);
int image_take_over(const struct image_store *s, struct mtd_error *err);

/* ---- image/receive.c ---- */

/* What receiving unpacks into: the directory, and a file for the recipe. */
int image_layer_stage(const struct image_store *s, struct image_layer *ret,
                      struct mtd_error *err);
/* raw: the blob is what was read, and not the plain tar. */
void image_layer_describe(struct image_layer *l, const struct archive_unpacked *u,
                          bool raw);

/* ---- image/publish.c ---- */

struct image_staged {
    struct image_staging dir;
    char blob_name[IMAGE_TMP_NAME]; /* "" = no blob is kept */
    char recipe_name[IMAGE_TMP_NAME];
    int blob_fd, recipe_fd; /* -1 = none */
    uint64_t entries;
    unsigned long order;     /* of this process's: the lowest was opened first */
    struct strv lower_links; /* see archive_tar; made when the layers below are known */
};
/* Frees also g. */
void image_staged_free(struct image_staged *g);
/* With the stamp of a source. in_memory: not forced to the disk, as the embedded
 * image can be made again. */
int image_compose_as(const struct image_store *s, const struct image_compose *c,
                     const struct image_ref *source, bool in_memory,
                     char ret_hex[SHA256_HEX_SIZE], struct mtd_error *err);

/* ---- image/source.c: the embedded busybox and <root>/image/NAME.tar ---- */

struct image_source {
    char name[IMAGE_NAME_SIZE];      /* "repo:tag" */
    char file[IMAGE_NAME_SIZE + 16]; /* "image/NAME.tar"; "" = embedded */
    struct image_ref ref;            /* the stamp; see image_source_id() */
    int64_t created_at;
    uint64_t size; /* of the source */
};
/* -ENOENT = the name has no source. */
int image_source_find(const struct image_store *s, const char *text,
                      struct image_source *ret);
/* The id that it has when it is unpacked. -ENOENT = only reading all of it would tell: a tar. */
int image_source_id(const struct image_store *s, const struct image_source *src,
                    char ret_hex[SHA256_HEX_SIZE]);
/* -ENOENT = the id of no source that is known before it is unpacked begins so. */
int image_source_by_id(const struct image_store *s, const char *prefix,
                       struct image_source *ret);
int image_source_unpack(const struct image_store *s, const struct image_source *src,
                        struct mtd_error *err);
/* Names of all sources, sorted. */
int image_source_list(const struct image_store *s, struct strv *ret);

/* ---- image/changes_health.c ---- */

/* What follows the word HEALTHCHECK; *ret is replaced, or as it was on failure. */
int image_parse_healthcheck(const char *s, struct mtd_healthcheck *ret,
                            struct mtd_error *err);

#endif
