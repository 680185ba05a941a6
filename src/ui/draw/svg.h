/* svg - the canvas as a picture in the colours of a theme, for documents.
 * Shape   a stand-alone SVG on a dark page. Blocks and lines are drawn as shapes, every
 *         other run of text is stretched to its cells: it looks the same with any
 *         monospace font.
 * Errors  -ENOMEM.
 */
#ifndef UI_DRAW_SVG_H
#define UI_DRAW_SVG_H

#include "ui/draw/theme.h"

int canvas_dump_svg(const struct canvas *c, const struct theme *t, struct buf *ret);

#endif
