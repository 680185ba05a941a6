/* hostile - what a container does to those who look at it and that no shell can: one static
 * program, as support/probe.c. Each says "ready" when it is done and then stays. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    return 1;
}

static int stay(void)
{
    puts("ready");
    fflush(stdout);
    while (pause())
        ;
    return 1;
}

/* As many groups as the kernel gives, with numbers as long as can be. */
static int do_groups(char **argv)
{
    static gid_t groups[65536];
    for (size_t i = 0; i < 65536; i++)
        groups[i] = (gid_t)(4294000000u + i);
    return setgroups(65536, groups) < 0 ? fail("setgroups") : stay();
}

static int do_name(char **argv)
{
    return prctl(PR_SET_NAME, argv[0]) < 0 ? fail("prctl") : stay();
}

/* Whoever opens one of the files has to wait, as long as the kernel lets it. */
static int do_lease(char **argv)
{
    signal(SIGIO, SIG_IGN);
    for (; *argv; argv++) {
        int fd = open(*argv, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
            return fail(*argv);
    }
    return stay();
}

/* deep N: N directories in each other, a file of 1000 bytes in the last. */
static int do_deep(char **argv)
{
    for (int i = 0; i < atoi(argv[0]); i++)
        if (mkdir("deep", 0755) < 0 || chdir("deep") < 0)
            return fail("mkdir");
    int fd = open("bottom", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    return fd < 0 || ftruncate(fd, 1000) < 0 ? fail("bottom") : stay();
}

/* swap A B: until it is killed, as quickly as it can. */
static int do_swap(char **argv)
{
    puts("ready");
    fflush(stdout);
    while (renameat2(AT_FDCWD, argv[0], AT_FDCWD, argv[1], RENAME_EXCHANGE) == 0)
        ;
    return fail("renameat2");
}

static const struct {
    const char *name;
    int (*run)(char **argv);
    int least;
} VERBS[] = {{"groups", do_groups, 0},
             {"name", do_name, 1},
             {"lease", do_lease, 1},
             {"deep", do_deep, 1},
             {"swap", do_swap, 2}};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(VERBS) / sizeof(*VERBS) && argc > 1; i++)
        if (strcmp(argv[1], VERBS[i].name) == 0 && argc - 2 >= VERBS[i].least)
            return VERBS[i].run(argv + 2);
    return 2;
}
