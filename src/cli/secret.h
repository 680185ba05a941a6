/* secret - `build --secret id=NAME[,src=FILE|,env=VARIABLE]`, docker's spelling.
 * Shape   What a secret is, is read here, as the caller may: the engine gets bytes. With the id
 *         alone it is the variable of that name, or the file.
 * Errors  -EINVAL = not so spelled, no such file or variable; err says which and never what is
 *         in it.
 * Owner   the caller, by secret_list_done(), which wipes them.
 */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include "cli/options.h"
#include "engine/engine.h"

struct secret_list {
    struct mtd_secret *items;
    size_t len;
};
int secret_list_read(const struct option_list *texts, struct secret_list *ret,
                     struct mtd_error *err);
void secret_list_done(struct secret_list *l);

#endif
