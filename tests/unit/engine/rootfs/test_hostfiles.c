/* hostfiles: what a container's /etc/hosts, hostname and resolv.conf say. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/rootfs/hostfiles.h"
#include "tempdir.h"

static struct tempdir dir;
static struct mtd_record record;
#define spec record.spec

static void set_up(void)
{
    tempdir_make(&dir);
    mtd_record_init(&record);
}

static void tear_down(void)
{
    mtd_record_done(&record);
    tempdir_done(&dir);
}

TestSuite(hostfiles, .init = set_up, .fini = tear_down);

static const char *written(const char *name)
{
    static char text[65536];
    struct mtd_error err = {0};
    cr_assert_eq(hostfiles_write(dir.fd, &record, &err), 0, "%s", err.text);
    cr_assert_geq(fs_read_small_at(dir.fd, name, text, sizeof(text)), 0);
    return text;
}

Test(hostfiles, hosts_have_localhost_and_what_was_added)
{
    strv_add(&spec.add_hosts, "db:10.0.0.7");
    const char *text = written("hosts");
    cr_expect(strstr(text, "127.0.0.1\tlocalhost\n"));
    cr_expect(strstr(text, "10.0.0.7\tdb"));
}

Test(hostfiles, hostname_is_the_specs)
{
    spec.hostname = strdup("box");
    cr_expect_str_eq(written("hostname"), "box");
}

Test(hostfiles, name_servers_that_were_asked_for_replace_the_hosts)
{
    strv_add(&spec.dns, "10.0.0.1");
    strv_add(&spec.dns, "10.0.0.2");
    cr_expect_str_eq(written("resolv.conf"), "nameserver 10.0.0.1\nnameserver 10.0.0.2");
}

/* Which may be a link, where systemd resolves names. */
Test(hostfiles, else_resolv_conf_is_the_hosts)
{
    char want[65536] = "";
    auto_fd int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, want, sizeof(want) - 1);
    while (n > 0 && want[n - 1] == '\n')
        want[--n] = '\0';
    const char *text = written("resolv.conf");
    cr_expect_eq(strncmp(text, want, strlen(want)), 0, "\"%s\" is not \"%s\"", text,
                 want);
    cr_expect_leq(strlen(text), strlen(want) + 2);
}

Test(hostfiles, a_host_entry_is_a_name_and_an_address)
{
    static const char *const WRONG[] = {"db", ":10.0.0.7", "db:", "db:10.0.0",
                                        "d b:10.0.0.7"};
    cr_expect_eq(hostfiles_check_host("db:10.0.0.7", NULL), 0);
    cr_expect_eq(hostfiles_check_host("db:::1", NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(WRONG); i++)
        cr_expect_eq(hostfiles_check_host(WRONG[i], NULL), -EINVAL, "%s", WRONG[i]);
}
