/* Log: one JSON object a line on stderr. What goes in is ours: no addresses, no tokens, no event
 * content. Layer: central. Threads: any (a line is one write). */
#ifndef CANDOR_CENTRAL_LOG_H
#define CANDOR_CENTRAL_LOG_H

#include "base/bytes.h"

typedef enum candor_log_level {
    CANDOR_LOG_ERROR,
    CANDOR_LOG_WARN,
    CANDOR_LOG_INFO,
    CANDOR_LOG_DEBUG
} candor_log_level;

typedef struct candor_log {
    candor_log_level level;
    int fd;
} candor_log;

void candor_log_init(candor_log *l, const char *level); /* a name from the settings; to stderr */

/* A line under construction in fixed storage; a value that does not fit is left out. */
typedef struct candor_log_line {
    char storage[1024];
    candor_buf buf;
} candor_log_line;
void candor_log_begin(candor_log_line *line, candor_log_level level, const char *event);
void candor_log_text(candor_log_line *line, const char *key, const char *value);
void candor_log_number(candor_log_line *line, const char *key, int64_t value);
void candor_log_end(const candor_log *l, candor_log_line *line, candor_log_level level);

/* {"ts","level","event","detail"}; detail may be NULL */
void candor_log_say(const candor_log *l, candor_log_level level, const char *event,
                    const char *detail);

#endif
