/* The container never gets the user's terminal, where it could fake input by TIOCSTI: it
 * gets a pty of its own devpts. No path but ptmx is opened, and what that path leads to
 * is checked before it is used, since an image or a volume may have put something else
 * there. */

#include "engine/host/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

#define DEFAULT_KEYS "ctrl-p,ctrl-q"

int tty_raw(struct console *c, int fd)
{
    c->fd = -1;
    if (tcgetattr(fd, &c->saved) < 0)
        return -ENOTTY;
    struct termios raw = c->saved;
    cfmakeraw(&raw);
    if (tcsetattr(fd, TCSANOW, &raw) < 0)
        return -errno;
    c->fd = fd;
    return 0;
}

void tty_restore(struct console *c)
{
    if (c->fd >= 0)
        tcsetattr(c->fd, TCSANOW, &c->saved);
    c->fd = -1;
}

int tty_size(int fd, unsigned short *rows, unsigned short *cols)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0)
        return -errno;
    *rows = size.ws_row;
    *cols = size.ws_col;
    return 0;
}

int tty_resize(int fd, unsigned short rows, unsigned short cols)
{
    struct winsize size = {.ws_row = rows, .ws_col = cols};
    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

/* Really the multiplexer of a devpts, not something else of that name. */
static int check_ptmx(int fd)
{
    struct stat st;
    struct statfs fs;
    if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
        return -errno;
    bool ok = S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 2) &&
              fs.f_type == DEVPTS_SUPER_MAGIC;
    return ok ? 0 : -ENXIO;
}

int tty_open_pty(const char *ptmx, int *ret_slave)
{
    auto_fd int master =
        open(ptmx, O_RDWR | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0)
        return -errno;
    int rc = check_ptmx(master);
    if (rc < 0)
        return rc;
    int unlock = 0;
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
        return -errno;
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return -errno;
    *ret_slave = slave;
    return take_fd(&master);
}

int tty_login(int slave)
{
    return ioctl(slave, TIOCSCTTY, 0) < 0 ? -errno : tty_place(slave);
}

int tty_place(int slave)
{
    for (int fd = 0; fd < 3; fd++)
        if (slave == fd ? fcntl(fd, F_SETFD, 0) < 0 : dup2(slave, fd) < 0)
            return -errno;
    if (slave > 2)
        close(slave);
    return 0;
}

/* "ctrl-@" .. "ctrl-_", letters in lower case as docker writes them. */
static int control_key(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 1;
    return c == '@' || (c >= '[' && c <= '_') ? c - '@' : -EINVAL;
}

static int parse_key(const char *text, size_t len)
{
    if (len == 1)
        return (unsigned char)text[0];
    bool control = len == 6 && strncmp(text, "ctrl-", 5) == 0;
    return control ? control_key(text[5]) : -EINVAL;
}

int tty_keys_parse(struct tty_keys *k, const char *text)
{
    struct tty_keys keys = {0};
    const char *p = text ? text : DEFAULT_KEYS;
    bool more = *p != '\0';
    while (more) {
        size_t len = strcspn(p, ",");
        int key = parse_key(p, len);
        if (key < 0 || keys.len == TTY_KEYS_MAX)
            return -EINVAL;
        keys.seq[keys.len++] = (unsigned char)key;
        more = p[len] == ',';
        p += len + more;
    }
    *k = keys;
    return 0;
}

/* Length of the longest proper prefix of seq that its first n bytes end with (as in
 * KMP). */
static size_t border(const unsigned char *seq, size_t n)
{
    size_t len = n - 1;
    while (len > 0 && memcmp(seq, seq + n - len, len) != 0)
        len--;
    return len;
}

bool tty_keys_feed(struct tty_keys *k, const char *in, size_t n, char *out, size_t *ret_n)
{
    size_t used = 0;
    bool detach = false;
    for (size_t i = 0; i < n && !detach; i++) {
        unsigned char byte = (unsigned char)in[i];
        while (k->matched > 0 && byte != k->seq[k->matched]) {
            size_t rest = border(k->seq, k->matched);
            memcpy(out + used, k->seq, k->matched - rest);
            used += k->matched - rest;
            k->matched = rest;
        }
        if (k->len > 0 && byte == k->seq[k->matched])
            detach = ++k->matched == k->len;
        else
            out[used++] = (char)byte;
    }
    if (detach)
        k->matched = 0;
    *ret_n = used;
    return detach;
}
