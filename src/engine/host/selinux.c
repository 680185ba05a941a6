/* Asking costs one access where there is no SELinux. The library would be one more to link,
 * for a few files of the kernel's and two of the policy's. */

#include "engine/host/selinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define ENFORCE "sys/fs/selinux/enforce"
#define CONTEXT "/sys/fs/selinux/context"
#define CURRENT "proc/self/attr/current"
#define CONFIG "etc/selinux/config"
#define TYPE_KEY "SELINUXTYPE="
#define TYPE_DEFAULT "targeted"
#define FILE_MAX 65536

enum part { USER, ROLE, TYPE, LEVEL, PARTS };
enum { PROCESS = 1, FILES = 2 };

/* Whose part of which label a word sets. */
static const struct {
    const char *word;
    enum part part;
    unsigned of;
} WORDS[] = {
    {"user:", USER, PROCESS | FILES}, {"role:", ROLE, PROCESS},
    {"type:", TYPE, PROCESS},         {"level:", LEVEL, PROCESS | FILES},
    {"filetype:", TYPE, FILES},
};

static int open_top(int root_fd)
{
    int fd = root_fd < 0 ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
                         : fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -errno : fd;
}

/* Until a policy is loaded, every process is "kernel". */
bool selinux_is_enabled(int root_fd)
{
    char label[SELINUX_LABEL_SIZE] = "";
    if (root_fd < 0 && access("/" ENFORCE, F_OK) < 0)
        return false;
    auto_fd int top = open_top(root_fd);
    return top >= 0 && faccessat(top, ENFORCE, F_OK, 0) == 0 &&
           fs_read_small_at(top, CURRENT, label, sizeof(label)) > 0 &&
           strcmp(label, "kernel") != 0;
}

/* ---- words ---- */

static bool has_good_letters(const char *value)
{
    for (; *value; value++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-:,",
                    *value))
            return false;
    return true;
}

int selinux_word_check(const char *word, struct mtd_error *err)
{
    if (strcmp(word, "disable") == 0 || strcmp(word, "nested") == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++) {
        size_t len = strlen(WORDS[i].word);
        if (strncmp(word, WORDS[i].word, len) != 0)
            continue;
        const char *value = word + len;
        bool good = *value && strlen(value) < SELINUX_LABEL_SIZE / 2 &&
                    has_good_letters(value) &&
                    (WORDS[i].part == LEVEL || !strpbrk(value, ":,"));
        return good ? 0
                    : mtd_fail(err, EINVAL, "label: \"%.60s\" is no %.*s of SELinux",
                               value, (int)len - 1, word);
    }
    return mtd_fail(err, EINVAL,
                    "label: \"%.60s\" is not known; disable, nested, or user:, role:, "
                    "type:, level: and filetype: with a value are",
                    word);
}

bool selinux_has_word(const struct strv *words, const char *word)
{
    return strv_contains(words, word);
}

/* ---- labels ---- */

struct label {
    char text[SELINUX_LABEL_SIZE];
    const char *parts[PARTS]; /* NULL = a policy without levels */
};

static int split(const char *text, struct label *ret)
{
    char *rest = ret->text;
    if (snprintf(ret->text, sizeof(ret->text), "%s", text) >= (int)sizeof(ret->text))
        return -ENAMETOOLONG;
    for (int i = 0; i < LEVEL; i++)
        ret->parts[i] = strsep(&rest, ":");
    ret->parts[LEVEL] = rest;
    return ret->parts[TYPE] ? 0 : -EINVAL;
}

static int join(const struct label *l, char ret[SELINUX_LABEL_SIZE])
{
    int n = snprintf(ret, SELINUX_LABEL_SIZE, "%s:%s:%s%s%s", l->parts[USER],
                     l->parts[ROLE], l->parts[TYPE], l->parts[LEVEL] ? ":" : "",
                     l->parts[LEVEL] ? l->parts[LEVEL] : "");
    return n >= SELINUX_LABEL_SIZE ? -ENAMETOOLONG : 0;
}

int selinux_words_of(const char *label, struct strv *words)
{
    struct label l;
    int rc = *label ? split(label, &l) : strv_add(words, "disable");
    for (size_t i = 0; rc == 0 && *label && i < ARRAY_SIZE(WORDS); i++) {
        char word[SELINUX_LABEL_SIZE + 16];
        const char *value = l.parts[WORDS[i].part];
        if (!(WORDS[i].of & PROCESS) || !value)
            continue;
        snprintf(word, sizeof(word), "%s%s", WORDS[i].word, value);
        rc = strv_add(words, word);
    }
    return rc;
}

void selinux_level(const char *label, char ret[SELINUX_LABEL_SIZE])
{
    struct label l;
    bool has = label && split(label, &l) == 0 && l.parts[LEVEL];
    snprintf(ret, SELINUX_LABEL_SIZE, "%s", has ? l.parts[LEVEL] : "");
}

