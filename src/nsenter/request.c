/* request - a fixed head, the limits, then strings, each with its length. Both ends are
 * the same executable, so the head is a plain struct; it is checked all the same, because
 * another process may have put the bytes on fd 3. */

#include "nsenter/nsenter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define REQUEST_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct head {
    uint64_t magic;
    uint32_t version;
    uint32_t size; /* of everything */
    uint64_t pid_start, caps, seccomp_caps, personality;
    uint64_t sets[NSENTER_SETS];
    struct schedule schedule;
    uint32_t umask, preserve;
    int32_t pid, oom_score_adj;
    uint32_t flags;
    uint16_t rows, cols;
    uint32_t n_rlimits, n_cgroups, n_groups, n_namespaces, n_args, n_env;
};

static const struct nsenter_request *joined;

const struct nsenter_request *nsenter_joined(void)
{
    return joined;
}

void nsenter_set_joined(const struct nsenter_request *r)
{
    joined = r;
}

void nsenter_request_done(struct nsenter_request *r)
{
    free(r->cwd);
    free(r->user);
    free(r->seccomp);
    free(r->seccomp_made);
    free(r->label);
    free(r->cpus_first);
    free(r->cpus);
    free(r->rlimits);
    strv_done(&r->cgroups);
    strv_done(&r->groups);
    strv_done(&r->namespaces);
    strv_done(&r->args);
    strv_done(&r->env);
    *r = (struct nsenter_request){0};
}

static int put_string(struct buf *b, const char *s)
{
    size_t len = s ? strlen(s) : 0;
    if (len > NSENTER_MAX)
        return -E2BIG;
    uint32_t n = (uint32_t)len;
    int rc = buf_add(b, &n, sizeof(n));
    return rc < 0 ? rc : buf_add(b, s ? s : "", len);
}

static int put_strings(struct buf *b, const struct strv *v)
{
    int rc = 0;
    for (size_t i = 0; i < v->len && rc == 0; i++)
        rc = b->len > NSENTER_MAX ? -E2BIG : put_string(b, v->items[i]);
    return rc;
}

int nsenter_encode(const struct nsenter_request *r, struct buf *ret)
{
    struct head head = {.magic = NSENTER_MAGIC, .version = NSENTER_VERSION};
    auto_done(buf_done) struct buf b = {0};
    head.pid = r->pid;
    head.pid_start = r->pid_start;
    head.flags = r->flags;
    head.caps = r->caps;
    head.seccomp_caps = r->seccomp_caps;
    head.personality = r->personality;
    memcpy(head.sets, r->sets, sizeof(head.sets));
    head.schedule = r->schedule;
    head.umask = r->umask;
    head.preserve = r->preserve;
    head.rows = r->rows;
    head.cols = r->cols;
    head.n_rlimits = (uint32_t)r->n_rlimits;
    head.n_cgroups = (uint32_t)r->cgroups.len;
    head.n_groups = (uint32_t)r->groups.len;
    head.n_namespaces = (uint32_t)r->namespaces.len;
    head.oom_score_adj = r->oom_score_adj;
    head.n_args = (uint32_t)r->args.len;
    head.n_env = (uint32_t)r->env.len;
    int rc = buf_add(&b, &head, sizeof(head));
    if (rc == 0 && r->n_rlimits > 0)
        rc = buf_add(&b, r->rlimits, r->n_rlimits * sizeof(*r->rlimits));
    const char *const texts[] = {r->cwd,   r->user,       r->seccomp, r->seccomp_made,
                                 r->label, r->cpus_first, r->cpus};
    for (size_t i = 0; i < ARRAY_SIZE(texts) && rc == 0; i++)
        rc = put_string(&b, texts[i]);
    const struct strv *const lists[] = {&r->cgroups, &r->groups, &r->namespaces, &r->args,
                                        &r->env};
    for (size_t i = 0; i < ARRAY_SIZE(lists) && rc == 0; i++)
        rc = put_strings(&b, lists[i]);
    if (rc < 0 || b.len > NSENTER_MAX)
        return rc < 0 ? rc : -E2BIG;
    head.size = (uint32_t)b.len;
    memcpy(b.data, &head, sizeof(head));
    *ret = b;
    b = (struct buf){0};
    return 0;
}

struct reader {
    const char *at, *end;
};

static int get_bytes(struct reader *in, void *out, size_t len)
{
    if ((size_t)(in->end - in->at) < len)
        return -EBADMSG;
    memcpy(out, in->at, len);
    in->at += len;
    return 0;
}

/* A NUL inside would cut the string short for every later reader. */
static int get_string(struct reader *in, char **ret)
{
    uint32_t len;
    if (get_bytes(in, &len, sizeof(len)) < 0 || (size_t)(in->end - in->at) < len ||
        memchr(in->at, '\0', len))
        return -EBADMSG;
    *ret = strndup(in->at, len);
    in->at += len;
    return *ret ? 0 : -ENOMEM;
}

