/* Any text is a template or an error with its place, and what it makes stays in bounds. */
#include <errno.h>
#include <string.h>

#include "cli/template/template.h"
#include "fuzz.h"

static const char TREE[] =
    "{\"a\":\"text \\u00e9\",\"b\":[1,2.5,null,true,\"x\"],\"Labels\":{\"k\":\"v\",\"l.m\":\"\"},"
    "\"c\":{\"d\":{\"e\":-7}},\"n\":null}";

static const char *get_name(const void *data, size_t i)
{
    static const char *const NAMES[] = {"Name", "State", "Label", NULL};
    return NAMES[i];
}

static int get_value(const void *data, size_t i, const char *argument, struct buf *out)
{
    if (i == 2)
        return argument ? buf_printf(out, "<%s>", argument) : -EINVAL;
    return argument ? -ENOENT : buf_puts(out, i ? "up\xff\x1b" : "web");
}

static int any_field(const struct template *t, const char *name, size_t at, void *arg,
                     struct mtd_error *err)
{
    CHECK(name && *(const char *)arg);
    return 0;
}

/* What both runs of a template must keep to. */
static void run(const struct template *t, const struct template_data *data)
{
    struct buf out = {0}, again = {0};
    struct mtd_error err = {0}, err_again = {0};
    int rc = template_run(t, data, &out, &err);
    CHECK(rc == 0 || rc == -EINVAL);
    CHECK(rc == 0 ? err.code == 0 : strncmp(err.text, "template: ", 10) == 0);
    CHECK(out.len <= TEMPLATE_OUTPUT_MAX);
    CHECK(template_run(t, data, &again, &err_again) == rc);
    CHECK(out.len == again.len && (!out.len || !memcmp(out.data, again.data, out.len)));
    CHECK(strcmp(err.text, err_again.text) == 0);
    buf_done(&out);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const MAPS[] = {"Labels", NULL};
    static json_t *tree, *types;
    if (!tree) {
        tree = json_loads(TREE, 0, NULL);
        types = json_loads("{\"\":{\"n\":[],\"o\":{}},\"c\":{\"f\":\"\"}}", 0, NULL);
    }
    char *text = strndup((const char *)data, size);
    struct template *t = NULL;
    struct mtd_error err = {0};
    struct template_row row = {"row", get_name, get_value};
    if (template_parse(text, &t, &err) == 0) {
        CHECK(template_each_field(t, any_field, "arg", NULL) == 0);
        run(t, &(struct template_data){.tree = tree, .maps = MAPS, .types = types});
        run(t, &(struct template_data){.row = &row});
        run(t, &(struct template_data){.row = &row, .header = true});
    } else {
        CHECK(err.code == EINVAL && strncmp(err.text, "template: ", 10) == 0);
        CHECK(err.text[11] >= '0');
    }
    template_free(t);
    free(text);
    return 0;
}
