/* RFC 9457 3.1.5: "instance" names one occurrence of a problem, so that who got the answer and who
 * reads the log can speak of the same thing. */
#include "base/uuid.h"
#include "central/conn.h"

/* The time, what this loop drew at its start, and a number: different each time without asking the
 * system for randomness, which a flood of refusals would have us do each time. */
static void make_id(candor_loop *l, char text[CANDOR_UUID_TEXT + 1])
{
    unsigned char rest[10], id[16];
    memcpy(rest, l->problem_seed, sizeof l->problem_seed);
    candor_put_u32(rest + sizeof l->problem_seed, ++l->problems);
    candor_uuid7_make((uint64_t)candor_clock_unix_ms(), rest, id);
    candor_uuid_format(id, text);
    text[CANDOR_UUID_TEXT] = '\0';
}

static void put_instance(candor_buf *b, const char *id)
{
    if (b->failed || b->n < 2 || memcmp(b->p + b->n - 2, "}\n", 2) != 0) return;
    b->n -= 2;
    candor_buf_putf(b, ",\"instance\":\"urn:uuid:%s\"}\n", id);
}

/* A refusal is somebody's daily bread, an answer of 500 is our failure. */
static void log_problem(const candor_conn *c, const char *id)
{
    const candor_log *log = &c->loop->server->log;
    candor_log_level level = c->reply.code == 500 ? CANDOR_LOG_ERROR : CANDOR_LOG_DEBUG;
    candor_log_line line;
    if (level > log->level) return;
    candor_log_begin(&line, level, "problem");
    candor_log_text(&line, "instance", id);
    candor_log_number(&line, "status", c->reply.code);
    candor_log_text(&line, "code", c->reply.problem);
    candor_log_end(log, &line, level);
}

void candor_conn_name_problem(candor_conn *c)
{
    char id[CANDOR_UUID_TEXT + 1];
    if (c->reply.problem == NULL) return;
    make_id(c->loop, id);
    put_instance(&c->reply.body, id);
    log_problem(c, id);
}
