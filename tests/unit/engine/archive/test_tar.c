/* Hostile tars: each must be refused with a reason, or be put where it belongs, and the
 * directory beside the layer must not change. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/archive.h"
#include "tarfile.h"
#include "tempdir.h"

#define FILE_ (S_IFREG | 0644)
#define DIR_ (S_IFDIR | 0755)
#define LINK_ (S_IFLNK | 0777)
#define HARD_ 0

static const struct archive_limits LIMITS = {1u << 20, 1000};

struct world {
    struct tempdir dir; /* holds outside/ and layer/ */
    char outside[128];
    int layer;
    struct stat before;
};

static void world_make(struct world *w)
{
    tempdir_make(&w->dir);
    snprintf(w->outside, sizeof(w->outside), "%s/outside", w->dir.path);
    cr_assert_eq(mkdirat(w->dir.fd, "outside", 0755), 0);
    cr_assert_eq(mkdirat(w->dir.fd, "layer", 0755), 0);
    cr_assert_eq(fs_replace_at(w->dir.fd, "outside/victim", "safe", 4, 0600, false), 0);
    w->layer = fs_open_dir_at(w->dir.fd, "layer");
    cr_assert(w->layer >= 0);
    cr_assert_eq(fstatat(w->dir.fd, "outside/victim", &w->before, 0), 0);
}

static void world_check(struct world *w, const char *name)
{
    char text[16];
    struct stat now;
    cr_expect_eq(tempdir_count(w->dir.fd, "."), 2, "%s: something beside the layer",
                 name);
    cr_expect_eq(tempdir_count(w->dir.fd, "outside"), 1, "%s: the outside changed", name);
    cr_expect_eq(fs_read_small_at(w->dir.fd, "outside/victim", text, sizeof(text)), 4);
    cr_expect_str_eq(text, "safe", "%s: the victim was written to", name);
    cr_expect_eq(fstatat(w->dir.fd, "outside/victim", &now, 0), 0);
    cr_expect(now.st_nlink == 1 && now.st_mode == w->before.st_mode &&
                  now.st_uid == w->before.st_uid &&
                  now.st_ctim.tv_nsec == w->before.st_ctim.tv_nsec,
              "%s: the victim's attributes changed", name);
}

static void world_done(struct world *w)
{
    close(w->layer);
    tempdir_done(&w->dir);
}

static int unpack(struct world *w, const struct tarfile *t, struct mtd_error *err)
{
    struct archive_tar tar = {.fd = -1, .data = t->data, .len = t->len};
    struct archive_unpacked got;
    return archive_unpack(w->layer, &tar, &LIMITS, &got, err);
}

