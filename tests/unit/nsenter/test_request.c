/* nsenter: the request survives the way, and nothing else passes for one. */

#include "nsenter/nsenter.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static struct nsenter_request sample(void)
{
    struct nsenter_request r = {.pid = 4711,
                                .pid_start = 1234567890123ull,
                                .flags = NSENTER_TTY | NSENTER_KEEP,
                                .caps = 0xa80425fbull,
                                .seccomp_caps = 0x1ffffffffffull,
                                .rows = 33,
                                .cols = 101};
    r.cwd = strdup("/some where");
    r.user = strdup("bob:staff");
    r.seccomp = strdup("builtin");
    r.cpus_first = strdup("0");
    r.cpus = strdup("0-3,7");
    r.schedule = (struct schedule){.sets_policy = true, .policy = 3, .nice = -7};
    strv_add(&r.cgroups, "cpu,cpuacct:/sys/fs/cgroup/cpu/x");
    strv_add(&r.cgroups, "unified:/sys/fs/cgroup/unified/x");
    strv_add(&r.namespaces, "mnt:[4026531841]");
    strv_add(&r.args, "sh");
    strv_add(&r.args, "");
    strv_add(&r.args, "a b\n\"'\\ $HOME");
    strv_add(&r.env, "A=1");
    r.rlimits = calloc(1, sizeof(*r.rlimits));
    r.n_rlimits = 1;
    r.rlimits[0] = (struct nsenter_rlimit){"nofile", 10, UINT64_MAX};
    return r;
}

static void expect_strings(const struct strv *a, const struct strv *b)
{
    cr_assert_eq(a->len, b->len);
    for (size_t i = 0; i < a->len; i++)
        cr_assert_str_eq(a->items[i], b->items[i]);
}

Test(nsenter_request, round_trip)
{
    struct nsenter_request a = sample(), b = {0};
    int fd = nsenter_seal(&a);
    cr_assert_geq(fd, 0);
    cr_assert_eq(nsenter_unseal(fd, &b), 0);
    cr_assert_eq(b.pid, a.pid);
    cr_assert_eq(b.pid_start, a.pid_start);
    cr_assert_eq(b.flags, a.flags);
    cr_assert_eq(b.caps, a.caps);
    cr_assert_eq(b.seccomp_caps, a.seccomp_caps);
    cr_assert_str_eq(b.seccomp, a.seccomp);
    cr_assert_str_eq(b.cpus_first, "0");
    cr_assert_str_eq(b.cpus, "0-3,7");
    cr_assert_eq(b.schedule.nice, -7);
    cr_assert_eq(b.schedule.policy, 3);
    cr_assert_eq(b.rows, 33);
    cr_assert_eq(b.cols, 101);
    cr_assert_str_eq(b.cwd, a.cwd);
    cr_assert_str_eq(b.user, a.user);
    expect_strings(&a.cgroups, &b.cgroups);
    expect_strings(&a.namespaces, &b.namespaces);
    expect_strings(&a.args, &b.args);
    expect_strings(&a.env, &b.env);
    cr_assert_eq(b.n_rlimits, 1);
    cr_assert_str_eq(b.rlimits[0].name, "nofile");
    cr_assert_eq(b.rlimits[0].hard, UINT64_MAX);
    nsenter_request_done(&a);
    nsenter_request_done(&b);
    cr_assert_null(b.args.items);
    close(fd);
}

static void encode(struct buf *b)
{
    struct nsenter_request r = sample();
    cr_assert_eq(nsenter_encode(&r, b), 0);
    nsenter_request_done(&r);
}

static void refuse(const void *data, size_t len, const char *what)
{
    /* A copy of exactly that size, so that the sanitizer sees the first byte read too far. */
    char *copy = malloc(len ? len : 1);
    struct nsenter_request r = {0};
    memcpy(copy, data, len);
    int e = nsenter_decode(copy, len, &r);
    free(copy);
    cr_expect_eq(e, -EBADMSG, "%s (%zu bytes): %d", what, len, e);
    cr_expect_null(r.args.items);
}

Test(nsenter_request, truncated_anywhere)
{
    struct buf b = {0};
    encode(&b);
    for (size_t len = 0; len < b.len; len++) {
        refuse(b.data, len, "truncated");
        if (len >= 16) { /* and with a size that agrees */
            uint32_t saved, size = (uint32_t)len;
            memcpy(&saved, b.data + 12, 4);
            memcpy(b.data + 12, &size, 4);
            refuse(b.data, len, "truncated, size adjusted");
            memcpy(b.data + 12, &saved, 4);
        }
    }
    buf_done(&b);
}

