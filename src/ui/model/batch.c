/* The command line cannot be asked: ui does not see cli. So its verbs are listed here
 * once more, and a test compares. */
#include "ui/model/batch.h"

#include <string.h>

#include "base/cleanup.h"

static const struct batch_verb VERBS[] = {
    {"run", false, OPERAND_IMAGE},
    {"create", false, OPERAND_IMAGE},
    {"start", false, OPERAND_CONTAINER},
    {"stop", false, OPERAND_CONTAINER},
    {"restart", false, OPERAND_CONTAINER},
    {"kill", false, OPERAND_CONTAINER},
    {"pause", false, OPERAND_CONTAINER},
    {"unpause", false, OPERAND_CONTAINER},
    {"wait", true, OPERAND_CONTAINER},
    {"rm", false, OPERAND_CONTAINER},
    {"update", false, OPERAND_CONTAINER},
    {"rename", false, OPERAND_CONTAINER},
    {"exec", false, OPERAND_CONTAINER},
    {"attach", false, OPERAND_CONTAINER},
    {"ps", true, OPERAND_NONE},
    {"list", true, OPERAND_NONE},
    {"inspect", true, OPERAND_EITHER},
    {"logs", true, OPERAND_CONTAINER},
    {"stats", true, OPERAND_CONTAINER},
    {"top", true, OPERAND_CONTAINER},
    {"diff", true, OPERAND_CONTAINER},
    {"port", true, OPERAND_CONTAINER},
    {"events", true, OPERAND_NONE},
    {"images", true, OPERAND_NONE},
    {"history", true, OPERAND_IMAGE},
    {"rmi", false, OPERAND_IMAGE},
    {"tag", false, OPERAND_IMAGE},
    {"commit", false, OPERAND_CONTAINER},
    {"cp", false, OPERAND_NONE},
    {"export", false, OPERAND_CONTAINER},
    {"import", false, OPERAND_NONE},
    {"pull", false, OPERAND_IMAGE},
    {"push", false, OPERAND_IMAGE},
    {"build", false, OPERAND_NONE},
    {"login", false, OPERAND_NONE},
    {"logout", false, OPERAND_NONE},
    {"network create", false, OPERAND_NONE},
    {"network ls", true, OPERAND_NONE},
    {"network rm", false, OPERAND_NONE},
    {"network inspect", true, OPERAND_NONE},
    {"network connect", false, OPERAND_NONE},
    {"network disconnect", false, OPERAND_NONE},
    {"network prune", false, OPERAND_NONE},
    {"network reload", false, OPERAND_NONE},
    {"load", false, OPERAND_NONE},
    {"save", false, OPERAND_IMAGE},
    {"container prune", false, OPERAND_NONE},
    {"image prune", false, OPERAND_NONE},
    {"volume create", false, OPERAND_NONE},
    {"volume ls", true, OPERAND_NONE},
    {"volume rm", false, OPERAND_NONE},
    {"volume prune", false, OPERAND_NONE},
    {"builder prune", false, OPERAND_NONE},
    {"system prune", false, OPERAND_NONE},
    {"system df", true, OPERAND_NONE},
    {"system check", false, OPERAND_NONE},
    {"system start-all", false, OPERAND_NONE},
    {"system stop-all", false, OPERAND_NONE},
    {"info", true, OPERAND_NONE},
    {"version", true, OPERAND_NONE},
    {"completion", true, OPERAND_NONE},
    {"help", true, OPERAND_NONE},
};

const struct batch_verb *batch_verb_at(size_t i)
{
    return i < ARRAY_SIZE(VERBS) ? &VERBS[i] : NULL;
}

const struct batch_verb *batch_verb_of(const char *text)
{
    text += strspn(text, " ");
    for (size_t i = 0; i < ARRAY_SIZE(VERBS); i++) {
        size_t n = strlen(VERBS[i].name);
        if (strncmp(VERBS[i].name, text, n) == 0 && (text[n] == ' ' || text[n] == '\0'))
            return &VERBS[i];
    }
    return NULL;
}

bool batch_only_looks(const char *text)
{
    const struct batch_verb *v = batch_verb_of(text);
    return v && v->looks;
}

/* ---- who needs the terminal -------------------------------------------------------- */

/* Which options ask for the terminal; letters may be combined ("-it"). They are looked
 * for after operands as well, because it is not known here which option takes the next
 * word as its value: a terminal that was not needed costs a key press, a missing one the
 * command. */
struct wanted {
    const char *verb, *letters; /* any of the letters */
    const char *words[3];
    const char *but_letter, *but_word; /* among the first options: takes it back */
};

static const struct wanted TERMINAL[] = {
    {"run", "it", {"--interactive", "--tty", "--ti"}, "d", "--detach"},
    {"exec", "it", {"--interactive", "--tty", "--ti"}, "d", "--detach"},
    {"start", "ia", {"--interactive", "--attach"}, "", NULL},
    {"logs", "f", {"--follow"}, "", NULL},
};

static bool is_cluster(const char *o)
{
    return o[0] == '-' && o[1] && o[1] != '-' && o[1 + strspn(o + 1, "adfit")] == '\0';
}

static bool is_word(const char *o, const char *word)
{
    size_t n = word ? strlen(word) : 0;
    return n && strncmp(o, word, n) == 0 && (o[n] == '\0' || o[n] == '=') &&
           strcmp(o + n, "=false") != 0;
}

static bool has(const char *o, const char *letters, const char *const *words, size_t n)
{
    if (is_cluster(o) && strpbrk(o + 1, letters))
        return true;
    for (size_t i = 0; i < n; i++)
        if (is_word(o, words[i]))
            return true;
    return false;
}

static bool wants(const struct wanted *w, const struct strv *argv)
{
    bool first = true;
    for (size_t i = 1; i < argv->len && strcmp(argv->items[i], "--") != 0; i++) {
        const char *o = argv->items[i];
        first &= o[0] == '-';
        if (first && has(o, w->but_letter, &w->but_word, 1))
            return false;
        if (has(o, w->letters, w->words, ARRAY_SIZE(w->words)))
            return !(is_cluster(o) && strpbrk(o + 1, w->but_letter));
    }
    return false;
}

bool batch_wants_terminal(const struct strv *argv)
{
    const char *verb = argv->len ? argv->items[0] : "";
    static const char *const ONCE[] = {"--no-stream", "--until", "--help"};
    bool once = false;
    for (size_t i = 1; i < argv->len; i++)
        for (size_t j = 0; j < ARRAY_SIZE(ONCE); j++)
            once |= is_word(argv->items[i], ONCE[j]);
    if (strcmp(verb, "attach") == 0 || strcmp(verb, "stats") == 0 ||
        strcmp(verb, "events") == 0)
        return !once;
    for (size_t i = 0; i < ARRAY_SIZE(TERMINAL); i++)
        if (strcmp(TERMINAL[i].verb, verb) == 0)
            return wants(&TERMINAL[i], argv);
    return false;
}
