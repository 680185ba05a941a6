/* load and save: the forms of other programs and ours, archives that are damaged or hostile, and
 * what a killed one leaves. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/strv.h"
#include "fields.h"
#include "state.h"

static struct state box;

static void start(void)
{
    if (geteuid() != 0)
        cr_skip_test("needs root: images are root's");
    state_make(&box);
}

static void end(void)
{
    if (geteuid() == 0)
        state_done(&box);
}

TestSuite(load, .init = start, .fini = end, .timeout = 180);

/* In the test's directory, where images are made of files. */
__attribute__((format(printf, 1, 2))) static int shell(const char *format, ...)
{
    auto_free char *command = NULL, *line = NULL;
    va_list args;
    va_start(args, format);
    cr_assert(vasprintf(&command, format, args) > 0);
    va_end(args);
    cr_assert(asprintf(&line, "mkdir -p %s/w && cd %s/w && { %s\n}", box.dir.path,
                       box.dir.path, command) > 0);
    return system(line);
}

static char *file(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *out = paths[next++ % 4];
    snprintf(out, sizeof(paths[0]), "%s/w/%s", box.dir.path, name);
    return out;
}

#define CONFIG                                                                           \
    "d1=$(sha256sum <l1|cut -c1-64) d2=$(sha256sum <l2|cut -c1-64) && "                  \
    "printf '{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"x\"]}," \
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\",\"sha256:%s\"]}}' "     \
    "$d1 $d2 >config && c=$(sha256sum <config|cut -c1-64)"

/* Two layers made with tar; the second removes a file and has a link. "$c" = the config. */
static const char IMAGE[] =
    "rm -rf * && mkdir -p 1/etc 2/etc && echo one >1/etc/a && echo gone >1/etc/b && "
    "head -c 700000 /dev/zero >1/big && "
    ": >2/etc/.wh.b && echo two >2/etc/c && ln 2/etc/c 2/etc/d && "
    "tar -C 1 -cf l1 etc big && tar -C 2 -cf l2 etc && " CONFIG;

/* The second has a hard link to a file of the first. $P prepares; $X is in it, too. */
static const char LINKED[] =
    "mkdir -p 1/d/e 2/d/e 2/new && echo one >1/d/e/f && chown 5:6 1/d/e/f && "
    "chmod 4755 1/d/e/f && setfattr -n user.k -v v 1/d/e/f 2>/dev/null; "
    "chown 7:8 1/d/e && chmod 711 1/d/e && "
    "touch -d '2001-01-01 00:00:00.5 UTC' 1/d/e/f 1/d/e && cp -a 1/d/e/f 2/d/e/f && "
    "ln 2/d/e/f 2/new/h && touch -d '2002-01-01 UTC' 2/new && : >2/.wh.d && "
    ": >2/.wh..wh..opq && eval \"$P\" && "
    "tar --xattrs -C 1 -cf l1 d && tar -C 2 -cf l2 d/e/f new $X && "
    "tar --delete -f l2 d/e/f && " CONFIG;

/* As docker wrote it until version 24: the manifest last, a layer that stands twice as a
 * link. */
static const char OLD[] =
    "mkdir -p o/aa o/bb o/cc && cp l1 o/aa/layer.tar && cp l2 o/bb/layer.tar && "
    "echo 1.0 >o/aa/VERSION && echo '{}' >o/aa/json && ln -s ../bb/layer.tar "
    "o/cc/layer.tar && cp config o/$c.json && echo '{}' >o/repositories && "
    "printf '[{\"Config\":\"%s.json\",\"RepoTags\":[\"docker.io/library/old:1\"],"
    "\"Layers\":[\"aa/layer.tar\",\"cc/layer.tar\"]}]' $c >o/manifest.json && "
    "tar -C o -cf old.tar aa bb cc $c.json manifest.json repositories";

static void expect_line(struct outcome *o, const char *line, const char *what)
{
    cr_expect_eq(o->status, 0, "%s: %s", what, o->err);
    cr_expect_str_eq(o->out, line, "%s", what);
    cr_expect_str_empty(o->err, "%s", what);
}

