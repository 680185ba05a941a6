/* The file is read from near its end: a screen needs the last events of one container,
 * not the history of all. */
#include "ui/model/events_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"

enum { TAIL = 1 << 20, MAX_EVENTS = 5000 };

void event_list_done(struct event_list *l)
{
    free(l->items);
    *l = (struct event_list){0};
}

static int read_tail(const char *path, struct buf *ret)
{
    struct stat st;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return -EINVAL;
    off_t from = st.st_size > TAIL ? st.st_size - TAIL : 0;
    size_t want = (size_t)(st.st_size - from);
    int rc = buf_reserve(ret, want + 1);
    ssize_t n = rc < 0 ? 0 : pread(fd, ret->data, want, from);
    if (rc < 0 || n < 0)
        return rc < 0 ? rc : -errno;
    ret->len = (size_t)n;
    ret->data[n] = '\0';
    return 0;
}

static void copy_member(json_t *v, const char *name, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(v, name));
    snprintf(out, size, "%s", s ? s : "");
}

static void parse(const char *line, size_t n, const char *id, struct event_list *l)
{
    json_t *v = json_loadb(line, n, 0, NULL);
    const char *of = json_string_value(json_object_get(v, "id"));
    if (of && strcmp(of, id) == 0) {
        struct event_line *e = &l->items[l->len++];
        json_t *code = json_object_get(v, "exitCode");
        *e = (struct event_line){
            .exit_code = json_is_integer(code) ? (int)json_integer_value(code) : -1};
        copy_member(v, "time", e->time, sizeof(e->time));
        copy_member(v, "action", e->action, sizeof(e->action));
        copy_member(v, "detail", e->detail, sizeof(e->detail));
    }
    json_decref(v);
}

int events_file_read(const char *path, const char *id, struct event_list *ret)
{
    auto_done(buf_done) struct buf text = {0};
    struct event_list l = {0};
    int rc = read_tail(path, &text);
    if (rc < 0)
        return rc;
    l.items = calloc(MAX_EVENTS, sizeof(*l.items));
    if (!l.items)
        return -ENOMEM;
    for (char *s = text.data; s && *s && l.len < MAX_EVENTS;) {
        size_t n = strcspn(s, "\n");
        if (memmem(s, n, id, strlen(id))) /* most lines are about others: not parsed */
            parse(s, n, id, &l);
        s += n + (s[n] == '\n');
    }
    struct event_line *fit = realloc(l.items, (l.len + 1) * sizeof(*fit));
    if (fit)
        l.items = fit;
    event_list_done(ret);
    *ret = l;
    return 0;
}
