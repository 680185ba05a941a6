/* xattr - which extended attributes travel with a file. */
#ifndef ENGINE_ARCHIVE_XATTR_H
#define ENGINE_ARCHIVE_XATTR_H

#include <stdbool.h>

/* Does the attribute belong to the file, rather than to the host's policy or to
 * overlayfs? */
bool archive_xattr_is_kept(const char *name);
bool archive_xattr_is_overlay(const char *name);

#endif
