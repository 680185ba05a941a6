/* Archives that claim or are a lot, and tars of other writers: how much memory loading takes, as the
 * kernel counts it; what a layer of a million entries becomes; what progress tells of it. Needs
 * root, GNU tar, zstd. */

#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "../support/pty.h"
#include "../support/registry.h"
#include "../support/state.h"
#include "../support/stopped.h"
#include "base/cleanup.h"

#define ENTRIES 1000000
#define SANITIZER_KB (500L << 10) /* what that keeps for itself */

static struct state s;

static void set_up(void)
{
    static const char *const NEEDED[] = {"tar", "zstd", NULL};
    if (!is_root() || !programs_are_there(NEEDED))
        cr_skip("needs root, tar and zstd");
    state_make(&s);
    free(ASK(&s, "run", "--rm", "busybox", "true")); /* the store is there */
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(load_large, .init = set_up, .fini = tear_down, .timeout = 240);

static void sh(const char *script)
{
    auto_free char *line = NULL;
    cr_assert_gt(asprintf(&line, "set -e; mkdir -p %s/w; cd %s/w\n%s", s.dir.path,
                          s.dir.path, script),
                 0);
    cr_assert_eq(system(line), 0, "%s", script);
}

static const char *in_w(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/w/%s", s.dir.path, name);
    return path;
}

/* The largest that a child of this process's was, of those that have been waited for. */
static long peak_kb(void)
{
    struct rusage u;
    cr_assert_eq(getrusage(RUSAGE_CHILDREN, &u), 0);
    return u.ru_maxrss - (program_is_static() ? 0 : SANITIZER_KB);
}

static void expect_no_image_but_busybox(const char *what)
{
    auto_free char *names = ASK(&s, "images", "-a", "--format", "{{.Repository}}");
    cr_expect_str_eq(names, "busybox", "%s: %s", what, names);
}

/* ---- documents of 1 GB: holes, so that they take no room --------------------------------- */

/* $1 is the member. */
#define HEADER_AND_HOLE                                                               \
    "f() { mkdir -p $(dirname $1); truncate -s 1G $1; tar -cf - $1 | head -c 512 >x;" \
    "truncate -s $(((1 << 30) + 2048)) x; }; "
static const struct {
    const char *make, *says;
} MANIFESTS[] = {
    {HEADER_AND_HOLE "f manifest.json", "too large"},
    {HEADER_AND_HOLE "f index.json", "too large"},
    {HEADER_AND_HOLE "f blobs/sha256/$(printf %064d 1)",
     "neither manifest.json nor index.json"},
    {HEADER_AND_HOLE "f manifest.json; zstd -q --rm x -o y; mv y x", "too large"},
    {"truncate -s 1G manifest.json; tar -Scf x manifest.json", "a file with holes"},
    {"truncate -s 1G manifest.json; tar --format=pax -Scf x manifest.json",
     "a file with holes"},
};

Test(load_large, a_document_of_one_gigabyte_is_refused_without_reading_it)
{
    for (size_t i = 0; i < ARRAY_SIZE(MANIFESTS); i++) {
        const char *make = MANIFESTS[i].make;
        sh("rm -rf *");
        sh(make);
        auto_done(outcome_done) struct outcome o = RUN(&s, "load", "-i", in_w("x"));
        cr_expect_eq(o.status, 1, "%s: status %d", make, o.status);
        const char *end = strchr(o.err, '\n');
        cr_expect(end && !end[1], "%s: not one line: %s", make, o.err);
        cr_expect(strstr(o.err, MANIFESTS[i].says), "%s: %s", make, o.err);
        expect_no_image_but_busybox(make);
    }
    cr_expect_lt(peak_kb(), 64L << 10, "%ld kB", peak_kb());
}

/* ---- a million entries ------------------------------------------------------------------- */

/* The same header again and again: tar makes one, this the rest. */
static void repeat_header(FILE *from, FILE *to)
{
    static char block[512], many[512 * 100];
    cr_assert_eq(fread(block, sizeof(block), 1, from), 1);
    for (size_t i = 0; i < sizeof(many); i += sizeof(block))
        memcpy(many + i, block, sizeof(block));
    for (int i = 0; i < ENTRIES / 100; i++)
        cr_assert_eq(fwrite(many, sizeof(many), 1, to), 1);
    memset(many, 0, sizeof(many));
    cr_assert_eq(fwrite(many, 1024, 1, to), 1);
}

static void make_layer(void)
{
    auto_free char *line = NULL;
    sh(": >.wh.gone; tar --owner=0 --group=0 -cf one .wh.gone");
    cr_assert_gt(asprintf(&line, "zstd -q -1 >%s", in_w("layer.tar")), 0);
    FILE *from = fopen(in_w("one"), "re"), *to = popen(line, "we");
    cr_assert(from && to);
    repeat_header(from, to);
    fclose(from);
    cr_assert_eq(pclose(to), 0);
    sh("d=$(zstd -qdc <layer.tar | sha256sum | cut -c1-64);"
       "printf '{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"
       "\"layers\",\"diff_ids\":[\"sha256:%s\"]}}' $d >config.json;"
       "echo '[{\"Config\":\"config.json\",\"RepoTags\":[\"many:1\"],"
       "\"Layers\":[\"layer.tar\"]}]' >manifest.json;"
       "tar -cf x layer.tar config.json manifest.json");
}

Test(load_large, a_layer_of_a_million_entries)
{
    struct statvfs v;
#ifdef __SANITIZE_ADDRESS__
    cr_skip("the release runs this: what it measures is memory");
#endif
    cr_assert_eq(statvfs(s.dir.path, &v), 0);
    if (v.f_files > 0 && v.f_favail - v.f_favail / 16 < ENTRIES)
        cr_skip("a layer may have as many entries as the disk has inodes: too few here");
    make_layer();
    auto_done(outcome_done) struct outcome o = RUN(&s, "load", "-qi", in_w("x"));
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(o.out, "Loaded image: many:1\n");
    cr_expect_lt(peak_kb(), 64L << 10, "%ld kB", peak_kb());
    /* All of its headers are kept: the same tar comes out of it. */
    sh("rm ../root/images/blobs/sha256/$(sha256sum <layer.tar | cut -c1-64)");
    auto_done(outcome_done) struct outcome p =
        RUN(&s, "save", "-o", in_w("saved.tar"), "many:1");
    cr_expect_eq(p.status, 0, "%s", p.err);
    cr_expect_lt(peak_kb(), 64L << 10, "%ld kB", peak_kb());
    sh("d=$(zstd -qdc <layer.tar | sha256sum | cut -c1-64);"
       "tar -xOf saved.tar blobs/sha256/$d | sha256sum | grep -q $d");
}

/* ---- tars of other writers --------------------------------------------------------------- */

/* Go's archive/tar writes ustar where that is enough, pax where not, GNU where it was read so; one
 * layer may have all of them, as builders copy headers. */
static const char WRITERS[] =
    "umask 022; L=$(printf %0120d 7); mkdir -p t/d/$L/$L; cd t; echo a >d/short;"
    "echo b >d/$L/$L/long; ln -s ../$L/$L/$L d/$L/link; ln d/short d/$L/hard;"
    "echo ids >d/ids; chown 3000000:4000000 d/ids; echo n >d/ns;"
    "touch -d '2013-03-03 03:03:03.123456789 UTC' d/ns; echo old >d/old;"
    "touch -d '1950-01-01 UTC' d/old; mknod d/dev c 10 200; mkfifo d/fifo;"
    "printf x >d/$(printf 'caf\\351'); printf y >d/$(printf 'caf\\303\\251');"
    "for i in 1 2 3 4; do for at in 0 1000000 3000000; do printf hole |"
    "dd of=d/sparse$i bs=1 seek=$at conv=notrunc status=none; done;"
    "truncate -s 5000000 d/sparse$i; done; truncate -s 9G d/huge; x=../x;"
    "T='tar --numeric-owner --warning=no-timestamp'; $T --format=pax -cf $x d/short d/$L;"
    "$T --format=gnu -rf $x d/ids d/ns d/old d/huge -S; $T --format=ustar -rf $x d/dev d/fifo;"
    "$T --format=gnu -S -rf $x d/sparse1; $T --format=pax --sparse-version=0.0 -S -rf $x "
    "d/sparse2; $T --format=pax --sparse-version=0.1 -S -rf $x d/sparse3;"
    "$T --format=pax --sparse-version=1.0 -S -rf $x d/sparse4;"
    "$T --format=pax -rf $x d/caf*; $T --format=pax -rf $x --no-recursion d/$L d d/ns;";

Test(load_large, a_tar_in_many_formats_is_unpacked_as_tar_does)
{
    sh(WRITERS);
    auto_done(outcome_done) struct outcome o = RUN(&s, "import", in_w("x"), "mix");
    cr_assert_eq(o.status, 0, "%s", o.err);
    sh("l=$(echo ../root/images/layers/*/d/huge); l=${l%/d/huge}; mkdir u; tar -C u -xpf x;"
       "for at in u $l; do (cd $at && find d -printf '%P %y %m %U %G %T@ %n %l ' "
       "\\( -type d -printf '\\n' -o -printf '%s\\n' \\) | sort;"
       "find d -type f ! -name huge | sort | xargs -d '\\n' sha256sum); done >both;"
       "n=$(wc -l <both); head -n $((n / 2)) both >1; tail -n $((n / 2)) both >2; cmp 1 2;"
       "[ $(du -k $l/d/huge | cut -f1) -lt 1000 ] && [ $(du -k $l/d/sparse4 | cut -f1) -lt "
       "1000 ]");
}

/* ---- progress ---------------------------------------------------------------------------- */

struct sum {
    uint64_t done; /* of the steps that are finished */
    int finished;
};

/* Each line is one object, whose figure is never beyond what it is of, and is that at the end. */
static struct sum add_up(const char *text, const char *what)
{
    struct sum sum = {0};
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        int len = (int)(end - text);
        json_t *o = json_loadb(text, (size_t)len, 0, NULL);
        cr_assert_not_null(o, "%.*s", len, text);
        uint64_t done = (uint64_t)json_integer_value(json_object_get(o, "done"));
        uint64_t total = (uint64_t)json_integer_value(json_object_get(o, "total"));
        bool finished = json_is_true(json_object_get(o, "finished"));
        cr_expect(total == 0 || (finished ? done == total : done <= total), "%.*s", len,
                  text);
        const char *is = json_string_value(json_object_get(o, "what"));
        if (finished && is && strcmp(is, what) == 0) {
            sum.done += done;
            sum.finished++;
        }
        json_decref(o);
    }
    cr_expect_str_empty(text, "a line without its end");
    return sum;
}

