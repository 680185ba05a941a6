/* machine - the figures of the host, for the header. */
#ifndef UI_SCREEN_MACHINE_H
#define UI_SCREEN_MACHINE_H

#include "ui/screen/state.h"

void machine_read(struct ui *ui);   /* name, cgroup version, memory: once */
void machine_sample(struct ui *ui); /* CPU and memory in use */

#endif
