/* Random values written as a user types them, and read as what they are: ports, mounts, restart
 * policies, variables, labels, names of images. */

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/words.h"
#include "cli/image_filter.h"
#include "cli/labels.h"
#include "cli/spec_env.h"
#include "cli/spec_mounts.h"
#include "cli/values.h"
#include "engine/image/name.h"
#include "engine/port/port.h"
#include "seed.h"

#define TRIES 5000

static struct seed s;
static struct mtd_error err;

static unsigned any_port(void)
{
    return 1 + (unsigned)seed_below(&s, seed_below(&s, 2) ? 65535 : 9);
}

/* ---- ports ------------------------------------------------------------------------- */

static const char *const ADDRESSES[] = {NULL, "127.0.0.1", "10.0.0.255", "::1",
                                        "fd00::1:2"};

static void expect_port(const char *text, const struct mtd_port *p,
                        const struct mtd_port *is)
{
    const char *want = p->address ? p->address : "",
               *got = is->address ? is->address : "";
    cr_expect(strcmp(want, got) == 0 && p->host == is->host && p->target == is->target &&
                  p->udp == is->udp,
              "%s: %s %u %u %d", text, got, is->host, is->target, is->udp);
}

/* [[ADDRESS:]HOST:]TARGET[/tcp|/udp], as ranges of the same length, too. */
Test(typed, ports)
{
    s = seed_of("ports");
    for (int i = 0; i < TRIES; i++) {
        char text[128] = "", more[32] = "", host[32] = "";
        const char *address = ADDRESSES[seed_below(&s, 5)];
        unsigned n = 1 + (unsigned)seed_below(&s, 3), first = any_port(), to = any_port();
        bool udp = seed_below(&s, 2), has_host = address || seed_below(&s, 2);
        bool any_host = address && seed_below(&s, 4) == 0;
        n = first + n > 65535 || to + n > 65535 ? 1 : n;
        if (n > 1)
            snprintf(more, sizeof(more), "-%u", to + n - 1);
        if (has_host && !any_host)
            snprintf(host, sizeof(host), n > 1 ? "%u-%u" : "%u", first, first + n - 1);
        snprintf(text, sizeof(text), "%s%s%s%s%s%s%u%s%s",
                 address && strchr(address, ':') ? "[" : "", address ? address : "",
                 address && strchr(address, ':') ? "]" : "", address ? ":" : "", host,
                 has_host ? ":" : "", to, more,
                 udp                 ? "/udp"
                 : seed_below(&s, 2) ? "/tcp"
                                     : "");
        struct mtd_port *got = NULL;
        size_t len = 0;
        cr_assert_eq(mtd_port_parse(text, NULL, &got, &len, &err), 0, "%s: %s", text,
                     err.text);
        cr_assert_eq(len, n, "%s: %zu", text, len);
        for (unsigned k = 0; k < n; k++) {
            struct mtd_port want = {.address = (char *)address,
                                    .target = to + k,
                                    .udp = udp,
                                    .host = has_host && !any_host ? first + k : 0};
            expect_port(text, &want, &got[k]);
        }
        mtd_ports_done(&got, &len);
    }
}

Test(typed, lines_of_ports)
{
    s = seed_of("lines_of_ports");
    for (int i = 0; i < TRIES; i++) {
        struct mtd_port_line p = {.target = any_port()}, back = {0};
        auto_done(buf_done) struct buf text = {0};
        const char *address = ADDRESSES[seed_below(&s, 5)];
        snprintf(p.address, sizeof(p.address), "%s", address ? address : "");
        p.host = address ? any_port() : 0;
        strcpy(p.protocol, seed_below(&s, 2) ? "tcp" : "udp");
        cr_assert_eq(mtd_port_line_put(&p, &text), 0);
        cr_assert_eq(mtd_port_line_read(text.data, &back), 0, "%s", text.data);
        cr_expect(strcmp(p.address, back.address) == 0 && p.host == back.host &&
                      p.target == back.target && strcmp(p.protocol, back.protocol) == 0,
                  "%s", text.data);
    }
}

/* ---- mounts ------------------------------------------------------------------------ */

/* In any order, with any of the names of a key. */
static void add_key(char text[512], const char *key)
{
    char old[512];
    strcpy(old, text);
    if (!*old)
        snprintf(text, 512, "%s", key);
    else
        snprintf(text, 512, seed_below(&s, 2) ? "%s,%s" : "%2$s,%1$s", old, key);
}

