/* "listed", the last member of a record at rest: what lists need of it, so that the first
 * list of ten thousand records parses none of them (spec/sealed.h).
 * Not     in the record of a container that runs: lists ask the kernel about it anyway,
 *         and a start shall not wait for this. */

#include "engine/store/internal.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/spec/sealed.h"
#include "engine/spec/spec.h"

static struct spec_seal seal_of(const char *id)
{
    return (struct spec_seal){"listed", store_summary_layout(),
                              spec_checksum(MTD_ID_LEN, id, MTD_ID_LEN)};
}

static int make_bytes(const struct mtd_record *r, struct buf *ret)
{
    auto_done(mtd_summary_done) struct mtd_summary s = {0};
    int rc = store_summary_make(r, &s);
    return rc < 0 ? rc : store_summary_put(ret, &s);
}

void store_listed_add(struct buf *text, const struct mtd_record *r)
{
    auto_done(buf_done) struct buf bytes = {0};
    struct spec_seal seal = seal_of(r->id);
    if (mtd_state_is_live(r->status.state) || make_bytes(r, &bytes) < 0 ||
        text->len + 2 * bytes.len + 128 > SPEC_MAX_BYTES)
        return;
    spec_seal(&seal, &bytes, text);
}

int store_listed_find(const struct buf *text, const char *id, struct mtd_summary *ret)
{
    auto_done(buf_done) struct buf bytes = {0};
    struct spec_seal seal = seal_of(id);
    if (spec_unseal(&seal, text->data, text->len, &bytes) < 0)
        return -ENOENT;
    return store_summary_take(bytes.data, bytes.len, id, ret) < 0 ? -ENOENT : 0;
}
