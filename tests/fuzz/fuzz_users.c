/* USER and --group-add, resolved with passwd and group of an image. The input is both words
 * and both files, each ended by a NUL byte. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/confine/user.h"
#include "fuzz.h"

/* A root with the two files, in TMPDIR, which scripts/fuzz removes. */
static int root_fd = -1;

static void make_root(void)
{
    char path[4096];
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof(path), "%s/root.XXXXXX", dir ? dir : "/tmp");
    CHECK(mkdtemp(path) != NULL);
    root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(root_fd >= 0 && mkdirat(root_fd, "etc", 0700) == 0);
}

static void put(const char *path, const char *text, size_t size)
{
    int fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && fs_write_all(fd, text, size) == 0);
    close(fd);
}

static bool is_digits(const char *s)
{
    return *s && s[strspn(s, "0123456789")] == '\0';
}

static bool has_group(const struct user *u, gid_t gid)
{
    for (size_t i = 0; i < u->n_groups; i++)
        if (u->groups[i] == gid)
            return true;
    return false;
}

/* What holds for every user that is accepted, whatever the files say. */
static void check_user(const struct user *u, const char *spec)
{
    CHECK(u->n_groups > 0 && u->n_groups <= USER_MAX_GROUPS);
    CHECK(has_group(u, u->gid));
    CHECK(u->uid != (uid_t)-1 && u->gid != (gid_t)-1);
    CHECK(u->home[0] == '/' && memchr(u->home, '\0', sizeof(u->home)));
    char user[512];
    size_t n = strcspn(spec, ":");
    CHECK(n < sizeof(user));
    memcpy(user, spec, n);
    user[n] = '\0';
    if (is_digits(user))
        CHECK(strtoull(user, NULL, 10) == u->uid);
    if (spec[n] && is_digits(spec + n + 1))
        CHECK(strtoull(spec + n + 1, NULL, 10) == u->gid && u->n_groups == 1);
    if (n == 0)
        CHECK(u->uid == 0);
}

static void resolve(const char *spec, const char *more)
{
    struct mtd_error err = {0};
    struct user u = {.uid = 77}, before;
    char *words[] = {(char *)more, NULL};
    struct strv groups = {.items = words, .len = 1};
    if (user_resolve(root_fd, spec, &u, &err) < 0) {
        CHECK(err.code && err.text[0] && memchr(err.text, '\0', sizeof(err.text)));
        CHECK(u.uid == 77 && u.n_groups == 0);
        return;
    }
    check_user(&u, spec);
    before = u;
    int rc = user_add_groups(root_fd, &groups, &u, &err);
    CHECK(u.n_groups - before.n_groups <= (rc == 0 ? 1u : 0u));
    CHECK(u.uid == before.uid && u.gid == before.gid);
    CHECK(memcmp(u.groups, before.groups, sizeof(gid_t) * before.n_groups) == 0);
    if (rc == 0 && is_digits(more))
        CHECK(has_group(&u, (gid_t)strtoull(more, NULL, 10)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[1 << 16];
    char *part[4];
    if (size >= sizeof(text))
        return 0;
    if (root_fd < 0)
        make_root();
    memcpy(text, data, size);
    text[size] = '\0';
    part[0] = text;
    for (int i = 1; i < 4; i++) {
        size_t used = (size_t)(part[i - 1] - text) + strlen(part[i - 1]);
        part[i] = text + (used < size ? used + 1 : used);
    }
    put("etc/passwd", part[2], strlen(part[2]));
    put("etc/group", part[3], size - (size_t)(part[3] - text));
    resolve(part[0], part[1]);
    return 0;
}
