/* systemd answers a call at once with a job, and says in a signal what became of it. Only who gave
 * the answer is believed about the job: on a bus anybody may send signals. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "engine/systemd/bus.h"

#define NAME "org.freedesktop.systemd1"
#define PATH "/org/freedesktop/systemd1"
#define MANAGER NAME ".Manager"
#define PATH_MAX_BYTES 256
#define LINE_BYTES 151

static int64_t deadline_of(const struct systemd *s)
{
    return clock_mono_ns() + s->timeout_ms * NS_PER_MS;
}

static int call(struct systemd *s, const char *member, const char *signature,
                const struct systemd_properties *body, int64_t deadline,
                struct message *ret)
{
    const struct message_call c = {NAME, PATH, MANAGER, member, signature, false};
    return bus_call(s, &c, body, deadline, ret);
}

/* What others say goes into a line of ours. */
static const char *as_line(const char *text, char ret[LINE_BYTES])
{
    size_t n = 0;
    for (; text[n] && n < LINE_BYTES - 1; n++)
        ret[n] = (unsigned char)text[n] < ' ' || text[n] == 127 ? '?' : text[n];
    ret[n] = '\0';
    return ret;
}

/* Its own sentence, if it gave one. */
static int say(struct message *m, int rc, const char *unit, const char *what,
               struct mtd_error *err)
{
    if (rc != -EREMOTEIO)
        return mtd_fail_errno(err, -rc, "systemd: cannot %s %s", what, unit);
    bool exists = strcmp(m->error, NAME ".UnitExists") == 0;
    bool gone = strcmp(m->error, NAME ".NoSuchUnit") == 0;
    const char *text = *m->signature == 's' ? message_read_text(&m->body) : "";
    char line[LINE_BYTES];
    int code = exists ? EEXIST : gone ? ENOENT : EREMOTEIO;
    return mtd_fail(err, code, "systemd: cannot %s %s: %s", what, unit,
                    as_line(*text ? text : m->error, line));
}

/* ---- jobs ---- */

struct job {
    char path[PATH_MAX_BYTES], sender[PATH_MAX_BYTES];
};

static int take_job(struct message *m, struct job *ret)
{
    const char *path = strcmp(m->signature, "o") == 0 ? message_read_text(&m->body) : "";
    if (!*path || strlen(path) >= sizeof(ret->path) ||
        strlen(m->sender) >= sizeof(ret->sender))
        return -EPROTO;
    snprintf(ret->path, sizeof(ret->path), "%s", path);
    snprintf(ret->sender, sizeof(ret->sender), "%s", m->sender);
    return 0;
}

/* JobRemoved(number, path, unit, result). *ret_result is valid as the message is. */
static bool is_end_of(struct message *m, const struct job *job, const char **ret_result)
{
    if (m->type != MESSAGE_SIGNAL || strcmp(m->member, "JobRemoved") != 0 ||
        strcmp(m->signature, "uoss") != 0 || strcmp(m->sender, job->sender) != 0)
        return false;
    message_read_u32(&m->body);
    bool ours = strcmp(message_read_text(&m->body), job->path) == 0;
    message_read_text(&m->body);
    *ret_result = message_read_text(&m->body);
    return ours && !m->body.bad;
}

static int await_job(struct systemd *s, const struct job *job, int64_t deadline,
                     char ret_result[LINE_BYTES])
{
    for (;;) {
        struct message m;
        const char *result;
        int rc = bus_receive(s, deadline, &m);
        if (rc < 0)
            return rc;
        if (is_end_of(&m, job, &result)) {
            as_line(result, ret_result);
            return 0;
        }
    }
}

/* A call whose answer is a job. */
static int run_job(struct systemd *s, const char *member, const char *signature,
                   const struct systemd_properties *body, const char *unit,
                   const char *what, struct mtd_error *err)
{
    struct message m = {0};
    struct job job;
    char result[LINE_BYTES] = "";
    int64_t deadline = deadline_of(s);
    int rc = call(s, member, signature, body, deadline, &m);
    if (rc == 0)
        rc = take_job(&m, &job);
    if (rc < 0)
        return say(&m, rc, unit, what, err);
    (void)fault_point("systemd.job");
    rc = await_job(s, &job, deadline, result);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "systemd: cannot %s %s", what, unit);
    return strcmp(result, "done") == 0
               ? 0
               : mtd_fail(err, EREMOTEIO, "systemd: cannot %s %s: the job is %s", what,
                          unit, result);
}

static void reset(struct systemd *s, const char *unit)
{
    auto_done(systemd_properties_done) struct systemd_properties body = {0};
    struct message m;
    message_text(&body, unit);
    (void)call(s, "ResetFailedUnit", "s", &body, deadline_of(s), &m);
}

