/* A published port as docker and podman let people type it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "engine/port/port.h"

#define TEXT_MAX 512
#define PORTS_MAX 4096 /* of one text */

static int out_of_memory(struct mtd_error *err)
{
    return mtd_fail(err, ENOMEM, "out of memory");
}

struct range {
    unsigned first, last; /* 0 = none given */
};

static int bad_port(const char *text, struct mtd_error *err)
{
    return mtd_fail(
        err, EINVAL,
        "\"%.80s\" is not a port; write [[ADDRESS:]HOST-PORT:]PORT[/tcp|/udp], "
        "ports from 1 to 65535 or ranges of them",
        text);
}

static bool parse_number(const char *text, size_t len, unsigned *ret)
{
    char number[8];
    uint64_t value;
    if (len == 0 || len >= sizeof(number))
        return false;
    snprintf(number, sizeof(number), "%.*s", (int)len, text);
    if (parse_u64(number, UINT16_MAX, &value) < 0 || value == 0)
        return false;
    *ret = (unsigned)value;
    return true;
}

/* "80", "80-90". */
static bool parse_range(const char *text, struct range *ret)
{
    size_t first = strcspn(text, "-");
    if (!parse_number(text, first, &ret->first))
        return false;
    ret->last = ret->first;
    if (text[first] == '\0')
        return true;
    return parse_number(text + first + 1, strlen(text + first + 1), &ret->last) &&
           ret->last >= ret->first;
}

static int take_protocol(char *text, bool *ret_udp, const char *whole,
                         struct mtd_error *err)
{
    char *slash = strchr(text, '/');
    if (!slash)
        return 0;
    *slash++ = '\0';
    *ret_udp = strcmp(slash, "udp") == 0;
    if (strcmp(slash, "sctp") == 0)
        return mtd_fail(err, EINVAL,
                        "\"%.80s\": sctp cannot be published; only tcp and udp can",
                        whole);
    return *ret_udp || strcmp(slash, "tcp") == 0 ? 0 : bad_port(whole, err);
}

/* Cuts "[::1]" or "127.0.0.1" off the front; what is left begins behind its colon. */
static bool take_address(char **text, char **ret)
{
    unsigned char out[16];
    char *at = *text;
    char *end = *at == '[' ? strchr(at, ']') : NULL;
    if (end) {
        *end++ = '\0';
        *ret = at + 1;
        *text = end + 1;
        return *end == ':' && inet_pton(AF_INET6, *ret, out) == 1;
    }
    char *last = strrchr(at, ':'), *before = NULL;
    for (char *c = at; last && c < last; c++)
        before = *c == ':' ? c : before;
    if (!before)
        return true; /* "8080:80", "80" */
    *before = '\0';
    *ret = at;
    *text = before + 1;
    return inet_pton(AF_INET, at, out) == 1 || inet_pton(AF_INET6, at, out) == 1;
}

int mtd_ports_add(const struct mtd_port *p, struct mtd_port **ports, size_t *n)
{
    struct mtd_port *more = realloc(*ports, (*n + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    *ports = more;
    more[*n] = *p;
    if (p->address && !(more[*n].address = strdup(p->address)))
        return -ENOMEM;
    (*n)++;
    return 0;
}

static int add_range(struct range host, struct range inside, const char *address,
                     bool udp, struct mtd_port **ports, size_t *n, struct mtd_error *err)
{
    bool choice = inside.last == inside.first && host.last > host.first;
    for (unsigned i = 0; i <= inside.last - inside.first; i++) {
        struct mtd_port p = {.address = (char *)address,
                             .host = host.first ? host.first + i : 0,
                             .host_last = choice ? host.last : 0,
                             .target = inside.first + i,
                             .udp = udp};
        if (mtd_ports_add(&p, ports, n) < 0)
            return out_of_memory(err);
    }
    return 0;
}

int mtd_port_parse(const char *whole, const char *address, struct mtd_port **ports,
                   size_t *n, struct mtd_error *err)
{
    char copy[TEXT_MAX], *text = copy, *given = NULL;
    struct range host = {0}, inside = {0};
    bool udp = false;
    if (snprintf(copy, sizeof(copy), "%s", whole) >= (int)sizeof(copy))
        return bad_port(whole, err);
    int rc = take_protocol(copy, &udp, whole, err);
    if (rc < 0)
        return rc;
    if (!take_address(&text, &given))
        return bad_port(whole, err);
    char *colon = strchr(text, ':');
    if (colon)
        *colon = '\0';
    if ((colon && *text && !parse_range(text, &host)) ||
        !parse_range(colon ? colon + 1 : text, &inside))
        return bad_port(whole, err);
    unsigned count = inside.last - inside.first;
    if (count >= PORTS_MAX)
        return mtd_fail(err, EINVAL, "\"%.80s\" is more than %d ports", whole, PORTS_MAX);
    if (host.first && count && host.last - host.first != count)
        return mtd_fail(err, EINVAL,
                        "\"%.80s\": the two ranges have different numbers of ports",
                        whole);
    if (address && (!*address || strcmp(address, "0.0.0.0") == 0))
        address = NULL; /* of both families; what is given for one port is of its own */
    return add_range(host, inside, given ? given : address, udp, ports, n, err);
}
