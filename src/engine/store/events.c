/* Any process appends, without a lock that a stopped process could hold against others.
 * So a line is one write, and the log is renamed only while no writer has it open. */

#include "engine/store/events.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

#define FILE_NAME "events.log"
#define LABELS_MAX_BYTES (64 << 10)

/* In a text that is not UTF-8, '?' replaces what is not ASCII: the log must remain JSON. */
static json_t *make_text(const char *s, size_t len)
{
    json_t *text = json_stringn(s, len);
    if (text)
        return text;
    auto_free char *ascii = strndup(s, len);
    for (char *p = ascii; p && *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return ascii ? json_string(ascii) : NULL;
}

static int set_text(json_t *line, const char *name, const char *value)
{
    if (!value)
        return 0;
    json_t *text = make_text(value, strlen(value));
    return json_object_set_new_nocheck(line, name, text) < 0 ? -ENOMEM : 0;
}

/* Its name is a user's or an image's text as well. */
static int set_label(json_t *all, const char *label)
{
    size_t len = strcspn(label, "=");
    json_t *name = make_text(label, len);
    int rc =
        name ? set_text(all, json_string_value(name), label + len + (label[len] == '='))
             : -ENOMEM;
    json_decref(name);
    return rc;
}

/* Labels come first, so that none hides what the event itself says. As many as one line of
 * the log may well hold: a reader gives up on lines without end. */
static int set_attributes(json_t *line, const struct event *e)
{
    size_t bytes = 0;
    json_t *all = json_object();
    int rc = all ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && e->labels && i < e->labels->len; i++) {
        const char *label = e->labels->items[i];
        bytes += strlen(label);
        if (bytes > LABELS_MAX_BYTES)
            break;
        rc = set_label(all, label);
    }
    if (rc == 0 && e->attribute.name)
        rc = set_text(all, e->attribute.name, e->attribute.value);
    for (const struct event_attribute *a = e->more; rc == 0 && a && a->name; a++)
        rc = set_text(all, a->name, a->value);
    if (rc == 0 && json_object_size(all))
        rc = json_object_set_nocheck(line, "attributes", all) < 0 ? -ENOMEM : 0;
    json_decref(all);
    return rc;
}

static int make_line(const struct event *e, struct buf *ret)
{
    char time[TIME_TEXT];
    time_format_rfc3339(e->time_ns ? e->time_ns : clock_wall_ns(), time);
    const struct {
        const char *name, *value;
    } TEXTS[] = {{"time", time},       {"type", e->type}, {"action", e->action},
                 {"id", e->id},        {"name", e->name}, {"image", e->image},
                 {"detail", e->detail}};
    json_t *line = json_object();
    int rc = line ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(TEXTS); i++)
        rc = set_text(line, TEXTS[i].name, TEXTS[i].value);
    if (rc == 0 && e->exit_code >= 0)
        rc = json_object_set_new_nocheck(line, "exitCode", json_integer(e->exit_code));
    if (rc == 0)
        rc = set_attributes(line, e);
    auto_free char *text = rc == 0 ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    return text ? buf_printf(ret, "%s\n", text) : -ENOMEM;
}

/* A full disk or a power loss may have cut the last line, which must not be continued.
 * One that another process is writing at this moment looks the same: then there is an
 * empty line in between, which readers skip. */
static bool ends_torn(int fd, off_t size)
{
    char last;
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static bool has_the_name(int root_fd, const struct stat *st)
{
    struct stat now;
    return fstatat(root_fd, FILE_NAME, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           st->st_dev == now.st_dev && st->st_ino == now.st_ino;
}

/* Only a long one was ever renamed: of a short one the name need not be looked at. */
static bool is_current(int root_fd, int fd, struct stat *ret)
{
    return fstat(fd, ret) == 0 && ret->st_nlink > 0 &&
           (ret->st_size < EVENTS_MAX_BYTES || has_the_name(root_fd, ret));
}

/* Writers share the file's lock, so that none writes to it after it was renamed: a reader
 * that follows the log reads it to its end and continues with the new one. No process
 * waits for a lock: a stopped one must not block others, and a log that is too long is
 * better than a lost line. */
static bool rotate(int root_fd, int fd)
{
    struct stat st;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 && is_current(root_fd, fd, &st) &&
           renameat(root_fd, FILE_NAME, root_fd, FILE_NAME ".1") == 0;
}

static int open_log(int root_fd, off_t *ret_size)
{
    for (int tries = 0; tries < 8; tries++) {
        auto_fd int fd =
            openat(root_fd, FILE_NAME,
                   O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
        struct stat st;
        if (fd < 0)
            return -errno;
        flock(fd, LOCK_SH | LOCK_NB);
        if (!is_current(root_fd, fd, &st))
            continue;
        if (st.st_size >= EVENTS_MAX_BYTES && rotate(root_fd, fd))
            continue;
        *ret_size = st.st_size;
        return take_fd(&fd);
    }
    return -EAGAIN;
}

int events_append(int root_fd, const struct event *e)
{
    return events_append_all(root_fd, e, 1);
}

int events_append_all(int root_fd, const struct event *e, size_t n_events)
{
    auto_done(buf_done) struct buf line = {0};
    off_t size = 0;
    auto_fd int fd = open_log(root_fd, &size);
    if (fd < 0)
        return fd;
    int rc = ends_torn(fd, size) ? buf_putc(&line, '\n') : 0;
    for (size_t i = 0; rc == 0 && i < n_events; i++)
        rc = make_line(&e[i], &line);
    if (rc < 0)
        return rc;
    ssize_t n;
    do
        n = write(fd, line.data, line.len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == line.len ? 0 : -ENOSPC;
}

struct event event_of(const struct mtd_record *r, const char *action)
{
    return (struct event){.type = "container",
                          .action = action,
                          .id = r->id,
                          .name = r->name,
                          .image = r->spec.image,
                          .labels = &r->spec.labels,
                          .exit_code = -1};
}

int events_note(int root_fd, const struct mtd_record *r, const char *action)
{
    return events_note_with(root_fd, r, action, NULL, NULL);
}

int events_note_with(int root_fd, const struct mtd_record *r, const char *action,
                     const char *name, const char *value)
{
    struct event e = event_of(r, action);
    e.attribute = (struct event_attribute){name, value};
    return events_append(root_fd, &e);
}

/* The members stand in the order of make_line(), and a text cannot hold the quotes. */
static bool has_line(const struct buf *log, const char *since, const char *members)
{
    static const char BEGIN[] = "{\"time\":\"";
    for (const char *p = log->data; p && (p = strstr(p, members)); p++) {
        const char *line = p;
        while (line > log->data && line[-1] != '\n')
            line--;
        if (strncmp(line, BEGIN, strlen(BEGIN)) == 0 &&
            strncmp(line + strlen(BEGIN), since, strlen(since)) >= 0)
            return true;
    }
    return false;
}

bool events_has(int root_fd, const char *id, const char *action, int64_t since_ns)
{
    static const char *const FILES[] = {FILE_NAME, FILE_NAME ".1"};
    auto_free char *members = NULL;
    char since[TIME_TEXT];
    bool found = false;
    time_format_rfc3339(since_ns, since);
    if (asprintf(&members, "\"type\":\"container\",\"action\":\"%s\",\"id\":\"%s\"",
                 action, id) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(FILES) && !found; i++) {
        auto_done(buf_done) struct buf log = {0};
        if (fs_read_at(root_fd, FILES[i], 2 * EVENTS_MAX_BYTES, &log) == 0 &&
            buf_putc(&log, '\0') == 0)
            found = has_line(&log, since, members);
    }
    return found;
}
