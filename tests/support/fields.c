#include "fields.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/cgroup/cgroup.h"

char *field(const struct state *s, const char *name, const char *template)
{
    return ASK(s, "inspect", "--format", template, name);
}

void expect_field(const struct state *s, const char *name, const char *template,
                  const char *want)
{
    auto_free char *got = field(s, name, template);
    cr_expect_str_eq(got, want, "%s of %s is %s, not %s", template, name, got, want);
}

struct wanted {
    const struct state *s;
    const char *name, *template, *value;
    char last[256];
};

static bool has_value(void *arg)
{
    struct wanted *w = arg;
    struct outcome o = RUN(w->s, "inspect", "--format", w->template, w->name);
    o.out[strcspn(o.out, "\n")] = '\0';
    snprintf(w->last, sizeof(w->last), "%s", o.out);
    outcome_done(&o);
    return strcmp(w->last, w->value) == 0;
}

void await_field(const struct state *s, const char *name, const char *template,
                 const char *want)
{
    struct wanted w = {.s = s, .name = name, .template = template, .value = want};
    cr_expect(state_until(has_value, &w), "%s of %s never was %s but %s", template, name,
              want, w.last);
}

static bool has_line(void *arg)
{
    struct wanted *w = arg;
    struct outcome o = RUN(w->s, "logs", "--tail", "1", w->name);
    o.out[strcspn(o.out, "\n")] = '\0';
    snprintf(w->last, sizeof(w->last), "%s", o.out);
    outcome_done(&o);
    return strcmp(w->last, w->value) == 0;
}

void await_line(const struct state *s, const char *name, const char *line)
{
    struct wanted w = {.s = s, .name = name, .value = line};
    cr_expect(state_until(has_line, &w), "%s never said \"%s\", but \"%s\"", name, line,
              w.last);
}

static pid_t pid_field(const struct state *s, const char *name, const char *template)
{
    auto_free char *text = field(s, name, template);
    return (pid_t)atol(text);
}

pid_t pid_of(const struct state *s, const char *name)
{
    return pid_field(s, name, "{{.State.Pid}}");
}

pid_t monitor_of(const struct state *s, const char *name)
{
    return pid_field(s, name, "{{.MonitorPid}}");
}

/* Or a zombie: the host's pid 1 may take seconds to reap it. */
static bool is_gone(void *arg)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof(path), "/proc/%d/stat", *(int *)arg);
    auto_file FILE *f = fopen(path, "re");
    return !f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1 || state == 'Z';
}

void kill_and_wait(pid_t pid)
{
    cr_assert_gt(pid, 1);
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_expect(state_until(is_gone, &pid), "process %d does not die", (int)pid);
}

void expect_output(const struct state *s, int status, const char *want,
                   const char *const args[])
{
    struct outcome o = state_run_input(s, NULL, 0, args);
    cr_expect_eq(o.status, status, "%s %s: status %d: %s", args[0],
                 args[1] ? args[1] : "", o.status, o.err);
    cr_expect_str_eq(o.out, want, "%s %s said \"%s\", not \"%s\"", args[0],
                     args[1] ? args[1] : "", o.out, want);
    outcome_done(&o);
}

/* ---- a restart of the host --------------------------------------------------------- */

static pid_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? (pid_t)atol(at + strlen(key)) : 0;
}

static void end_process(pid_t pid)
{
    if (pid > 1 && kill(pid, SIGKILL) == 0)
        cr_expect(state_until(is_gone, &pid));
}

static void forget_boot(int dir, const char *id, struct buf *text)
{
    static const char KEY[] = "\"bootId\": \"";
    char path[128];
    char *at = strstr(text->data, KEY);
    if (!at)
        return; /* it never ran */
    for (char *p = at + sizeof(KEY) - 1; *p && *p != '"'; p++)
        *p = *p == '-' ? '-' : '0';
    snprintf(path, sizeof(path), "root/containers/%s/config.json", id);
    auto_fd int fd = openat(dir, path, O_WRONLY | O_TRUNC);
    cr_assert_eq(fs_write_all(fd, text->data, text->len), 0);
}

static void end_container(int dir, const char *id)
{
    auto_done(buf_done) struct buf text = {0};
    auto_done(cgroup_done) struct cgroup host = {0}, group = {0};
    char path[128];
    snprintf(path, sizeof(path), "root/containers/%s/config.json", id);
    cr_assert_eq(fs_read_at(dir, path, 1 << 20, &text), 0);
    end_process(number_after(text.data, "\"monitorPid\": "));
    end_process(number_after(text.data, "\"pid\": "));
    cr_assert_eq(cgroup_discover(&host, "/proc", NULL), 0);
    cr_assert_eq(cgroup_open_id(&group, &host, id, NULL), 0);
    cgroup_kill(&group, NULL);
    cgroup_destroy(&group, NULL);
    snprintf(path, sizeof(path), "run/%s", id);
    fs_remove_tree_at(dir, path);
    forget_boot(dir, id, &text);
}

void reboot_host(const struct state *s)
{
    int fd = fs_open_dir_at(s->dir.fd, "root/containers");
    auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            end_container(s->dir.fd, e->d_name);
    unlinkat(s->dir.fd, "root/boot_id", 0);
}
