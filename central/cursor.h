/* Page cursors: where the page before ended, bound by a MAC to the question it belongs to. Opaque
 * to clients: one that was made up, cut, or given with other filters is refused instead of
 * answering something else. They stay good across restarts, as long as the pepper does. Layer:
 * central. Threads: any. */
#ifndef CANDOR_CENTRAL_CURSOR_H
#define CANDOR_CENTRAL_CURSOR_H

#include "base/digest.h"

#define CANDOR_CURSOR_PLACE 16 /* bytes of a position */
#define CANDOR_CURSOR_MAC   12
#define CANDOR_CURSOR_TEXT  (2 * (CANDOR_CURSOR_PLACE + CANDOR_CURSOR_MAC)) /* hex digits */

/* question: everything that decides the rows and their order. text: not terminated. */
CANDOR_CHECK candor_status candor_cursor_make(const unsigned char pepper[32], candor_bytes question,
                                              const unsigned char place[CANDOR_CURSOR_PLACE],
                                              char text[CANDOR_CURSOR_TEXT]);
/* CANDOR_INVALID: text is not a cursor of this question. */
CANDOR_CHECK candor_status candor_cursor_read(const unsigned char pepper[32], candor_bytes question,
                                              candor_bytes text,
                                              unsigned char place[CANDOR_CURSOR_PLACE]);

#endif
