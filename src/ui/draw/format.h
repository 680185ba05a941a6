/* format - figures as a person reads them in a narrow column. Every function writes a
 * terminated text into out and returns out.
 */
#ifndef UI_DRAW_FORMAT_H
#define UI_DRAW_FORMAT_H

#include <stdint.h>

#include "engine/types.h"

#define FORMAT_MAX 48

/* Powers of 1024, at most 5 columns: "0", "88k", "1.2M", "210M", "1.1G". NONE = "–" or
 * "-". */
char *format_size(uint64_t bytes, char out[FORMAT_MAX]);
/* "41.2", "0.0", "1203" */
char *format_percent(double percent, char out[FORMAT_MAX]);
/* "12s", "3m", "5h", "12d" */
char *format_age(int64_t ns, char out[FORMAT_MAX]);
/* "1,204" */
char *format_count(uint64_t n, char out[FORMAT_MAX]);
#define FORMAT_WIDE 1000 /* room for the fullest wording */
/* "up 3h", "unhealthy, up 24m", "exit 137 2m", "in 24s (11)" (the next start, and how many
 * there were), "paused"; in at most cols columns where there are shorter words for it
 * ("unhealthy", "exit 137"), else the shortest. */
char *format_status(const struct mtd_summary *s, int64_t now_ns, int cols,
                    char out[FORMAT_MAX]);
/* "2026-01-02 03:04:05" in local time */
char *format_time(int64_t wall_ns, char out[FORMAT_MAX]);

#endif
