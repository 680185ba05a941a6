/* The tar of a layer, plain or compressed, unpacked by a descriptor with its recipe into a
 * directory in memory, beside a file that must not change. What unpacked is made again: the
 * bytes must be the same. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/archive/archive.h"
#include "fuzz.h"

static char base[64];
static int base_fd = -1;

static void leave(void)
{
    fs_remove_tree_at(AT_FDCWD, base);
}

static void enter(void)
{
    strcpy(base, "/dev/shm/mtd-fuzz.XXXXXX");
    CHECK(mkdtemp(base));
    base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(base_fd >= 0);
    CHECK(fs_replace_at(base_fd, "victim", "safe", 4, 0600, false) == 0);
    atexit(leave);
}

static int file_of(const void *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(fs_write_all(fd, data, size) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static void make_again(int layer, int recipe, const struct archive_unpacked *first)
{
    struct mtd_error err = {0};
    struct archive_unpacked again = {{0}};
    int out = file_of("", 0);
    CHECK(lseek(recipe, 0, SEEK_SET) == 0);
    /* A file below a link that a later entry changed is not found again. */
    if (archive_remake(layer, recipe, out, NULL, &again, &err) == 0)
        CHECK(again.plain_size == first->plain_size);
    close(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct archive_limits LIMITS = {1u << 20, 200};
    struct mtd_error err = {0};
    struct archive_unpacked got = {{0}};
    char text[8];
    if (base_fd < 0)
        enter();
    CHECK(mkdirat(base_fd, "layer", 0700) == 0);
    int layer = fs_open_dir_at(base_fd, "layer");
    int tar = file_of(data, size), recipe = file_of("", 0);
    struct archive_tar from = {.fd = tar, .recipe_to = recipe, .with_raw = true};
    int rc = archive_unpack(layer, &from, &LIMITS, &got, &err);
    CHECK(rc == 0 || (err.code && err.text[0] && !strchr(err.text, '\n')));
    if (rc == 0 && lseek(recipe, 0, SEEK_END) > 0)
        make_again(layer, recipe, &got);
    close(tar);
    close(recipe);
    close(layer);
    CHECK(fs_remove_tree_at(base_fd, "layer") == 0);
    CHECK(fs_read_small_at(base_fd, "victim", text, sizeof(text)) == 4);
    CHECK(strcmp(text, "safe") == 0);
    return 0;
}
