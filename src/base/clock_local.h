/* clock_local - what time_parse() asks about the local zone: TZ, else /etc/localtime, else UTC. */
#ifndef BASE_CLOCK_LOCAL_H
#define BASE_CLOCK_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

/* A date without a zone. */
struct time_fields {
    unsigned year, month, day;
    int64_t second_of_day;
};
/* false: the C library cannot say. */
bool time_from_local(const struct time_fields *f, int64_t *ret_seconds);

#endif