static void expect_refused(const char *name, struct world *w, const struct tarfile *t,
                           const char *reason)
{
    struct mtd_error err = {0};
    int rc = unpack(w, t, &err);
    cr_expect_eq(rc, -EBADMSG, "%s: returned %d %s", name, rc, err.text);
    cr_expect(strstr(err.text, reason), "%s: said \"%s\", not \"%s\"", name, err.text,
              reason);
    world_check(w, name);
}

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *name;
    struct tar_item items[5];
    const char *reason;
} HOSTILE[] = {
    {"up", {{"../outside/evil", FILE_, "x"}}, "\"..\" is refused"},
    {"up from below", {{"a/../../outside/evil", FILE_, "x"}}, "\"..\" is refused"},
    {"up from the root", {{"/../outside/evil", FILE_, "x"}}, "\"..\" is refused"},
    {"up itself", {{"..", DIR_}}, "\"..\" is refused"},
    {"up at the end", {{"a/..", DIR_}}, "\"..\" is refused"},
    {"through links in a circle",
     {{"a", LINK_, "b"}, {"b", LINK_, "a"}, {"a/evil", FILE_, "x"}},
     "leads to itself"},
    {"hard link to outside", {{"h", HARD_, "@/victim"}}, "no such file in this layer"},
    {"hard link up", {{"h", HARD_, "../outside/victim"}}, "\"..\" is refused"},
    {"hard link through a link",
     {{"a", LINK_, "@"}, {"h", HARD_, "a/victim"}},
     "no such file in this layer"},
    {"hard link to a directory", {{"d/", DIR_}, {"h", HARD_, "d"}}, "it is a directory"},
    {"hard link to the root", {{"h", HARD_, "/"}}, "to the root"},
    {"hard link to itself", {{"h", FILE_, "x"}, {"h", HARD_, "./h"}}, "to itself"},
    {"hard link to nothing", {{"h", HARD_, "f"}}, "no such file in this layer"},
    {"whiteout of nothing", {{".wh.", FILE_}}, "a whiteout of nothing"},
    {"whiteout of here", {{".wh..", FILE_}}, "a whiteout of nothing"},
    {"whiteout of up", {{"a/.wh...", FILE_}}, "a whiteout of nothing"},
    {"below a whiteout", {{".wh.a/b", FILE_, "x"}}, "below a whiteout"},
    {"below a removed file", {{".wh.a", FILE_}, {"a/b", FILE_, "x"}}, "is a file"},
    {"below a file", {{"a", FILE_, "x"}, {"a/b", FILE_, "x"}}, "is a file"},
    {"smuggled whiteout", {{"a", S_IFCHR | 0600}}, "0:0"},
    {"device number that wraps",
     {{"a", S_IFCHR | 0600, .major = 0x1000, .minor = 0}},
     "out of range"},
    {"name of 256", {{A64 A64 A64 A64, FILE_, "x"}}, "255 bytes"},
    {"owner out of range",
     {{"a", FILE_, "x", .uid = 1LL << 33}},
     "owner is out of range"},
    {"owner -1", {{"a", FILE_, "x", .uid = 0xffffffffLL}}, "owner is out of range"},
    {"overlay redirect",
     {{"d/", DIR_, .xattr = "trusted.overlay.redirect", .value = "/etc"}},
     "reserved for overlayfs"},
    {"overlay opaque",
     {{"d/", DIR_, .xattr = "trusted.overlay.opaque", .value = "y"}},
     "reserved for overlayfs"},
    {"root is a file", {{".", FILE_, "x"}}, "root must be a directory"},
    {"root is a link", {{"./", LINK_, "@"}}, "root must be a directory"},
    {"link to nothing", {{"a", LINK_, ""}}, "a symbolic link without a target"},
};

Test(archive_tar, hostile_entries_are_refused_and_touch_nothing)
{
    for (size_t i = 0; i < ARRAY_SIZE(HOSTILE); i++) {
        struct world w;
        struct tarfile t;
        world_make(&w);
        tarfile_make(&t, HOSTILE[i].items, "", w.outside);
        expect_refused(HOSTILE[i].name, &w, &t, HOSTILE[i].reason);
        tarfile_done(&t);
        world_done(&w);
    }
}

/* Paths that the pax writer would not make are made of components here. */
static void expect_path_refused(const char *component, int times, const char *reason)
{
    char path[8192] = "";
    size_t n = strlen(component);
    for (int i = 0; i < times; i++)
        memcpy(path + (size_t)i * n, component, n + 1);
    const struct tar_item items[] = {{path, FILE_, "x"}, {0}};
    struct world w;
    struct tarfile t;
    world_make(&w);
    tarfile_make(&t, items, "", w.outside);
    expect_refused(reason, &w, &t, reason);
    tarfile_done(&t);
    world_done(&w);
}

Test(archive_tar, a_path_too_deep_is_refused)
{
    expect_path_refused("a/", 300, "256 directories deep");
}

Test(archive_tar, a_path_too_long_is_refused)
{
    expect_path_refused(
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/", 70,
        "path is too long");
}

static const struct tar_item GOOD[] = {
    {"d/", DIR_}, {"d/f", FILE_, "content"}, {"d/l", LINK_, "f"}, {0}};

static void expect_damage_noticed(const char *filter, size_t cut, size_t flip,
                                  const char *reason)
{
    struct world w;
    struct tarfile t;
    world_make(&w);
    tarfile_make(&t, GOOD, filter, w.outside);
    if (flip)
        t.data[flip < t.len ? flip : t.len - 5] ^= 0x55;
    if (cut)
        t.len = cut < t.len ? cut : t.len - 9;
    expect_refused(filter[0] ? filter : "plain", &w, &t, reason);
    tarfile_done(&t);
    world_done(&w);
}

