/* tool/internal.h - what the files of tool share.
 * Errors  0 or -errno.
 */
#ifndef ENGINE_TOOL_INTERNAL_H
#define ENGINE_TOOL_INTERNAL_H

#include "engine/tool/tool.h"

#define TOOL_PATH_SIZE 64

/* The program's file. */
int tool_find(enum tool t, char ret[TOOL_PATH_SIZE], struct mtd_error *err);

struct tool_child {
    pid_t pid;
    int pidfd;
};
/* fds: its 0, 1 and 2. Returns when the program runs. */
int tool_spawn(const struct tool_run *how, const char *path, char *const argv[],
               char *const envp[], const int fds[3], struct tool_child *ret,
               struct mtd_error *err);

#endif
