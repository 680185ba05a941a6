#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/store/events.h"
#include "tempdir.h"

static struct tempdir tmp;
static struct buf text;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    buf_done(&text);
    tempdir_done(&tmp);
}

TestSuite(events, .init = setup, .fini = teardown);

static void read_log(void)
{
    cr_assert_eq(fs_read_at(tmp.fd, "events.log", 1 << 20, &text), 0);
}

static const struct event DIED = {.time_ns = 1767323045678901234,
                                  .type = "container",
                                  .action = "die",
                                  .id = "0123",
                                  .name = "web",
                                  .image = "busybox",
                                  .exit_code = 137};

Test(events, one_line_of_json_each)
{
    struct event started = {.type = "container", .action = "start", .exit_code = -1};
    cr_assert_eq(events_append(tmp.fd, &DIED), 0);
    cr_assert_eq(events_append(tmp.fd, &started), 0);
    read_log();
    static const char FIRST[] =
        "{\"time\":\"2026-01-02T03:04:05.678901234Z\",\"type\":"
        "\"container\",\"action\":\"die\",\"id\":\"0123\",\"name\":"
        "\"web\",\"image\":\"busybox\",\"exitCode\":137}\n";
    cr_assert(text.len > strlen(FIRST));
    cr_expect_eq(strncmp(text.data, FIRST, strlen(FIRST)), 0, "%s", text.data);
    json_t *second = json_loads(text.data + strlen(FIRST), 0, NULL);
    cr_expect_eq(json_object_size(second), 3);
    cr_expect_neq(strncmp(json_string_value(json_object_get(second, "time")), "0001", 4),
                  0);
    json_decref(second);
}

Test(events, labels_and_what_belongs_to_the_action_are_attributes)
{
    struct event e = DIED;
    struct strv labels = {(char *[]){"a=b=c", "empty", "signal=label", NULL}, 3};
    e.labels = &labels;
    e.attribute = (struct event_attribute){"signal", "9"};
    cr_assert_eq(events_append(tmp.fd, &e), 0);
    read_log();
    cr_expect(strstr(text.data, ",\"attributes\":{\"a\":\"b=c\",\"empty\":\"\","
                                "\"signal\":\"9\"}}\n"),
              "%s", text.data);
}

Test(events, labels_without_end_do_not_make_a_line_without_end)
{
    struct event e = DIED;
    static char huge[2 << 20];
    memset(huge, 'x', sizeof(huge) - 1);
    struct strv labels = {(char *[]){"a=b", huge, NULL}, 2};
    e.labels = &labels;
    cr_assert_eq(events_append(tmp.fd, &e), 0);
    read_log();
    cr_expect(text.len < 1000 && strstr(text.data, "\"attributes\":{\"a\":\"b\"}"));
}

Test(events, any_bytes_make_one_line)
{
    struct event e = DIED;
    e.name = "a\nb\"\xff";
    e.detail = "x\ty";
    cr_assert_eq(events_append(tmp.fd, &e), 0);
    read_log();
    cr_expect_eq(strcspn(text.data, "\n"), text.len - 1);
    json_t *line = json_loads(text.data, 0, NULL);
    cr_expect_str_eq(json_string_value(json_object_get(line, "name")), "a\nb\"?");
    cr_expect_str_eq(json_string_value(json_object_get(line, "detail")), "x\ty");
    json_decref(line);
}

Test(events, a_labels_name_of_any_bytes_makes_one_line)
{
    auto_done(strv_done) struct strv labels = {0};
    cr_assert_eq(strv_add(&labels, "a\xff\n=b"), 0);
    struct event e = DIED;
    e.labels = &labels;
    cr_assert_eq(events_append(tmp.fd, &e), 0);
    read_log();
    cr_expect_eq(strcspn(text.data, "\n"), text.len - 1);
    json_t *line = json_loads(text.data, 0, NULL);
    json_t *all = json_object_get(line, "attributes");
    cr_expect_str_eq(json_string_value(json_object_get(all, "a?\n")), "b");
    json_decref(line);
}

