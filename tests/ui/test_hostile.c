/* A container that attacks the terminal with everything it may write: its log, command, label,
 * file names, process name, events. What the dashboard sends to the terminal is read by a
 * parser that knows only what the dashboard itself has to say. Needs root. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "pty.h"
#include "state.h"

static struct state box;

static void make(void)
{
    if (geteuid() != 0)
        cr_skip("needs root");
    state_make(&box);
}

static void done(void)
{
    if (geteuid() == 0)
        state_done(&box);
}

TestSuite(hostile, .init = make, .fini = done, .timeout = 120);

/* One of each class, with parameters the dashboard never uses. */
static const char *const SEQUENCES[] = {
    /* CSI: positions, modes, erasing, reports, reset, scrolling region, window */
    "\033[61;61H",
    "\033[?1337h",
    "\033[3J",
    "\033[6n",
    "\033[c",
    "\033[>c",
    "\033[!p",
    "\033[7;9r",
    "\033[21t",
    "\033[20l",
    "\033[4i",
    "\033[?1049l",
    "\033[5;5;5J",
    /* the same begun by one byte, as ISO 2022 and as UTF-8 */
    "\2336n",
    "\302\2336n",
    "\233?1049l",
    /* OSC: title, clipboard, link, colours */
    "\033]0;pwned\007",
    "\033]52;c;cHduZWQ=\033\\",
    "\033]8;;http://e\033\\",
    "\2350;pwned\234",
    "\302\2350;pwned\302\234",
    "\033]4;1;#fff\007",
    /* DCS, APC, PM, SOS */
    "\033Pq#0\033\\",
    "\033_Gf=1\033\\",
    "\033^x\033\\",
    "\033Xx\033\\",
    "\220q\234",
    "\237G\234",
    /* reset, alignment, character sets, shifts, keypad, save, index, identify */
    "\033c",
    "\033#8",
    "\033(0",
    "\033N",
    "\033O",
    "\033=",
    "\033>",
    "\0337",
    "\0338",
    "\033D",
    "\033M",
    "\033Z",
    "\033E",
    "\016",
    "\017",
    "\033%G",
    "\033 F",
    /* control characters */
    "\001\002\003\004\005\006\007",
    "\b\b\b\b",
    "\013\014",
    "\020\021\022\023\024\025",
    "\026\027\030\031\032\034\035\036\037",
    "\177",
    "\033",
    "\033[",
    "\033[1",
    "\rback",
    /* ill-formed UTF-8: overlong, surrogate, too big, torn, an overlong ESC */
    "\300\200",
    "\355\240\200",
    "\364\220\200\200",
    "\377\376",
    "\342\202",
    "\300\2336n",
    "\340\200\2336n",
    /* what turns lines around or moves the cursor by itself */
    "\342\200\256txt",
    "\342\200\250",
    "\342\201\246",
    "\330\234",
    "\357\273\277",
};

/* All of them in one line of text, without what cannot stand in an argument or a name. */
static char *all_of_them(bool name)
{
    struct buf b = {0};
    for (size_t i = 0; i < ARRAY_SIZE(SEQUENCES); i++)
        for (const char *s = SEQUENCES[i]; *s; s++)
            if (!name || (*s != '/' && b.len < 250))
                buf_putc(&b, *s);
    return buf_take(&b);
}

static void write_log_source(void)
{
    struct buf b = {0};
    char path[256];
    for (size_t i = 0; i < ARRAY_SIZE(SEQUENCES); i++)
        buf_printf(&b, "%sMARK%zu\n", SEQUENCES[i], i);
    for (size_t i = 0; i < ARRAY_SIZE(SEQUENCES); i++) /* in one line, with NULs */
        buf_add(&b, SEQUENCES[i], strlen(SEQUENCES[i]) + 1);
    buf_puts(&b, "\nlast \033[31mline\033[0m\n");
    snprintf(path, sizeof(path), "%s/hostile", box.dir.path);
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    cr_assert_eq(fs_write_all(fd, b.data, b.len), 0);
    buf_done(&b);
}

