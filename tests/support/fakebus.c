#include "fakebus.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_BYTES 65536
#define JOB "/org/freedesktop/systemd1/job/7"
#define NAME "org.freedesktop.systemd1"

struct server {
    enum fakebus_way way;
    const char *mount, *log;
    int fd;
};

/* ---- values ---- */

struct bytes {
    unsigned char data[MESSAGE_BYTES];
    size_t len, at;
};

static void align(struct bytes *b, size_t n)
{
    while (b->len % n)
        b->data[b->len++] = 0;
}

static void put_u32(struct bytes *b, uint32_t v)
{
    align(b, 4);
    memcpy(b->data + b->len, &v, 4);
    b->len += 4;
}

static void put_text(struct bytes *b, const char *s)
{
    put_u32(b, (uint32_t)strlen(s));
    memcpy(b->data + b->len, s, strlen(s) + 1);
    b->len += strlen(s) + 1;
}

static void put_short(struct bytes *b, const char *s) /* a signature */
{
    b->data[b->len++] = (unsigned char)strlen(s);
    memcpy(b->data + b->len, s, strlen(s) + 1);
    b->len += strlen(s) + 1;
}

static const unsigned char *take(struct bytes *b, size_t n)
{
    b->at = (b->at + n - 1) / n * n + n;
    if (b->at > b->len)
        _exit(3);
    return b->data + b->at - n;
}

static uint32_t take_u32(struct bytes *b)
{
    uint32_t v;
    memcpy(&v, take(b, 4), 4);
    return v;
}

static const char *take_text(struct bytes *b)
{
    size_t n = take_u32(b);
    const char *text = (const char *)b->data + b->at;
    b->at += n + 1;
    if (b->at > b->len || b->data[b->at - 1])
        _exit(3);
    return text;
}

static const char *take_short(struct bytes *b)
{
    size_t n = *take(b, 1);
    const char *text = (const char *)b->data + b->at;
    b->at += n + 1;
    return b->at > b->len ? (_exit(3), "") : text;
}

/* ---- messages ---- */

