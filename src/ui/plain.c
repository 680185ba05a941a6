#include "ui/plain.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/batch.h"
#include "ui/format.h"
#include "ui/text.h"
#include "ui/words.h"

extern char **environ;

/* Names and commands come from elsewhere: no control byte of theirs reaches the terminal. */
static void put(FILE *out, const char *s)
{
    uint32_t state = 0;
    for (size_t n = strlen(s), used; n || state; s += used, n -= used) {
        struct glyph g;
        used = text_next(s, n, &g, &state);
        fwrite(g.bytes, 1, g.len, out);
    }
}

static void print_list(const struct mtd_list *l, FILE *out)
{
    char status[FORMAT_MAX];
    int64_t now = clock_wall_ns();
    if (l->len == 0)
        fputs("no containers\n", out);
    for (size_t i = 0; i < l->len; i++) {
        const struct mtd_summary *s = &l->items[i];
        fprintf(out, "%zu. ", i + 1);
        put(out, s->name ? s->name : s->id);
        fprintf(out, ", %s, image ", format_status(s, now, FORMAT_WIDE, status));
        put(out, s->image ? s->image : "?");
        fputs("\n", out);
    }
}

static void print_one(struct mtd_engine *e, const struct mtd_summary *s, FILE *out)
{
    struct mtd_stats st;
    char mem[FORMAT_MAX];
    fprintf(out, "id %.12s\ncommand ", s->id);
    put(out, s->command ? s->command : "");
    fprintf(out, "\nstate %s, exit status %d\n", mtd_state_name(s->state), s->exit_code);
    if (s->error) {
        put(out, s->error);
        fputs("\n", out);
    }
    if (s->pid && mtd_stats(e, s, &st, NULL) == 0)
        fprintf(out, "memory %s, processes %llu\n", format_size(st.memory, mem),
                (unsigned long long)st.pids);
}

static int run_batch(const struct mtd_options *o, struct strv *words)
{
    auto_done(strv_done) struct strv argv = {0};
    pid_t pid;
    int status = 0;
    strv_add(&argv, "mytop-docker");
    if (o->root) {
        strv_add(&argv, "--root");
        strv_add(&argv, o->root);
    }
    if (o->run_root) {
        strv_add(&argv, "--run-root");
        strv_add(&argv, o->run_root);
    }
    strv_add(&argv, "--batch");
    strv_add_all(&argv, words);
    if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv.items, environ) != 0)
        return 125;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Words that are numbers of the list become names. */
static void resolve_numbers(struct strv *words, const struct mtd_list *l)
{
    for (size_t i = 1; i < words->len; i++) {
        char *end;
        unsigned long n = strtoul(words->items[i], &end, 10);
        if (*end || n < 1 || n > l->len)
            continue;
        char *name =
            strdup(l->items[n - 1].name ? l->items[n - 1].name : l->items[n - 1].id);
        if (name) {
            free(words->items[i]);
            words->items[i] = name;
        }
    }
}

static void act(const struct mtd_options *o, struct mtd_engine *e, bool read_only,
                const struct mtd_list *l, const char *line, FILE *out)
{
    auto_done(strv_done) struct strv words = {0};
    struct mtd_error err = {0};
    char *end;
    unsigned long n = strtoul(line, &end, 10);
    if (end != line && *end == '\0' && n >= 1 && n <= l->len) {
        print_one(e, &l->items[n - 1], out);
        return;
    }
    if (words_split(line, &words, &err) < 0 || words.len == 0)
        fprintf(out, "%s\n", err.text);
    else if (read_only && !batch_only_looks(line))
        fputs("read-only: locked\n", out);
    else {
        resolve_numbers(&words, l);
        fflush(out);
        int status = run_batch(o, &words);
        fprintf(out, status ? "failed with status %d\n" : "done\n", status);
    }
}

int plain_run(const struct mtd_options *o, bool read_only, FILE *in, FILE *out)
{
    struct mtd_engine *e = NULL;
    struct mtd_error err = {0};
    auto_free char *line = NULL;
    size_t cap = 0;
    bool list = true;
    auto_done(mtd_list_done) struct mtd_list l = {0};
    if (mtd_open(&e, o, &err) < 0) {
        fprintf(stderr, "mytop-docker: %s\n", err.text);
        return 125;
    }
    for (;;) {
        mtd_list_done(&l);
        l = (struct mtd_list){0};
        if (mtd_list(e, &l, &err) < 0)
            fprintf(out, "%s\n", err.text);
        else if (list)
            print_list(&l, out);
        fputs("number, command (run, stop 1, logs 2 ...), Enter = list, q = quit: ", out);
        fflush(out);
        ssize_t n = getline(&line, &cap, in);
        if (n <= 0 || strcmp(line, "q\n") == 0 || strcmp(line, "quit\n") == 0)
            break;
        line[strcspn(line, "\n")] = '\0';
        list = *line == '\0';
        if (!list)
            act(o, e, read_only, &l, line, out);
    }
    fputs("\n", out);
    mtd_close(e);
    return 0;
}
