/* Responses: JSON, and RFC 9457 problems that say what, where and what to do. Layer: central. */
#ifndef CANDOR_CENTRAL_RESPOND_H
#define CANDOR_CENTRAL_RESPOND_H

#include "central/conn.h"

extern const char candor_type_json[], candor_type_problem[], candor_type_text[],
    candor_type_metrics[];

/* Start a reply; its body buffer is empty. */
candor_buf *candor_reply_begin(candor_reply *r, int code, const char *type);
/* A complete problem reply. detail: printf. */
void candor_reply_problem(candor_reply *r, int code, const char *detail, ...) CANDOR_PRINTF(3, 4);
void candor_reply_deinit(candor_reply *r);
/* Status line and header fields of r; keep: the connection stays open. */
void candor_reply_head(const candor_reply *r, bool keep, candor_buf *out);
const char *candor_code_title(int code);

#endif