static struct outcome load_pipe(const struct state *s, const char *path)
{
    int p[2];
    cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0, "%s", path);
    struct running r = state_begin_from(s, p[0], (const char *const[]){"load", NULL});
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    static char block[65536];
    for (ssize_t n; (n = read(fd, block, sizeof(block))) > 0;)
        if (fs_write_all(p[1], block, (size_t)n) < 0)
            break;
    close(p[1]);
    return state_end(&r);
}

static void expect_nothing_half_made(const struct state *s, const char *what)
{
    auto_done(outcome_done) struct outcome o = RUN(s, "images", "-aq");
    cr_expect_eq(o.status, 0, "%s", o.err);
    auto_fd int root = fs_open_dir_at(s->dir.fd, "root");
    cr_expect(tempdir_count(root, "images/tmp") <= 0, "%s: images/tmp holds something",
              what);
}

static void expect_image(const struct state *s, const char *name, const char *what)
{
    auto_free char *diffs = state_ask(
        s, (const char *const[]){"image", "inspect", "-f",
                                 "{{range .RootFS.Layers}}{{.}} {{end}}", name, NULL});
    cr_expect_eq(shell("test \"sha256:$(sha256sum <l1|cut -c1-64) sha256:$(sha256sum "
                       "<l2|cut -c1-64) \" = '%s'",
                       diffs),
                 0, "%s: %s", what, diffs);
}

static void drop(const struct state *s, const char *name)
{
    auto_done(outcome_done) struct outcome o = RUN(s, "rmi", name);
    cr_expect_eq(o.status, 0, "%s", o.err);
}

Test(load, what_docker_wrote_before_version_25)
{
    static const char *const HOW[] = {"cat", "gzip -c", "zstd -qc", "xz -0c", "bzip2 -c"};
    cr_assert_eq(shell("%s && %s", IMAGE, OLD), 0);
    for (size_t i = 0; i < ARRAY_SIZE(HOW); i++) {
        if (shell("command -v %s >/dev/null", HOW[i]) != 0) {
            fprintf(stderr, "[SKIP] \"%s\" is not installed\n", HOW[i]);
            continue;
        }
        cr_assert_eq(shell("%s <old.tar >x.tar", HOW[i]), 0, "%s", HOW[i]);
        auto_done(outcome_done) struct outcome o = RUN(&box, "load", "-i", file("x.tar"));
        expect_line(&o, "Loaded image: old:1\n", HOW[i]);
        expect_image(&box, "old:1", HOW[i]);
        drop(&box, "old:1");
        auto_done(outcome_done) struct outcome p = load_pipe(&box, file("x.tar"));
        expect_line(&p, "Loaded image: old:1\n", HOW[i]);
        expect_image(&box, "old:1", HOW[i]);
        drop(&box, "old:1");
        expect_nothing_half_made(&box, HOW[i]);
    }
}

/* Each form is read by a second store, from a file and from a pipe, and gives what was saved.
 * Twice the same gives the same bytes. */
Test(load, every_form_of_save_comes_back)
{
    static const char *const FORMS[][2] = {{"docker-archive", "none"},
                                           {"docker-archive", "gzip"},
                                           {"oci-archive", "none"},
                                           {"oci-archive", "zstd"}};
    struct state other;
    state_make(&other);
    cr_assert_eq(shell("%s && %s", IMAGE, OLD), 0);
    auto_done(outcome_done) struct outcome first =
        RUN(&box, "load", "-qi", file("old.tar"));
    cr_assert_eq(first.status, 0, "%s", first.err);
    auto_done(outcome_done) struct outcome tag = RUN(&box, "tag", "old:1", "a.b:5/c:2");
    for (size_t i = 0; i < ARRAY_SIZE(FORMS); i++) {
        const char *form = FORMS[i][0], *how = FORMS[i][1];
        for (int n = 0; n < 2; n++) {
            auto_done(outcome_done) struct outcome o =
                RUN(&box, "save", "--format", form, "--compress", how, "-o",
                    file(n ? "s2" : "s1"), "old:1", "a.b:5/c:2");
            cr_assert_eq(o.status, 0, "%s %s: %s", form, how, o.err);
        }
        cr_expect_eq(shell("cmp s1 s2"), 0, "%s %s", form, how);
        for (int pipe = 0; pipe < 2; pipe++) {
            auto_done(outcome_done) struct outcome o =
                pipe ? load_pipe(&other, file("s1"))
                     : RUN(&other, "load", "-i", file("s1"));
            expect_line(&o, "Loaded image: old:1\nLoaded image: a.b:5/c:2\n", form);
            expect_image(&other, "a.b:5/c:2", form);
            drop(&other, "a.b:5/c:2");
            drop(&other, "old:1");
        }
        expect_nothing_half_made(&other, form);
    }
    state_done(&other);
}

