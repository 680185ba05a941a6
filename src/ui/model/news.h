/* news - what happened to containers between two readings of the list: one died, ran out of
 * memory, turned unhealthy. For the message line, because the reader may be looking at something
 * else.
 */
#ifndef UI_MODEL_NEWS_H
#define UI_MODEL_NEWS_H

#include "ui/model/model.h"

/* Against what each track remembers, which is brought up to date. What was not there before is
 * no news, nor is the end of one with an action under way (it was asked for), nor an end with
 * status 0. Returns how many; out: "job died: exit 137, out of memory at 64M", the worst first;
 * "" = none. */
unsigned news_read(struct model *m, char *out, size_t size);

#endif
