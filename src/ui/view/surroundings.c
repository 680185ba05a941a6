/* The one formatted call; everything else is called through the table. */
#include "ui/view/surroundings.h"

#include <stdarg.h>
#include <stdio.h>

void surroundings_say(const struct surroundings *s, enum say level, const char *fmt, ...)
{
    char text[sizeof(s->message->text)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    s->say(s->app, level, text);
}