Test(load, a_layout_is_saved_to_and_loaded_from_a_directory)
{
    cr_assert_eq(shell("%s && %s", IMAGE, OLD), 0);
    auto_done(outcome_done) struct outcome a = RUN(&box, "load", "-qi", file("old.tar"));
    auto_done(outcome_done) struct outcome b =
        RUN(&box, "save", "--format", "oci-dir", "-o", file("dir"), "old:1");
    cr_assert_eq(b.status, 0, "%s", b.err);
    cr_expect_eq(
        shell("grep -o '\"platform\": *{[^}]*}' dir/index.json | "
              "grep '\"architecture\": *\"amd64\"' | grep -q '\"os\": *\"linux\"'"),
        0, "others do not see what it is for");
    drop(&box, "old:1");
    auto_done(outcome_done) struct outcome c = RUN(&box, "load", "-i", file("dir"));
    expect_line(&c, "Loaded image: old:1\n", "directory");
    expect_image(&box, "old:1", "directory");
    auto_done(outcome_done) struct outcome d =
        RUN(&box, "save", "--format", "oci-dir", "-o", file("dir"), "old:1");
    cr_expect_eq(d.status, 1);
    cr_expect(strstr(d.err, "is not empty"), "%s", d.err);
    cr_expect_eq(shell("test -f dir/index.json"), 0, "what was there is gone");
}

/* Blobs that are not there any more are made again of the layers, to the byte. */
Test(load, a_dropped_blob_is_saved_as_it_was)
{
    cr_assert_eq(shell("%s && %s", IMAGE, OLD), 0);
    auto_done(outcome_done) struct outcome a = RUN(&box, "load", "-qi", file("old.tar"));
    auto_done(outcome_done) struct outcome b =
        RUN(&box, "save", "-o", file("s1"), "old:1");
    cr_assert_eq(b.status, 0, "%s", b.err);
    cr_assert_eq(shell("rm ../root/images/blobs/sha256/$(sha256sum <l1|cut -c1-64)"), 0);
    auto_done(outcome_done) struct outcome c =
        RUN(&box, "save", "-o", file("s2"), "old:1");
    cr_assert_eq(c.status, 0, "%s", c.err);
    cr_expect_eq(shell("cmp s1 s2"), 0);
}

/* A layout as containerd and docker 29 export it, in "l": $M is the image's manifest, $N that of
 * another machine, $A an attestation, $I an index of all, with one that is not there. */
static const char LAYOUT[] =
    "case $(uname -m) in aarch64) a=arm64 o=amd64;; *) a=amd64 o=arm64;; esac; "
    "V=application/vnd.oci.image && mkdir -p l/blobs/sha256 && "
    "echo '{\"imageLayoutVersion\":\"1.0.0\"}' >l/oci-layout && "
    "put() { h=$(sha256sum <$1 | cut -c1-64) n=$(stat -c %s $1) && "
    "cp $1 l/blobs/sha256/$h; } && "
    "is() { printf '{\"mediaType\":\"%s\",\"digest\":\"sha256:%s\",\"size\":%s%s}' $V.$1 $h "
    "$n \"$2\"; } && "
    "for_() { printf ',\"platform\":{\"architecture\":\"%s\",\"os\":\"%s\"}' $1 $2; } && "
    "manifest() { printf '{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":%s,"
    "\"layers\":[%s]}' $V.manifest.v1+json \"$1\" \"$2\" >m && put m; } && "
    "index() { printf '{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s]}' "
    "$V.index.v1+json \"$1\"; } && "
    "named() { printf ',\"annotations\":{\"io.containerd.image.name\":"
    "\"docker.io/library/cd:1\",\"org.opencontainers.image.ref.name\":\"1\"}'; } && "
    "put l1 && L=$(is layer.v1.tar) && put l2 && L=$L,$(is layer.v1.tar) && "
    "sed s/amd64/$a/ config >k && put k && K=blobs/sha256/$h && "
    "manifest \"$(is config.v1+json)\" \"$L\" && "
    "M=$(is manifest.v1+json \"$(for_ $a linux)$(named)\") && "
    "sed s/amd64/$o/ config >k && put k && manifest \"$(is config.v1+json)\" \"$L\" && "
    "N=$(is manifest.v1+json \"$(for_ $o linux)$(named)\") && "
    "sed 's/amd64/unknown/;s/linux/unknown/' config >k && put k && "
    "manifest \"$(is config.v1+json)\" \"$L\" && "
    "A=$(is manifest.v1+json \"$(for_ unknown unknown)\") && "
    "h=$(printf %064d 7) G=$(is manifest.v1+json \"$(for_ s390x linux)\") && "
    "index \"$A,$G,$M\" >i && put i && I=$(is index.v1+json \"$(named)\")";

