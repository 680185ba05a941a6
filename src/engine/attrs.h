/* attrs - what a log driver says about a container with each of its lines: chosen labels and
 * variables, and a tag.
 * Shape   "key=value", sorted by key: what the options labels, labels-regex, env and env-regex
 *         choose, the later ones over the earlier. The tag is docker's template over the
 *         container: {{.ID}} {{.FullID}} {{.Name}} {{.Command}} {{.ImageID}} {{.ImageFullID}}
 *         {{.ImageName}} {{.Hostname}} {{.DaemonName}}. Patterns are POSIX's extended ones.
 * Errors  -errno; err says which option is wrong, by docker's name for it.
 * Owner   the caller frees what it gets. id: MTD_ID_LEN digits; name: NULL = none yet.
 * Source  moby daemon/logger/loginfo.go, loggerutils/log_tag.go
 */
#ifndef ENGINE_ATTRS_H
#define ENGINE_ATTRS_H

#include "engine/types.h"

/* The value of a log option; NULL = it was not given. */
const char *mtd_log_opt(const struct mtd_spec *s, const char *name);
/* Rotated pieces are compressed: asked for, or the driver does. */
bool mtd_log_compresses(const struct mtd_spec *s);
int mtd_log_attrs(const struct mtd_spec *s, struct strv *ret, struct mtd_error *err);
/* usual: the template when none was given; "" = then there is no tag, and *ret is "". */
int mtd_log_tag(const struct mtd_spec *s, const char *id, const char *name,
                const char *usual, char **ret, struct mtd_error *err);
/* As docker's inspect and `logs --details` have them: the tag, if one was given, is one. */
int mtd_log_details(const struct mtd_spec *s, const char *id, const char *name,
                    struct strv *ret, struct mtd_error *err);
/* All options make sense. */
int mtd_log_opts_check(const struct mtd_spec *s, struct mtd_error *err);

#endif
