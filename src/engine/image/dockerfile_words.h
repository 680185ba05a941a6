/* dockerfile_words - the words of a Dockerfile instruction: quotes, backslashes, $NAME.
 * Shape   '..' is literal; in ".." a backslash is special before " $ \ only; outside it
 *         takes the next character. $NAME, ${NAME}, ${NAME:-word}, ${NAME:+word}; unset =
 *         empty.
 * Source  github.com/moby/buildkit, frontend/dockerfile/shell/lex.go
 */
#ifndef ENGINE_IMAGE_DOCKERFILE_WORDS_H
#define ENGINE_IMAGE_DOCKERFILE_WORDS_H

#include "base/strv.h"

/* Splits at blanks outside quotes; words keep their quotes. -ENOMEM. */
int dockerfile_words_split(const char *s, struct strv *ret);
/* One word (or a whole line) with quotes taken off and env's variables put in; caller
 * frees *ret. -EINVAL, *ret_reason says why. */
int dockerfile_words_expand(const char *s, const struct strv *env, char **ret,
                            const char **ret_reason);

#endif