/* The lower of the two is the row of a triangle, which has one pair less than the row before. */
void selinux_pair(unsigned number, char ret[SELINUX_LEVEL_SIZE])
{
    unsigned low = 0, row = SELINUX_CATEGORIES - 1;
    for (number %= SELINUX_PAIRS; number >= row; low++)
        number -= row--;
    snprintf(ret, SELINUX_LEVEL_SIZE, "s0:c%u,c%u", low, low + 1 + number);
}

static void apply(const struct strv *words, unsigned of, struct label *l)
{
    for (size_t i = 0; i < words->len; i++)
        for (size_t k = 0; k < ARRAY_SIZE(WORDS); k++) {
            size_t len = strlen(WORDS[k].word);
            if ((WORDS[k].of & of) && strncmp(words->items[i], WORDS[k].word, len) == 0)
                l->parts[WORDS[k].part] = words->items[i] + len;
        }
}

/* ---- the policy's file ---- */

/* "targeted", "default" ...: a name, never a path. */
static void read_type(int top, char *ret, size_t size)
{
    auto_done(buf_done) struct buf text = {0};
    snprintf(ret, size, TYPE_DEFAULT);
    if (fs_read_at(top, CONFIG, FILE_MAX, &text) < 0 || !text.data)
        return;
    char *rest = text.data;
    for (char *line; (line = strsep(&rest, "\n"));) {
        const char *value = line + strlen(TYPE_KEY);
        if (strncmp(line, TYPE_KEY, strlen(TYPE_KEY)) == 0 && *value &&
            !strpbrk(value, "/ \t") && *value != '.')
            snprintf(ret, size, "%s", value);
    }
}

/* key = "value" */
static bool read_line(const char *line, const char *key, char *ret)
{
    size_t len = strlen(key);
    line += strspn(line, " \t");
    if (strncmp(line, key, len) != 0)
        return false;
    line += len + strspn(line + len, " \t");
    if (*line++ != '=')
        return false;
    line += strspn(line, " \t\"");
    size_t n = strcspn(line, " \t\"\r\n");
    if (n == 0 || n >= SELINUX_LABEL_SIZE)
        return false;
    memcpy(ret, line, n);
    ret[n] = '\0';
    return true;
}

/* The last line of that key counts. */
static bool read_key(const char *text, const char *key, char *ret)
{
    bool found = false;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        found = read_line(line, key, ret) || found;
    }
    return found;
}

static int read_file(int root_fd, char path[128], struct buf *ret)
{
    char type[64];
    auto_fd int top = open_top(root_fd);
    if (top < 0)
        return top;
    read_type(top, type, sizeof(type));
    snprintf(path, 128, "etc/selinux/%s/contexts/lxc_contexts", type);
    int rc = fs_read_at(top, path, FILE_MAX, ret);
    return rc < 0 ? rc : ret->data ? 0 : -ENOENT;
}

static int read_contexts(int root_fd, char *process, char *files, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    char path[128] = "etc/selinux";
    if (read_file(root_fd, path, &text) == 0 && read_key(text.data, "process", process) &&
        read_key(text.data, "file", files))
        return 0;
    return mtd_fail(err, ENOENT,
                    "the SELinux policy has no labels for containers (/%s); install one "
                    "that has, or use the security option label=disable",
                    path);
}

void selinux_of_layers(int root_fd, char ret[SELINUX_LABEL_SIZE])
{
    auto_done(buf_done) struct buf text = {0};
    char path[128];
    if (read_file(root_fd, path, &text) < 0 || !read_key(text.data, "ro_file", ret))
        ret[0] = '\0';
}

static int fail_long(struct mtd_error *err)
{
    return mtd_fail(err, EINVAL, "label: the SELinux label has more than %d bytes",
                    SELINUX_LABEL_SIZE - 1);
}

int selinux_choose(int root_fd, const struct strv *words, const char *level,
                   char process[SELINUX_LABEL_SIZE], char files[SELINUX_LABEL_SIZE],
                   struct mtd_error *err)
{
    char text[2][SELINUX_LABEL_SIZE];
    struct label p, f;
    bool none = selinux_has_word(words, "disable");
    int rc = read_contexts(root_fd, text[0], text[1], err);
    if (rc < 0)
        return rc;
    if (split(text[0], &p) < 0 || split(text[1], &f) < 0)
        return mtd_fail(err, EINVAL,
                        "the SELinux policy's labels for containers are no "
                        "labels");
    if (p.parts[LEVEL] && f.parts[LEVEL]) {
        p.parts[LEVEL] = level;
        f.parts[LEVEL] = none ? "s0:c1022,c1023" : level;
    }
    apply(words, PROCESS, &p);
    apply(words, FILES, &f);
    if (join(&p, process) < 0 || join(&f, files) < 0)
        return fail_long(err);
    if (none)
        process[0] = '\0';
    return 0;
}

int selinux_check(const char *label, struct mtd_error *err)
{
    auto_fd int fd = open(CONTEXT, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return mtd_fail_errno(err, errno, "cannot ask the SELinux policy");
    if (write(fd, label, strlen(label) + 1) >= 0)
        return 0;
    return mtd_fail(err, errno,
                    "the SELinux policy does not know the label %.200s; load one that "
                    "does, or choose with the security option label=type:, or "
                    "label=disable",
                    label);
}
