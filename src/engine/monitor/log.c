/* The container's log as its driver wants it. There is one in any case: attached clients read
 * it. */

#include "engine/monitor/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/attrs.h"

#define UNKEPT_SIZE ((uint64_t)1 << 20) /* a file of what is only shown */

/* As systemd wants a field's name: capitals, digits and "_", which it does not begin with. */
static void make_field(char *name)
{
    char *to = name;
    for (const char *from = name; *from && *from != '='; from++) {
        unsigned char c = (unsigned char)*from;
        c = isascii(c) && isalnum(c) ? (unsigned char)toupper(c) : '_';
        if (c != '_' || to > name)
            *to++ = (char)c;
    }
    memmove(to, strchr(name, '='), strlen(strchr(name, '=')) + 1);
}

static int add_field(struct strv *fields, const char *name, const char *value)
{
    auto_free char *pair = NULL;
    return asprintf(&pair, "%s=%s", name, value ? value : "") < 0
               ? -ENOMEM
               : strv_env_set(fields, pair);
}

/* docker's fields; a label or variable of the same name replaces one. */
static int list_fields(struct monitor *m, struct strv *ret, struct mtd_error *err)
{
    const struct mtd_record *r = &m->record;
    auto_done(strv_done) struct strv attrs = {0};
    auto_free char *tag = NULL;
    char id[MTD_SHORT_ID_LEN + 1] = "";
    memcpy(id, m->id, MTD_SHORT_ID_LEN);
    int rc = mtd_log_tag(&r->spec, m->id, r->name, "{{.ID}}", &tag, err);
    if (rc == 0)
        rc = mtd_log_attrs(&r->spec, &attrs, err);
    const char *const FIELDS[][2] = {
        {"CONTAINER_ID", id},          {"CONTAINER_ID_FULL", m->id},
        {"CONTAINER_NAME", r->name},   {"CONTAINER_TAG", tag},
        {"IMAGE_NAME", r->spec.image}, {"SYSLOG_IDENTIFIER", tag}};
    for (size_t i = 0; i < ARRAY_SIZE(FIELDS) && rc == 0; i++)
        rc = add_field(ret, FIELDS[i][0], FIELDS[i][1]);
    for (size_t i = 0; i < attrs.len && rc == 0; i++) {
        make_field(attrs.items[i]);
        if (attrs.items[i][0] != '=')
            rc = strv_env_set(ret, attrs.items[i]);
    }
    return rc;
}

static int say(struct monitor *m, struct mtd_error *err)
{
    const struct mtd_record *r = &m->record;
    auto_done(strv_done) struct strv pairs = {0};
    int rc = m->mirror.journal ? list_fields(m, &pairs, err)
                               : mtd_log_details(&r->spec, m->id, r->name, &pairs, err);
    if (rc == 0)
        rc = log_mirror_say(&m->mirror, &pairs);
    if (rc == -E2BIG)
        return mtd_fail(err, E2BIG,
                        "the labels and variables for the log are longer than %d kB",
                        LOG_EXTRA_MAX / 1024);
    return rc < 0 ? mtd_fail_errno(err, -rc, "the log's labels") : 0;
}

static int open_mirror(struct monitor *m, struct mtd_error *err)
{
    const struct mtd_spec *s = &m->record.spec;
    bool journal = s->log_driver == MTD_LOG_JOURNALD;
    char name[MTD_ID_SIZE + sizeof(MTD_JSON_LOG)];
    snprintf(name, sizeof(name), "%s" MTD_JSON_LOG, m->id);
    int rc = log_mirror_open(&m->mirror, m->dir_fd, journal ? NULL : name,
                             s->log_max_size, s->log_max_file);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot open the log %s",
                              journal ? "for the journal" : name);
    rc = say(m, err);
    if (rc < 0)
        log_mirror_close(&m->mirror);
    return rc;
}

/* Only a start is refused: what runs is adopted, and its log sent when there is a journal. */
static int check_driver(const struct monitor *m, struct mtd_error *err)
{
    bool starts = m->record.status.state != MTD_STATE_RUNNING &&
                  m->record.status.state != MTD_STATE_PAUSED;
    if (m->record.spec.log_driver != MTD_LOG_JOURNALD || !starts ||
        log_journal_is_there())
        return 0;
    return mtd_fail(err, ENOENT, "journald is not enabled on this host");
}

static int open_log(struct monitor *m, struct mtd_error *err)
{
    const struct mtd_spec *s = &m->record.spec;
    bool kept = s->log_driver != MTD_LOG_NONE;
    bool mirrored =
        s->log_driver == MTD_LOG_JSON_FILE || s->log_driver == MTD_LOG_JOURNALD;
    /* A terminal's unread output is lost with its monitor anyway, so it needs no spool. */
    int run_fd = s->process.tty ? -1 : m->run_fd;
    int r = check_driver(m, err);
    if (r == 0)
        monitor_open_packs(m);
    if (r == 0 && mirrored)
        r = open_mirror(m, err);
    if (r < 0)
        return r;
    r = log_resume(&m->log, m->dir_fd, run_fd, kept ? s->log_max_size : UNKEPT_SIZE,
                   kept ? s->log_max_file : 1, err);
    if (r < 0 && mirrored)
        log_mirror_close(&m->mirror);
    if (r < 0)
        return r;
    m->log.discards = !kept;
    if (mirrored)
        log_mirror_start(&m->log, &m->mirror);
    return 0;
}

int monitor_open_log(struct monitor *m, struct mtd_error *err)
{
    int r = m->log.fd >= 0 ? 0 : open_log(m, err);
    m->log_offset = m->log.size;
    return r;
}
