/* events.log: lines as they may have been damaged, read by `events` with filters and formats and
 * by the dashboard; and events with any texts, which must come back from the line. */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fuzz.h"

#include "cli/verb_events.c"
#include "engine/store/events.c"
#include "ui/model/events_file.h"

static const char *const FORMATS[] = {NULL, "json", "{{.Action}} {{json .Actor}}"};
static const char *const FILTERS[] = {"container=web", "image=busybox", "event=die",
                                      "label=a=b", "label=a"};

static void show(const char *data, size_t size, const char *format, const char *filter)
{
    struct mtd_error err = {0};
    struct events_values v = {0};
    struct operands none = {0};
    struct events e = {.v = &v, .filters = &none, .fd = -1, .dir_fd = -1};
    struct buf out = {0};
    v.filters = (struct option_list){&filter, filter ? 1 : 0};
    CHECK(format_compile(&v.compiled, format, NULL, NULL, &err) == 0);
    v.format = format;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(data + at, '\n', size - at);
        size_t len = end ? (size_t)(end - data) - at : size - at;
        size_t before = out.len;
        int rc = show_line(&e, data + at, len, &out, &err);
        CHECK(rc == 0 || rc == -ENOMEM || err.text[0]);
        CHECK(out.len == before || out.data[out.len - 1] == '\n');
        at += len + 1;
    }
    format_done(&v.compiled);
    buf_done(&out);
}

static void show_in_dashboard(const char *data, size_t size)
{
    char path[64];
    struct event_list l = {0};
    int fd = memfd_create("events", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    (void)events_file_read(path, "0123", &l);
    for (size_t i = 0; i < l.len; i++)
        CHECK(memchr(l.items[i].detail, '\0', sizeof(l.items[i].detail)));
    event_list_done(&l);
    close(fd);
}

/* The texts are those of an image, a user, a container: what the line says of the event must
 * not depend on them. */
static void write_and_read(const char *data, size_t size)
{
    struct buf line = {0};
    struct strv labels = {0};
    char *text = strndup(data, size);
    CHECK(text && strv_add(&labels, text) == 0 && strv_add(&labels, "a=b") == 0);
    struct event e = {.time_ns = 1767323045678901234,
                      .type = "container",
                      .action = "die",
                      .id = "0123",
                      .name = text,
                      .image = text,
                      .detail = text,
                      .exit_code = 3,
                      .labels = &labels,
                      .attribute = {"signal", text}};
    CHECK(make_line(&e, &line) == 0);
    CHECK(memchr(line.data, '\n', line.len) == line.data + line.len - 1);
    json_t *read = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
    CHECK(json_is_object(read));
    CHECK(strcmp(text_of(read, "type"), "container") == 0);
    CHECK(strcmp(text_of(read, "action"), "die") == 0);
    CHECK(strcmp(text_of(read, "id"), "0123") == 0);
    CHECK(strlen(text_of(read, "name")) == strlen(text));
    json_decref(read);
    strv_done(&labels);
    buf_done(&line);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    const char *filter =
        data[0] & 8 ? FILTERS[(data[0] >> 4) % ARRAY_SIZE(FILTERS)] : NULL;
    show(text, size - 1, FORMATS[(data[0] & 7) % ARRAY_SIZE(FORMATS)], filter);
    show_in_dashboard(text, size - 1);
    write_and_read(text, size - 1);
    return 0;
}