Test(archive_tar, a_truncated_tar_is_refused)
{
    expect_damage_noticed("", 3 * 512 + 100, 0, "not a valid tar archive");
}

Test(archive_tar, a_header_with_a_bad_checksum_is_refused)
{
    expect_damage_noticed("", 0, 10, "not a valid tar archive");
}

Test(archive_tar, a_truncated_gzip_stream_is_refused)
{
    expect_damage_noticed("gzip", SIZE_MAX, 0, "not a valid tar archive");
}

/* The data are good, but what stands behind them is not what they are. */
Test(archive_tar, a_gzip_stream_with_another_checksum_is_refused)
{
    expect_damage_noticed("gzip", 0, SIZE_MAX, "not a valid tar archive");
}

Test(archive_tar, a_zstd_stream_damaged_in_the_middle_is_refused)
{
    expect_damage_noticed("zstd", 0, 20, "not a valid tar archive");
}

static void expect_bytes_refused(const char *data, size_t len, const char *reason)
{
    struct world w;
    struct tarfile t = {(char *)data, len};
    world_make(&w);
    expect_refused("bytes", &w, &t, reason);
    world_done(&w);
}

Test(archive_tar, what_is_no_tar_is_refused)
{
    expect_bytes_refused("", 0, "not a valid tar archive");
    expect_bytes_refused("hello, world\n", 13, "not a valid tar archive");
    expect_bytes_refused("\x89LZO\0\r\n\x1a\n lzop would be run", 27,
                         "not a valid tar archive");
}

/* The size in the header is 8 EiB, written in base 256. */
Test(archive_tar, a_claimed_size_without_data_is_refused)
{
    struct world w;
    struct tarfile t = {0};
    world_make(&w);
    tarfile_add_header(&t, "huge", '0', "\x80\1\1\1\x7f\xff\xff\xff\xff\xff\xff");
    t.len += 512;
    expect_refused("huge", &w, &t, "");
    tarfile_done(&t);
    t = (struct tarfile){0};
    tarfile_add_header(&t, "huge", '0', "77777777777");
    t.len += 512;
    expect_refused("8 GiB", &w, &t, "\"huge\"");
    tarfile_done(&t);
    world_done(&w);
}

Test(archive_tar, a_bomb_ends_at_the_limit)
{
    struct world w;
    struct tarfile t;
    auto_free char *zeros = malloc((3u << 20) + 1);
    cr_assert(zeros);
    memset(zeros, 'z', 3u << 20);
    zeros[3u << 20] = '\0';
    const struct tar_item items[] = {{"bomb", FILE_, zeros}, {0}};
    world_make(&w);
    tarfile_make(&t, items, "gzip", w.outside);
    cr_assert_lt(t.len, 20000);
    expect_refused("bomb", &w, &t, "more than 1048576 bytes");
    tarfile_done(&t);
    world_done(&w);
}

/* After the end of the archive, where a reader of tars has stopped looking. */
Test(archive_tar, a_bomb_behind_the_end_ends_at_the_limit)
{
    struct world w;
    struct tarfile t;
    world_make(&w);
    tarfile_make(&t, GOOD, "", w.outside);
    t.len = 2u << 20;
    expect_refused("tail", &w, &t, "more than 1048576 bytes");
    tarfile_done(&t);
    world_done(&w);
}

Test(archive_tar, the_number_of_entries_is_limited)
{
    struct world w;
    struct tarfile t = {0};
    char name[32];
    world_make(&w);
    for (int i = 0; i < 1001; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tarfile_add_header(&t, name, '0', "00000000000");
    }
    t.len += 1024;
    expect_refused("entries", &w, &t, "more than 1000 entries");
    tarfile_done(&t);
    world_done(&w);
}

/* ---- what is put where it belongs -------------------------------------------------- */

static void unpack_into(struct world *w, const struct tar_item *items, const char *filter)
{
    struct tarfile t;
    struct mtd_error err = {0};
    tarfile_make(&t, items, filter, w->outside);
    cr_assert_eq(unpack(w, &t, &err), 0, "%s", err.text);
    world_check(w, "good");
    tarfile_done(&t);
}

