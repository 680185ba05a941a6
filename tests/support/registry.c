#include "registry.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "state.h"

bool programs_are_there(const char *const names[])
{
    char path[128];
    for (; *names; names++) {
        snprintf(path, sizeof(path), "/usr/bin/%s", *names);
        if (access(path, X_OK) < 0) {
            fprintf(stderr, "[SKIP] %s is not installed\n", *names);
            return false;
        }
    }
    return true;
}

static void read_log(const struct registry_box *r, struct buf *ret)
{
    auto_fd int dir = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(fs_read_at(dir, "log", 64 << 20, ret), 0);
}

/* "listening on 127.0.0.1:41234" */
static bool is_listening(void *arg)
{
    static const char WORDS[] = "listening on ";
    struct registry_box *r = arg;
    auto_done(buf_done) struct buf log = {0};
    read_log(r, &log);
    const char *at = log.data ? strstr(log.data, WORDS) : NULL;
    if (!at)
        return false;
    at += strlen(WORDS);
    snprintf(r->host, sizeof(r->host), "%.*s", (int)strspn(at, "0123456789.:"), at);
    return at[strspn(at, "0123456789.:")] != '\0';
}

static void make_password(const struct registry_box *r, const char *password)
{
    char line[512];
    snprintf(line, sizeof(line), "htpasswd -Bbc %s/users me %s 2>%s/said", r->dir,
             password, r->dir);
    cr_assert_eq(system(line), 0, "%s", line);
}

static void configure(const struct registry_box *r, const char *password)
{
    char path[160], auth[320] = "";
    snprintf(path, sizeof(path), "%s/config.yml", r->dir);
    if (password)
        snprintf(auth, sizeof(auth), "auth: {htpasswd: {realm: test, path: %s/users}}\n",
                 r->dir);
    auto_file FILE *f = fopen(path, "we");
    cr_assert_not_null(f);
    fprintf(f,
            "version: 0.1\nlog: {level: info}\n%shttp: {addr: '127.0.0.1:0'}\n"
            "storage: {filesystem: {rootdirectory: %s/storage}}\n",
            auth, r->dir);
}

static _Noreturn void serve(const struct registry_box *r)
{
    char config[160], log[160];
    snprintf(config, sizeof(config), "%s/config.yml", r->dir);
    snprintf(log, sizeof(log), "%s/log", r->dir);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    unsetenv("REGISTRY_AUTH_FILE"); /* it would take it for a setting of its own */
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    execl("/usr/bin/docker-registry", "docker-registry", "serve", config, NULL);
    _exit(99);
}

void registry_start(struct registry_box *r, const struct tempdir *d, const char *password)
{
    snprintf(r->dir, sizeof(r->dir), "%s/registry", d->path);
    cr_assert_eq(mkdir(r->dir, 0700), 0);
    tempdir_put(d, "registry/log", "");
    configure(r, password);
    if (password)
        make_password(r, password);
    r->pid = fork();
    cr_assert_geq(r->pid, 0);
    if (r->pid == 0)
        serve(r);
    bool up = state_until(is_listening, r);
    auto_done(buf_done) struct buf log = {0};
    read_log(r, &log);
    cr_assert(up, "docker-registry does not start: %s", log.data ? log.data : "");
}

void registry_stop(struct registry_box *r)
{
    if (r->pid > 0) {
        kill(r->pid, SIGKILL);
        waitpid(r->pid, NULL, 0);
        r->pid = 0;
    }
}

int registry_requests(const struct registry_box *r, const char *text)
{
    auto_done(buf_done) struct buf log = {0};
    char quoted[256];
    int n = 0;
    read_log(r, &log);
    snprintf(quoted, sizeof(quoted), "\"%s", text); /* of the access log */
    for (const char *at = log.data; at && (at = strstr(at, quoted)); at++)
        n++;
    return n;
}

static char largest[512];
static off_t largest_size;

static int look(const char *path, const struct stat *st, int kind, struct FTW *w)
{
    (void)w;
    const char *name = strrchr(path, '/');
    if (kind == FTW_F && strcmp(name, "/data") == 0 && st->st_size > largest_size) {
        largest_size = st->st_size;
        snprintf(largest, sizeof(largest), "%s", path);
    }
    return 0;
}

void registry_break(const struct registry_box *r)
{
    char path[160], byte;
    largest_size = 0;
    snprintf(path, sizeof(path), "%s/storage", r->dir);
    cr_assert_eq(nftw(path, look, 8, FTW_PHYS), 0);
    auto_fd int fd = open(largest, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0, "it has no blobs");
    cr_assert_eq(pread(fd, &byte, 1, largest_size / 2), 1);
    byte ^= 1;
    cr_assert_eq(pwrite(fd, &byte, 1, largest_size / 2), 1);
}
