/* log_part - what log/log.c and its halves share; nobody else includes it. */
#ifndef ENGINE_LOG_INTERNAL_H
#define ENGINE_LOG_INTERNAL_H

#include "engine/log/log.h"

#define LOG_NAME_SIZE 40

/* "container.log" for 0, else "container.log.N". */
const char *log_name(unsigned index, char out[LOG_NAME_SIZE]);
/* The highest N there is; 0 = only the present file or none. */
unsigned log_oldest(int dir_fd);
/* Where the last whole record ends; *ret_torn = a fragment that follows is a record but for
 * its '\n'. Both found by reading backwards. */
int log_find_end(int fd, uint64_t size, uint64_t *ret_end, bool *ret_torn);

/* Writer: opens container.log, made when it is not there; repair = what follows the last whole
 * record is cut off or completed. */
int log_open_present(struct log_writer *w, bool repair);
/* Writer: the rest of log_open once the file is open. */
int log_open_rest(struct log_writer *w, struct mtd_error *err);
/* Writer: notes in the spool, if there is one, that the batch is in the log up to w->done and
 * the log ends at w->size. */
void log_mark(struct log_writer *w);
void log_spool_idle(struct log_writer *w);
void log_spool_close(struct log_writer *w);

/* Reader: opens the file called index; -ENOENT. Forgets what was buffered. */
int log_reader_switch(struct log_reader *r, unsigned index, uint64_t offset);
/* Reader: the name the present file has now; -ENOENT = none. Looks from the newest to the
 * oldest, the way files move, so one on the move is not missed. */
int log_reader_index(const struct log_reader *r);

#endif
