/* A tar by any program, unpacked with a recipe, is made again to the byte. The tars are made
 * by tar itself, which every Debian has, and are read by a descriptor, so with a thread. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/archive.h"
#include "tempdir.h"

static const struct archive_limits LIMITS = {256u << 20, 10000};

/* Files of several blocks, holes, links, a name longer than a ustar header holds. */
static const char TREE[] =
    "mkdir -p src/a && cd src && "
    "for i in $(seq 1 200000); do echo line $i; done > big && "
    "printf x > a/small && : > empty && ln a/small hard && ln -s a/small sym && "
    "truncate -s 3M holes && printf y | dd of=holes bs=1 seek=2000000 conv=notrunc "
    "2>/dev/null && truncate -s 1M hole && mkfifo fifo && "
    "n=$(printf 'n%.0s' $(seq 1 150)) && mkdir -p $n/$n && echo l > $n/$n/$n";

static void run(struct tempdir *d, const char *command)
{
    auto_free char *line = NULL;
    cr_assert(asprintf(&line, "cd %s && { %s; }", d->path, command) > 0);
    cr_assert_eq(system(line), 0, "%s", command);
}

static int open_in(struct tempdir *d, const char *name, int flags)
{
    int fd = openat(d->fd, name, flags | O_CLOEXEC, 0600);
    cr_assert(fd >= 0, "%s", name);
    return fd;
}

static int unpack(struct tempdir *d, struct archive_unpacked *ret, struct mtd_error *err)
{
    run(d, "rm -rf layer recipe && mkdir layer");
    auto_fd int layer = fs_open_dir_at(d->fd, "layer");
    auto_fd int tar = open_in(d, "tar", O_RDONLY);
    auto_fd int recipe = open_in(d, "recipe", O_RDWR | O_CREAT);
    struct archive_tar from = {.fd = tar, .recipe_to = recipe, .with_raw = true};
    return archive_unpack(layer, &from, &LIMITS, ret, err);
}

static int remake(struct tempdir *d, struct archive_unpacked *ret, struct mtd_error *err)
{
    auto_fd int layer = fs_open_dir_at(d->fd, "layer");
    auto_fd int recipe = open_in(d, "recipe", O_RDONLY);
    auto_fd int out = open_in(d, "again", O_WRONLY | O_CREAT | O_TRUNC);
    return archive_remake(layer, recipe, out, NULL, ret, err);
}

static const char *const TARS[] = {
    "tar -C src --format=v7 -cf tar --exclude 'n*' --exclude fifo .",
    "tar -C src -S --format=oldgnu -cf tar .",
    "tar -C src -S --format=gnu -cf tar .",
    "tar -C src --format=ustar -cf tar --exclude 'n*' .",
    "tar -C src -S --format=posix --sparse-version=0.0 -cf tar .",
    "tar -C src -S --format=posix --sparse-version=0.1 -cf tar .",
    "tar -C src -S --format=posix --sparse-version=1.0 -cf tar .",
    "tar -C src -b 1 -cf tar . && echo more behind the end >> tar",
};

Test(archive_remake, the_same_bytes_whatever_wrote_the_tar)
{
    struct tempdir d;
    tempdir_make(&d);
    run(&d, TREE);
    for (size_t i = 0; i < ARRAY_SIZE(TARS); i++) {
        struct archive_unpacked first = {{0}}, again = {{0}};
        struct mtd_error err = {0};
        run(&d, TARS[i]);
        cr_assert_eq(unpack(&d, &first, &err), 0, "%s: %s", TARS[i], err.text);
        cr_assert_eq(remake(&d, &again, &err), 0, "%s: %s", TARS[i], err.text);
        cr_expect_str_eq(again.diff_id, first.diff_id, "%s", TARS[i]);
        cr_expect_str_eq(first.raw_digest, first.diff_id, "%s", TARS[i]);
        cr_expect_eq(first.raw_size, first.plain_size);
        run(&d, "cmp tar again");
        run(&d, "test $(stat -c %s recipe) -lt 8000");
    }
    tempdir_done(&d);
}