static void unpack_good(struct world *w, const struct tar_item *items, const char *filter)
{
    world_make(w);
    unpack_into(w, items, filter);
}

static void expect_content(struct world *w, const char *path, const char *content)
{
    char text[64];
    cr_expect(fs_read_small_at(w->layer, path, text, sizeof(text)) >= 0, "%s missing",
              path);
    cr_expect_str_eq(text, content);
}

Test(archive_tar, every_compression_is_read)
{
    static const char *const FILTERS[] = {"", "gzip", "bzip2", "xz", "zstd", "lz4"};
    for (size_t i = 0; i < ARRAY_SIZE(FILTERS); i++) {
        struct world w;
        unpack_good(&w, GOOD, FILTERS[i]);
        expect_content(&w, "d/f", "content");
        world_done(&w);
    }
}

Test(archive_tar, an_absolute_path_is_below_the_layer)
{
    struct world w;
    const struct tar_item items[] = {{"/etc//./passwd", FILE_, "x"}, {0}};
    unpack_good(&w, items, "");
    expect_content(&w, "etc/passwd", "x");
    world_done(&w);
}

/* Links on the way to an entry are resolved as in the container: "@" and "/" are in the layer. */
static const struct {
    const char *name;
    struct tar_item items[5];
    const char *where, *content; /* "@" as above; NULL = it is a directory */
} THROUGH_LINKS[] = {
    {"an absolute link", {{"a", LINK_, "@"}, {"a/evil", FILE_, "x"}}, "@/evil", "x"},
    {"a link up",
     {{"a", LINK_, "../../outside"}, {"a/evil", FILE_, "x"}},
     "outside/evil",
     "x"},
    {"two links",
     {{"a", LINK_, "b"}, {"b", LINK_, "@"}, {"a/evil", FILE_, "x"}},
     "@/evil",
     "x"},
    {"a link to here",
     {{"d/", DIR_}, {"d/a", LINK_, "."}, {"d/a/evil", FILE_, "x"}},
     "d/evil",
     "x"},
    {"a link below",
     {{"d/", DIR_}, {"d/a", LINK_, "@"}, {"d/a/s/evil", FILE_, "x"}},
     "@/s/evil",
     "x"},
    {"a directory", {{"a", LINK_, "@"}, {"a/evil/", DIR_}}, "@/evil", NULL},
    {"a hard link",
     {{"f", FILE_, "x"}, {"a", LINK_, "@"}, {"a/evil", HARD_, "f"}},
     "@/evil",
     "x"},
    {"a merged /usr",
     {{"usr/bin/", DIR_},
      {"bin", LINK_, "usr/bin"},
      {"bin/sh", FILE_, "x"},
      {"usr/bin/ash", HARD_, "bin/sh"}},
     "usr/bin/ash",
     "x"},
    {"a merged /usr, the link first",
     {{"bin", LINK_, "usr/bin"}, {"bin/sh", FILE_, "x"}, {"usr/bin/", DIR_}},
     "usr/bin/sh",
     "x"},
    {"a hard link to itself by another name",
     {{"usr/bin/", DIR_},
      {"bin", LINK_, "usr/bin"},
      {"bin/sh", FILE_, "x"},
      {"usr/bin/sh", HARD_, "bin/sh"}},
     "usr/bin/sh",
     "x"},
};

Test(archive_tar, links_on_the_way_are_resolved_in_the_layer)
{
    for (size_t i = 0; i < ARRAY_SIZE(THROUGH_LINKS); i++) {
        struct world w;
        char path[256];
        const char *where = THROUGH_LINKS[i].where;
        unpack_good(&w, THROUGH_LINKS[i].items, "");
        snprintf(path, sizeof(path), "%s%s", where[0] == '@' ? w.outside + 1 : "",
                 where + (where[0] == '@'));
        if (THROUGH_LINKS[i].content)
            expect_content(&w, path, THROUGH_LINKS[i].content);
        else
            cr_expect_eq(faccessat(w.layer, path, F_OK, 0), 0, "%s", path);
        world_check(&w, THROUGH_LINKS[i].name);
        world_done(&w);
    }
}

