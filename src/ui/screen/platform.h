/* platform - what the screen asks of the program around it. No code of the screen knows a
 * terminal or an event loop: app/app.c implements this, tests implement their own.
 */
#ifndef UI_SCREEN_PLATFORM_H
#define UI_SCREEN_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;

enum request {
    REQUEST_QUIT,
    REQUEST_REDRAW, /* forget what the terminal shows */
    REQUEST_SUSPEND,
    REQUEST_MOUSE,   /* ui->mouse changed */
    REQUEST_REFRESH, /* read the list again */
    REQUEST_SAMPLE,  /* take figures soon */
    REQUEST_WORK,    /* a view has work to do, or must be drawn */
};

struct platform {
    int64_t (*wall_ns)(void *app);
    int64_t (*mono_ns)(void *app);
    int (*start)(void *app, struct job *j);   /* 0: done() will be called; else -errno */
    void (*cancel)(void *app, struct job *j); /* SIGINT; done() follows */
    bool (*copy)(void *app, const char *text, size_t n); /* false = it cannot */
    void (*request)(void *app, enum request r);
};

#endif