/* Running, a writer of everything; a second one that ended; a broken record. */
static void make_containers(void)
{
    static const char SCRIPT[] = "cat /hostile; cat /hostile >&2; echo x > \"/tmp/$1\"; "
                                 "printf \"$0\" | head -c 15 > /proc/$$/comm; "
                                 "while :; do sleep 1000; done";
    auto_free char *all = all_of_them(false), *name = all_of_them(true);
    auto_free char *label = NULL, *mount = NULL;
    write_log_source();
    cr_assert_gt(asprintf(&label, "evil=%s", all), 0);
    cr_assert_gt(asprintf(&mount, "%s/hostile:/hostile:ro", box.dir.path), 0);
    free(ASK(&box, "run", "-d", "--name", "evil", "-l", label, "-e", label, "-v", mount,
             "busybox", "sh", "-c", SCRIPT, all, name));
    auto_done(outcome_done) struct outcome o = RUN(&box, "exec", "evil", "true", all);
    cr_assert_eq(o.status, 0, "%s", o.err);
    auto_done(outcome_done) struct outcome dead =
        RUN(&box, "run", "--name", "dead", "-v", mount, "busybox", "sh", "-c",
            "cat /hostile; exit 3", all);
    cr_assert_eq(dead.status, 3, "%s", dead.err);
    tempdir_put(
        &box.dir,
        "root/containers/"
        "00000000000000000000000000000000000000000000000000000000000000ee/config.json",
        "{\"pid\": \"\033]0;pwned\007\", \033[6n");
}

/* ---- what the dashboard may say ------------------------------------------------------------ */

/* "[?25h" after ESC: its length, or 0 = it is none of ours. */
static size_t own_sequence(const char *s, size_t n)
{
    static const char *const WHOLE[] = {
        "(B",      "=",       ">",       "[?1049h", "[?1049l",  "[?25h",   "[?25l",
        "[?1h",    "[?1l",    "[?7h",    "[?7l",    "[?1000h",  "[?1000l", "[?1002h",
        "[?1002l", "[?1006h", "[?1006l", "[?2004h", "[?2004l",  "[?12l",   "[?12h",
        "[J",      "[2J",     "[K",      "[H",      "[22;0;0t", "[23;0;0t"};
    for (size_t i = 0; i < ARRAY_SIZE(WHOLE); i++)
        if (n >= strlen(WHOLE[i]) && memcmp(s, WHOLE[i], strlen(WHOLE[i])) == 0)
            return strlen(WHOLE[i]);
    if (n > 5 && memcmp(s, "]52;c;", 6) == 0) { /* the clipboard, in base64 */
        size_t len = 6 + strspn(s + 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
                                       "xyz0123456789+/=");
        return s[len] == '\a' ? len + 1 : 0;
    }
    if (n == 0 || *s != '[')
        return 0;
    int row = 0, col = 0, used = 0;
    if (sscanf(s, "[%d;%dH%n", &row, &col, &used) == 2 && used && row <= 24 && col <= 80)
        return (size_t)used;
    size_t params = 1 + strspn(s + 1, "0123456789;:");
    bool moves = params < 5 && strchr("ABCDGXd", s[params]);
    return s[params] == 'm' || moves ? params + 1 : 0;
}

static size_t own_character(const unsigned char *s, size_t n)
{
    size_t len = *s < 0x80 ? 1 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
    if (*s < 0x20 || *s == 0x7f)
        return *s == '\r' || *s == '\n' || *s == '\b' ? 1 : 0;
    if (len == 1)
        return 1;
    if (len > n || *s < 0xc2 || (*s == 0xc2 && s[1] < 0xa0)) /* C1 */
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool turns = memcmp(s, "\342\200", 2) == 0 && s[2] >= 0xa8 && s[2] <= 0xae;
    return turns ? 0 : len;
}

/* The first thing that is not the dashboard's own; text->len = all is. */
static size_t foreign(const struct pty *p, size_t from)
{
    for (size_t at = from; at < p->len;) {
        const char *s = p->text + at;
        size_t left = p->len - at;
        size_t used = *s == '\033' ? own_sequence(s + 1, left - 1)
                                   : own_character((const unsigned char *)s, left);
        if (used == 0)
            return at;
        at += used + (*s == '\033');
    }
    return p->len;
}

static void expect_own(const struct pty *p, size_t from, const char *where)
{
    size_t at = foreign(p, from);
    char shown[128] = "";
    for (size_t i = at, n = 0; i < p->len && i < at + 20; i++)
        n += (size_t)snprintf(shown + n, sizeof(shown) - n, "%02x ",
                              (unsigned char)p->text[i]);
    cr_expect_eq(at, p->len, "%s: byte %zu of %zu: %s", where, at, p->len, shown);
}

/* ---- everywhere ------------------------------------------------------------------------------ */

