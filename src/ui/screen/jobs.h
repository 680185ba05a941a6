/* jobs - running a batch command as a child process, and what becomes of its result: busy text
 * in the list, message line, journal.
 */
#ifndef UI_SCREEN_JOBS_H
#define UI_SCREEN_JOBS_H

#include "ui/screen/state.h"

struct job *job_new(struct ui *ui); /* done = job_finish; NULL = out of memory */
void job_free(struct job *j);
int job_arg(struct job *j, const char *arg);
int job_about(struct job *j, const struct row *r); /* adds its id to ids */
/* Takes j. busy ("stopping") is shown at its containers until it ended. */
void job_start(struct job *j, const char *busy);
/* The default done(): journal, message, output; frees j. A done() of your own ends with it. */
void job_finish(struct job *j, int status);
/* "mytop-docker --batch stop api", for people; caller frees. */
char *job_line(const struct job *j);

#endif
