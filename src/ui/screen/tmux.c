/* The dashboard keeps its pane: tmux starts the program again, as `exec`, in another
 * one. */
#include "ui/screen/tmux.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ui/screen/jobs.h"
#include "ui/screen/shell.h"
#include "ui/screen/target.h"

/* What cannot be run must be read before the pane closes. */
static const char IN_PANE[] =
    "name=$1; shift; \"$@\"; s=$?\n"
    "case $s in 126|127) echo \"no shell in $name: tried bash and /bin/sh\" ;; esac\n"
    "case $s in 125|126|127) echo 'Enter closes'; read -r line ;; esac\n";

/* tmux runs the pane's command as the user that started its server: $TMUX is
 * SOCKET,PID,SESSION. */
static bool tmux_is_root(const char *tmux)
{
    struct stat st;
    auto_free char *path = strndup(tmux, strcspn(tmux, ","));
    return !path || stat(path, &st) < 0 || st.st_uid == 0;
}

static void split_ended(struct job *j, int status)
{
    struct ui *ui = j->ui;
    job_finish(j, status);
    if (status == 0)
        ui_say(ui, SAY_INFO, "a shell is open in a pane of tmux; exit closes it");
}

static struct job *split_job(struct ui *ui, const struct row *r, const char *tmux)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct job *j = n > 0 ? job_new(ui) : NULL;
    if (!j)
        return NULL;
    self[n] = '\0';
    const char *const argv[] = {"tmux",
                                "split-window",
                                "sh",
                                "-c",
                                IN_PANE,
                                "mytop-docker",
                                r->s->name ? r->s->name : r->s->id,
                                tmux_is_root(tmux) ? NULL : "sudo",
                                self,
                                "--root",
                                mtd_root(ui->around.engine),
                                "--run-root",
                                mtd_run_root(ui->around.engine),
                                "--batch",
                                "exec",
                                "-it",
                                r->s->id,
                                "/bin/sh",
                                "-c",
                                SHELL_COMMAND};
    for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
        if (argv[i])
            job_arg(j, argv[i]);
    j->external = true;
    j->done = split_ended;
    return j;
}

void tmux_exec(struct ui *ui)
{
    const struct row *r = target_selected_running(ui, "exec");
    const char *tmux = getenv("TMUX");
    if (r && (!tmux || !*tmux))
        ui_say(
            ui, SAY_WARNING, "exec in a split: not inside tmux%s; e opens a shell here",
            getenv("SUDO_USER") ? ", or sudo hides it: sudo --preserve-env=TMUX,TMUX_PANE"
                                : "");
    else if (r)
        job_start(split_job(ui, r, tmux), NULL);
}