Test(archive_tar, a_whiteout_below_a_link_stays_in_the_layer)
{
    struct world w;
    struct stat st;
    char path[256];
    const struct tar_item items[] = {{"a", LINK_, "@"}, {"a/.wh.victim", FILE_}, {0}};
    unpack_good(&w, items, "");
    snprintf(path, sizeof(path), "%s/victim", w.outside + 1);
    cr_assert_eq(fstatat(w.layer, path, &st, 0), 0);
    cr_expect(S_ISCHR(st.st_mode) && st.st_rdev == 0);
    world_check(&w, "a whiteout");
    world_done(&w);
}

Test(archive_tar, a_time_is_not_set_through_a_link_that_replaced_a_directory)
{
    struct world w;
    struct stat st;
    const struct tar_item items[] = {
        {"d/", DIR_, .mtime = 11}, {"e/", DIR_, .mtime = 22}, {"d", LINK_, "e"}, {0}};
    unpack_good(&w, items, "");
    cr_assert_eq(fstatat(w.layer, "e", &st, 0), 0);
    cr_expect_eq(st.st_mtim.tv_sec, 22);
    world_done(&w);
}

Test(archive_tar, a_file_replaces_a_link_and_is_not_written_through_it)
{
    struct world w;
    const struct tar_item items[] = {{"a", LINK_, "@/victim"}, {"a", FILE_, "evil"},
                                     {"b", LINK_, "@/victim"}, {"c", HARD_, "b"},
                                     {"c", FILE_, "evil"},     {0}};
    unpack_good(&w, items, "");
    expect_content(&w, "a", "evil");
    expect_content(&w, "c", "evil");
    world_done(&w);
}

Test(archive_tar, a_directory_replaces_a_link_to_one)
{
    struct world w;
    const struct tar_item items[] = {
        {"a", LINK_, "@"}, {"a/", DIR_}, {"a/f", FILE_, "in"}, {0}};
    unpack_good(&w, items, "");
    expect_content(&w, "a/f", "in");
    world_done(&w);
}

Test(archive_tar, a_file_replaces_a_directory_that_was_just_used)
{
    struct world w;
    const struct tar_item items[] = {{"a/b/f", FILE_, "1"}, {"a", FILE_, "2"}, {0}};
    unpack_good(&w, items, "");
    expect_content(&w, "a", "2");
    world_done(&w);
}