static const struct {
    const char *what, *make;
} LAYOUTS[] = {
    {"an index with an attestation", "index \"$I\" >l/index.json"},
    {"an index in two indexes",
     "index \"$I\" >i && put i && index \"$(is index.v1+json)\" >i && put i && "
     "index \"$(is index.v1+json \"$(named)\")\" >l/index.json"},
    {"attestations beside it", "index \"$A,$M,$A\" >l/index.json"},
    {"two platforms of one name", "index \"$M,$N\" >l/index.json"},
    {"two platforms, ours last", "index \"$N,$M\" >l/index.json"},
};

static void expect_loaded(struct outcome o, const char *what)
{
    auto_done(outcome_done) struct outcome done = o;
    expect_line(&done, "Loaded image: cd:1\n", what);
    EXPECT_OUTPUT(&box, 0, "1\n", "images", "--format", "{{.Tag}}", "cd");
    expect_image(&box, "cd:1", what);
    cr_expect_eq(shell("case $(uname -m) in aarch64) a=arm64;; *) a=amd64;; esac; test "
                       "$a = $(%s --root %s/root --run-root %s/run inspect -f "
                       "'{{.Architecture}}' cd:1)",
                       MTD_PROGRAM, box.dir.path, box.dir.path),
                 0, "%s: of another machine", what);
    drop(&box, "cd:1");
}

/* As skopeo copy oci:DIR:1.36 makes it. podman, too, calls it 1.36:latest. */
Test(load, a_name_that_is_a_tag_alone_is_told)
{
    static const struct {
        const char *is, *loaded;
        bool told;
    } NAMES[] = {{"latest", "latest:latest", true}, {"1.36", "1.36:latest", true},
                 {"v2", "v2:latest", true},         {"mine", "mine:latest", false},
                 {"1.36:2", "1.36:2", false},       {"me/1", "me/1:latest", false}};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        char line[80];
        cr_assert_eq(
            shell("%s && %s && index \"$M\" | sed '"
                  "s|\"io.containerd.image.name\":\"[^\"]*\",||; s|ref.name\":\"1\""
                  "|ref.name\":\"%s\"|' >l/index.json && tar -C l -cf x .",
                  IMAGE, LAYOUT, NAMES[i].is),
            0);
        auto_done(outcome_done) struct outcome o = RUN(&box, "load", "-i", file("x"));
        snprintf(line, sizeof(line), "Loaded image: %s\n", NAMES[i].loaded);
        cr_expect_str_eq(o.out, line);
        snprintf(line, sizeof(line), "tag %s NAME:", NAMES[i].loaded);
        cr_expect_eq(strstr(o.err, line) != NULL, NAMES[i].told, "%s: %s", NAMES[i].is,
                     o.err);
        drop(&box, NAMES[i].loaded);
    }
}

Test(load, layouts_as_containerd_makes_them)
{
    for (size_t i = 0; i < ARRAY_SIZE(LAYOUTS); i++) {
        const char *what = LAYOUTS[i].what;
        cr_assert_eq(
            shell("%s && %s && %s && tar -C l -cf x .", IMAGE, LAYOUT, LAYOUTS[i].make),
            0, "%s", what);
        expect_loaded(RUN(&box, "load", "-i", file("x")), what);
        expect_loaded(load_pipe(&box, file("x")), what);
        expect_loaded(RUN(&box, "load", "-i", file("l")), what);
        expect_nothing_half_made(&box, what);
    }
}