static bool read_all(int fd, void *to, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = read(fd, (char *)to + done, n - done);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static bool read_message(const struct server *s, struct bytes *b)
{
    uint32_t body, fields;
    if (!read_all(s->fd, b->data, 16))
        return false;
    memcpy(&body, b->data + 4, 4);
    memcpy(&fields, b->data + 12, 4);
    b->len = 16 + (fields + 7) / 8 * 8 + body;
    return b->len <= sizeof(b->data) && read_all(s->fd, b->data + 16, b->len - 16);
}

static void field(struct bytes *b, int code, const char *type, const char *value)
{
    align(b, 8);
    b->data[b->len++] = (unsigned char)code;
    put_short(b, type);
    if (*type == 'g')
        put_short(b, value);
    else
        put_text(b, value);
}

/* reply: the serial it is for; 0 = it is a signal. texts: after a number, if there are four. */
static void answer(const struct server *s, const char *sender, uint32_t reply,
                   const char *error, const char *signature, const char *const texts[])
{
    struct bytes b = {.len = 16}, body = {0};
    for (size_t i = 0; texts && texts[i]; i++) {
        if (i == 0 && *signature == 'u')
            put_u32(&body, 7);
        put_text(&body, texts[i]);
    }
    memcpy(b.data, "l\0\1\1", 4);
    b.data[1] = !reply ? 4 : error ? 3 : 2;
    if (reply) {
        b.data[b.len++] = 5;
        put_short(&b, "u");
        put_u32(&b, reply);
    } else {
        field(&b, 1, "o", "/org/freedesktop/systemd1");
        field(&b, 2, "s", NAME ".Manager");
        field(&b, 3, "s", "JobRemoved");
    }
    if (error)
        field(&b, 4, "s", error);
    field(&b, 7, "s", sender);
    if (texts)
        field(&b, 8, "g", signature);
    uint32_t fields = (uint32_t)b.len - 16, size = (uint32_t)body.len, serial = 9;
    memcpy(b.data + 4, &size, 4);
    memcpy(b.data + 8, &serial, 4);
    memcpy(b.data + 12, &fields, 4);
    align(&b, 8);
    (void)!write(s->fd, b.data, b.len);
    (void)!write(s->fd, body.data, body.len);
}
#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- units ---- */

struct unit {
    char name[256], slice[256], path[1024];
    pid_t pid;
};

/* The group of the unit, wherever it is: units of a test have names of their own. */
static bool find_group(const struct server *s, struct unit *u)
{
    char command[900];
    snprintf(command, sizeof(command), "find '%s' -type d -name '%s' 2>/dev/null",
             s->mount, u->name);
    FILE *f = s->mount ? popen(command, "r") : NULL;
    bool found = f && fgets(u->path, sizeof(u->path), f);
    u->path[strcspn(u->path, "\n")] = '\0';
    if (f)
        pclose(f);
    return found;
}

/* "a-b.slice" is below "a.slice". */
static void make_group(const struct server *s, struct unit *u)
{
    size_t n = (size_t)snprintf(u->path, sizeof(u->path), "%s", s->mount);
    size_t len = strlen(u->slice) - 6;
    for (size_t i = 1; i <= len && strcmp(u->slice, "-.slice") != 0; i++) {
        if (i < len && u->slice[i] != '-')
            continue;
        n += (size_t)snprintf(u->path + n, sizeof(u->path) - n, "/%.*s.slice", (int)i,
                              u->slice);
        mkdir(u->path, 0755);
    }
    n += (size_t)snprintf(u->path + n, sizeof(u->path) - n, "/%s", u->name);
    mkdir(u->path, 0755);
    snprintf(u->path + n, sizeof(u->path) - n, "/cgroup.procs");
    FILE *f = fopen(u->path, "w");
    if (f) {
        fprintf(f, "%d", (int)u->pid);
        fclose(f);
    }
}

static void remove_group(struct unit *u)
{
    char kill[1100];
    snprintf(kill, sizeof(kill), "%s/cgroup.kill", u->path);
    int fd = open(kill, O_WRONLY);
    (void)!write(fd, "1", 1);
    close(fd);
    while (rmdir(u->path) < 0 && errno == EBUSY)
        usleep(1000);
}

static void log_value(FILE *log, struct bytes *b, const char *type, struct unit *u,
                      const char *name)
{
    uint64_t number;
    if (*type == 's') {
        const char *text = take_text(b);
        if (strcmp(name, "Slice") == 0)
            snprintf(u->slice, sizeof(u->slice), "%s", text);
        fprintf(log, "%s", text);
    } else if (*type == 'b' || *type == 'u') {
        fprintf(log, "%u", take_u32(b));
    } else if (*type == 't') {
        memcpy(&number, take(b, 8), 8);
        fprintf(log, "%llu", (unsigned long long)number);
    } else if (strcmp(type, "au") == 0) {
        take_u32(b);
        u->pid = (pid_t)take_u32(b);
        fprintf(log, "one");
    } else {
        fprintf(log, "?");
        b->at = b->len;
    }
}

static void log_properties(FILE *log, struct bytes *b, struct unit *u)
{
    uint32_t n = take_u32(b);
    size_t end = (b->at + 7) / 8 * 8 + n;
    while (b->at < end) {
        b->at = (b->at + 7) / 8 * 8;
        const char *name = take_text(b);
        const char *type = take_short(b);
        fprintf(log, "\n  %s %s ", name, type);
        log_value(log, b, type, u, name);
    }
}

/* false: the connection is at its end. */
static bool misbehave(const struct server *s, uint32_t serial)
{
    static const unsigned char HUGE_ONE[] = "l\2\0\1\xff\xff\xff\x7f\1\0\0\0\10\0\0\0";
    if (s->way == FAKEBUS_GARBAGE)
        (void)!write(s->fd, "no D-Bus, but long enough for a header", 38);
    if (s->way == FAKEBUS_HUGE)
        (void)!write(s->fd, HUGE_ONE, 16);
    if (s->way == FAKEBUS_FAILS || s->way == FAKEBUS_LIES || s->way == FAKEBUS_FORGES) {
        answer(s, ":1.1", serial, NULL, "o", TEXTS(JOB));
        if (s->way == FAKEBUS_FORGES)
            answer(s, ":1.99", 0, NULL, "uoss", TEXTS(JOB, "x", "failed"));
        answer(s, ":1.1", 0, NULL, "uoss",
               TEXTS(JOB, "x", s->way == FAKEBUS_FAILS ? "failed" : "done"));
        return true;
    }
    return s->way == FAKEBUS_SILENT;
}

static bool start_unit(const struct server *s, struct bytes *b, uint32_t serial,
                       FILE *log)
{
    struct unit u = {0}, there = {0};
    snprintf(u.name, sizeof(u.name), "%s", take_text(b));
    fprintf(log, " %s %s", u.name, take_text(b));
    log_properties(log, b, &u);
    if (take_u32(b) != 0 || (b->at + 7) / 8 * 8 != b->len)
        fprintf(log, "\n  and something behind them");
    fflush(log);
    there = u;
    if (find_group(s, &there)) {
        answer(s, ":1.1", serial, NAME ".UnitExists", "s", TEXTS("Unit was\nthere."));
        return true;
    }
    if (s->way == FAKEBUS_GOOD || s->way == FAKEBUS_FORGES) {
        if (s->mount)
            make_group(s, &u);
    }
    if (s->way != FAKEBUS_GOOD)
        return misbehave(s, serial);
    answer(s, ":1.1", serial, NULL, "o", TEXTS(JOB));
    answer(s, ":1.1", 0, NULL, "uoss", TEXTS(JOB, u.name, "done"));
    return true;
}

static void stop_unit(const struct server *s, struct bytes *b, uint32_t serial, FILE *log)
{
    struct unit u = {0};
    snprintf(u.name, sizeof(u.name), "%s", take_text(b));
    fprintf(log, " %s %s", u.name, take_text(b));
    if (!find_group(s, &u)) {
        answer(s, ":1.1", serial, NAME ".NoSuchUnit", "s", TEXTS("Unit not loaded."));
        return;
    }
    remove_group(&u);
    answer(s, ":1.1", serial, NULL, "o", TEXTS(JOB));
    answer(s, ":1.1", 0, NULL, "uoss", TEXTS(JOB, u.name, "done"));
}

static bool serve(const struct server *s, struct bytes *b)
{
    uint32_t serial, fields;
    char member[64] = "";
    memcpy(&serial, b->data + 8, 4);
    memcpy(&fields, b->data + 12, 4);
    for (b->at = 16; b->at < 16 + fields;) {
        b->at = (b->at + 7) / 8 * 8;
        int code = *take(b, 1);
        const char *type = take_short(b);
        const char *value = *type == 'g' ? take_short(b) : take_text(b);
        if (code == 3)
            snprintf(member, sizeof(member), "%s", value);
    }
    /* what follows is aligned as if it began here */
    size_t body = 16 + (fields + 7) / 8 * 8;
    memmove(b->data, b->data + body, b->len - body);
    b->len -= body;
    b->at = 0;
    FILE *log = fopen(s->log, "a");
    struct unit u = {0};
    bool go_on = true;
    fprintf(log, "%s", member);
    if (strcmp(member, "StartTransientUnit") == 0) {
        go_on = start_unit(s, b, serial, log);
    } else if (strcmp(member, "StopUnit") == 0) {
        stop_unit(s, b, serial, log);
    } else {
        if (strcmp(member, "ResetFailedUnit") == 0)
            fprintf(log, " %s", take_text(b));
        if (strcmp(member, "SetUnitProperties") == 0) {
            fprintf(log, " %s", take_text(b));
            fprintf(log, " %u", take_u32(b));
            log_properties(log, b, &u);
        }
        answer(s, "org.freedesktop.DBus", serial, NULL, "s", TEXTS(":1.5"));
    }
    fprintf(log, "\n");
    fclose(log);
    return go_on;
}

static bool read_line(int fd, char line[256])
{
    size_t n = 0;
    while (n < 255 && read_all(fd, line + n, 1))
        if (line[n++] == '\n')
            return line[n] = '\0', true;
    return false;
}

static bool has_more(int fd)
{
    char one;
    return recv(fd, &one, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void attend(struct server *s)
{
    static struct bytes b;
    char line[256];
    if (!read_all(s->fd, line, 1) || *line || !read_line(s->fd, line))
        return;
    if (s->way == FAKEBUS_REJECTS) {
        (void)!write(s->fd, "REJECTED KERBEROS_V4\r\n", 22);
        return;
    }
    (void)!write(s->fd, "DATA\r\n", 6);
    if (!read_line(s->fd, line) || strcmp(line, "DATA\r\n") != 0)
        return;
    /* systemd says OK, and lets a call lie that it reads together with the next line: that has to
     * be there by now */
    if (!has_more(s->fd)) {
        (void)!write(s->fd, "ERROR\r\n", 7);
        return;
    }
    (void)!write(s->fd, "OK 0123456789abcdef0123456789abcdef\r\n", 37);
    if (!read_line(s->fd, line) || strcmp(line, "BEGIN\r\n") != 0)
        return;
    while (read_message(s, &b) && serve(s, &b))
        continue;
}

void fakebus_start(struct fakebus *f, const char *dir, const char *mount,
                   enum fakebus_way way)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/bus", dir);
    snprintf(f->address, sizeof(f->address), "unix:path=%s,guid=00", a.sun_path);
    snprintf(f->log, sizeof(f->log), "%s/asked", dir);
    unlink(a.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
    cr_assert_eq(listen(listener, 8), 0);
    f->pid = fork();
    if (f->pid == 0) {
        struct server s = {way, mount, f->log, -1};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        while ((s.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
            attend(&s);
            close(s.fd);
        }
        _exit(0);
    }
    close(listener);
    cr_assert_gt(f->pid, 0);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", f->address, 1);
}

void fakebus_stop(struct fakebus *f)
{
    if (f->pid <= 0)
        return;
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
    f->pid = 0;
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

char *fakebus_asked(const struct fakebus *f)
{
    char *text = calloc(1, MESSAGE_BYTES);
    FILE *log = fopen(f->log, "r");
    if (log) {
        (void)!fread(text, 1, MESSAGE_BYTES - 1, log);
        fclose(log);
    }
    unlink(f->log);
    return text;
}
