/* size - numbers of bytes as text. parse_size() (parse.h) reads what size_binary writes.
 * Shape   each fills `out` and returns it.
 */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdint.h>

#define SIZE_TEXT 24

char *size_decimal(uint64_t bytes, char out[SIZE_TEXT]); /* docker's 4.26MB: 1000s */
char *size_usage(uint64_t bytes, char out[SIZE_TEXT]);   /* 4.258MB: of disk usage */
char *size_binary(uint64_t bytes, char out[SIZE_TEXT]);  /* docker's 512KiB: 1024s */
/* Nothing rounded: 1KiB, 1025B. For what a limit is compared with. */
char *size_exact(uint64_t bytes, char out[SIZE_TEXT]);
char *size_short(uint64_t bytes, char out[SIZE_TEXT]); /* at most 4 wide: 1.2M, 1024s */

#endif
