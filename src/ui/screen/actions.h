/* actions - what the acting keys do: each builds a batch command line for the marked
 * containers, or the selected one, and runs it as a child.
 */
#ifndef UI_SCREEN_ACTIONS_H
#define UI_SCREEN_ACTIONS_H

#include "ui/screen/state.h"

void action_stop_start(struct ui *ui);
void action_restart(struct ui *ui);
void action_pause(struct ui *ui);
void action_kill(struct ui *ui);
void action_remove(struct ui *ui);
/* Runs a line as typed into the palette: a batch command line. */
void action_line(struct ui *ui, const char *text);

#endif
