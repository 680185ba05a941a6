/* The ways of mounting a container's root, each in a mount namespace of the test's own. Where the
 * kernel has no SELinux it refuses a label, and so shows that it was given one. */

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/rootfs/internal.h"
#include "tempdir.h"

#define LABEL "system_u:object_r:container_file_t:s0:c1,c2"
#define LAYERS 17 /* more than one call of mount(2) takes */

static struct tempdir dir;
static struct mtd_record record;

static void start(void)
{
    static const char *const DIRECTORIES[] = {"images",    "images/layers", "own",
                                              "own/upper", "own/work",      "own/rootfs"};
    if (geteuid() != 0)
        cr_skip_test("needs root: mounts");
    if (access("/sys/fs/selinux/enforce", F_OK) == 0)
        cr_skip_test("the kernel has SELinux, and takes a label");
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    tempdir_make(&dir);
    for (size_t i = 0; i < ARRAY_SIZE(DIRECTORIES); i++)
        cr_assert_eq(mkdirat(dir.fd, DIRECTORIES[i], 0755), 0);
    mtd_record_init(&record);
}

static void end(void)
{
    if (dir.path[0])
        tempdir_done(&dir);
    mtd_record_done(&record);
}

TestSuite(overlay, .init = start, .fini = end);

static void add_layers(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[32], path[64];
        snprintf(name, sizeof(name), "layer%zu", i);
        snprintf(path, sizeof(path), "images/layers/%s", name);
        cr_assert_eq(mkdirat(dir.fd, path, 0755), 0);
        cr_assert_eq(strv_add(&record.spec.layers, name), 0);
    }
}

/* 0 or the error's number. */
static int mount_with(const char *label)
{
    char own[512], images[512];
    struct mtd_error err = {0};
    snprintf(own, sizeof(own), "%s/own", dir.path);
    snprintf(images, sizeof(images), "%s/images", dir.path);
    struct rootfs r = {.record = &record,
                       .dir = own,
                       .images_dir = images,
                       .shm_fd = -1,
                       .label = label};
    int fd = rootfs_overlay(&r, &err);
    if (fd < 0)
        return err.code;
    close(fd);
    snprintf(own, sizeof(own), "%s/own/rootfs", dir.path);
    cr_assert_eq(umount2(own, MNT_DETACH), 0);
    return 0;
}

static void expect_labelled(size_t layers)
{
    add_layers(layers);
    cr_assert_eq(mount_with(NULL), 0);
    cr_expect_eq(mount_with(LABEL), EINVAL, "%zu layers are mounted without their label",
                 layers);
}

Test(overlay, few_layers_have_the_containers_label)
{
    expect_labelled(1);
}

Test(overlay, many_layers_have_the_containers_label)
{
    expect_labelled(LAYERS);
}