Test(typed, mounts)
{
    static const char *const SOURCE[] = {"source", "src"};
    static const char *const TARGET[] = {"target", "dst", "destination"};
    s = seed_of("mounts");
    for (int i = 0; i < TRIES; i++) {
        char text[512] = "", key[160], target[32], part[16];
        struct mtd_mount m = {0};
        bool bind = seed_below(&s, 2), read_only = seed_below(&s, 2), no_copy = false;
        enum mtd_propagation spread =
            (enum mtd_propagation)seed_below(&s, MTD_PROPAGATION_COUNT);
        snprintf(key, sizeof(key), "type=%s", bind ? "bind" : "volume");
        add_key(text, key);
        snprintf(key, sizeof(key), "%s=%s", SOURCE[seed_below(&s, 2)],
                 bind ? "/tmp" : "vol");
        add_key(text, key);
        seed_text(&s, part, sizeof(part), "ab. =:-");
        snprintf(target, sizeof(target), "/t%sz", part);
        snprintf(key, sizeof(key), "%s=%s", TARGET[seed_below(&s, 3)], target);
        add_key(text, key);
        if (read_only)
            add_key(text, seed_below(&s, 2) ? "readonly" : "ro=true");
        else if (seed_below(&s, 2))
            add_key(text, "readonly=false");
        if (bind) {
            snprintf(key, sizeof(key), "bind-propagation=%s",
                     mtd_propagation_name(spread));
            add_key(text, key);
        } else if ((no_copy = seed_below(&s, 2))) {
            add_key(text, "volume-nocopy=1");
        }
        cr_assert_eq(spec_mount_parse(text, &m, &err), 0, "%s: %s", text, err.text);
        cr_expect_eq(m.type, bind ? MTD_MOUNT_BIND : MTD_MOUNT_VOLUME, "%s", text);
        cr_expect_str_eq(m.source, bind ? "/tmp" : "vol", "%s", text);
        cr_expect_str_eq(m.target, target, "%s", text);
        cr_expect(m.read_only == read_only && m.no_copy == no_copy, "%s", text);
        cr_expect(!bind || m.propagation == spread, "%s", text);
        mtd_mount_done(&m);
    }
}

/* ---- words ------------------------------------------------------------------------- */

Test(typed, restart_policies)
{
    static const char *const NAMES[] = {"no", "on-failure", "always", "unless-stopped"};
    s = seed_of("restart_policies");
    for (int i = 0; i < TRIES / 10; i++) {
        char text[64];
        struct value_restart v = {0};
        unsigned policy = (unsigned)seed_below(&s, 4),
                 max = (unsigned)(seed_number(&s) >> 45);
        bool with_max = seed_below(&s, 2);
        snprintf(text, sizeof(text), with_max ? "%s:%u" : "%s", NAMES[policy], max);
        bool allowed = !with_max || policy == MTD_RESTART_ON_FAILURE;
        int rc = value_restart(&v, text, &err);
        cr_assert_eq(rc, allowed ? 0 : -EINVAL, "%s", text);
        cr_expect(!allowed ||
                      (v.set && v.policy == policy && v.max == (with_max ? max : 0)),
                  "%s", text);
    }
}

/* A command line for a shell, and what that makes of it. */
Test(typed, words_of_a_command)
{
    s = seed_of("words_of_a_command");
    for (int i = 0; i < TRIES; i++) {
        auto_done(strv_done) struct strv v = {0}, back = {0};
        auto_done(buf_done) struct buf text = {0};
        for (size_t n = 1 + seed_below(&s, 4); n > 0; n--) {
            char word[24];
            seed_text(&s, word, sizeof(word), seed_below(&s, 2) ? "a '\"\\$`\n#" : NULL);
            cr_assert_eq(strv_add(&v, word), 0);
        }
        cr_assert_eq(words_join(&v, &text), 0);
        cr_assert_eq(words_split(text.data, &back, &err), 0, "%s", text.data);
        cr_assert_eq(back.len, v.len, "%s", text.data);
        for (size_t k = 0; k < v.len; k++)
            cr_expect_str_eq(back.items[k], v.items[k], "%s", text.data);
    }
}

/* A file of variables against a model: comments and empty lines go, of equal names all stay in
 * their order. */