static void expect_moved(const char *const args[], const char *what, int steps,
                         uint64_t bytes)
{
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    cr_assert_eq(o.status, 0, "%s: %s", args[0], o.err);
    struct sum sum = add_up(o.err, what);
    cr_expect_eq(sum.finished, steps, "%s, %s: %d steps", args[0], what, sum.finished);
    cr_expect_eq(sum.done, bytes, "%s, %s: %ju bytes, not %ju", args[0], what,
                 (uintmax_t)sum.done, (uintmax_t)bytes);
}
#define EXPECT_MOVED(what, steps, bytes, ...) \
    expect_moved((const char *const[]){__VA_ARGS__, NULL}, what, steps, bytes)

static uint64_t size_of(const char *tar, const char *members)
{
    auto_free char *line = NULL;
    unsigned long long n = 0;
    cr_assert_gt(asprintf(&line, "tar -tvf %s | awk '%s { n += $3 } END { print n }'",
                          in_w(tar), members),
                 0);
    FILE *f = popen(line, "re");
    cr_assert(f && fscanf(f, "%llu", &n) == 1, "%s", line);
    pclose(f);
    return n;
}

Test(load_large, progress_in_json_adds_up_to_what_was_moved)
{
    enum { BYTES = 3000000 };
    char big[512], saved[512];
    sh("head -c 3000000 /dev/urandom >big");
    snprintf(big, sizeof(big), "%s", in_w("big"));
    snprintf(saved, sizeof(saved), "%s", in_w("saved"));
    free(ASK(&s, "create", "--name", "c", "busybox", "true"));
    EXPECT_MOVED("Copying", 1, BYTES, "cp", "--progress", "json", big, "c:/big");
    EXPECT_MOVED("Copying", 1, BYTES, "cp", "--progress", "json", "c:/big", big);
    free(ASK(&s, "commit", "c", "two:1"));
    free(ASK(&s, "save", "-o", saved, "two:1"));
    uint64_t layers = size_of("saved", "$3 > 100000"),
             top = size_of("saved", "$3 > 2900000");
    cr_assert(top > BYTES && layers > top);
    EXPECT_MOVED("Packing", 1, top, "commit", "--progress", "json", "c", "again");
    EXPECT_MOVED("Writing", 2, layers, "save", "--progress", "json", "-o", saved,
                 "two:1");
    free(ASK(&s, "rm", "c"));
    free(ASK(&s, "rmi", "-f", "two:1", "again"));
    /* The layer of busybox is here. */
    EXPECT_MOVED("Unpacking", 1, top, "load", "--progress", "json", "-i", saved);
    EXPECT_MOVED("Checking", 2, layers, "image", "prune", "--blobs", "-f", "--progress",
                 "json");
    EXPECT_MOVED("Packing", 2, layers, "save", "--progress", "json", "-o", saved,
                 "two:1");
}