/* "docker pull --platform" of another machine's: the list names ours, which is not there. */
Test(load, a_list_of_platforms_that_are_not_all_there)
{
    cr_assert_eq(
        shell("%s && %s && h=$(printf %%064d 8) && "
              "index \"$(is manifest.v1+json \"$(for_ $a linux)\"),$N\" >i && put i "
              "&& index \"$(is index.v1+json \"$(named)\")\" >l/index.json && "
              "tar -C l -cf x .",
              IMAGE, LAYOUT),
        0);
    auto_done(outcome_done) struct outcome o = RUN(&box, "load", "-i", file("x"));
    expect_line(&o, "Loaded image: cd:1\n", "another machine's");
}

/* docker 29 adds its own document, for older readers. */
Test(load, what_docker_29_writes)
{
    cr_assert_eq(shell("%s && %s && index \"$I\" >l/index.json && "
                       "printf '[{\"Config\":\"%%s\",\"RepoTags\":[\"cd:1\"],"
                       "\"Layers\":[\"blobs/sha256/%%s\",\"blobs/sha256/%%s\"]}]' "
                       "$K $d1 $d2 >l/manifest.json && tar -C l -cf x .",
                       IMAGE, LAYOUT),
                 0);
    expect_loaded(RUN(&box, "load", "-i", file("x")), "file");
    expect_loaded(load_pipe(&box, file("x")), "pipe");
}

Test(load, indexes_without_end_are_refused)
{
    cr_assert_eq(shell("%s && %s && for k in 1 2 3 4 5; do index \"$I\" >i && put i && "
                       "I=$(is index.v1+json \"$(named)\"); done && index \"$I\" "
                       ">l/index.json && tar -C l -cf x .",
                       IMAGE, LAYOUT),
                 0);
    auto_done(outcome_done) struct outcome a = RUN(&box, "load", "-i", file("x"));
    cr_expect(a.status == 1 && strstr(a.err, "too deep"), "%s", a.err);
    auto_done(outcome_done) struct outcome b = RUN(&box, "load", "-i", file("l"));
    cr_expect(b.status == 1 && strstr(b.err, "too deep"), "%s", b.err);
}

/* The form of "podman save --format docker-dir". */
Test(load, a_directory_of_skopeos_is_refused_by_name)
{
    cr_assert_eq(shell("%s && mkdir d && cp config d/$c && echo '{}' >d/manifest.json && "
                       "echo 'Directory Transport Version: 1.1' >d/version",
                       IMAGE),
                 0);
    auto_done(outcome_done) struct outcome a = RUN(&box, "load", "-i", file("d"));
    cr_expect(a.status == 1 && strstr(a.err, "\"dir:\""), "%s", a.err);
}

static const struct {
    const char *make, *says;
} BAD[] = {
    {"head -c 500000 old.tar >x", "truncated"},
    {"head -c 300000 /dev/urandom >x", "not a valid tar archive"},
    {": >x", "not a valid tar archive"},
    {"tar -C 1 -cf x etc", "use import for that"},
    {"tar -cf x l1 config", "neither manifest.json nor index.json"},
    {"echo more >>o/bb/layer.tar; tar -C o -cf x aa bb cc $c.json manifest.json",
     "damaged: unpacked its digest is"},
    {"rm o/$c.json; tar -C o -cf x aa bb cc manifest.json", "is missing"},
    {"rm o/aa/layer.tar; tar -C o -cf x bb cc $c.json manifest.json",
     "layer aa/layer.tar is missing"},
    {"ln -sf ../cc/layer.tar o/cc/layer.tar; tar -C o -cf x aa bb cc $c.json "
     "manifest.json",
     "is missing"},
    {"ln -sf /etc/passwd o/$c.json; tar -C o -cf x aa bb cc $c.json manifest.json",
     "is missing"},
    {"ln -sf ../../../etc/passwd o/$c.json; tar -C o -cf x aa bb cc $c.json "
     "manifest.json",
     "\"..\" is refused"},
    {"sed -i s/$c/..%2f$c/ o/manifest.json; tar -C o -cf x aa bb cc $c.json "
     "manifest.json",
     "is missing"},
    {"truncate -s 64M o/manifest.json; tar -C o -cf x manifest.json", "too large"},
    {"echo '[{]' >o/manifest.json; tar -C o -cf x manifest.json", "manifest.json"},
    {"echo '[]' >o/manifest.json; tar -C o -cf x manifest.json", "holds no image"},
    {"sed -i 's/library.old:1/Library:/' o/manifest.json; tar -C o -cf x aa bb cc "
     "$c.json manifest.json",
     "Library"},
    {"mkdir -p n/blobs/sha256 && echo '{}' >n/blobs/sha256/$c && tar -C n -cf x blobs",
     "is damaged: its digest is"},
    {"tar --transform 's,^,../,' -Pcf x l1", "\"..\" is refused"},
    {"tar -C o -cf - aa bb cc $c.json manifest.json | gzip | head -c -8 >x; "
     "printf 12345678 >>x",
     "incorrect data check"},
    {"for l in aa bb cc; do gzip <o/$l/layer.tar | head -c -8 >l; printf 12345678 >>l; "
     "mv l o/$l/layer.tar; done; tar -C o -cf x aa bb cc $c.json manifest.json",
     "incorrect data check"},
    {"mkdir q; cd q; seq -f %g.json 21000 | xargs touch; cd ..; tar -C q -cf x .",
     "more than 20000 files"},
};

