/* error - the one error value that crosses module borders and process borders.
 * Shape   plain data, no pointers, smaller than PIPE_BUF: one atomic write carries it
 *         from init to monitor to front end.
 * Errors  functions return 0 (or a count, or an fd >= 0) or -errno; a function that
 *         crosses a module border takes `struct mtd_error *err` last. err may be NULL.
 * Rule    the first error wins: mtd_fail() leaves an err that is already set alone.
 *         Context is added going up with mtd_context().
 * Text    one line, no newline, always NUL-terminated: what failed, on which object, why,
 *         what to do.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

struct mtd_error {
    int code;       /* positive errno value; 0 = no error */
    int stage;      /* enum mtd_stage (engine/types.h): the step of a start */
    int about;      /* enum mtd_about (engine/types.h): what a caller can change */
    char text[244]; /* without the names of verb and program */
};

/* Sets code and text unless err is NULL or already set. Returns -code (never 0). */
int mtd_fail(struct mtd_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As mtd_fail, and appends ": " strerror(code). Use it for failed system calls. */
int mtd_fail_errno(struct mtd_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Says of err what it is about, unless it does already. Returns rc, mtd_fail()'s result. No-op
 * when err is NULL or not set. */
int mtd_about(struct mtd_error *err, int about, int rc);

/* Puts "text: " before the present text. No-op when err is NULL or not set. */
void mtd_context(struct mtd_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void mtd_error_clear(struct mtd_error *err);

#endif
