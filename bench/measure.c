/* measure ROUNDS <TABLE - times commands in turn, so that a busy moment hits them all.
 *
 * A line of the table is `NAME | COMMAND | AFTER | MOUNT-NAMESPACE`. Every round runs
 * each COMMAND once, from fork to wait; AFTER runs outside the timing and undoes it; the
 * mount namespace (a file, may be missing) is joined first. Words are split at spaces, no
 * shell. Prints `NAME | median | fastest`, in microseconds; a command that fails is
 * reported with its status and left out.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROWS 32
#define MAX_WORDS 64

struct row {
    char name[128];
    char *words[MAX_WORDS], *after[MAX_WORDS];
    int ns_fd;
    int status; /* of the first failure */
    int64_t *us;
};

static int64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static void split(char *text, char **words)
{
    int n = 0;
    char *save = NULL;
    for (char *word = text ? strtok_r(text, " \t", &save) : NULL;
         word && n < MAX_WORDS - 1; word = strtok_r(NULL, " \t", &save))
        words[n++] = strdup(word);
    words[n] = NULL;
}

static int run(char **words, int ns_fd)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        if (ns_fd < 0 || !setns(ns_fd, CLONE_NEWNS))
            execvp(words[0], words);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int read_rows(struct row *rows, int rounds)
{
    char line[4096];
    int n = 0;
    while (n < MAX_ROWS && fgets(line, sizeof line, stdin)) {
        struct row *row = &rows[n];
        char *field[4] = {NULL}, *rest = line;
        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < 4 && rest; i++)
            field[i] = strsep(&rest, "|");
        if (!field[1])
            continue;
        field[0][strcspn(field[0], "\t")] = '\0';
        snprintf(row->name, sizeof row->name, "%s", field[0]);
        split(field[1], row->words);
        split(field[2], row->after);
        char *ns = field[3] ? field[3] + strspn(field[3], " ") : "";
        row->ns_fd = *ns ? open(ns, O_RDONLY | O_CLOEXEC) : -1;
        row->us = calloc(rounds, sizeof *row->us);
        n++;
    }
    return n;
}

static void one_round(struct row *rows, int n, int round)
{
    for (struct row *row = rows; row < rows + n; row++) {
        if (row->status)
            continue;
        int64_t start = now_us();
        row->status = run(row->words, row->ns_fd);
        if (round >= 0)
            row->us[round] = now_us() - start;
        if (row->after[0])
            run(row->after, row->ns_fd);
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static struct row rows[MAX_ROWS];
    int rounds = argc > 1 ? atoi(argv[1]) : 0;
    if (rounds < 1)
        return 2;
    int n = read_rows(rows, rounds);
    for (int round = -2; round < rounds; round++) /* two to warm up */
        one_round(rows, n, round);
    for (struct row *row = rows; row < rows + n; row++) {
        qsort(row->us, rounds, sizeof *row->us, compare);
        if (row->status)
            printf("%s| failed | %d\n", row->name, row->status);
        else
            printf("%s| %lld | %lld\n", row->name, (long long)row->us[rounds / 2],
                   (long long)row->us[0]);
    }
    return 0;
}
