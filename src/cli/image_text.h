/* image_text - what images and history write alike. Errors -errno. */
#ifndef CLI_IMAGE_TEXT_H
#define CLI_IMAGE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/types.h"

/* The help of --platform. */
#define ONE_PLATFORM "ignored; an image has one platform, this machine's"

/* "sha256:..." as it is, or 12 digits of it; "<none>" of a tar that was never used. */
int image_text_id(const char *id, bool no_trunc, struct buf *out);
/* "2 hours ago", or "N/A" when at is 0; wall ns. */
int image_text_since(int64_t at, int64_t now, struct buf *out);

#endif
