/* Reads single fields out of a sanitised payload, which is JSON of our own writing: no white space,
 * keys quoted exactly as field->key_json. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_PAYLOAD_H
#define CANDOR_CENTRAL_PAYLOAD_H

#include "contract/schema.h"

/* The text of a scalar field's value, quotes taken off, escapes left in. False when absent. */
bool candor_payload_find(candor_bytes payload, const candor_field *f, candor_bytes *value);

#endif
