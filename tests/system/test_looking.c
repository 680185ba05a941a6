/* looking: what only looks, or takes away what is not there, may be the first command on a
 * machine: it makes no roots, and answers as it does where there is nothing. Needs root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"

#define WORDS 8

static struct state s;
static char root[512], run[512];

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    snprintf(root, sizeof(root), "%s/none/root", s.dir.path);
    snprintf(run, sizeof(run), "%s/none/run", s.dir.path);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(looking, .init = set_up, .fini = tear_down, .timeout = 60);

static struct outcome run_line(const char *line)
{
    const char *words[WORDS + 5] = {"--root", root, "--run-root", run};
    char copy[128], *rest = copy;
    size_t n = 4;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word; n < WORDS + 4 && (word = strsep(&rest, " "));)
        words[n++] = word;
    return state_run_input(&s, NULL, 0, words);
}

static const struct {
    const char *line;
    int status;
} LOOKS[] = {
    {"ps -a", 0},
    {"inspect nosuch", 1},
    {"stats --no-stream", 0},
    {"stats nosuch", 1},
    {"top nosuch", 1},
    {"port nosuch", 1},
    {"logs nosuch", 1},
    {"diff nosuch", 1},
    {"wait nosuch", 1},
    {"export nosuch", 1},
    {"cp nosuch:/a /", 1},
    {"attach nosuch", 1},
    {"exec nosuch true", 1},
    {"start nosuch", 1},
    {"stop nosuch", 1},
    {"kill nosuch", 1},
    {"rm nosuch", 1},
    {"rm -f nosuch", 0},
    {"rename nosuch other", 1},
    {"commit nosuch", 1},
    {"images", 0},
    {"rmi nosuch", 1},
    {"rmi -f nosuch", 0},
    {"rmi busybox", 1}, /* it is in the program, and nowhere else yet */
    {"tag nosuch other", 1},
    {"save nosuch", 1},
    {"push localhost:1/nosuch", 1},
    {"history nosuch", 1},
    {"image inspect nosuch", 1},
    {"image prune -f", 0},
    {"image prune -af", 0},
    {"image prune --blobs -f", 0},
    {"volume ls", 0},
    {"volume inspect nosuch", 1},
    {"volume rm nosuch", 1},
    {"volume rm -f nosuch", 0},
    {"volume prune -af", 0},
    {"network ls", 0},
    {"network inspect nosuch", 1},
    {"network inspect none", 0},
    {"network inspect bridge", 0},
    {"network ls --filter name=bridge --quiet", 0},
    {"network rm bridge", 1},
    {"network rm nosuch", 1},
    {"network rm -f nosuch", 0},
    {"network connect nosuch nosuch", 1},
    {"network disconnect nosuch nosuch", 1},
    {"network prune -f", 0},
    {"network reload", 0},
    {"container prune -f", 0},
    {"builder prune -f", 0},
    {"system df", 0},
    {"system df -v", 0},
    {"system check", 0},
    {"system prune -af", 0},
    {"system stop-all", 0},
    {"system start-all", 0},
    {"info", 0},
    {"events --until 0s", 0},
    {"load -i /nosuch.tar", 1},
    {"import /nosuch.tar", 1},
    {"pull localhost:1/nosuch", 1}, /* skopeo or not, there is no such registry */
    {"run localhost:1/nosuch", 125},
    {"create localhost:1/nosuch", 1},
    {"run --pull never nosuch", 125},
    {"build -f nosuch /tmp", 1},
    {"build -f /nosuch /tmp", 1},
    {"build /nosuch", 1},
    {"build --secret id=a,src=/nosuch -f /etc/passwd /tmp", 1},
    {"build --network nosuch /tmp", 1},
    {"network create bridge", 1},
    {"network create none", 1},
    {"network create .bad", 1},
    {"volume create .bad", 1},
    {"create --name .bad busybox", 125},
    {"run --name .bad busybox", 125},
    {"run -m 1k busybox", 125},
    {"run -v /nosuch/x:/y busybox", 125},
    {"run --env-file /nosuch busybox", 125},
    {"run --cidfile /etc/passwd busybox", 125},
    {"run --security-opt nosuch busybox", 125},
    {"network rm none", 1},
    {"network rm host", 1},
    {"login localhost:1", 1}, /* no terminal to ask on */
    {"logout localhost:1", 0},
};

Test(looking, makes_no_roots)
{
    for (size_t i = 0; i < ARRAY_SIZE(LOOKS); i++) {
        struct outcome o = run_line(LOOKS[i].line);
        cr_expect_eq(o.status, LOOKS[i].status, "%s: %d: %s", LOOKS[i].line, o.status,
                     o.err);
        cr_expect(!strstr(o.err, "ad file descriptor") && !strstr(o.err, "exist yet"),
                  "%s: %s", LOOKS[i].line, o.err);
        cr_expect_neq(access(root, F_OK), 0, "%s makes %s", LOOKS[i].line, root);
        cr_expect_neq(access(run, F_OK), 0, "%s makes %s", LOOKS[i].line, run);
        outcome_done(&o);
    }
}

/* An image that comes with the program is unpacked by the first verb that needs it. */
Test(looking, what_needs_an_image_makes_them)
{
    struct outcome o = run_line("tag busybox own:1");
    cr_expect_eq(o.status, 0, "%s", o.err);
    outcome_done(&o);
    o = run_line("images -q own:1");
    cr_expect(o.status == 0 && o.out_len > 12, "%s%s", o.out, o.err);
    outcome_done(&o);
}
