/* tmux - a shell in a container, in a new pane of the tmux around the dashboard. */
#ifndef UI_SCREEN_TMUX_H
#define UI_SCREEN_TMUX_H

#include "ui/screen/state.h"

void tmux_exec(struct ui *ui);

#endif