Test(archive_tar, a_later_directory_keeps_the_files_and_takes_the_mode)
{
    struct world w;
    struct stat st;
    const struct tar_item items[] = {
        {"d/", DIR_}, {"d/f", FILE_, "1"}, {"d/", S_IFDIR | 01777, .mtime = 77}, {0}};
    unpack_good(&w, items, "");
    expect_content(&w, "d/f", "1");
    cr_assert_eq(fstatat(w.layer, "d", &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 01777);
    cr_expect_eq(st.st_mtim.tv_sec, 77);
    world_done(&w);
}

Test(archive_tar, links_are_stored_as_they_are)
{
    struct world w;
    char target[32];
    const struct tar_item items[] = {{"a", LINK_, "../../../etc/shadow"}, {0}};
    unpack_good(&w, items, "");
    ssize_t n = readlinkat(w.layer, "a", target, sizeof(target) - 1);
    cr_assert(n > 0);
    target[n] = '\0';
    cr_expect_str_eq(target, "../../../etc/shadow");
    world_done(&w);
}

Test(archive_tar, modes_and_times_are_kept_whatever_the_umask)
{
    struct world w;
    struct stat st;
    const struct tar_item items[] = {
        {"bin/su", S_IFREG | 04755, "x", .mtime = 1000000000, .mtime_ns = 123456789},
        {0}};
    umask(077);
    unpack_good(&w, items, "");
    cr_assert_eq(fstatat(w.layer, "bin/su", &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 04755);
    cr_expect_eq(st.st_mtim.tv_sec, 1000000000);
    cr_expect_eq(st.st_mtim.tv_nsec, 123456789);
    cr_assert_eq(fstatat(w.layer, "bin", &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 0755, "a directory the tar does not name");
    world_done(&w);
}

/* user::rwx, group::---, other::--- for all that is made below */
#define ACL "system.posix_acl_default"
static const char SHUT[] = "\2\0\0\0"
                           "\1\0\7\0\377\377\377\377"
                           "\4\0\0\0\377\377\377\377"
                           "\40\0\0\0\377\377\377\377";
#define SHUT_LEN (sizeof(SHUT) - 1)

/* Twice each, as what is seen at the first file of a mode is used for the others. */
static void expect_modes(mode_t mask, bool layer_has_acl, bool tar_has_acl)
{
    static const mode_t MODES[] = {0644,  0666,  0755,  0600, 0400, 0640, 0777,
                                   04755, 02755, 01644, 0644, 0666, 0755, 04755};
    struct world w;
    struct stat st;
    char names[ARRAY_SIZE(MODES)][32];
    struct tar_item items[ARRAY_SIZE(MODES) + 4] = {
        {"d/", DIR_}, {"before", S_IFREG | 0755, "x"}, {"acl/", DIR_}};
    if (tar_has_acl)
        items[2] = (struct tar_item){"acl/", DIR_, .xattr = ACL, .value = SHUT,
                                     .value_len = SHUT_LEN};
    for (size_t i = 0; i < ARRAY_SIZE(MODES); i++) {
        snprintf(names[i], sizeof(names[i]), "%s/%zu", i % 2 ? "d" : "acl", i);
        items[i + 3] =
            (struct tar_item){names[i], S_IFREG | MODES[i], "x", .uid = i % 5 ? 0 : 7};
    }
    world_make(&w);
    if (layer_has_acl)
        cr_assert_eq(fsetxattr(w.layer, ACL, SHUT, SHUT_LEN, 0), 0);
    umask(mask);
    unpack_into(&w, items, "");
    for (size_t i = 0; i < ARRAY_SIZE(MODES); i++) {
        cr_assert_eq(fstatat(w.layer, names[i], &st, 0), 0);
        cr_expect_eq(st.st_mode & 07777, MODES[i], "%s: %o, not %o; umask %o, acl %d %d",
                     names[i], st.st_mode & 07777, MODES[i], mask, layer_has_acl,
                     tar_has_acl);
        cr_expect_eq(st.st_uid, geteuid() == 0 && i % 5 == 0 ? 7 : geteuid());
    }
    world_done(&w);
}

Test(archive_tar, modes_are_kept_whatever_takes_bits_away)
{
    struct world w;
    expect_modes(0, false, false);
    expect_modes(022, false, false);
    expect_modes(0477, false, false);
    world_make(&w);
    int rc = fsetxattr(w.layer, ACL, SHUT, SHUT_LEN, 0) < 0 ? -errno : 0;
    world_done(&w);
    if (rc == -ENOTSUP)
        cr_skip("the temporary directory's file system has no ACLs");
    expect_modes(022, true, false);
    expect_modes(022, false, true);
}

Test(archive_tar, names_are_bytes_whatever_the_locale)
{
    struct world w;
    const struct tar_item items[] = {
        {"h\xc3\xa9llo", FILE_, "1"}, {"lat\xe9in", FILE_, "2"}, {0}};
    unpack_good(&w, items, "");
    expect_content(&w, "h\xc3\xa9llo", "1");
    expect_content(&w, "lat\xe9in", "2");
    world_done(&w);
}

Test(archive_tar, whiteouts_become_overlays)
{
    struct world w;
    struct stat st;
    const struct tar_item items[] = {{"d/", DIR_},
                                     {"d/.wh.gone", FILE_},
                                     {"d/kept", FILE_, "1"},
                                     {"d/.wh.kept", FILE_},
                                     {0}};
    unpack_good(&w, items, "");
    cr_assert_eq(fstatat(w.layer, "d/gone", &st, 0), 0);
    cr_expect(S_ISCHR(st.st_mode) && st.st_rdev == 0);
    expect_content(&w, "d/kept", "1");
    cr_expect_eq(tempdir_count(w.layer, "d"), 2);
    world_done(&w);
}
