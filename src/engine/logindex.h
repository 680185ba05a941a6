/* logindex - random access to a log of any size at flat memory: for the screen's log view.
 * (filled in by the log view's author)
 */
#ifndef ENGINE_LOGINDEX_H
#define ENGINE_LOGINDEX_H

#endif
