#include "engine/systemd/systemd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/systemd/message.h"
#include "fakebus.h"
#include "tempdir.h"

/* "busctl call" to the bus's own Hello, as dbus-specification lays it out. */
static const unsigned char HELLO[] = "l\1\0\1\0\0\0\0\1\0\0\0\x6d\0\0\0"
                                     "\1\1o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0"
                                     "\2\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
                                     "\3\1s\0\5\0\0\0Hello\0\0\0"
                                     "\6\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0";

#define MINE auto_done(systemd_properties_done) struct systemd_properties

Test(systemd, a_call_is_as_the_specification_has_it)
{
    static const struct message_call CALL = {"org.freedesktop.DBus",
                                             "/org/freedesktop/DBus",
                                             "org.freedesktop.DBus",
                                             "Hello",
                                             NULL,
                                             false};
    MINE m = {0};
    message_encode(&m, &CALL, 1, NULL);
    cr_assert_eq(m.rc, 0);
    cr_assert_eq(m.bytes.len, sizeof(HELLO));
    cr_expect_arr_eq(m.bytes.data, HELLO, sizeof(HELLO));
}

Test(systemd, properties_are_aligned_pairs)
{
    static const unsigned char WANT[] =
        "\5\0\0\0Slice\0\1s\0\0\0\0\3\0\0\0a.b\0"    /* 24 */
        "\4\0\0\0PIDs\0\2au\0\0\0\0\4\0\0\0\7\0\0\0" /* 24 */
        "\1\0\0\0M\0\1t\0\0\0\0\0\0\0\0"
        "\1\2\0\0\0\0\0\0"
        "\1\0\0\0D\0\1b\0\0\0\0\1\0\0";
    MINE p = {0};
    systemd_add_text(&p, "Slice", "a.b");
    systemd_add_pid(&p, "PIDs", 7);
    systemd_add_number(&p, "M", 0x201);
    systemd_add_flag(&p, "D", true);
    cr_assert_eq(p.rc, 0);
    cr_assert_eq(p.bytes.len, sizeof(WANT), "%zu", p.bytes.len);
    cr_expect_arr_eq(p.bytes.data, WANT, sizeof(WANT));
}

/* The bytes behind name and type. */
Test(systemd, annotations_are_gvariants_text)
{
    static const struct {
        const char *name, *text, *type;
        const char *bytes;
        size_t n;
    } ROWS[] = {
        {"Abc", "true", "b", "\1\0\0\0", 4},
        {"Abc", "5", "i", "\5\0\0\0", 4},
        {"Abc", " -2 ", "i", "\xfe\xff\xff\xff", 4},
        {"Abc", "byte 7", "y", "\7", 1},
        {"Abc", "int16 -1", "n", "\xff\xff", 2},
        {"Abc", "uint64 258", "t", "\2\1\0\0\0\0\0\0", 8},
        {"Abc", "@t 258", "t", "\2\1\0\0\0\0\0\0", 8},
        {"Abc", "0.5", "d", "\0\0\0\0\0\0\xe0\x3f", 8},
        {"Abc", "'a\\'b'", "s", "\3\0\0\0a'b", 8},
        {"Abc", "\"a'b\"", "s", "\3\0\0\0a'b", 8},
        {"Abc", "['x', 'y']", "as", "\x0e\0\0\0\1\0\0\0x\0\0\0\1\0\0\0y", 18},
        {"Abc", "[uint32 1, 2]", "au", "\x08\0\0\0\1\0\0\0\2\0\0\0", 12},
        {"Abc", "@as []", "as", "\0\0\0\0", 4},
        {"TimeoutStopUSec", "uint64 258", "t", "\2\1\0\0\0\0\0\0", 8},
        {"TimeoutStopSec", "2", "t", "\x80\x84\x1e\0\0\0\0\0", 8},
        {"TimeoutStopSec", "uint64 2", "t", "\x80\x84\x1e\0\0\0\0\0", 8},
        {"TimeoutStopSec", "0.5", "t", "\x20\xa1\7\0\0\0\0\0", 8},
        {"ABCSec", "2", "i", "\2\0\0\0", 4},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        MINE p = {0};
        struct mtd_error err = {0};
        cr_assert_eq(systemd_add_parsed(&p, ROWS[i].name, ROWS[i].text, &err), 0,
                     "%s: %s", ROWS[i].text, err.text);
        struct message_reader r = {(const unsigned char *)p.bytes.data, 0, p.bytes.len,
                                   false};
        const char *name = message_read_text(&r);
        cr_expect_eq(strstr(name, "USec") != NULL, strncmp(ROWS[i].name, "Time", 4) == 0,
                     "%s", name);
        cr_expect_str_eq(message_read_signature(&r), ROWS[i].type, "%s", ROWS[i].text);
        cr_assert_geq(p.bytes.len, r.at + ROWS[i].n, "%s", ROWS[i].text);
        cr_expect_arr_eq(p.bytes.data + p.bytes.len - ROWS[i].n, ROWS[i].bytes, ROWS[i].n,
                         "%s", ROWS[i].text);
    }
}

