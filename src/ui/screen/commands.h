/* commands - what the commands of the table of keys do, other than those of a view. */
#ifndef UI_SCREEN_COMMANDS_H
#define UI_SCREEN_COMMANDS_H

#include "ui/screen/state.h"

/* Those that move, sort, mark or filter the list. false = it is none of them. */
bool command_of_list(struct ui *ui, enum command cmd);
/* All others. false = it is none of them. */
bool command_of_screen(struct ui *ui, enum command cmd);
void command_open_tab(struct ui *ui, enum tab tab);

#endif
