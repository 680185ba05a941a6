/* shell - the keys that hand the terminal over: a shell or a command in a container,
 * attach. */
#ifndef UI_SCREEN_SHELL_H
#define UI_SCREEN_SHELL_H

#include "ui/screen/state.h"

/* An argument of "/bin/sh -c": bash where there is one, else sh; decided inside, where
 * PATH and files are. */
#define SHELL_COMMAND "command -v bash >/dev/null 2>&1 && exec bash || exec sh"

void shell_exec(struct ui *ui);
void shell_exec_ask(struct ui *ui);
void shell_attach(struct ui *ui);

#endif