Test(typed, files_of_variables)
{
    char path[] = "/tmp/mtd-typed-XXXXXX";
    int fd = mkstemp(path);
    s = seed_of("files_of_variables");
    cr_assert_geq(fd, 0);
    for (int i = 0; i < 200; i++) {
        auto_done(buf_done) struct buf text = {0};
        auto_done(strv_done) struct strv want = {0}, got = {0};
        for (size_t n = seed_below(&s, 8); n > 0; n--) {
            char line[64], value[32];
            seed_text(&s, value, sizeof(value), "a =#'\"\t:");
            snprintf(line, sizeof(line), "K%zu=%s", n, value);
            switch (seed_below(&s, 4)) {
            case 0:
                cr_assert_eq(
                    buf_printf(&text, "%*s# %s\n", (int)seed_below(&s, 3), "", value), 0);
                break;
            case 1:
                cr_assert_eq(buf_printf(&text, "%*s\n", (int)seed_below(&s, 3), ""), 0);
                break;
            default:
                cr_assert_eq(
                    buf_printf(&text, "%s%s\n", line, seed_below(&s, 2) ? "\r" : ""), 0);
                cr_assert_eq(strv_add(&want, line), 0);
            }
        }
        cr_assert(ftruncate(fd, 0) == 0 &&
                  pwrite(fd, text.data, text.len, 0) == (ssize_t)text.len);
        cr_assert_eq(spec_env_file(&got, path, &err), 0, "%s", err.text);
        cr_expect_eq(got.len, want.len, "%s", text.data);
        for (size_t k = 0; k < got.len && k < want.len; k++)
            cr_expect_str_eq(got.items[k], want.items[k]);
    }
    close(fd);
    unlink(path);
}

Test(typed, labels_and_their_filters)
{
    static const char *const KEYS[] = {"a", "ab", "a.b", "a-b"};
    s = seed_of("labels_and_their_filters");
    for (int i = 0; i < TRIES; i++) {
        int value[4];
        char texts[4][16], ask[24];
        auto_done(strv_done) struct strv labels = {0};
        for (size_t k = 0; k < 4; k++) {
            value[k] = (int)seed_below(&s, 3) - 1;
            snprintf(texts[k], sizeof(texts[k]), value[k] ? "%s=%d" : "%s=", KEYS[k],
                     value[k]);
            if (value[k] >= 0)
                cr_assert_eq(strv_add(&labels, texts[k]), 0);
        }
        size_t k = seed_below(&s, 4);
        int wanted = (int)seed_below(&s, 3) - 1;
        snprintf(ask, sizeof(ask),
                 wanted < 0 ? "%s"
                 : wanted   ? "%s=%d"
                            : "%s=",
                 KEYS[k], wanted);
        cr_expect_eq(labels_have(&labels, ask),
                     value[k] >= 0 && (wanted < 0 || wanted == value[k]), "%s of %s", ask,
                     value[k] >= 0 ? texts[k] : "none");
    }
}

/* ---- names of images --------------------------------------------------------------- */

static void part(char ret[16])
{
    static const char LETTERS[] = "abz09";
    size_t n = 1 + seed_below(&s, 5);
    for (size_t i = 0; i < n; i++)
        ret[i] = LETTERS[seed_below(&s, 5)];
    ret[n] = '\0';
    if (n > 2 && seed_below(&s, 2))
        ret[1] = "._-"[seed_below(&s, 3)];
}

static void name(char ret[160])
{
    static const char *const HOSTS[] = {"", "localhost/", "reg.example.com/",
                                        "r.x:5000/"};
    char words[4][16];
    for (size_t i = 0; i < 4; i++)
        part(words[i]);
    snprintf(ret, 160, "%s%s%s%s%s%s", HOSTS[seed_below(&s, 4)],
             seed_below(&s, 2) ? words[0] : "x", seed_below(&s, 2) ? "/" : "y", words[1],
             seed_below(&s, 2) ? ":" : "z", words[2]);
}

/* One short form, which is read as itself; as a file's name and in full it is the same image. */
Test(typed, names_of_images)
{
    s = seed_of("names_of_images");
    for (int i = 0; i < TRIES; i++) {
        struct image_name first, again, whole;
        char text[160], file[IMAGE_NAME_SIZE], back[IMAGE_NAME_SIZE],
            full[IMAGE_WHOLE_SIZE];
        name(text);
        cr_assert_eq(image_name_parse(text, &first, &err), 0, "%s: %s", text, err.text);
        cr_assert_eq(image_name_parse(first.text, &again, &err), 0, "%s", first.text);
        cr_expect_str_eq(first.text, again.text, "%s", text);
        cr_expect_eq(first.repo_len, again.repo_len);
        image_name_to_file(first.text, file);
        cr_expect_null(strchr(file, '/'), "%s", file);
        image_name_from_file(file, back);
        cr_expect_str_eq(back, first.text);
        image_name_to_whole(first.text, full);
        cr_assert_eq(image_name_parse(full, &whole, &err), 0, "%s", full);
        cr_expect_str_eq(whole.text, first.text, "%s", full);
        cr_expect(image_filter_reference(first.text, first.text), "%s", first.text);
    }
}