static void put_properties(struct systemd_properties *to,
                           const struct systemd_properties *p)
{
    size_t from, length_at = message_open_array(to, 8, &from);
    if (p->rc < 0 && to->rc == 0)
        to->rc = p->rc;
    if (to->rc == 0 && p->bytes.len)
        to->rc = buf_add(&to->bytes, p->bytes.data, p->bytes.len);
    message_close_array(to, length_at, from);
}

/* ---- what is asked ---- */

int systemd_start_scope(struct systemd *s, const char *unit,
                        const struct systemd_properties *p, struct mtd_error *err)
{
    auto_done(systemd_properties_done) struct systemd_properties body = {0};
    struct mtd_error why = {0};
    size_t from;
    message_text(&body, unit);
    message_text(&body, "replace");
    put_properties(&body, p);
    size_t length_at = message_open_array(&body, 8, &from); /* no further units */
    message_close_array(&body, length_at, from);
    for (int tries = 0;; tries++) {
        why = (struct mtd_error){0};
        int rc = run_job(s, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, unit,
                         "start", &why);
        if (rc == -EEXIST || rc == -EREMOTEIO)
            reset(s, unit); /* of one that failed only the name is left, in the way */
        if (rc != -EEXIST || tries) {
            if (rc < 0 && err)
                *err = why;
            return rc;
        }
    }
}

int systemd_set(struct systemd *s, const char *unit, const struct systemd_properties *p,
                struct mtd_error *err)
{
    auto_done(systemd_properties_done) struct systemd_properties body = {0};
    struct message m = {0};
    message_text(&body, unit);
    message_u32(&body, true);
    put_properties(&body, p);
    int rc = call(s, "SetUnitProperties", "sba(sv)", &body, deadline_of(s), &m);
    return rc < 0 ? say(&m, rc, unit, "set properties of", err) : 0;
}

int systemd_stop(struct systemd *s, const char *unit, struct mtd_error *err)
{
    auto_done(systemd_properties_done) struct systemd_properties body = {0};
    struct mtd_error why = {0};
    message_text(&body, unit);
    message_text(&body, "replace");
    int rc = run_job(s, "StopUnit", "ss", &body, unit, "stop", &why);
    if (rc == 0 || rc == -ENOENT || rc == -EREMOTEIO)
        reset(s, unit);
    if (rc < 0 && rc != -ENOENT && err)
        *err = why;
    return rc == -ENOENT ? 0 : rc;
}

int systemd_attach(struct systemd *s, const char *unit, pid_t pid, struct mtd_error *err)
{
    auto_done(systemd_properties_done) struct systemd_properties body = {0};
    struct message m = {0};
    size_t from;
    message_text(&body, unit);
    message_text(&body, "");
    size_t length_at = message_open_array(&body, 4, &from);
    message_u32(&body, (uint32_t)pid);
    message_close_array(&body, length_at, from);
    int rc = call(s, "AttachProcessesToUnit", "ssau", &body, deadline_of(s), &m);
    return rc < 0 ? say(&m, rc, unit, "put a process in", err) : 0;
}

int systemd_group(struct systemd *s, char **ret, struct mtd_error *err)
{
    static const struct message_call GET = {
        NAME, PATH, "org.freedesktop.DBus.Properties", "Get", "ss", false};
    auto_done(systemd_properties_done) struct systemd_properties body = {0};
    struct message m = {0};
    message_text(&body, MANAGER);
    message_text(&body, "ControlGroup");
    int rc = bus_call(s, &GET, &body, deadline_of(s), &m);
    if (rc < 0)
        return say(&m, rc, "its own", "tell the group of", err);
    bool text = strcmp(m.signature, "v") == 0 &&
                strcmp(message_read_signature(&m.body), "s") == 0;
    const char *path = text ? message_read_text(&m.body) : "";
    if (!text || m.body.bad || (*path && *path != '/'))
        return mtd_fail(err, EPROTO, "systemd does not tell its own group");
    *ret = strdup(*path ? path : "/");
    return *ret ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

/* ---- slices ---- */

int systemd_expand_slice(const char *slice, char **ret, struct mtd_error *err)
{
    static const char SUFFIX[] = ".slice";
    auto_done(buf_done) struct buf path = {0};
    size_t n = strlen(slice), name = n > 6 ? n - 6 : 0;
    bool whole = name == 1 && *slice == '-';
    bool bad =
        !name || n > 255 || strcmp(slice + name, SUFFIX) != 0 || strpbrk(slice, "/\n") ||
        *slice == '.' ||
        (!whole && (*slice == '-' || slice[name - 1] == '-' || strstr(slice, "--")));
    if (bad)
        return mtd_fail(err, EINVAL, "invalid slice name: %.80s", slice);
    int rc = buf_puts(&path, "");
    for (size_t i = 1; i <= name && !whole && rc == 0; i++)
        if (i == name || slice[i] == '-')
            rc =
                buf_printf(&path, "%s%.*s%s", path.len ? "/" : "", (int)i, slice, SUFFIX);
    *ret = rc == 0 ? buf_take(&path) : NULL;
    return *ret ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}