static int get_strings(struct reader *in, uint32_t n, struct strv *ret)
{
    for (uint32_t i = 0; i < n; i++) {
        char *s = NULL;
        int rc = get_string(in, &s);
        if (rc == 0)
            rc = strv_take(ret, s);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int get_rlimits(struct reader *in, uint32_t n, struct nsenter_request *r)
{
    if (n == 0)
        return 0;
    r->rlimits = calloc(n, sizeof(*r->rlimits));
    if (!r->rlimits)
        return -ENOMEM;
    r->n_rlimits = n;
    if (get_bytes(in, r->rlimits, n * sizeof(*r->rlimits)) < 0)
        return -EBADMSG;
    for (uint32_t i = 0; i < n; i++)
        if (!memchr(r->rlimits[i].name, '\0', sizeof(r->rlimits[i].name)))
            return -EBADMSG;
    return 0;
}

static bool head_is_valid(const struct head *h, size_t len)
{
    return h->magic == NSENTER_MAGIC && h->version == NSENTER_VERSION && h->size == len &&
           len <= NSENTER_MAX && h->pid > 0 && h->n_args > 0 &&
           h->n_rlimits <= NSENTER_MAX_RLIMITS && h->n_cgroups <= NSENTER_MAX_CGROUPS &&
           h->preserve <= NSENTER_MAX_PRESERVE && h->n_groups <= NSENTER_MAX_GROUPS &&
           h->n_namespaces <= NSENTER_MAX_NAMESPACES;
}

static int decode_body(struct reader *in, const struct head *h, struct nsenter_request *r)
{
    int rc = get_rlimits(in, h->n_rlimits, r);
    if (rc == 0)
        rc = get_string(in, &r->cwd);
    if (rc == 0)
        rc = get_string(in, &r->user);
    if (rc == 0)
        rc = get_string(in, &r->seccomp);
    if (rc == 0)
        rc = get_string(in, &r->seccomp_made);
    if (rc == 0)
        rc = get_string(in, &r->label);
    if (rc == 0)
        rc = get_string(in, &r->cpus_first);
    if (rc == 0)
        rc = get_string(in, &r->cpus);
    if (rc == 0)
        rc = get_strings(in, h->n_cgroups, &r->cgroups);
    if (rc == 0)
        rc = get_strings(in, h->n_groups, &r->groups);
    if (rc == 0)
        rc = get_strings(in, h->n_namespaces, &r->namespaces);
    if (rc == 0)
        rc = get_strings(in, h->n_args, &r->args);
    if (rc == 0)
        rc = get_strings(in, h->n_env, &r->env);
    return rc < 0 || in->at == in->end ? rc : -EBADMSG;
}

int nsenter_decode(const void *data, size_t len, struct nsenter_request *ret)
{
    struct reader in = {.at = data, .end = (const char *)data + len};
    auto_done(nsenter_request_done) struct nsenter_request r = {0};
    struct head h;
    if (get_bytes(&in, &h, sizeof(h)) < 0 || !head_is_valid(&h, len))
        return -EBADMSG;
    r.pid = h.pid;
    r.pid_start = h.pid_start;
    r.flags = h.flags;
    r.caps = h.caps;
    r.seccomp_caps = h.seccomp_caps;
    r.personality = h.personality;
    memcpy(r.sets, h.sets, sizeof(r.sets));
    r.schedule = h.schedule;
    r.umask = h.umask;
    r.preserve = h.preserve;
    r.oom_score_adj = h.oom_score_adj;
    r.rows = h.rows;
    r.cols = h.cols;
    int rc = decode_body(&in, &h, &r);
    if (rc < 0)
        return rc;
    *ret = r;
    r = (struct nsenter_request){0};
    return 0;
}

int nsenter_seal(const struct nsenter_request *r)
{
    auto_done(buf_done) struct buf b = {0};
    int rc = nsenter_encode(r, &b);
    if (rc < 0)
        return rc;
    auto_fd int fd = memfd_create("mtd-exec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    rc = fs_write_all(fd, b.data, b.len);
    if (rc < 0)
        return rc;
    return fcntl(fd, F_ADD_SEALS, REQUEST_SEALS) < 0 ? -errno : take_fd(&fd);
}

int nsenter_unseal(int fd, struct nsenter_request *ret)
{
    struct stat st;
    if ((fcntl(fd, F_GET_SEALS) & REQUEST_SEALS) != REQUEST_SEALS || fstat(fd, &st) < 0 ||
        st.st_size < (off_t)sizeof(struct head) || st.st_size > (off_t)NSENTER_MAX)
        return -EBADMSG;
    size_t size = (size_t)st.st_size;
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return -errno;
    int rc = nsenter_decode(data, size, ret);
    munmap(data, size);
    return rc;
}
