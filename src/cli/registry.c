/* registry - the environment is read here: the engine asks for none. */

#include "cli/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/spec_options.h"

static int read_environment(struct strv *ret)
{
    int rc = 0;
    for (const char *const *name = mtd_registry_variables(); *name && rc == 0; name++) {
        auto_free char *text = NULL;
        const char *value = getenv(*name);
        if (value && asprintf(&text, "%s=%s", *name, value) < 0)
            rc = -ENOMEM;
        else if (value)
            rc = strv_add(ret, text);
    }
    return rc;
}

static void write_line(int fd, const char *line)
{
    auto_done(buf_done) struct buf text = {0};
    if (fd >= 0 && buf_printf(&text, "%s\n", line) == 0)
        print_fd(fd, text.data, text.len);
}

static void say(void *arg, const char *line)
{
    struct registry *r = arg;
    if (!r->has_begun || strv_add(&r->late, line) < 0)
        write_line(r->fd, line);
}

static void report(void *arg, const struct mtd_progress_step *step)
{
    struct registry *r = arg;
    r->has_begun = true;
    mtd_progress_report(progress_of(r->progress), step);
}

int registry_open(struct registry *r, enum progress_mode mode, bool tls_verify, int fd,
                  struct mtd_error *err)
{
    *r = (struct registry){.fd = fd, .mode = mode};
    (void)spec_defaults(&r->defaults, NULL); /* run says what is wrong with the file */
    if (read_environment(&r->env) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    r->progress = progress_new(mode);
    r->steps = (struct mtd_progress){.report = report, .arg = r};
    r->how = (struct mtd_registry){.env = &r->env,
                                   .tls_verify = tls_verify ? -1 : 0,
                                   .timeout_s = r->defaults.registry_timeout,
                                   .progress = r->progress ? &r->steps : NULL,
                                   .say = say,
                                   .arg = r};
    return 0;
}

static void end_progress(struct registry *r)
{
    progress_free(take_ptr(&r->progress));
    for (size_t i = 0; i < r->late.len; i++)
        write_line(r->fd, r->late.items[i]);
    strv_done(&r->late);
    r->late = (struct strv){0};
    r->has_begun = false;
}

void registry_pause(struct registry *r)
{
    if (!r->has_begun)
        return;
    end_progress(r);
    r->progress = progress_new(r->mode);
}

void registry_close(struct registry *r)
{
    end_progress(r);
    strv_done(&r->env);
}

/* ---- run and create ---- */

/* The engine's list of what there is stands behind whatever keeps it from coming. */
static void add_local_images(struct mtd_error *err, const struct mtd_error *missing)
{
    const char *local = strstr(missing->text, "; local images");
    size_t len = strlen(err->text);
    if (local && len + strlen(local) < sizeof(err->text))
        snprintf(err->text + len, sizeof(err->text) - len, "%s", local);
}

int registry_pull_for_run(const struct cli *c, const char *image, const char *platform,
                          bool quiet, struct mtd_error *err)
{
    struct mtd_error missing = *err, why = {0};
    struct mtd_image_name name;
    struct mtd_pulled pulled;
    struct registry r;
    char line[400];
    int rc = mtd_image_name(image, &name, &why);
    if (rc == 0 && mtd_can_pull(&why) < 0 && missing.code) {
        size_t len = strlen(err->text);
        snprintf(err->text + len, sizeof(err->text) - len, "; %s", why.text);
        return -missing.code;
    }
    if (rc == 0)
        rc = registry_open(&r, PROGRESS_AUTO, true, quiet ? -1 : STDERR_FILENO, &why);
    if (rc == 0) {
        snprintf(line, sizeof(line), "Unable to find image '%s' locally", name.text);
        if (missing.code && !quiet)
            write_line(STDERR_FILENO, line);
        rc = mtd_pull(c->engine, image, platform, &r.how, &pulled, &why);
        registry_close(&r);
    }
    if (rc < 0) {
        *err = why;
        add_local_images(err, &missing);
    } else {
        mtd_error_clear(err);
    }
    return rc;
}
