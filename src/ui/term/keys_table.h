/* keys_table - the one table of keys, in two files because of its length. */
#ifndef UI_TERM_KEYS_TABLE_H
#define UI_TERM_KEYS_TABLE_H

#include "ui/term/keys.h"

extern const struct binding KEYS_OBJECTS[], KEYS_SCREEN[];
extern const size_t KEYS_OBJECTS_LEN, KEYS_SCREEN_LEN;

#endif
