/* report - how a verb tells the user about failures.
 * Shape   one line on stderr: "mytop-docker: [SCRIPT:LINE: ]VERB: what, on what, why;
 *         what to do", with one write(2), so that the lines of parallel commands do not
 *         mix. Control bytes are made visible (print.h).
 * Errors  none of these fails: there is no place left to report it to.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/buf.h"
#include "cli/verb.h"

/* Each returns status, so that a verb can end with `return report_fail(...)`. */
int report_error(const struct cli *c, int status, const struct mtd_error *err);
int report_fail(const struct cli *c, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends the error's text and, where the engine says what it is about, the option that is:
 * the one place that knows both. */
int report_text(const struct mtd_error *err, struct buf *ret);

/* The exit status after printing; rc is the result of a print_*() call. */
int report_printed(const struct cli *c, int rc);

void report_warning(const struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What options without effect have to say, a line each. */
void report_notes(const struct cli *c, const struct operands *o);

/* argv, at least one word, does not begin with the name of a verb. */
int report_unknown(const struct cli *c, int argc, char **argv);

#endif
