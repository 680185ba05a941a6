/* Asking the kernel costs two opens where there is no AppArmor, and reading the list of
 * profiles where there is. */

#include "engine/host/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define ENABLED "sys/module/apparmor/parameters/enabled"
#define PROFILES "sys/kernel/security/apparmor/profiles"
#define PROFILES_MAX (4u << 20)
#define SAID_MAX 160

static const struct apparmor_host HERE = {-1, "/sbin/apparmor_parser"};

static int open_top(const struct apparmor_host *h)
{
    int fd = h->root_fd < 0 ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
                            : fcntl(h->root_fd, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -errno : fd;
}

/* Of the host that this runs on; most have no AppArmor, and that is one look. */
static bool kernel_has_none(const struct apparmor_host *h)
{
    return h->root_fd < 0 && faccessat(AT_FDCWD, "/" ENABLED, F_OK, 0) < 0;
}

bool apparmor_is_enabled(const struct apparmor_host *h)
{
    char text[8] = "";
    h = h ? h : &HERE;
    if (kernel_has_none(h))
        return false;
    auto_fd int top = open_top(h);
    return top >= 0 && fs_read_small_at(top, ENABLED, text, sizeof(text)) > 0 &&
           text[0] == 'Y' && faccessat(top, PROFILES, R_OK, 0) == 0 &&
           faccessat(top, h->parser + 1, X_OK, 0) == 0;
}

int apparmor_name_check(const char *name, struct mtd_error *err)
{
    size_t len = strlen(name);
    if (len == 0 || len >= APPARMOR_NAME_MAX)
        return mtd_fail(err, EINVAL,
                        "the AppArmor profile's name must have 1 to %d bytes",
                        APPARMOR_NAME_MAX - 1);
    for (size_t i = 0; i < len; i++)
        if (name[i] <= ' ' || name[i] >= 0x7f)
            return mtd_fail(err, EINVAL,
                            "the AppArmor profile \"%.80s\" has a character that no name "
                            "has",
                            name);
    return 0;
}

/* A line is "NAME (MODE)". */
static bool is_listed(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == ' ' && line[len + 1] == '(')
            return true;
    }
    return false;
}

/* 1 = the kernel has it. */
static int is_loaded(const struct apparmor_host *h, const char *name,
                     struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    auto_fd int top = open_top(h);
    int rc = top < 0 ? top : fs_read_at(top, PROFILES, PROFILES_MAX, &text);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot read the AppArmor profiles in /%s",
                                   PROFILES)
                  : is_listed(text.data ? text.data : "", name);
}

static int profile_file(void)
{
    auto_fd int fd = memfd_create("profile", MFD_CLOEXEC);
    size_t len = strlen(apparmor_default_profile);
    if (fd < 0)
        return -errno;
    int rc = fs_write_all(fd, apparmor_default_profile, len);
    return rc < 0 ? rc : lseek(fd, 0, SEEK_SET) < 0 ? -errno : take_fd(&fd);
}

/* The parser's own words, for the error: its first line. */
static void read_said(int fd, char *ret, size_t size)
{
    ssize_t n = pread(fd, ret, size - 1, 0);
    ret[n < 0 ? 0 : n] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
}

/* Its wait status, or -errno. */
static int run_parser(const char *parser, int in, int said)
{
    char replace_uncached[] = "-Kr";
    char *const argv[] = {(char *)parser, replace_uncached, NULL};
    char *const no_env[] = {NULL};
    posix_spawn_file_actions_t files;
    pid_t pid;
    int status = 0;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, 0);
    posix_spawn_file_actions_adddup2(&files, said, 1);
    posix_spawn_file_actions_adddup2(&files, said, 2);
    int rc = -posix_spawn(&pid, parser, &files, NULL, argv, no_env);
    posix_spawn_file_actions_destroy(&files);
    while (rc == 0 && waitpid(pid, &status, 0) < 0)
        rc = errno == EINTR ? 0 : -errno;
    return rc < 0 ? rc : status;
}

static int load_default(const struct apparmor_host *h, struct mtd_error *err)
{
    char text[SAID_MAX] = "";
    auto_fd int in = profile_file();
    auto_fd int said = memfd_create("said", MFD_CLOEXEC);
    int rc = in < 0 ? in : said < 0 ? -errno : run_parser(h->parser, in, said);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot load the AppArmor profile with %s",
                              h->parser);
    read_said(said, text, sizeof(text));
    return rc == 0
               ? 0
               : mtd_fail(err, EACCES,
                          "%s did not load the AppArmor profile " APPARMOR_DEFAULT ": %s",
                          h->parser, text);
}

static int require(const struct apparmor_host *h, const char *name, struct mtd_error *err)
{
    bool own = strcmp(name, APPARMOR_DEFAULT) == 0;
    int rc = is_loaded(h, name, err);
    if (rc == 0 && own)
        return load_default(h, err);
    if (rc == 0)
        return mtd_fail(err, ENOENT,
                        "AppArmor profile \"%.80s\" is not loaded; load it with "
                        "apparmor_parser",
                        name);
    return rc < 0 ? rc : 0;
}

int apparmor_prepare(const struct apparmor_host *h, const char *wanted, bool privileged,
                     char ret[APPARMOR_NAME_MAX + 8], struct mtd_error *err)
{
    h = h ? h : &HERE;
    ret[0] = '\0';
    if (wanted && strcmp(wanted, APPARMOR_UNCONFINED) == 0)
        return 0;
    bool enabled = apparmor_is_enabled(h);
    if (!enabled && wanted)
        return mtd_fail(
            err, EOPNOTSUPP,
            "AppArmor profile \"%.80s\": AppArmor is not enabled on this host", wanted);
    if (!enabled || (!wanted && privileged))
        return 0;
    const char *name = wanted ? wanted : APPARMOR_DEFAULT;
    int rc = require(h, name, err);
    if (rc == 0)
        snprintf(ret, APPARMOR_NAME_MAX + 8, "exec %s", name);
    return rc;
}