Test(load, bad_archives_are_refused_in_one_line)
{
    for (size_t i = 0; i < 2 * ARRAY_SIZE(BAD); i++) {
        const char *make = BAD[i / 2].make, *says = BAD[i / 2].says;
        cr_assert_eq(shell("%s && %s && %s", IMAGE, OLD, make), 0, "%s", make);
        auto_done(outcome_done) struct outcome o =
            i % 2 ? load_pipe(&box, file("x")) : RUN(&box, "load", "-i", file("x"));
        cr_expect_eq(o.status, 1, "%s: status %d", make, o.status);
        cr_expect(strstr(o.err, says), "%s: said %s", make, o.err);
        char *line_end = strchr(o.err, '\n');
        cr_expect(line_end && line_end[1] == '\0', "%s: not one line: %s", make, o.err);
        cr_expect_str_empty(o.out, "%s", make);
        expect_nothing_half_made(&box, make);
        auto_free char *left =
            state_ask(&box, (const char *const[]){"images", "-q", "old", NULL});
        cr_expect_str_empty(left, "%s", make);
    }
}

Test(load, only_images_of_the_platform)
{
    cr_assert_eq(shell("%s && %s", IMAGE, OLD), 0);
    auto_done(outcome_done) struct outcome a =
        RUN(&box, "load", "--platform", "linux/arm64", "-i", file("old.tar"));
    cr_expect_eq(a.status, 1);
    cr_expect(strstr(a.err, "no image in the archive is for linux/arm64"), "%s", a.err);
    auto_done(outcome_done) struct outcome b =
        RUN(&box, "load", "--platform", "linux/amd64", "-i", file("old.tar"));
    expect_line(&b, "Loaded image: old:1\n", "amd64");
}

Test(load, two_at_once_both_succeed)
{
    cr_assert_eq(shell("%s && %s", IMAGE, OLD), 0);
    struct running a = BEGIN(&box, "load", "-i", file("old.tar"));
    struct running b = BEGIN(&box, "load", "-i", file("old.tar"));
    auto_done(outcome_done) struct outcome x = state_end(&a), y = state_end(&b);
    expect_line(&x, "Loaded image: old:1\n", "first");
    expect_line(&y, "Loaded image: old:1\n", "second");
    expect_image(&box, "old:1", "two at once");
    expect_nothing_half_made(&box, "two at once");
}

/* As on a mounted overlay: both names are the file, which is what it was below. */
static void expect_copied_up(const char *what)
{
    cr_expect_eq(
        shell(
            "cd ../root/images/layers && l=$(echo */new) && l=${l%%/new} && "
            "test $(stat -c %%i $l/new/h) = $(stat -c %%i $l/d/e/f) && "
            "test \"$(stat -c '%%a %%u %%g %%y %%h' $l/new/h)\" = \"$(TZ=UTC stat -c "
            "'%%a %%u %%g %%y 2' ../../../w/1/d/e/f)\" && "
            "test \"$(stat -c '%%a %%u %%g %%y' $l/d/e)\" = \"$(stat -c "
            "'%%a %%u %%g %%y' ../../../w/1/d/e)\" && "
            "test $(stat -c %%Y $l/new) = 1009843200 && cmp $l/new/h ../../../w/1/d/e/f "
            "&& "
            "test \"$(getfattr -d $l/new/h 2>/dev/null | tail -n +2)\" = \"$(getfattr -d "
            "../../../w/1/d/e/f 2>/dev/null | tail -n +2)\""),
        0, "%s", what);
}

