/* libseccomp takes longer for a profile than all else of a start does, so what it made is kept in
 * the record beside the profile:
 *
 *     1 RELEASE MACHINE CAPS PROFILE FLAGS INSTRUCTIONS
 *
 * It counts only for the very profile, capabilities and kernel that it was made for (a profile has
 * rules for kernels from a version on); else it is made anew. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/syscalls/internal.h"

#define FORMAT 1
#define INSN_DIGITS 16

/* Not against an enemy, who could write the instructions as well: FNV-1a. */
static uint64_t sum_of(const char *text)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (; *text; text++)
        sum = (sum ^ (unsigned char)*text) * 0x100000001b3u;
    return sum;
}

/* All but the flags and the instructions. */
static int put_key(struct buf *out, const char *profile, uint64_t caps)
{
    struct utsname host;
    if (uname(&host) < 0)
        return -errno;
    return buf_printf(out, "%d %s %s %" PRIx64 " %016" PRIx64 " ", FORMAT, host.release,
                      host.machine, caps, sum_of(profile));
}

int syscalls_keep(char **ret, const char *profile, uint64_t caps,
                  const struct syscalls_filter *f)
{
    auto_done(buf_done) struct buf out = {0};
    int rc = put_key(&out, profile, caps);
    if (rc == 0)
        rc = buf_printf(&out, "%x ", f->flags);
    for (size_t i = 0; i < f->len && rc == 0; i++)
        rc = buf_printf(&out, "%04x%02x%02x%08x", f->insns[i].code, f->insns[i].jt,
                        f->insns[i].jf, f->insns[i].k);
    char *text = rc == 0 ? buf_take(&out) : NULL;
    if (!text)
        return rc < 0 ? rc : -ENOMEM;
    free(*ret);
    *ret = text;
    return 0;
}

static int get_number(const char **at, size_t digits, uint32_t *ret)
{
    static const char HEX[] = "0123456789abcdef";
    uint32_t n = 0;
    for (size_t i = 0; i < digits; i++, (*at)++) {
        const char *digit = **at ? strchr(HEX, **at) : NULL;
        if (!digit)
            return -EBADMSG;
        n = n << 4 | (uint32_t)(digit - HEX);
    }
    *ret = n;
    return 0;
}

static int get_insn(const char **at, struct sock_filter *ret)
{
    uint32_t code, jt, jf, k;
    if (get_number(at, 4, &code) < 0 || get_number(at, 2, &jt) < 0 ||
        get_number(at, 2, &jf) < 0 || get_number(at, 8, &k) < 0)
        return -EBADMSG;
    *ret = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
    return 0;
}

/* at: the flags and the instructions. */
static int get_filter(struct syscalls_filter *ret, const char *at)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    uint32_t flags;
    size_t digits = strcspn(at, " ");
    if (digits == 0 || digits > 8 || get_number(&at, digits, &flags) < 0 || *at++ != ' ')
        return -EBADMSG;
    size_t n = strlen(at) / INSN_DIGITS;
    if (n == 0 || n > BPF_MAXINSNS || strlen(at) % INSN_DIGITS)
        return -EBADMSG;
    f.insns = calloc(n, sizeof(*f.insns));
    if (!f.insns)
        return -ENOMEM;
    for (f.len = 0; f.len < n; f.len++)
        if (get_insn(&at, &f.insns[f.len]) < 0)
            return -EBADMSG;
    f.flags = flags;
    *ret = f;
    memset(&f, 0, sizeof(f));
    return 0;
}

int syscalls_kept(struct syscalls_filter *ret, const char *kept, const char *profile,
                  uint64_t caps)
{
    auto_done(buf_done) struct buf key = {0};
    int rc = put_key(&key, profile, caps);
    if (rc < 0)
        return rc;
    return key.data && strncmp(kept, key.data, key.len) == 0
               ? get_filter(ret, kept + key.len)
               : -ESTALE;
}

bool syscalls_kept_is_for(const char *kept, const char *profile, uint64_t caps)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    return syscalls_kept(&f, kept, profile, caps) == 0;
}