Test(events, a_torn_line_is_left_behind)
{
    cr_assert_eq(fs_replace_at(tmp.fd, "events.log", "{\"ti", 4, 0600, false), 0);
    cr_assert_eq(events_append(tmp.fd, &DIED), 0);
    read_log();
    cr_expect_eq(strncmp(text.data, "{\"ti\n{\"time\"", 12), 0, "%s", text.data);
}

Test(events, is_for_root_only_and_no_link)
{
    struct stat st;
    cr_assert_eq(events_append(tmp.fd, &DIED), 0);
    fstatat(tmp.fd, "events.log", &st, 0);
    cr_expect_eq(st.st_mode & 07777, 0600);
    renameat(tmp.fd, "events.log", tmp.fd, "other");
    symlinkat("other", tmp.fd, "events.log");
    cr_expect_eq(events_append(tmp.fd, &DIED), -ELOOP);
}

Test(events, lines_of_many_writers_stay_whole)
{
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            for (int n = 0; n < 100; n++)
                events_append(tmp.fd, &DIED);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    read_log();
    size_t lines = 0;
    for (const char *p = text.data; *p;) {
        size_t n = strcspn(p, "\n");
        json_t *line = json_loadb(p, n, 0, NULL);
        cr_assert(line || n == 0, "%.*s", (int)n, p);
        lines += line != NULL;
        json_decref(line);
        p += n + 1;
    }
    cr_expect_eq(lines, 400);
}

Test(events, a_full_log_makes_room)
{
    struct stat st;
    cr_assert_eq(events_append(tmp.fd, &DIED), 0);
    auto_fd int fd = openat(tmp.fd, "events.log", O_RDWR | O_CLOEXEC);
    cr_assert_eq(ftruncate(fd, EVENTS_MAX_BYTES), 0);
    cr_assert_eq(events_append(tmp.fd, &DIED), 0);
    cr_assert_eq(fstatat(tmp.fd, "events.log.1", &st, 0), 0);
    cr_expect_eq(st.st_size, EVENTS_MAX_BYTES);
    read_log();
    cr_expect_eq(text.data[0], '{');
    cr_expect_eq(strcspn(text.data, "\n"), text.len - 1);
}

/* Whoever writes or rotates may be stopped in the middle of it. */
Test(events, nobody_waits_for_a_lock, .timeout = 5)
{
    cr_assert_eq(events_append(tmp.fd, &DIED), 0);
    auto_fd int fd = openat(tmp.fd, "events.log", O_RDWR | O_CLOEXEC);
    cr_assert_eq(ftruncate(fd, EVENTS_MAX_BYTES), 0);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    cr_expect_eq(events_append(tmp.fd, &DIED), 0);
    struct stat st;
    cr_assert_eq(fstatat(tmp.fd, "events.log", &st, 0), 0);
    cr_expect(st.st_size > EVENTS_MAX_BYTES);
}

static size_t count_events(const char *name)
{
    size_t lines = 0;
    if (fs_read_at(tmp.fd, name, 64 << 20, &text) < 0)
        return 0;
    const char *end = text.data + text.len;
    for (const char *p = text.data; p && p < end; p++, lines++) {
        p = memmem(p, (size_t)(end - p), "{\"time\"", 7);
        if (!p)
            break;
    }
    return lines;
}

Test(events, nothing_is_lost_when_many_rotate_at_once)
{
    cr_assert_eq(events_append(tmp.fd, &DIED), 0);
    auto_fd int fd = openat(tmp.fd, "events.log", O_RDWR | O_CLOEXEC);
    cr_assert_eq(ftruncate(fd, EVENTS_MAX_BYTES - 2000), 0);
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            for (int n = 0; n < 100; n++)
                events_append(tmp.fd, &DIED);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    cr_expect_eq(count_events("events.log") + count_events("events.log.1"), 401);
}
