/* Members of a network's record, named as in docker's inspect where that has them. */

#include "engine/spec/spec.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "engine/spec/internal.h"

#define MTU_MAX 65535
#define N(member) offsetof(struct mtd_net, member), sizeof(((struct mtd_net *)0)->member)

static const char *driver_word(int v)
{
    return mtd_net_driver_word((enum mtd_net_driver)v);
}

static const struct field FIELDS[] = {
    {"Id", FIELD_CHARS, N(id), .always = true},
    {"Name", FIELD_STRING, N(name), .always = true},
    {"Created", FIELD_TIME, N(created_at), .always = true},
    {"Driver", FIELD_ENUM, N(driver), .max = MTD_NET_DRIVER_MACVLAN, .name = driver_word},
    {"Bridge", FIELD_STRING, N(bridge)},
    {"Parent", FIELD_STRING, N(parent)},
    {"OwnsParent", FIELD_BOOL, N(owns_parent)},
    {"Mode", FIELD_STRING, N(mode)},
    {"Subnet", FIELD_STRING, N(subnet), .always = true},
    {"Gateway", FIELD_STRING, N(gateway), .always = true},
    {"IPRange", FIELD_STRING, N(range)},
    {"Subnet6", FIELD_STRING, N(subnet6)},
    {"Gateway6", FIELD_STRING, N(gateway6)},
    {"Internal", FIELD_BOOL, N(internal)},
    {"Isolated", FIELD_BOOL, N(isolated)},
    {"MTU", FIELD_INT, N(mtu), 0, MTU_MAX},
    {"Labels", FIELD_MAP, N(labels)},
    {"Options", FIELD_MAP, N(options)},
};
static const struct field_table NET = {FIELDS, ARRAY_SIZE(FIELDS),
                                       sizeof(struct mtd_net)};

int spec_encode_net(const struct mtd_net *n, struct buf *ret, struct mtd_error *err)
{
    struct mtd_net defaults = {0};
    auto_json json_t *out = json_object();
    if (!out)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = spec_codec_encode(&NET, n, &defaults, out, err);
    return rc < 0 ? rc : spec_codec_print(out, SPEC_MAX_BYTES, ret, err);
}

/* Name and interface become names of files and of interfaces. An earlier version, which knows bridges
 * alone, finds none in the record of another driver. */
static int check(const struct mtd_net *n, struct mtd_error *err)
{
    const char *interface = n->driver == MTD_NET_DRIVER_BRIDGE ? n->bridge : n->parent;
    if (!hex_is_valid(n->id, MTD_ID_LEN) || !n->name || !name_is_valid(n->name) ||
        !interface || !name_is_valid(interface) || !n->subnet || !n->gateway)
        return mtd_fail(err, EINVAL, "id, name, interface, subnet or gateway is missing");
    return 0;
}

int spec_decode_net(const char *text, size_t len, struct mtd_net *ret,
                    struct mtd_error *err)
{
    auto_json json_t *in = NULL;
    mtd_net_done(ret);
    int rc = spec_codec_parse(text, len, SPEC_MAX_BYTES, &in, err);
    if (rc == 0)
        rc = spec_codec_decode(&NET, in, ret, err);
    if (rc == 0)
        rc = check(ret, err);
    if (rc < 0)
        mtd_net_done(ret);
    return rc;
}