/* Every 32-bit word of it in turn becomes a value that would be dangerous as a length. */
Test(nsenter_request, lying_lengths)
{
    static const uint32_t LIES[] = {0xffffffffu, 0x7fffffffu, 0x80000000u, NSENTER_MAX};
    struct buf b = {0};
    encode(&b);
    for (size_t at = 0; at + 4 <= b.len; at += 4)
        for (size_t i = 0; i < sizeof(LIES) / sizeof(LIES[0]); i++) {
            struct nsenter_request r = {0};
            uint32_t saved;
            memcpy(&saved, b.data + at, 4);
            memcpy(b.data + at, &LIES[i], 4);
            if (nsenter_decode(b.data, b.len, &r) == 0) /* a word that is no length */
                nsenter_request_done(&r);
            memcpy(b.data + at, &saved, 4);
        }
    buf_done(&b);
}

Test(nsenter_request, wrong_head)
{
    struct buf b = {0};
    encode(&b);
    b.data[0] ^= 1;
    refuse(b.data, b.len, "magic");
    b.data[0] ^= 1;
    b.data[8] ^= 1;
    refuse(b.data, b.len, "version");
    b.data[8] ^= 1;
    cr_assert_eq(buf_add(&b, "more", 4), 0);
    refuse(b.data, b.len, "bytes after the end");
    buf_done(&b);
}

Test(nsenter_request, a_nul_in_a_string)
{
    struct buf b = {0};
    encode(&b);
    char *at = memmem(b.data, b.len, "bob:staff", 9);
    cr_assert_not_null(at);
    at[3] = '\0';
    refuse(b.data, b.len, "NUL");
    buf_done(&b);
}

Test(nsenter_request, too_large_to_send)
{
    struct nsenter_request r = {.pid = 1};
    struct buf b = {0};
    char *big = malloc(NSENTER_MAX + 1u);
    memset(big, 'x', NSENTER_MAX);
    big[NSENTER_MAX] = '\0';
    strv_take(&r.args, big);
    cr_assert_eq(nsenter_encode(&r, &b), -E2BIG);
    nsenter_request_done(&r);
}

/* The same bytes, but somebody could still change them while they are read. */
Test(nsenter_request, without_seals)
{
    struct nsenter_request r = {0};
    struct buf b = {0};
    encode(&b);
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq(write(fd, b.data, b.len), (ssize_t)b.len);
    cr_assert_eq(nsenter_unseal(fd, &r), -EBADMSG);
    cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    cr_assert_eq(nsenter_unseal(fd, &r), -EBADMSG, "without F_SEAL_WRITE");
    cr_assert_eq(nsenter_unseal(-1, &r), -EBADMSG);
    cr_assert_eq(nsenter_unseal(open("/dev/null", O_RDONLY | O_CLOEXEC), &r), -EBADMSG);
    buf_done(&b);
}

Test(nsenter_request, replies_name_their_sender)
{
    int front, inside;
    struct nsenter_reply reply;
    struct mtd_error err = {.code = 5, .stage = 3, .text = "why"};
    cr_assert_eq(nsenter_socket(&front, &inside), 0);
    pid_t pid = fork();
    if (pid == 0) {
        nsenter_reply(inside, NSENTER_INSIDE, -1, NULL);
        nsenter_reply(inside, NSENTER_MASTER, 0, NULL);
        nsenter_reply(inside, NSENTER_ERROR, -1, &err);
        _exit(0);
    }
    close(inside);
    cr_assert_eq(nsenter_receive(front, &reply), 0);
    cr_assert_eq(reply.kind, NSENTER_INSIDE);
    cr_assert_eq(reply.pid, pid);
    cr_assert_eq(reply.fd, -1);
    cr_assert_eq(nsenter_receive(front, &reply), 0);
    cr_assert_eq(reply.kind, NSENTER_MASTER);
    cr_assert_geq(reply.fd, 0);
    close(reply.fd);
    cr_assert_eq(nsenter_receive(front, &reply), 0);
    cr_assert_eq(reply.kind, NSENTER_ERROR);
    cr_assert_eq(reply.error.code, 5);
    cr_assert_str_eq(reply.error.text, "why");
    cr_assert_eq(nsenter_receive(front, &reply), 0);
    cr_assert_eq(reply.kind, NSENTER_EOF);
    waitpid(pid, NULL, 0);
}

Test(nsenter_request, replies_that_are_none)
{
    int front, inside;
    struct nsenter_reply reply;
    uint32_t junk[128] = {99};
    cr_assert_eq(nsenter_socket(&front, &inside), 0);
    cr_assert_eq(send(inside, "x", 1, 0), 1);
    cr_assert_eq(nsenter_receive(front, &reply), -EBADMSG);
    cr_assert_eq(send(inside, junk, sizeof(junk), 0), sizeof(junk));
    cr_assert_eq(nsenter_receive(front, &reply), -EBADMSG);
    cr_assert_eq(nsenter_reply(inside, NSENTER_MASTER, -1, NULL), 0);
    cr_assert_eq(nsenter_receive(front, &reply), -EBADMSG,
                 "a terminal without descriptor");
    cr_assert_eq(nsenter_reply(inside, NSENTER_INSIDE, 0, NULL), 0);
    cr_assert_eq(nsenter_receive(front, &reply), -EBADMSG,
                 "a descriptor nobody asked for");
}