Test(systemd, what_is_no_value_is_refused_and_adds_nothing)
{
    static const struct {
        const char *name, *text;
    } ROWS[] = {
        {"Abc", ""},           {"Abc", "many"},
        {"Abc", "'open"},      {"Abc", "1 2"},
        {"Abc", "[]"},         {"Abc", "['a', 1]"},
        {"Abc", "[1"},         {"Abc", "[1 2]"},
        {"Abc", "byte 256"},   {"Abc", "uint32 -1"},
        {"Abc", "2147483648"}, {"Abc", "{'a': 1}"},
        {"Abc", "(1, 2)"},     {"Abc", "@z 1"},
        {"Abc", "uint64 'x'"}, {"Abc", "string 5"},
        {"Abc", "boolean 1"},  {"Abc", "'x\\"},
        {"Abc", "@as 'x'"},    {"Ab", "1"},
        {"A-c", "1"},          {"", "1"},
        {"Abc\n", "1"},        {"TimeSec", "'x'"},
        {"TimeSec", "true"},   {"TimeSec", "-1"},
        {"TimeSec", "[1]"},    {"TimeSec", "1e300"},
        {"Abc", "nan"},        {"Abc", "[1,]"},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        MINE p = {0};
        struct mtd_error err = {0};
        cr_expect_eq(systemd_add_parsed(&p, ROWS[i].name, ROWS[i].text, &err), -EINVAL,
                     "%s = %s", ROWS[i].name, ROWS[i].text);
        cr_expect_eq(p.bytes.len, 0, "%s", ROWS[i].text);
        cr_expect(*err.text);
    }
}

Test(systemd, slices_are_below_one_another)
{
    static const struct {
        const char *slice, *path; /* NULL = refused */
    } ROWS[] = {{"a.slice", "a.slice"},
                {"a-b.slice", "a.slice/a-b.slice"},
                {"a-b-c.slice", "a.slice/a-b.slice/a-b-c.slice"},
                {"kubepods-besteffort.slice", "kubepods.slice/kubepods-besteffort.slice"},
                {"-.slice", ""},
                {"-", NULL},
                {"", NULL},
                {".slice", NULL},
                {"a", NULL},
                {"a.scope", NULL},
                {"a--b.slice", NULL},
                {"-a.slice", NULL},
                {"a-.slice", NULL},
                {"a/b.slice", NULL},
                {"../a.slice", NULL},
                {"..slice", NULL}};
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        auto_free char *path = NULL;
        struct mtd_error err = {0};
        int rc = systemd_expand_slice(ROWS[i].slice, &path, &err);
        cr_assert_eq(rc, ROWS[i].path ? 0 : -EINVAL, "%s", ROWS[i].slice);
        if (ROWS[i].path)
            cr_expect_str_eq(path, ROWS[i].path);
        else
            cr_expect_str_eq(
                strncmp(err.text, "invalid slice name: ", 20) ? err.text : "", "");
    }
}

/* Each in memory of its exact size, which the sanitizers guard. */
Test(systemd, a_message_that_is_cut_off_is_refused)
{
    size_t size = 0;
    cr_assert_eq(message_size(HELLO, &size), 0);
    cr_assert_eq(size, sizeof(HELLO));
    for (size_t n = MESSAGE_HEADER; n < sizeof(HELLO) - 8; n++) {
        struct message m;
        auto_free unsigned char *copy = malloc(n);
        memcpy(copy, HELLO, n);
        cr_expect_eq(message_decode(&m, copy, n), -EPROTO, "%zu", n);
        cr_expect_eq(message_decode(&m, HELLO, n), -EPROTO, "%zu: the rest is behind it",
                     n);
    }
}

