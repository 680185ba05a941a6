/* dockerfile_words - the lines of a Dockerfile, and the words of an instruction.
 * Shape   '..' is literal; in ".." a backslash is special before " $ \ only; outside it
 *         takes the next character. $NAME, ${NAME} and what may follow its name: [:]-word
 *         [:]+word [:]?message #pattern ##pattern %pattern %%pattern /pattern/text
 *         //pattern/text; unset = empty, $1 and $@ are as well. In a pattern * and ? are
 *         wildcards, a backslash takes that away.
 * Errors  -ENOMEM, -EINVAL = not valid; *ret_reason is constant text.
 * Owner   the caller frees what is returned.
 * Source  github.com/moby/buildkit, frontend/dockerfile/shell/lex.go
 */
#ifndef ENGINE_IMAGE_DOCKERFILE_WORDS_H
#define ENGINE_IMAGE_DOCKERFILE_WORDS_H

#include <stdbool.h>

#include "base/strv.h"

/* The instructions in texts, each a line or several, as if they were lines of one file: without
 * comments, empty lines and the backslashes that continue a line. */
int dockerfile_lines(const struct strv *texts, struct strv *ret);
/* 1 = s is a JSON list of strings, 0 = it is none; -EINVAL: not of strings alone. */
int dockerfile_words_json(const char *s, struct strv *ret);
/* Splits at blanks outside quotes; the words keep their quotes. */
int dockerfile_words_split(const char *s, struct strv *ret);
/* Removes the quotes of a word (or a whole line) and expands env's variables. */
int dockerfile_words_expand(const char *s, const struct strv *env, char **ret,
                            const char **ret_reason);

/* ---- dockerfile_pattern.c ---- */

/* What of text a pattern matches from its start, or backwards from its end: the longest, or the
 * shortest. The number of bytes, or -ENOENT; -EINVAL = no pattern. */
int dockerfile_pattern_match(const char *pattern, const char *text, bool from_end,
                             bool longest);

#endif
