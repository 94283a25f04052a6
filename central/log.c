#include "central/log.h"

#include <unistd.h>

#include "base/json.h"
#include "base/uuid.h"
#include "plat/plat.h"

#define TAIL_BYTES 2 /* "}\n" */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void candor_log_init(candor_log *l, const char *level)
{
    int i;
    *l = (candor_log){CANDOR_LOG_INFO, STDERR_FILENO};
    for (i = 0; i < 4; i++)
        if (strcmp(level, level_names[i]) == 0) l->level = (candor_log_level)i;
}

void candor_log_begin(candor_log_line *line, candor_log_level level, const char *event)
{
    char ts[CANDOR_TIME_TEXT];
    candor_buf_init_fixed(&line->buf, line->storage, sizeof line->storage - TAIL_BYTES);
    candor_time_format(candor_clock_unix_ms(), ts);
    candor_buf_put_bytes(&line->buf, CANDOR_LIT("{\"ts\":\""));
    candor_buf_put(&line->buf, ts, sizeof ts);
    candor_buf_putf(&line->buf, "\",\"level\":\"%s\",\"event\":\"%s\"", level_names[level], event);
}

static void put_key(candor_buf *b, const char *key)
{
    candor_buf_put_c(b, ',');
    candor_json_put_string(b, candor_bytes_str(key));
    candor_buf_put_c(b, ':');
}

static void keep_whole(candor_buf *b, size_t before)
{
    if (!b->failed) return;
    b->failed = false;
    b->n = before;
}

void candor_log_text(candor_log_line *line, const char *key, const char *value)
{
    size_t before = line->buf.n;
    put_key(&line->buf, key);
    candor_json_put_string(&line->buf, candor_bytes_str(value));
    keep_whole(&line->buf, before);
}

void candor_log_number(candor_log_line *line, const char *key, int64_t value)
{
    size_t before = line->buf.n;
    put_key(&line->buf, key);
    candor_json_put_i64(&line->buf, value);
    keep_whole(&line->buf, before);
}

void candor_log_end(const candor_log *l, candor_log_line *line, candor_log_level level)
{
    ssize_t n;
    if (level > l->level) return;
    memcpy(line->storage + line->buf.n, "}\n", TAIL_BYTES);
    n = write(l->fd, line->storage, line->buf.n + TAIL_BYTES);
    (void)n; /* a log that cannot be written has nowhere to say so */
}

void candor_log_say(const candor_log *l, candor_log_level level, const char *event,
                    const char *detail)
{
    candor_log_line line;
    if (level > l->level) return;
    candor_log_begin(&line, level, event);
    if (detail != NULL && *detail != '\0') candor_log_text(&line, "detail", detail);
    candor_log_end(l, &line, level);
}