static const struct {
    const char *keys, *seen;
} WALK[] = {
    {"N", "by name"}, /* the broken one by its id, dead, evil */
    {"jj1", "MARK"},
    {"l", "last"},
    {"w", "following"},
    {"wgt", "MARK0"},
    {"/ast.*line\r", "paused"},
    {"y", "copied"},
    {"&MARK\r", "&MARK"},
    {"&\x15\r", "paused"},
    {"\033", "HIST"},
    {"3", "HOST"},
    {"\tjx", "signal process"},
    {"\003y", "copied"},
    {"4", "\"Id\""},
    {"=", "\"Id\""},
    {"/Labels\r", "Labels"},
    {"y", "copied"},
    {"5", "tmp"},
    {"y", "copied"},
    {"6", "exec"},
    {"y", "copied"},
    {"2", "Memory"},
    {":journal\r", "nothing was done"},
    {"q:inspect evil\r", "inspect evil"},
    {"q:logs evil\r", "logs evil"},
    {"Gq:top evil\r", "top evil"},
    {"qK", "which signal"},
    {"\003d", "force kills it"},
    {"\003c", "commit evil"},
    {"\003R", "rename evil"},
    {"\003E", "exec, command"},
    {"\003\t!", "Still running"},
    {"qk!", "Status 3"},
    {"qk4", "broken"},
    {"!", "why did"},
    {"q:grep MARK\r", "^[[?1337h"},
    {"G", "MARK"},
    {"\003", "quit?"},
    {"n", "MARK"},
};

/* Changes of the size make it draw everything again, whatever is open. */
static bool sees(struct pty *p, size_t from, const char *text)
{
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    for (unsigned short rows = 23; clock_mono_ns() < end; rows ^= 23 ^ 24) {
        struct winsize w = {.ws_row = rows, .ws_col = 80};
        pty_quiet(p, 40);
        size_t before = p->len;
        ioctl(p->master, TIOCSWINSZ, &w);
        pty_quiet(p, 100);
        if (p->len > before &&
            memmem(p->text + before, p->len - before, text, strlen(text)))
            return true;
    }
    return false;
}

static void walk(const char *const *env)
{
    char root[160], run[160];
    snprintf(root, sizeof(root), "%s/root", box.dir.path);
    snprintf(run, sizeof(run), "%s/run", box.dir.path);
    const char *const args[] = {"--root", root, "--run-root", run, NULL};
    struct pty p;
    pty_start(&p, &(struct pty_setup){.args = args, .env = env});
    cr_assert(pty_expect(&p, 0, "evil"), "%s", p.text);
    for (size_t i = 0; i < ARRAY_SIZE(WALK); i++) {
        size_t before = p.len;
        pty_send(&p, WALK[i].keys);
        bool ok = sees(&p, before, WALK[i].seen);
        cr_expect(ok, "%s: after \"%s\" no \"%s\": %s", env[0], WALK[i].keys,
                  WALK[i].seen, p.text + p.len - 2000);
        expect_own(&p, before, WALK[i].keys);
        if (!ok)
            break;
    }
    pty_send(&p, "qq"); /* the full-screen log, then the list */
    cr_expect_eq(pty_status(&p), 0);
    pty_done(&p);
}

Test(hostile, nothing_of_a_container_reaches_the_terminal)
{
    static const char *const ENV[] = {"TERM=xterm-256color", "LC_ALL=C.UTF-8", NULL};
    make_containers();
    walk(ENV);
}

/* Line by line, and in ASCII: what is not is shown as "?" or "^[". */
Test(hostile, nor_by_the_plain_list)
{
    static const char *const ENV[] = {"TERM=dumb", "LC_ALL=C", NULL};
    static const char *const LINES[] = {"1\n",
                                        "2\n",
                                        "logs evil\n",
                                        "inspect evil\n",
                                        "top evil\n",
                                        "diff evil\n",
                                        "events --until 0s\n",
                                        "logs dead\n",
                                        "ps -a --no-trunc\n"};
    char root[160], run[160];
    make_containers();
    snprintf(root, sizeof(root), "%s/root", box.dir.path);
    snprintf(run, sizeof(run), "%s/run", box.dir.path);
    const char *const args[] = {"--root", root, "--run-root", run, NULL};
    struct pty p;
    pty_start(&p, &(struct pty_setup){.args = args, .env = ENV});
    cr_assert(pty_expect(&p, 0, "q = quit: "), "%s", p.text);
    for (size_t i = 0; i < ARRAY_SIZE(LINES); i++) {
        size_t before = p.len;
        pty_send(&p, LINES[i]);
        cr_expect(pty_expect(&p, before, "q = quit: "), "%s", LINES[i]);
        expect_own(&p, before, LINES[i]);
        cr_expect_null(memchr(p.text + before, '\033', p.len - before), "%s", LINES[i]);
    }
    cr_expect(strstr(p.text, "MARK0"), "the log was shown");
    pty_send(&p, "q\n");
    cr_expect_eq(pty_status(&p), 0);
    pty_done(&p);
}
