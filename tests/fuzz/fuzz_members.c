/* An archive of images as load goes through it: its members, their names and the targets of
 * links, and the documents that are in it. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/archive/members.h"
#include "engine/oci/docker.h"
#include "fuzz.h"

static void check_name(const char *name)
{
    CHECK(name[0] != '/' && strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0);
    CHECK(!strstr(name, "/../") && !strstr(name, "//"));
}

static void decode(const void *text, size_t len)
{
    struct mtd_error err = {0};
    struct oci_docker images = {0};
    struct oci_index index = {0};
    if (oci_docker_decode(text, len, &images, &err) < 0)
        CHECK(err.code && !images.items);
    oci_docker_done(&images);
    mtd_error_clear(&err);
    if (oci_index_decode(text, len, &index, &err) < 0)
        CHECK(err.code && !index.items);
    oci_index_done(&index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mtd_error err = {0};
    struct archive_members *m = NULL;
    struct archive_member member;
    const void *block;
    ssize_t n;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(fd >= 0 && fs_write_all(fd, data, size) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    int rc = archive_members_open(fd, 1u << 20, &m, &err);
    for (int i = 0; rc >= 0 && i < 200; i++) {
        rc = archive_members_next(m, &member, &err);
        if (rc <= 0)
            break;
        check_name(member.path);
        if (member.target)
            check_name(member.target);
        while ((n = archive_members_read(m, &block)) > 0 && n < 65536)
            decode(block, (size_t)n);
    }
    CHECK(rc >= 0 || (err.code && err.text[0]));
    archive_members_free(m);
    close(fd);
    return 0;
}