Test(load, a_hard_link_may_lead_to_a_lower_layer)
{
    cr_assert_eq(shell("rm -rf *; P=true X=; %s && %s", LINKED, OLD), 0);
    auto_done(outcome_done) struct outcome o = RUN(&box, "load", "-i", file("old.tar"));
    expect_line(&o, "Loaded image: old:1\n", "a file");
    expect_copied_up("a file");
    auto_done(outcome_done) struct outcome p =
        RUN(&box, "image", "prune", "-f", "--blobs");
    auto_done(outcome_done) struct outcome q =
        RUN(&box, "save", "-o", file("again"), "old:1");
    cr_expect_eq(p.status + q.status, 0, "%s%s", p.err, q.err);
    if (system("command -v umoci >/dev/null") == 0)
        cr_expect_eq(
            shell("umoci unpack --image ../root/images:docker.io/library/old:1 b "
                  ">/dev/null && cd b/rootfs && test \"$(stat -c '%%a %%u %%g %%y "
                  "%%h' new/h)\" = \"$(stat -c '%%a %%u %%g %%y %%h' "
                  "../../../root/images/layers/*/new/h)\" && cmp new/h d/e/f"),
            0, "umoci makes something else of it");
    drop(&box, "old:1");
    auto_done(outcome_done) struct outcome r = load_pipe(&box, file("again"));
    expect_line(&r, "Loaded image: old:1\n", "a pipe");
    expect_copied_up("a pipe");
    expect_image(&box, "old:1", "packed again");
    expect_nothing_half_made(&box, "a pipe");
}

/* The directory is a link in the layer below, to one beside it; absolute is inside the image. */
Test(load, a_hard_link_may_lead_through_a_linked_directory)
{
    static const char *const TO[] = {"r", "/d/r", "../../../d/./r", "s"};
    for (size_t i = 0; i < ARRAY_SIZE(TO); i++) {
        cr_assert_eq(
            shell("rm -rf *; P='mv 1/d/e 1/d/r; ln -s r 1/d/s; ln -s %s 1/d/e' X=; "
                  "%s && %s",
                  TO[i], LINKED, OLD),
            0);
        auto_done(outcome_done) struct outcome o =
            RUN(&box, "load", "-i", file("old.tar"));
        expect_line(&o, "Loaded image: old:1\n", TO[i]);
        cr_expect_eq(
            shell("cd ../root/images/layers && l=$(echo */new) && l=${l%%/new} && "
                  "test $(stat -c %%i $l/new/h) = $(stat -c %%i $l/d/r/f) && "
                  "test \"$(stat -c '%%a %%u %%g %%y' $l/d/r/f)\" = \"$(TZ=UTC "
                  "stat -c '%%a %%u %%g %%y' ../../../w/1/d/r/f)\" && "
                  "test ! -e $l/d/e"),
            0, "%s", TO[i]);
        drop(&box, "old:1");
    }
}

Test(load, a_hard_link_leads_to_what_is_there)
{
    static const struct {
        const char *prepare, *also, *says;
    } ROWS[] = {
        {"true", ".wh.d", "no such file in this layer, nor in those below"},
        {"true", ".wh..wh..opq", "no such file in this layer, nor in those below"},
        {"rm 1/d/e/f", "", "no such file in this layer, nor in those below"},
        {"rm -r 1/d; ln -s $PWD/2/d 1/d", "", "no such file in this layer, nor in those"},
        {"rm -r 1/d; ln -s ../../d 1/d", "", "leads in a circle"},
        {"rm 1/d/e/f; ln -s $PWD/config 1/d/e/f", "", "it is no regular file"},
        {"rm 1/d/e/f; mkdir 1/d/e/f", "", "it is a directory"},
    };
    for (size_t i = 0; i < 2 * ARRAY_SIZE(ROWS); i++) {
        const char *prepare = ROWS[i / 2].prepare, *also = ROWS[i / 2].also;
        cr_assert_eq(shell("rm -rf *; P='%s' X=%s; %s && %s", prepare, also, LINKED, OLD),
                     0, "%s", prepare);
        auto_done(outcome_done) struct outcome o =
            i % 2 ? load_pipe(&box, file("old.tar"))
                  : RUN(&box, "load", "-i", file("old.tar"));
        cr_expect(o.status == 1 && strstr(o.err, ROWS[i / 2].says), "%s %s: %s", prepare,
                  also, o.err);
        expect_nothing_half_made(&box, prepare);
    }
}

