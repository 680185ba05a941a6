/* What a later version has written into a record must be there when that version reads it
 * again: a monitor of ours outlives an upgrade, and an upgrade may be taken back. So the
 * members that no row of the table knows are kept as text and written again. They have no
 * effect otherwise. Those inside of lists are lost. */

#include "engine/spec/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void drop_known(json_t *object, const char *path)
{
    for (const char *dot; object && (dot = strchr(path, '.')); path = dot + 1)
        object = json_object_getn(object, path, (size_t)(dot - path));
    json_object_del(object, path);
}

static void drop_empty(json_t *object)
{
    const char *name;
    json_t *child;
    void *next;
    json_object_foreach_safe(object, next, name, child)
    {
        drop_empty(child);
        if (json_is_object(child) && json_object_size(child) == 0)
            json_object_del(object, name);
    }
}

int spec_foreign_take(const struct field_table *const tables[], size_t n, json_t *in,
                      char **ret, struct mtd_error *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < tables[i]->n_fields; k++)
            drop_known(in, tables[i]->fields[k].path);
    drop_empty(in);
    if (json_object_size(in) == 0)
        return 0;
    *ret = json_dumps(in, JSON_COMPACT);
    return *ret ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

int spec_foreign_add(const char *text, json_t *out, struct mtd_error *err)
{
    if (!text)
        return 0;
    auto_json json_t *foreign = json_loads(text, 0, NULL);
    if (!foreign || json_object_update_recursive(out, foreign) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return 0;
}
