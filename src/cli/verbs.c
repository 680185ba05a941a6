#include <string.h>

#include "base/cleanup.h"
#include "cli/verb.h"

static const struct verb *const TABLES[] = {
    VERBS_RUN,    VERBS_EXEC,  VERBS_LIFE,   VERBS_LOOK,  VERBS_LOGS,
    VERBS_STATS,  VERBS_TOP,   VERBS_EVENTS, VERBS_IMAGE, VERBS_ARCHIVE,
    VERBS_SYSTEM, VERBS_CHECK, VERBS_PRUNE,  VERBS_BOOT,  VERBS_REFUSED,
};

/* docker's other names. "container X" and "image X" also reach every X of their groups.
 * */
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
    {"container remove", "rm"},
    {"remove", "rm"},
    {"system info", "info"},
    {"system events", "events"},
};

const struct verb *verb_at(size_t i)
{
    for (size_t t = 0; t < ARRAY_SIZE(TABLES); t++)
        for (const struct verb *v = TABLES[t]; v->name; v++)
            if (i-- == 0)
                return v;
    return NULL;
}

static const struct verb *find_name(const char *name)
{
    for (size_t t = 0; t < ARRAY_SIZE(TABLES); t++)
        for (const struct verb *v = TABLES[t]; v->name; v++)
            if (strcmp(v->name, name) == 0)
                return v;
    return NULL;
}

static const struct verb *find_exact(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(ALIASES); i++)
        if (strcmp(ALIASES[i].alias, name) == 0)
            return find_name(ALIASES[i].name);
    return find_name(name);
}

/* "container stop" is "stop", "image tag" is "tag". */
static const struct verb *find_managed(const char *object, const char *name)
{
    const struct verb *v = find_name(name);
    if (!v)
        return NULL;
    bool image = v->group == GROUP_IMAGE, system = v->group == GROUP_SYSTEM;
    if (strcmp(object, "container") == 0)
        return system || (image && strcmp(name, "commit") != 0 &&
                          strcmp(name, "export") != 0)
                   ? NULL
                   : v;
    return strcmp(object, "image") == 0 && image ? v : NULL;
}

const struct verb *verb_find(int argc, char **argv, int *ret_words)
{
    char two[64];
    if (argc >= 2 && strlen(argv[0]) + strlen(argv[1]) + 2 <= sizeof(two)) {
        stpcpy(stpcpy(stpcpy(two, argv[0]), " "), argv[1]);
        const struct verb *v = find_exact(two);
        *ret_words = 2;
        if (v || (v = find_managed(argv[0], argv[1])))
            return v;
    }
    *ret_words = 1;
    return argc >= 1 ? find_exact(argv[0]) : NULL;
}

bool verb_is_object(const char *word)
{
    static const char *const OBJECTS[] = {"container", "image", "system"};
    for (size_t i = 0; i < ARRAY_SIZE(OBJECTS); i++)
        if (strcmp(OBJECTS[i], word) == 0)
            return true;
    return false;
}
