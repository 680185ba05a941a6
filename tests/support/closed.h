/* closed - a host on which only a test's own directory can be written.
 * Shape   a mount namespace of the test's process; what it starts is in it. The directory is not
 *         closed, nor are /dev, /proc and /sys.
 */
#ifndef TEST_CLOSED_H
#define TEST_CLOSED_H

#include "tempdir.h"

/* Aborts the test when it cannot. */
void closed_begin(const struct tempdir *d);
void closed_end(void); /* also without the other */

#endif
