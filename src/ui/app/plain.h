/* plain - the list as numbered lines: for dumb terminals and screen readers.
 * Shape   commands by line: a number shows one container, verbs go to the batch command
 *         line ("stop 2", "logs 3"), an empty line lists again, q quits.
 */
#ifndef UI_APP_PLAIN_H
#define UI_APP_PLAIN_H

#include <stdio.h>

#include "engine/engine.h"

int plain_run(const struct mtd_options *o, bool read_only, FILE *in, FILE *out);

#endif
