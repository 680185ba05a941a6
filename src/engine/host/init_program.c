/* The kernel is asked whether this program is static, not the build: the engine is also
 * linked into the tests, which are always dynamic. */

#include "engine/host/init_program.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/auxv.h>

extern const unsigned char mtd_init_start[];
extern const unsigned char mtd_init_end[];

/* AT_BASE is where the kernel loaded the interpreter, ld.so; a static program has
 * none. */
static bool is_static(void)
{
    return getauxval(AT_BASE) == 0;
}

static size_t embedded_size(void)
{
    return (size_t)(mtd_init_end - mtd_init_start);
}

int init_program_check(struct mtd_error *err)
{
    if (is_static() || embedded_size() > 0)
        return 0;
    return mtd_fail(
        err, ENOTSUP,
        "no init can run in the container: this program was built without the "
        "static C library (libc.a); install it and build again");
}

const void *init_program_embedded(size_t *ret_size)
{
    if (is_static())
        return NULL;
    *ret_size = embedded_size();
    return mtd_init_start;
}
