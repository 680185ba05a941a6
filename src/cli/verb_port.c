/* verb_port - port: what of the host leads to a container. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/verb.h"

static const struct option_row PORT_ROWS[] = {
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static int put_port(struct buf *out, const struct mtd_port *p, const char *address,
                    bool with_target)
{
    bool six = strchr(address, ':');
    int rc =
        with_target ? buf_printf(out, "%u/%s -> ", p->target, p->udp ? "udp" : "tcp") : 0;
    return rc < 0 ? rc
                  : buf_printf(out, "%s%s%s:%u\n", six ? "[" : "", address,
                               six ? "]" : "", p->host);
}

/* asked: NULL = all; else "80" or "80/udp". */
static bool is_asked(const struct mtd_port *p, const char *asked)
{
    char key[16];
    snprintf(key, sizeof(key), "%u/%s", p->target, p->udp ? "udp" : "tcp");
    if (!asked || strcmp(asked, key) == 0)
        return true;
    size_t len = strlen(key) - strlen("/tcp");
    return !p->udp && strncmp(asked, key, len) == 0 && !asked[len];
}

static int list_ports(const struct mtd_record *r, const char *asked, struct buf *out)
{
    const struct mtd_status *st = &r->status;
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    bool six = e && e->address6;
    int rc = 0;
    for (size_t i = 0; i < st->n_ports && rc == 0; i++) {
        const struct mtd_port *p = &st->ports[i];
        if (!is_asked(p, asked))
            continue;
        rc = put_port(out, p, p->address ? p->address : "0.0.0.0", !asked);
        if (rc == 0 && !p->address && six)
            rc = put_port(out, p, "::", !asked);
    }
    return rc;
}

static int compare_lines(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* As docker prints them: numbers in them count as numbers. */
static int sort_lines(struct buf *out)
{
    auto_done(strv_done) struct strv lines = {0};
    char *save = NULL;
    for (char *l = strtok_r(out->data, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        if (strv_add(&lines, l) < 0)
            return -ENOMEM;
    if (lines.len)
        qsort(lines.items, lines.len, sizeof(*lines.items), compare_lines);
    out->len = 0;
    int rc = 0;
    for (size_t i = 0; i < lines.len && rc == 0; i++)
        rc = buf_printf(out, "%s\n", lines.items[i]);
    return rc;
}

/* A connection there is refused, and what it comes from is looked for elsewhere. */
static void warn_of_silence(const struct cli *c, const struct mtd_record *r,
                            const char *asked)
{
    const struct mtd_status *st = &r->status;
    auto_free bool *heard = calloc(st->n_ports + 1, sizeof(bool));
    if (!st->n_ports || !heard || mtd_ports_heard(r, heard) < 0)
        return;
    for (size_t i = 0; i < st->n_ports; i++) {
        const struct mtd_port *p = &st->ports[i];
        bool told = heard[i] || !is_asked(p, asked);
        for (size_t k = 0; k < i; k++)
            told |= st->ports[k].target == p->target && st->ports[k].udp == p->udp;
        if (!told)
            report_warning(c, "nothing in container %.80s listens at port %u/%s", r->name,
                           p->target, p->udp ? "udp" : "tcp");
    }
}

static int run_port(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf out = {0};
    const char *asked = o->len > 1 ? o->items[1] : NULL;
    mtd_record_init(&r);
    (void)values;
    int rc = mtd_inspect(c->engine, o->items[0], &r, &err);
    if (rc == 0)
        rc = list_ports(&r, asked, &out);
    if (rc == 0 && asked && !out.len)
        rc = mtd_fail(&err, ENOENT, "no public port '%.40s' published for %.80s", asked,
                      o->items[0]);
    if (rc == 0 && out.len)
        rc = sort_lines(&out);
    if (rc == 0)
        rc = print_out(&out, &err);
    if (rc == 0)
        warn_of_silence(c, &r, asked);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot list the ports");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

const struct verb VERBS_PORT[] = {
    {.name = "port",
     .operands = "CONTAINER [PORT]",
     .summary = "List the published ports of a container",
     .group = GROUP_QUERY,
     .flags = VERB_READ_ONLY,
     .options = {{PORT_ROWS}},
     .min = 1,
     .max = 2,
     .run = run_port},
    VERB_END,
};
