/* The room transfer knows no containers and no events: here they are told. */

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/api/internal.h"
#include "engine/engine.h"
#include "engine/image/name.h"
#include "engine/store/events.h"
#include "engine/tool/tool.h"
#include "engine/transfer/build.h"
#include "engine/transfer/registry.h"

/* docker's event is about the name. */
static void note(struct mtd_engine *e, const char *action, const char *ref)
{
    const struct event event = {
        .type = "image", .action = action, .id = ref, .name = ref, .exit_code = -1};
    events_append(e->store.root_fd, &event);
}

/* For an image that there is: the registry is asked once more, on a machine without any. */
static int make_roots(struct mtd_engine *e, const struct mtd_registry *how,
                      const char *ref, const char *platform, struct mtd_error *err)
{
    if (e->store.root_fd >= 0)
        return 0;
    int rc = transfer_ask(how, ref, platform, err);
    return rc < 0 ? rc : container_make_roots(e, err);
}

int mtd_pull(struct mtd_engine *e, const char *ref, const char *platform,
             const struct mtd_registry *how, struct mtd_pulled *ret,
             struct mtd_error *err)
{
    int rc = make_roots(e, how, ref, platform, err);
    if (rc == 0)
        rc = transfer_pull(&e->images, how, ref, platform, ret, err);
    if (rc == 0)
        note(e, "pull", ref);
    return rc;
}

int mtd_registry_tags(const char *ref, const struct mtd_registry *how, struct strv *ret,
                      struct mtd_error *err)
{
    return transfer_tags(how, ref, ret, err);
}

int mtd_push(struct mtd_engine *e, const char *ref, const struct mtd_registry *how,
             struct mtd_error *err)
{
    int rc = container_need_image(e, ref, err);
    if (rc == 0)
        rc = transfer_push(&e->images, how, ref, err);
    if (rc == 0)
        note(e, "push", ref);
    return rc;
}

int mtd_login(const char *host, const char *user, const char *password,
              const struct mtd_registry *how, struct mtd_error *err)
{
    return transfer_login(how, host, user, password, err);
}

int mtd_logout(const char *host, const struct mtd_registry *how, struct mtd_error *err)
{
    return transfer_logout(how, host, err);
}

int mtd_image_name(const char *ref, struct mtd_image_name *ret, struct mtd_error *err)
{
    struct image_name name;
    char whole[IMAGE_WHOLE_SIZE];
    int rc = image_name_parse(ref, &name, err);
    if (rc < 0)
        return rc;
    image_name_to_whole(name.text, whole);
    *ret = (struct mtd_image_name){.repo_len = name.repo_len,
                                   .has_tag = name.has_tag,
                                   .has_digest = name.digest[0] != '\0'};
    snprintf(ret->text, sizeof(ret->text), "%s", name.text);
    snprintf(ret->whole, sizeof(ret->whole), "%s", whole);
    ret->whole_repo_len = strlen(whole) - (strlen(name.text) - name.repo_len);
    return 0;
}

int mtd_can_pull(struct mtd_error *err)
{
    return tool_check(TOOL_SKOPEO, err);
}

int mtd_build(struct mtd_engine *e, const struct mtd_build *b,
              const struct mtd_registry *how, char **ret_id, struct mtd_error *err)
{
    int rc = e->store.root_fd >= 0 ? 0 : tool_check(TOOL_BUILDAH, err);
    if (rc == 0 && e->store.root_fd < 0)
        rc = container_make_roots(e, err);
    if (rc == 0)
        rc = transfer_build(&e->images, how, b, ret_id, err);
    for (size_t i = 0; rc == 0 && b->names && i < b->names->len; i++)
        note(e, "tag", b->names->items[i]);
    return rc;
}

int mtd_drop_builds(struct mtd_engine *e, struct mtd_error *err)
{
    return transfer_drop_builds(&e->images, err);
}
