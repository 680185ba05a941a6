/* One file that cannot be written while all others can: each write of load, commit, import and save
 * is one whose failure is noticed. The limit is that of a file's size, between the size of
 * the file in question and that of all others. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/registry.h"
#include "../support/state.h"
#include "base/cleanup.h"

static struct state s;

static void start(void)
{
    if (!is_root())
        cr_skip("needs root: images are root's");
    state_make(&s);
}

static void end(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(image_fsize, .init = start, .fini = end, .timeout = 180);

/* In the test's directory; $M is the program. */
static void shell(const char *script)
{
    auto_free char *line = NULL;
    cr_assert_gt(asprintf(&line,
                          "cd %s && M=\"%s --root %s/root --run-root %s/run\" && exec "
                          "2>said && { %s\n}",
                          s.dir.path, MTD_PROGRAM, s.dir.path, s.dir.path, script),
                 0);
    cr_assert_eq(system(line), 0, "%s; %s/said", script, s.dir.path);
}

static uint64_t size_of(const char *name)
{
    struct stat st;
    cr_assert_eq(fstatat(s.dir.fd, name, &st, 0), 0, "%s", name);
    return (uint64_t)st.st_size;
}

/* What the command says; the program raises the limit itself where it may. libarchive does not free
 * the buffer of an archive whose writing failed, and the process ends. */
static int run_limited(uint64_t bytes, const char *command, char said[512])
{
    auto_free char *line = NULL;
    cr_assert_gt(
        asprintf(
            &line,
            "cd %s && LSAN_OPTIONS=detect_leaks=0 prlimit --fsize=%llu:%llu setpriv --bounding-set "
            "-sys_resource %s --root root --run-root run %s >/dev/null 2>said",
            s.dir.path, (unsigned long long)bytes, (unsigned long long)bytes, MTD_PROGRAM,
            command),
        0);
    int status = system(line);
    auto_fd int fd = openat(s.dir.fd, "said", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, said, 511);
    said[n > 0 ? n : 0] = '\0';
    return status;
}

/* In one line, and nothing is left; without the limit it is done. */
static void expect_noticed(uint64_t bytes, const char *command)
{
    char said[512];
    auto_free char *before = ASK(&s, "images", "-aq");
    cr_expect_neq(run_limited(bytes, command, said), 0, "%s", command);
    const char *end_of_line = strchr(said, '\n');
    cr_expect(end_of_line && !end_of_line[1], "not one line: %s", said);
    cr_expect(strcasestr(said, "file too large"), "%s", said);
    auto_free char *after = ASK(&s, "images", "-aq");
    cr_expect_str_eq(after, before);
    cr_expect_leq(tempdir_count(s.dir.fd, "root/images/tmp"), 0);
    cr_expect_eq(run_limited(1ull << 40, command, said), 0, "without a limit: %s", said);
}

/* a/layer.tar as the only layer, which unpacked is the tar l, in x.tar. */
#define ARCHIVE                                                                                       \
    "printf '{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"                      \
    "\"layers\",\"diff_ids\":[\"sha256:%s\"]}}' $(sha256sum <l | cut -c1-64) >config.json && "        \
    "printf '[{\"Config\":\"config.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"%s\"]}]' a/layer.tar " \
    ">manifest.json && tar -cf x.tar config.json a/layer.tar manifest.json"
#define SMALL_FILES \
    "mkdir t && (cd t && seq 40000 | split -l 20 -a 3) && tar -cf l -C t . "

Test(image_fsize, load_keeps_a_copy_of_the_layer)
{
    shell(SMALL_FILES "&& mkdir a && ln l a/layer.tar && " ARCHIVE);
    cr_assert_gt(size_of("l"), 1u << 20);
    expect_noticed(1u << 20, "load -qi x.tar");
}

Test(image_fsize, load_writes_a_file)
{
    shell("mkdir t && truncate -s 4M t/a && echo x >>t/a && tar -cf l -C t a && "
          "mkdir a && gzip <l >a/layer.tar && " ARCHIVE);
    expect_noticed(1u << 20, "load -qi x.tar");
}

/* What is kept of a tar's headers, for making it again, is larger than the layer as it came: each
 * name stands twice, too far apart for the one and not for the other. */
Test(image_fsize, load_keeps_the_headers)
{
    static const char *const NEEDED[] = {"zstd", NULL};
    if (!programs_are_there(NEEDED))
        cr_skip("needs zstd");
    shell("mkdir x a && (cd x && head -c 270000 /dev/urandom | od -An -tx1 -v -w45 | "
          "tr -d ' ' | xargs touch) && cp -a x y && tar --sort=name -cf l x y && "
          "zstd -q --long=24 <l >a/layer.tar && " ARCHIVE);
    expect_noticed(size_of("a/layer.tar"), "load -qi x.tar");
}

Test(image_fsize, import_keeps_a_copy_of_the_layer)
{
    shell(SMALL_FILES);
    expect_noticed(1u << 20, "import l x:1");
}

Test(image_fsize, commit_keeps_a_copy_of_the_layer)
{
    shell(
        "mkdir t && (cd t && seq 40000 | split -l 20 -a 3) && $M create --name c busybox "
        "true >id && $M cp t/. c:/t");
    expect_noticed(1u << 20, "commit c x:1");
}

Test(image_fsize, commit_writes_a_file)
{
    shell(
        "truncate -s 40M a && echo x >>a && $M create --name c busybox true >id && $M cp a "
        "c:/a");
    expect_noticed(8u << 20, "commit c x:1");
}

Test(image_fsize, the_end_of_an_archive)
{
    shell(SMALL_FILES "&& $M import l x:1 >id && $M save -o whole x:1");
    expect_noticed(size_of("whole") - 1, "save -o saved x:1");
}

Test(image_fsize, a_blob_of_a_layout)
{
    shell(SMALL_FILES "&& $M import l x:1 >id && mkdir d");
    expect_noticed(1u << 20, "save --format oci-dir -o d x:1");
}

Test(image_fsize, a_document_of_a_layout)
{
    shell("mkdir t && echo x >t/a && tar -cf l -C t a && mkdir d && "
          "$M import -c \"LABEL a=$(head -c 30000 /dev/zero | tr '\\0' a)\" l x:1 >id");
    expect_noticed(20000, "save --format oci-dir -o d x:1");
}