Test(systemd, what_is_no_message_is_refused)
{
    static const struct {
        size_t at;
        unsigned char value;
    } ROWS[] = {{0, 'B'}, {0, 'x'}, {3, 2}, {1, 0}, {7, 0x7f}, {15, 0x7f}};
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        unsigned char copy[sizeof(HELLO)];
        size_t size;
        memcpy(copy, HELLO, sizeof(copy));
        copy[ROWS[i].at] = ROWS[i].value;
        cr_expect_eq(message_size(copy, &size), -EPROTO, "%zu", ROWS[i].at);
    }
    /* texts that end before their end, and a type that cannot be skipped */
    static const size_t INSIDE[] = {26, 45};
    for (size_t i = 0; i < 2; i++) {
        unsigned char copy[sizeof(HELLO)];
        struct message m;
        memcpy(copy, HELLO, sizeof(copy));
        copy[INSIDE[i]] = i ? 'x' : 0;
        cr_expect_eq(message_decode(&m, copy, sizeof(copy)), -EPROTO, "%zu", INSIDE[i]);
    }
}

/* ---- the connection ---- */

static struct tempdir dir;
static struct fakebus bus;

static void stop(void)
{
    fakebus_stop(&bus);
    tempdir_done(&dir);
}

static int ask(enum fakebus_way way, int timeout_ms, struct mtd_error *err)
{
    struct systemd s = {0};
    MINE p = {0};
    tempdir_make(&dir);
    fakebus_start(&bus, dir.path, NULL, way);
    systemd_add_flag(&p, "Delegate", true);
    int rc = systemd_connect(&s, bus.address, true, timeout_ms, err);
    if (rc == 0)
        rc = systemd_start_scope(&s, "x.scope", &p, err);
    systemd_close(&s);
    return rc;
}

#define WAYS(name, way, wanted, says)                                \
    Test(systemd, name, .fini = stop)                                \
    {                                                                \
        struct mtd_error err = {0};                                  \
        cr_expect_eq(ask(way, 20000, &err), wanted, "%s", err.text); \
        cr_expect(strstr(err.text, says), "%s", err.text);           \
    }
WAYS(a_scope_is_started, FAKEBUS_GOOD, 0, "")
WAYS(others_signals_are_not_believed, FAKEBUS_FORGES, 0, "")
WAYS(who_is_rejected_hears_it, FAKEBUS_REJECTS, -EACCES, "cannot speak with systemd at")
WAYS(a_closed_connection_is_told, FAKEBUS_CLOSES, -EPIPE,
     "cannot start x.scope: Broken pipe")
WAYS(what_is_no_dbus_ends_it, FAKEBUS_GARBAGE, -EPROTO,
     "cannot start x.scope: Protocol error")
WAYS(an_endless_answer_is_refused, FAKEBUS_HUGE, -EPROTO, "Protocol error")
WAYS(a_job_that_failed_is_told, FAKEBUS_FAILS, -EREMOTEIO,
     "cannot start x.scope: the job is failed")

Test(systemd, who_does_not_answer_is_given_up, .fini = stop)
{
    struct mtd_error err = {0};
    cr_expect_eq(ask(FAKEBUS_SILENT, 50, &err), -ETIMEDOUT, "%s", err.text);
    cr_expect(strstr(err.text, "timed out"), "%s", err.text);
}

Test(systemd, addresses_that_lead_nowhere_are_told)
{
    static const struct {
        const char *address;
        int wanted;
    } ROWS[] = {{"tcp:host=localhost", -EPROTONOSUPPORT},
                {"unix:path=", -EINVAL},
                {"unix:path=/nowhere/at%20all", -ENOENT},
                {"", -EPROTONOSUPPORT},
                {"tcp:host=x;unix:path=/nowhere", -ENOENT}};
    char address[300] = "unix:path=/";
    struct systemd s;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct mtd_error err = {0};
        cr_expect_eq(systemd_connect(&s, ROWS[i].address, true, 100, &err),
                     ROWS[i].wanted, "%s: %s", ROWS[i].address, err.text);
    }
    memset(address + 11, 'x', sizeof(address) - 12);
    cr_expect_eq(systemd_connect(&s, address, true, 100, NULL), -ENAMETOOLONG);
}
