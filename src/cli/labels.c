#include "cli/labels.h"

#include <string.h>

#define HAS "label="
#define LACKS "label!="

bool labels_have(const struct strv *labels, const char *wanted)
{
    size_t len = strcspn(wanted, "=");
    for (size_t i = 0; i < labels->len; i++) {
        const char *label = labels->items[i];
        if (wanted[len]
                ? strcmp(label, wanted) == 0
                : strncmp(label, wanted, len) == 0 && (label[len] == '=' || !label[len]))
            return true;
    }
    return false;
}

bool labels_is_filter(const char *text)
{
    return strncmp(text, HAS, strlen(HAS)) == 0 ||
           strncmp(text, LACKS, strlen(LACKS)) == 0;
}

bool labels_pass(const struct strv *labels, const struct option_list *filters)
{
    for (size_t i = 0; i < filters->len; i++) {
        const char *text = filters->items[i];
        bool has = strncmp(text, HAS, strlen(HAS)) == 0;
        if (labels_is_filter(text) &&
            labels_have(labels, text + strlen(has ? HAS : LACKS)) != has)
            return false;
    }
    return true;
}
