/* verb - an alias is tried before a name and two words before one, so that "container ls"
 * is not "container" and "image rm" is not "rm". */

#include "cli/verb.h"

#include <string.h>

#include "base/cleanup.h"

/* docker's other names. "container X" and "image X" also find every X of their groups. */
static const struct {
    const char *alias, *name;
} ALIASES[] = {
    {"list", "ps"},
    {"ls", "ps"},
    {"container ls", "ps"},
    {"container list", "ps"},
    {"container inspect", "inspect"},
    {"image ls", "images"},
    {"image list", "images"},
    {"image rm", "rmi"},
    {"image remove", "rmi"},
    {"image inspect", "inspect"},
    {"container rm", "rm"},
    {"container remove", "rm"},
    {"remove", "rm"},
    {"volume list", "volume ls"},
    {"volume remove", "volume rm"},
    {"volume inspect", "inspect"},
    {"network list", "network ls"},
    {"network remove", "network rm"},
    {"system info", "info"},
    {"system events", "events"},
    {"builder build", "build"},
};

const struct verb *verb_at(const struct verb *const *tables, size_t i)
{
    for (; *tables; tables++)
        for (const struct verb *v = *tables; v->name; v++)
            if (i-- == 0)
                return v;
    return NULL;
}

static const struct verb *find_name(const struct verb *const *tables, const char *name)
{
    for (; *tables; tables++)
        for (const struct verb *v = *tables; v->name; v++)
            if (strcmp(v->name, name) == 0)
                return v;
    return NULL;
}

static const struct verb *find_exact(const struct verb *const *tables, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(ALIASES); i++)
        if (strcmp(ALIASES[i].alias, name) == 0)
            return find_name(tables, ALIASES[i].name);
    return find_name(tables, name);
}

/* "container stop" is "stop", "image tag" is "tag". */
static const struct verb *find_managed(const struct verb *const *tables,
                                       const char *object, const char *name)
{
    const struct verb *v = find_name(tables, name);
    if (!v)
        return NULL;
    bool image = v->group == GROUP_IMAGE;
    bool system = v->group == GROUP_SYSTEM || v->group == GROUP_NETWORK;
    if (strcmp(object, "container") == 0)
        return system || (image && strcmp(name, "commit") != 0 &&
                          strcmp(name, "export") != 0)
                   ? NULL
                   : v;
    return strcmp(object, "image") == 0 && image ? v : NULL;
}

const struct verb *verb_find(const struct verb *const *tables, int argc, char **argv,
                             int *ret_words)
{
    char two[64];
    if (argc >= 2 && strlen(argv[0]) + strlen(argv[1]) + 2 <= sizeof(two)) {
        stpcpy(stpcpy(stpcpy(two, argv[0]), " "), argv[1]);
        const struct verb *v = find_exact(tables, two);
        *ret_words = 2;
        if (v || (v = find_managed(tables, argv[0], argv[1])))
            return v;
    }
    *ret_words = 1;
    return argc >= 1 ? find_exact(tables, argv[0]) : NULL;
}

/* name, without the object and the blank in front of it; NULL = it has others. */
static const char *without(const char *name, const char *object)
{
    size_t len = strlen(object);
    return strncmp(name, object, len) == 0 && name[len] == ' ' ? name + len + 1 : NULL;
}

const char *verb_behind(const struct verb *const *tables, const char *object,
                        const struct verb *v)
{
    const char *word = without(v->name, object);
    if (v->flags & (VERB_REFUSED | VERB_HIDDEN))
        return NULL;
    for (size_t i = 0; !word && i < ARRAY_SIZE(ALIASES); i++)
        if (strcmp(ALIASES[i].name, v->name) == 0)
            word = without(ALIASES[i].alias, object);
    bool managed = !strchr(v->name, ' ') && find_managed(tables, object, v->name) == v;
    return word || !managed ? word : v->name;
}

const char *verb_object_at(size_t i)
{
    static const char *const OBJECTS[] = {"container", "image",  "volume",
                                          "network",   "system", "builder"};
    return i < ARRAY_SIZE(OBJECTS) ? OBJECTS[i] : NULL;
}

bool verb_is_object(const char *word)
{
    const char *object;
    for (size_t i = 0; (object = verb_object_at(i)); i++)
        if (strcmp(object, word) == 0)
            return true;
    return false;
}
