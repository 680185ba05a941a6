/* dockerfile_words - splits and expands the words of a Dockerfile instruction.
 * Shape   '..' is literal; in ".." a backslash is special before " $ \ only; outside it
 *         takes the next character. $NAME, ${NAME}, ${NAME:-word}, ${NAME:+word}; unset =
 *         empty.
 * Errors  -ENOMEM, -EINVAL = not valid; *ret_reason is constant text.
 * Owner   the caller frees what is returned.
 * Source  github.com/moby/buildkit, frontend/dockerfile/shell/lex.go
 */
#ifndef ENGINE_IMAGE_DOCKERFILE_WORDS_H
#define ENGINE_IMAGE_DOCKERFILE_WORDS_H

#include "base/strv.h"

/* Splits at blanks outside quotes; the words keep their quotes. */
int dockerfile_words_split(const char *s, struct strv *ret);
/* Removes the quotes of a word (or a whole line) and expands env's variables. */
int dockerfile_words_expand(const char *s, const struct strv *env, char **ret,
                            const char **ret_reason);

#endif