Test(archive_remake, of_a_compressed_tar_the_plain_bytes)
{
    struct tempdir d;
    struct archive_unpacked first = {{0}}, again = {{0}};
    struct mtd_error err = {0};
    tempdir_make(&d);
    run(&d, TREE);
    run(&d, "tar -C src -cf plain . && gzip -c plain > tar && echo tail >> tar");
    cr_assert_eq(unpack(&d, &first, &err), 0, "%s", err.text);
    cr_assert_eq(remake(&d, &again, &err), 0, "%s", err.text);
    run(&d, "cmp plain again");
    cr_expect_str_eq(again.diff_id, first.diff_id);
    char line[128];
    snprintf(line, sizeof(line), "sha256sum tar | grep -q ^%s", first.raw_digest);
    run(&d, line);
    tempdir_done(&d);
}

/* The contents of the first are nowhere but in the tar. */
Test(archive_remake, a_tar_that_replaces_its_own_files_has_no_recipe)
{
    struct tempdir d;
    struct archive_unpacked first = {{0}};
    struct mtd_error err = {0};
    tempdir_make(&d);
    run(&d, "mkdir src && echo 1 > src/f && tar -C src -cf tar f && "
            "echo 2 > src/f && tar -C src -rf tar f");
    cr_assert_eq(unpack(&d, &first, &err), 0, "%s", err.text);
    run(&d, "test ! -s recipe && grep -q 2 layer/f");
    tempdir_done(&d);
}

Test(archive_remake, a_changed_layer_gives_another_tar)
{
    struct tempdir d;
    struct archive_unpacked first = {{0}}, again = {{0}};
    struct mtd_error err = {0};
    tempdir_make(&d);
    run(&d, TREE);
    run(&d, "tar -C src -cf tar .");
    cr_assert_eq(unpack(&d, &first, &err), 0, "%s", err.text);
    run(&d, "printf z > layer/a/small");
    cr_assert_eq(remake(&d, &again, &err), 0, "%s", err.text);
    cr_expect_str_neq(again.diff_id, first.diff_id);
    run(&d, "rm layer/big && ln -s /etc/passwd layer/big");
    cr_expect(remake(&d, &again, &err) < 0);
    cr_expect(strstr(err.text, "\"big\" of the layer"), "%s", err.text);
    tempdir_done(&d);
}

Test(archive_remake, a_damaged_recipe_is_refused)
{
    struct tempdir d;
    struct archive_unpacked first = {{0}}, again = {{0}};
    struct mtd_error err = {0};
    tempdir_make(&d);
    run(&d, TREE);
    run(&d, "tar -C src -cf tar .");
    cr_assert_eq(unpack(&d, &first, &err), 0, "%s", err.text);
    run(&d, "head -c 200 recipe > r && cat r > recipe");
    cr_expect_eq(remake(&d, &again, &err), -EBADMSG, "%s", err.text);
    tempdir_done(&d);
}

/* A writer that holds its end open must not keep a failed command waiting. */
Test(archive_remake, what_is_no_tar_is_refused_while_the_pipe_is_open, .timeout = 20)
{
    struct tempdir d;
    struct archive_unpacked got;
    struct mtd_error err = {0};
    int p[2];
    static char block[300 << 10];
    tempdir_make(&d);
    run(&d, "mkdir layer");
    auto_fd int layer = fs_open_dir_at(d.fd, "layer");
    cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
    cr_assert(fcntl(p[1], F_SETPIPE_SZ, 1 << 20) >= (int)sizeof(block));
    memset(block, 'x', sizeof(block));
    cr_assert_eq(fs_write_all(p[1], block, sizeof(block)), 0);
    struct archive_tar from = {.fd = p[0]};
    cr_expect_eq(archive_unpack(layer, &from, &LIMITS, &got, &err), -EBADMSG, "%s",
                 err.text);
    close(p[0]);
    close(p[1]);
    tempdir_done(&d);
}
