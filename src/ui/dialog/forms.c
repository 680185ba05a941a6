/* The small forms: commit and rename. They are about one container and close with a
 * message when it is gone. */
#include "ui/dialog/forms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/dialog/form.h"
#include "ui/draw/format.h"

struct about {
    char id[MTD_ID_SIZE];
    char note[96];
};

static const struct row *row_of(const struct form *f)
{
    const struct about *a = f->arg;
    return model_find(f->modal.around->model, a->id);
}

static enum modal_result close_when_gone(struct form *f)
{
    if (row_of(f))
        return MODAL_STAY;
    surroundings_say(f->modal.around, SAY_WARNING,
                     "%s: not done, the container no longer exists", f->title);
    return MODAL_CLOSE;
}

static void run_about(const struct form *f, const struct strv *argv, const char *busy)
{
    const struct surroundings *s = f->modal.around;
    const struct row *r = row_of(f);
    s->run(s->app,
           &(struct errand){.argv = argv, .id = r ? r->s->id : NULL, .busy = busy});
}

static struct modal *open_form(const struct surroundings *s, const struct form_ops *ops,
                               const char *verb)
{
    const struct row *r = model_selected(s->model);
    struct about *a = r ? calloc(1, sizeof(*a)) : NULL;
    if (!r)
        surroundings_say(s, SAY_WARNING, "no container is selected");
    if (!a)
        return NULL;
    char title[96];
    memcpy(a->id, r->s->id, sizeof(a->id));
    snprintf(title, sizeof(title), "%s %s", verb, r->s->name ? r->s->name : r->s->id);
    return form_new(ops, title, a);
}

/* ---- commit ------------------------------------------------------------------------ */

enum { COMMIT_NAME, COMMIT_MESSAGE, COMMIT_PAUSE };
static const struct form_field COMMIT_FIELDS[] = {
    {"name", "repository[:tag]", FIELD_TEXT},
    {"message", "what changed", FIELD_TEXT},
    {"pause", "while it is packed", FIELD_CHECK},
};

static int commit_build(const struct form *f, struct strv *ret, size_t *field,
                        struct mtd_error *err)
{
    const struct about *a = f->arg;
    const char *name = form_text(f, COMMIT_NAME), *message = form_text(f, COMMIT_MESSAGE);
    *field = COMMIT_NAME;
    if (!*name)
        return mtd_fail(err, EINVAL, "the image needs a name");
    if (name[strcspn(name, " \t")])
        return mtd_fail(err, EINVAL, "an image name has no blanks");
    strv_add(ret, "commit");
    if (*message) {
        strv_add(ret, "-m");
        strv_add(ret, message);
    }
    if (!form_ticked(f, COMMIT_PAUSE))
        strv_add(ret, "--pause=false");
    strv_add(ret, a->id);
    return strv_add(ret, name);
}

static void commit_submit(struct form *f, const struct strv *argv)
{
    run_about(f, argv, "committing");
}

static const char *commit_note(const struct form *f)
{
    return ((const struct about *)f->arg)->note;
}

static const struct form_ops COMMIT = {
    .title = "commit",
    .fields = COMMIT_FIELDS,
    .n_fields = ARRAY_SIZE(COMMIT_FIELDS),
    .build = commit_build,
    .submit = commit_submit,
    .update = close_when_gone,
    .note = commit_note,
};

/* What the container wrote is the layer. Measuring may take long: a child does it, and
 * the note is set when it has finished, if the form is still open. */
struct measuring {
    const struct surroundings *around;
    char id[MTD_ID_SIZE];
};

static void measured(void *arg, int status, const char *output)
{
    struct measuring *m = arg;
    for (struct modal *at = m->around->topmost(m->around->app); at; at = at->below) {
        struct form *f = form_of(at, &COMMIT);
        struct about *a = f ? f->arg : NULL;
        if (a && strcmp(a->id, m->id) == 0)
            snprintf(a->note, sizeof(a->note), status ? "%.*s" : "the new layer: %.*s",
                     (int)strcspn(output, "(\n"), output);
    }
    free(m);
}

static void measure(const struct surroundings *s, struct about *a)
{
    struct measuring *m = calloc(1, sizeof(*m));
    auto_done(strv_done) struct strv argv = {0};
    char filter[MTD_ID_SIZE + 8];
    if (!m)
        return;
    m->around = s;
    memcpy(m->id, a->id, sizeof(a->id));
    snprintf(filter, sizeof(filter), "id=%s", a->id);
    snprintf(a->note, sizeof(a->note), "the new layer: measuring...");
    const char *const words[] = {"ps", "-a", "-s", "-f", filter, "--format", "{{.Size}}"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        strv_add(&argv, words[i]);
    s->capture(s->app, &argv, measured, m);
}

void form_commit(const struct surroundings *s)
{
    struct modal *m = open_form(s, &COMMIT, "commit");
    if (!m)
        return;
    struct form *f = (struct form *)m;
    form_set(f, COMMIT_PAUSE, "x");
    s->push(s->app, m);
    measure(s, f->arg);
}

/* ---- rename ------------------------------------------------------------------------ */

static const struct form_field RENAME_FIELDS[] = {{"new name", "", FIELD_TEXT}};

int form_check_name(const struct form *f, const char *typed, const struct row *of,
                    struct mtd_error *err)
{
    const struct model *m = f->modal.around->model;
    const char *name = mtd_name_bare(typed);
    int rc = mtd_name_check(name, err);
    for (size_t i = 0; rc == 0 && i < m->list.len; i++) {
        const struct row *r = &m->rows[i];
        if (r->s->name && strcmp(r->s->name, name) == 0 && (!of || of->s != r->s))
            rc = mtd_fail(err, EEXIST, "the name %s is taken", name);
    }
    return rc;
}

static int rename_build(const struct form *f, struct strv *ret, size_t *field,
                        struct mtd_error *err)
{
    const struct row *r = row_of(f);
    const char *name = form_text(f, 0);
    int rc = form_check_name(f, name, r, err);
    if (rc < 0)
        return rc;
    strv_add(ret, "rename");
    strv_add(ret, ((const struct about *)f->arg)->id);
    return strv_add(ret, name);
}

static void rename_submit(struct form *f, const struct strv *argv)
{
    run_about(f, argv, "renaming");
}

static const struct form_ops RENAME = {
    .title = "rename",
    .fields = RENAME_FIELDS,
    .n_fields = ARRAY_SIZE(RENAME_FIELDS),
    .build = rename_build,
    .submit = rename_submit,
    .update = close_when_gone,
};

void form_rename(const struct surroundings *s)
{
    struct modal *m = open_form(s, &RENAME, "rename");
    const struct row *r = model_selected(s->model);
    if (m && r && r->s->name)
        form_set((struct form *)m, 0, r->s->name);
    s->push(s->app, m);
}
