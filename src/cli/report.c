/* report - one place for the form of an error line, whichever verb it comes from. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/verb.h"

#define PARALLEL_MAX 32

/* One write per line, so that parallel commands do not mix theirs. */
static void print_stderr_line(const struct cli *c, const char *kind, const char *text)
{
    auto_done(buf_done) struct buf b = {0};
    int rc = buf_puts(&b, "mytop-docker: ");
    if (rc == 0 && c->script)
        rc = buf_printf(&b, "%s:%zu: ", c->script, c->line);
    /* The engine's text may begin with the verb's name already: "exec: ...". */
    size_t len = c->verb ? strlen(c->verb->name) : 0;
    bool said = c->verb && strncmp(text, c->verb->name, len) == 0 && text[len] == ':';
    if (rc == 0 && c->verb && !said)
        rc = buf_printf(&b, "%s: ", c->verb->name);
    if (rc == 0)
        rc = buf_puts(&b, kind);
    if (rc == 0)
        rc = print_visible(&b, text, strlen(text), "");
    if (rc == 0)
        rc = buf_putc(&b, '\n');
    if (rc == 0)
        (void)fs_write_all(STDERR_FILENO, b.data, b.len);
}

/* What the engine's error is about, as options of this command line; behind the text. */
static const char *const HINTS[MTD_ABOUT_COUNT] = {
    [MTD_ABOUT_MEMORY] = " (--memory)",
    [MTD_ABOUT_SWAP] = " (--memory-swap)",
    [MTD_ABOUT_CPUS] = " (--cpus)",
    [MTD_ABOUT_CPU_SHARES] = " (--cpu-shares)",
    [MTD_ABOUT_CPUSET] = " (--cpuset-cpus)",
    [MTD_ABOUT_CPUSET_MEMS] = " (--cpuset-mems)",
    [MTD_ABOUT_CPU_PERIOD] = " (--cpu-period)",
    [MTD_ABOUT_CPU_QUOTA] = " (--cpu-quota)",
    [MTD_ABOUT_RESERVATION] = " (--memory-reservation)",
    [MTD_ABOUT_SWAPPINESS] = " (--memory-swappiness)",
    [MTD_ABOUT_BLKIO_DEVICE] = " (--blkio-weight-device, --device-read-bps and the like)",
    [MTD_ABOUT_BLKIO_WEIGHT] = " (--blkio-weight)",
    [MTD_ABOUT_PIDS] = " (--pids-limit)",
    [MTD_ABOUT_SECCOMP] = " (--security-opt seccomp=...)",
    [MTD_ABOUT_AUTO_REMOVE] = " (--rm)",
    [MTD_ABOUT_FORCE] = " or use -f",
    [MTD_ABOUT_NETWORK] =
        "; use --network none or host, or network = none in the config file",
    [MTD_ABOUT_BROKEN] = " (rm -f)",
    [MTD_ABOUT_ROOT] = " (--root)",
    [MTD_ABOUT_USERNS] = " (--userns host)",
    [MTD_ABOUT_RUN_ROOT] = " (--run-root)",
    [MTD_ABOUT_LOGIN] = "; mytop-docker login",
    [MTD_ABOUT_TLS] = ", or allow it (--tls-verify=false)",
};

int report_text(const struct mtd_error *err, struct buf *ret)
{
    const char *hint =
        err->about > 0 && err->about < MTD_ABOUT_COUNT ? HINTS[err->about] : NULL;
    return buf_printf(ret, "%s%s", err->code ? err->text : "failed for an unknown reason",
                      hint ? hint : "");
}

int report_error(const struct cli *c, int status, const struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    print_stderr_line(c, "", report_text(err, &text) < 0 ? err->text : text.data);
    return status;
}

int report_fail(const struct cli *c, int status, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    print_stderr_line(c, "", text);
    return status;
}

int report_printed(const struct cli *c, int rc)
{
    return rc < 0 ? report_fail(c, STATUS_ENGINE, "cannot write to stdout: %s",
                                strerror(-rc))
                  : 0;
}

void report_warning(const struct cli *c, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    print_stderr_line(c, "warning: ", text);
}

void report_notes(const struct cli *c, const struct operands *o)
{
    for (size_t i = 0; i < o->n_notes; i++)
        report_warning(c, "--%s: %s", o->notes[i]->name, o->notes[i]->help);
}

int report_unknown(const struct cli *c, int argc, char **argv)
{
    bool object = argc > 1 && verb_is_object(argv[0]);
    return report_fail(c, STATUS_FAILED,
                       "unknown command \"%.60s%s%.60s\"; 'mytop-docker %s%s--help' "
                       "lists them",
                       argv[0], object ? " " : "", object ? argv[1] : "",
                       object ? argv[0] : "", object ? " " : "");
}