#ifdef MTD_FAULTS
/* What is over at once shows no bar: so each is stopped for longer than that before the step of which
 * it tells. */
#define LONGER_MS 300
static const struct {
    const char *const args[6];
    const char *fault, *shows;
    bool builds;
} SHOWN[] = {
    {{"cp", "W/big", "c:/big"}, "cp.enter", "big          Copying "},
    {{"commit", "c", "two"}, "commit.freeze", "two:latest   Packing "},
    {{"build", "-t", "built", "W/context"}, "build.exported", " Unpacking ", true},
    {{"save", "-o", "W/saved", "two"}, "save.documents", " Writing "},
    {{"image", "prune", "--blobs", "-f"}, "image.drop", " Checking "},
};

static void expect_shown(size_t row)
{
    char root[128], run[128], fault[64], paths[6][600];
    const char *args[12] = {"--root", root, "--run-root", run};
    snprintf(root, sizeof(root), "%s/root", s.dir.path);
    snprintf(run, sizeof(run), "%s/run", s.dir.path);
    snprintf(fault, sizeof(fault), "MTD_FAULT=%s:stop", SHOWN[row].fault);
    for (size_t i = 0; i < ARRAY_SIZE(SHOWN[row].args) && SHOWN[row].args[i]; i++) {
        const char *arg = SHOWN[row].args[i];
        snprintf(paths[i], sizeof(paths[i]), "%s",
                 strncmp(arg, "W/", 2) == 0 ? in_w(arg + 2) : arg);
        args[4 + i] = paths[i];
    }
    const char *const env[] = {fault, "TERM=xterm", NULL};
    struct pty p;
    pty_start(&p, &(struct pty_setup){.args = args, .env = env, .rows = 24, .cols = 80});
    pid_t stopped = stopped_await(p.leader);
    cr_assert_gt(stopped, 0, "%s: %s is not passed", args[4], SHOWN[row].fault);
    pty_quiet(&p, LONGER_MS);
    kill(stopped, SIGCONT);
    cr_expect(pty_expect(&p, 0, SHOWN[row].shows), "%s: %s", args[4], p.text);
    cr_expect_eq(pty_status(&p), 0, "%s: %s", args[4], p.text);
    pty_done(&p);
}

Test(load_large, each_slow_verb_shows_a_bar_on_a_terminal)
{
    static const char *const BUILDERS[] = {"buildah", "skopeo", NULL};
    sh("head -c 3000000 /dev/urandom >big; mkdir context; cp big context;"
       "printf 'FROM busybox\\nCOPY big /x\\n' >context/Dockerfile");
    free(ASK(&s, "run", "-d", "--name", "c", "busybox", "sleep", "100000"));
    for (size_t i = 0; i < ARRAY_SIZE(SHOWN); i++)
        if (!SHOWN[i].builds || programs_are_there(BUILDERS))
            expect_shown(i);
}
#endif
