/* No canvas, no loop: one line in, some lines out, as a screen reader or a dumb terminal
 * can follow. */
#include "ui/app/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/words.h"
#include "ui/draw/ansi.h"
#include "ui/draw/format.h"
#include "ui/model/batch.h"

extern char **environ;

/* Names and commands come from elsewhere: no control byte of theirs reaches the
 * terminal. */
static void put_text(FILE *out, const char *s, size_t n)
{
    auto_done(buf_done) struct buf plain = {0};
    if (ansi_plain(s, n, &plain) == 0 && plain.len)
        fwrite(plain.data, 1, plain.len, out);
}

static void put(FILE *out, const char *s)
{
    put_text(out, s, strlen(s));
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

/* What a command prints may hold what a container wrote: it is shown as it comes, a line
 * as a line, without anything a terminal obeys. */
static void relay(int fd, FILE *out)
{
    auto_file FILE *in = fdopen(fd, "r");
    auto_free char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; in && (n = getline(&line, &cap, in)) > 0;) {
        bool whole = line[n - 1] == '\n';
        put_text(out, line, (size_t)n - whole);
        if (whole)
            fputc('\n', out);
        fflush(out);
    }
    if (!in)
        close(fd);
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A command that needs the terminal gets it unfiltered: the user asked for it. */
static int run(char **argv, bool terminal, FILE *out)
{
    int ends[2] = {-1, -1};
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (!terminal && pipe2(ends, O_CLOEXEC) < 0)
        return 125;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 1; fd <= 2 && !terminal; fd++)
        posix_spawn_file_actions_adddup2(&actions, ends[1], fd);
    int rc = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (!terminal)
        close(ends[1]);
    if (!terminal && rc == 0)
        relay(ends[0], out);
    else if (!terminal)
        close(ends[0]);
    return rc == 0 ? wait_for(pid) : 125;
}

static int run_batch(const struct mtd_options *o, const struct strv *words, FILE *out)
{
    auto_done(strv_done) struct strv argv = {0};
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
    return run(argv.items, batch_wants_terminal(words), out);
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

struct plain {
    const struct mtd_options *options;
    struct mtd_engine *engine;
    bool read_only;
    struct mtd_list list; /* the numbers in commands refer to it */
    FILE *out;
};

static void act(const struct plain *p, const char *line)
{
    auto_done(strv_done) struct strv words = {0};
    struct mtd_error err = {0};
    char *end;
    unsigned long n = strtoul(line, &end, 10);
    if (end != line && *end == '\0' && n >= 1 && n <= p->list.len) {
        print_one(p->engine, &p->list.items[n - 1], p->out);
        return;
    }
    if (words_split(line, &words, &err) < 0 || words.len == 0)
        fprintf(p->out, "%s\n", err.text);
    else if (p->read_only && !batch_only_looks(line))
        fputs("read-only: locked\n", p->out);
    else {
        resolve_numbers(&words, &p->list);
        fflush(p->out);
        int status = run_batch(p->options, &words, p->out);
        fprintf(p->out, status ? "failed with status %d\n" : "done\n", status);
    }
}

int plain_run(const struct mtd_options *o, bool read_only, FILE *in, FILE *out)
{
    struct plain p = {.options = o, .read_only = read_only, .out = out};
    struct mtd_error err = {0};
    auto_free char *line = NULL;
    size_t cap = 0;
    bool list = true;
    if (mtd_open(&p.engine, o, &err) < 0) {
        fprintf(stderr, "mytop-docker: %s\n", err.text);
        return 125;
    }
    for (;;) {
        mtd_list_done(&p.list);
        p.list = (struct mtd_list){0};
        if (mtd_list(p.engine, &p.list, &err) < 0)
            fprintf(out, "%s\n", err.text);
        else if (list)
            print_list(&p.list, out);
        fputs("number, command (run, stop 1, logs 2 ...), Enter = list, q = quit: ", out);
        fflush(out);
        ssize_t n = getline(&line, &cap, in);
        if (n <= 0 || strcmp(line, "q\n") == 0 || strcmp(line, "quit\n") == 0)
            break;
        line[strcspn(line, "\n")] = '\0';
        list = *line == '\0';
        if (!list)
            act(&p, line);
    }
    fputs("\n", out);
    mtd_list_done(&p.list);
    mtd_close(p.engine);
    return 0;
}
