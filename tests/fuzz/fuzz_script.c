/* A batch script, whose commands are also command lines: each is looked up, its options are
 * parsed and judged with all that is refused before anything is opened. Nothing is run. */
#include <string.h>

#include "fuzz.h"

#include "cli/command.c"
#include "engine/host/tty.h"

/* The engine's, in a file with much else. */
int mtd_detach_keys_check(const char *keys, struct mtd_error *err)
{
    struct tty_keys k;
    return tty_keys_parse(&k, keys) < 0 ? mtd_fail(err, EINVAL, "invalid detach keys")
                                        : 0;
}

/* command_run without its end. */
static int try_command(struct cli *c, int argc, char **argv)
{
    int words = 0, status = 0;
    const struct verb *v = verb_find(c->verbs, argc, argv, &words);
    if (!v || v->flags & VERB_REFUSED)
        return STATUS_ENGINE;
    CHECK(words >= 1 && words <= argc);
    void *values = calloc(1, v->values_size + 1);
    CHECK(values);
    if (v->init)
        v->init(values);
    struct operands o = {0};
    struct mtd_error err = {0};
    int rc = judge(v, argc - words + 1, argv + words - 1, values, &o, &status, &err);
    CHECK(memchr(err.text, '\0', sizeof(err.text)));
    if (rc < 0) {
        CHECK(err.code != 0 && err.text[0] != '\0');
        CHECK(status == STATUS_ENGINE || status == STATUS_FAILED);
    } else if (!o.help) {
        CHECK(o.len >= v->min && o.len <= v->max);
        CHECK(o.items[o.len] == NULL);
    }
    options_done(&v->options, values, &o);
    if (v->done)
        v->done(values);
    free(values);
    return rc < 0;
}

#define command_run try_command
#define report_fail(cli, status, ...) (status)
#include "cli/script.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cli c = {.verbs = VERBS, .script = "fuzz"};
    if (size == 0)
        return 0;
    FILE *file = fmemopen((void *)data, size, "r");
    CHECK(file);
    struct script s = {.cli = &c, .file = file};
    int status = run_commands(&s, true);
    CHECK(status >= 0 && status <= STATUS_ENGINE);
    CHECK(s.line <= size + 1);
    buf_done(&s.command);
    free(s.text);
    fclose(file);
    return 0;
}