Test(load, others_read_it_and_it_reads_theirs)
{
    if (system("command -v skopeo >/dev/null") != 0)
        cr_skip_test("skopeo is not installed");
    cr_assert_eq(shell("%s && %s", IMAGE, OLD), 0);
    auto_done(outcome_done) struct outcome a = RUN(&box, "load", "-qi", file("old.tar"));
    auto_done(outcome_done) struct outcome b =
        RUN(&box, "save", "-o", file("s1"), "old:1");
    auto_done(outcome_done) struct outcome c =
        RUN(&box, "save", "--format", "oci-archive", "-o", file("s2"), "old:1");
    cr_assert_eq(b.status + c.status, 0, "%s%s", b.err, c.err);
    cr_expect_eq(shell("skopeo --insecure-policy copy -q docker-archive:s1 "
                       "docker-archive:t1:old:1"),
                 0);
    cr_expect_eq(shell("skopeo --insecure-policy copy -q oci-archive:s2 "
                       "oci-archive:t2:old:1"),
                 0);
    drop(&box, "old:1");
    for (int i = 1; i <= 2; i++) {
        auto_done(outcome_done) struct outcome o =
            RUN(&box, "load", "-i", file(i == 1 ? "t1" : "t2"));
        expect_line(&o, "Loaded image: old:1\n", "skopeo's");
        expect_image(&box, "old:1", "skopeo's");
        drop(&box, "old:1");
    }
}

/* ---- kills ---- */

Test(load, a_killed_one_leaves_nothing_half_made)
{
#ifdef MTD_FAULTS
    static const char *const POINTS[] = {
        "load.read",   "load.layer", "load.image", "layer.received",
        "image.layer", "image.blob", "image.name", "image.index",
    };
    cr_assert_eq(shell("%s && %s", IMAGE, OLD), 0);
    for (size_t i = 0; i < 2 * ARRAY_SIZE(POINTS); i++) {
        char fault[64];
        const char *point = POINTS[i / 2];
        snprintf(fault, sizeof(fault), "%s:kill", point);
        box.fault = fault;
        auto_done(outcome_done) struct outcome o =
            i % 2 ? load_pipe(&box, file("old.tar"))
                  : RUN(&box, "load", "-i", file("old.tar"));
        box.fault = NULL;
        /* A file's layers are received when all of it was looked at. */
        cr_expect_eq(o.status, 128 + SIGKILL, "%s: status %d", point, o.status);
        auto_done(outcome_done) struct outcome again =
            RUN(&box, "load", "-i", file("old.tar"));
        expect_line(&again, "Loaded image: old:1\n", point);
        expect_nothing_half_made(&box, point);
        expect_image(&box, "old:1", point);
        drop(&box, "old:1");
    }
#else
    cr_skip("this build has no fault points; the debug build runs these");
#endif
}

Test(load, a_killed_save_leaves_the_file_as_it_was)
{
#ifdef MTD_FAULTS
    static const char *const POINTS[] = {"save.documents", "save.layer"};
    cr_assert_eq(shell("%s && %s", IMAGE, OLD), 0);
    auto_done(outcome_done) struct outcome a = RUN(&box, "load", "-qi", file("old.tar"));
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        cr_assert_eq(shell("echo before >s1; ls >list"), 0);
        box.fault = fault;
        auto_done(outcome_done) struct outcome o =
            RUN(&box, "save", "-o", file("s1"), "old:1");
        box.fault = NULL;
        cr_expect_eq(o.status, 128 + SIGKILL, "%s: status %d", fault, o.status);
        cr_expect_eq(shell("test \"$(cat s1)\" = before && ls | cmp - list"), 0, "%s",
                     fault);
    }
#else
    cr_skip("this build has no fault points; the debug build runs these");
#endif
}
