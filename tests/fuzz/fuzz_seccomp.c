/* A seccomp profile of a user's: read, made a filter of, and the filter asked. The first
 * byte chooses the capabilities. */
#include <string.h>

#include "engine/syscalls/internal.h"
#include "fuzz.h"

static void ask(const struct syscalls_filter *f)
{
    static const uint32_t ABIS[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64};
    CHECK(f->len > 0 && f->len <= BPF_MAXINSNS);
    for (size_t a = 0; a < sizeof(ABIS) / sizeof(ABIS[0]); a++)
        for (int nr = 0; nr < 500; nr += 7) {
            struct seccomp_data call = {.nr = nr, .arch = ABIS[a], .args = {1, 2, 3}};
            (void)syscalls_filter_judge(f, &call);
        }
}

/* Many names times many rules is work for libseccomp, not a mistake. */
static int is_slow(const struct profile *p)
{
    size_t names = 0;
    for (size_t i = 0; i < p->n_rules; i++)
        names += p->rules[i].names.len * (p->rules[i].n_args + 1);
    return names * (p->n_arches + 1) > 300;
}

static void try(const char *text, uint64_t caps)
{
    struct mtd_error err = {0};
    struct profile p = {0};
    struct syscalls_filter f = {0};
    if (syscalls_profile_read(&p, text, caps, &err) < 0) {
        CHECK(err.code != 0 && err.text[0] != '\0' && !p.rules);
        CHECK(memchr(err.text, '\0', sizeof(err.text)) && !strchr(err.text, '\n'));
        return;
    }
    if (!is_slow(&p) && syscalls_compile(&f, &p, &err) == 0)
        ask(&f);
    else
        CHECK(!f.insns);
    syscalls_filter_done(&f);
    syscalls_profile_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[1 << 16];
    if (size == 0 || size > sizeof(text))
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    try(text, data[0] & 1 ? MTD_CAPS_DEFAULT : 0);
    return 0;
}
