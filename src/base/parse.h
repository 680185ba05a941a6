/* parse - strict conversion of text to values: no locale, no leading spaces, no "0x", no
 * sign unless said.
 * Errors  -EINVAL = not the documented form, -ERANGE = out of range; *ret is unchanged.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int parse_u64(const char *s, uint64_t max, uint64_t *ret);
int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret); /* '-' allowed */
int parse_bool(const char *s, bool *ret); /* true false 1 0 yes no t f, any case */
/* Bytes, as docker: 100, 100b, 10k, 1.5m, 2g, 10mb, 1gib; all in powers of 1024. */
int parse_size(const char *s, uint64_t *ret);
int parse_decimal_nano(const char *s, int64_t *ret); /* "0.5" -> 500000000 (--cpus) */
/* As Go: 300ms, 1.5h, 1m30s, 0; otherwise a unit is needed. */
int parse_duration_ns(const char *s, int64_t *ret);
int parse_signal(const char *s, int *ret); /* 9, KILL, SIGKILL, sigkill, RTMIN+3 */
const char *signal_name(int sig);          /* "SIGKILL"; "SIG?" when unknown */
bool name_is_valid(
    const char *s); /* [a-zA-Z0-9][a-zA-Z0-9_.-]* up to 255: a file's name */
bool hex_is_valid(const char *s, size_t len); /* exactly len lower-case hex digits */

/* CPU/NUMA lists "0-2,5": checks syntax and that the highest number is < limit (0 =
 * none). *ret_highest may be NULL. */
int parse_cpu_list(const char *s, unsigned limit, unsigned *ret_highest);

#endif
