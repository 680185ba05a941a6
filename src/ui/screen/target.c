/* A key acts on what the user sees selected or marked; messages name it by name. */
#include "ui/screen/target.h"

bool targets_find(struct ui *ui, struct targets *ret)
{
    ret->n = model_targets(&ui->model, ret->rows, CONFIRM_MAX);
    size_t marked = model_marked(&ui->model);
    char key[16];
    if (ret->n == 0 && marked)
        ui_say(ui, SAY_WARNING,
               "not done: the filter hides the %zu marked; %s unmarks them", marked,
               keys_for(&ui->keys, CMD_UNMARK, key));
    else if (ret->n == 0)
        ui_say(ui, SAY_WARNING, "no container is selected");
    return ret->n > 0;
}

void targets_again(const struct ui *ui, const struct subject *s, size_t n,
                   struct targets *ret)
{
    ret->n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct row *r = model_find(&ui->model, s[i].id);
        if (r)
            ret->rows[ret->n++] = r;
    }
}

const struct row *target_running(struct ui *ui, const struct row *r, const char *verb)
{
    char key[16];
    bool paused = r && r->s->state == MTD_STATE_PAUSED;
    if (!r)
        ui_say(ui, SAY_WARNING, "%s: there is no container", verb);
    else if (r->s->state != MTD_STATE_RUNNING)
        ui_say(ui, SAY_WARNING, "%s: %s is %s; %s %s it", verb, r->s->name,
               mtd_state_name(r->s->state),
               keys_for(&ui->keys, paused ? CMD_PAUSE : CMD_STOP_START, key),
               paused ? "resumes" : "starts");
    else
        return r;
    return NULL;
}

const struct row *target_selected_running(struct ui *ui, const char *verb)
{
    return target_running(ui, model_selected(&ui->model), verb);
}
