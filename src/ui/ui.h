/* ui - the dashboard. ui_main runs it on the terminal of stdin/stdout until the user
 * quits and returns the exit status; argv holds only the screen's own options (after the
 * global ones). Reads the state in-process; acts only by running "mytop-docker --batch
 * VERB" as child processes, with the same roots.
 */
#ifndef UI_UI_H
#define UI_UI_H

#include "engine/engine.h"

int ui_main(const struct mtd_options *o, int argc, char **argv);

#endif
