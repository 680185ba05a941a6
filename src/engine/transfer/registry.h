/* transfer/registry - images from registries and into them, by skopeo (engine/tool).
 * Shape   pull: the manifest is asked for first, so that an image which is here already
 *         costs nothing more; its layers come into images/blobs, those that are there are
 *         not fetched again, and image_take() makes the image. push: a layout of hard
 *         links to our blobs, so that nobody can take them away meanwhile.
 *         References are docker's (image/name.h).
 * Rule    what arrives is verified twice: by skopeo while it comes, by image_take()
 *         afterwards. Killed at any point it leaves entries of images/tmp and blobs that
 *         no image names, which the next command sweeps.
 * Errors  those of tool_fail() and image_take(); err names the image.
 * Owner   the caller frees with the _done functions.
 * Process a front end with one thread; blocks until it is done.
 */
#ifndef ENGINE_TRANSFER_REGISTRY_H
#define ENGINE_TRANSFER_REGISTRY_H

#include "engine/image/image.h"
#include "engine/transfer/options.h"

/* Whether the registry has the image, without a store; errors as transfer_pull(). */
int transfer_ask(const struct mtd_registry *how, const char *ref, const char *platform,
                 struct mtd_error *err);
/* platform: "linux/arm64/v8"; NULL = the host's. */
int transfer_pull(const struct image_store *s, const struct mtd_registry *how,
                  const char *ref, const char *platform, struct mtd_pulled *ret,
                  struct mtd_error *err);
/* The tags of ref's repository. */
int transfer_tags(const struct mtd_registry *how, const char *ref, struct strv *ret,
                  struct mtd_error *err);
/* ref: a name that an image has. */
int transfer_push(const struct image_store *s, const struct mtd_registry *how,
                  const char *ref, struct mtd_error *err);

/* host: "docker.io", "localhost:5000". The password is checked, then kept in skopeo's file. */
int transfer_login(const struct mtd_registry *how, const char *host, const char *user,
                   const char *password, struct mtd_error *err);
/* -ENOENT = there was no login, without a sentence. */
int transfer_logout(const struct mtd_registry *how, const char *host,
                    struct mtd_error *err);

#endif
