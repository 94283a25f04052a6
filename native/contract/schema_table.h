/* The compiled schema. Private to schema*.c. Layer: contract. */
#ifndef CANDOR_CONTRACT_SCHEMA_TABLE_H
#define CANDOR_CONTRACT_SCHEMA_TABLE_H

#include "base/digest.h"
#include "contract/arena.h"
#include "contract/schema.h"

struct candor_schema {
    candor_arena arena; /* owns all below */
    candor_bytes name, governance_id;
    unsigned version, notice;
    candor_attributes attributes;
    const candor_event_def *events;
    unsigned n_events;
    const uint16_t *slots; /* open addressing over event names, at most half full */
    unsigned slot_mask;
    char hash[2 * CANDOR_SHA256_SIZE + 1];
};

#endif
