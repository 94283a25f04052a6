/* What a text of full content has to pass: on its head consent, type, target and rate; then gunzip,
 * size, UTF-8 and digest. Only then does anything reach the store. Layer: central. Threads: the
 * connection's loop. Functions that return false have written the refusal to c->reply. */
#ifndef CANDOR_CENTRAL_ATTACH_CHECK_H
#define CANDOR_CENTRAL_ATTACH_CHECK_H

#include "central/conn.h"

/* The event id of the path. */
/* False: it keeps no texts, and the reply says so. */
bool candor_attach_kept(candor_conn *c);
bool candor_attach_event_id(candor_conn *c, unsigned char id[16]);
/* The field that the query names, decoded; *given is false without one. */
bool candor_attach_field(candor_conn *c, char name[CANDOR_NAME_MAX + 1], bool *given);
/* The text and its target into j, from the head and body of a POST. */
bool candor_attach_fill(candor_conn *c, candor_attachment_job *j);
/* Count a refusal that was written; false, for the caller to return. */
bool candor_attach_refused(candor_conn *c, candor_attach_refuse why);

/* The largest maxBytes of the schema's content fields with that name or alias, and their name; 0:
 * there is none. */
size_t candor_attach_field_max(const candor_schema *s, candor_bytes name, candor_bytes *canonical);
bool candor_attach_utf8_ok(candor_bytes text);

#endif
