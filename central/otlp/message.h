/* OTLP messages in bounded memory: from protobuf, from OTLP JSON
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), and back to protobuf. One
 * walk over the descriptors of protobuf-c serves every message. Layer: central. Threads: one owner.
 */
#ifndef CANDOR_CENTRAL_OTLP_MESSAGE_H
#define CANDOR_CENTRAL_OTLP_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "base/bytes.h"

/* A message takes many times its size on the wire: an empty one is two bytes there. */
#define CANDOR_OTLP_MEMORY ((size_t)64 << 20)

typedef struct candor_otlp_memory { /* zero-initialise */
    struct candor_otlp_block *blocks;
    char *at;
    size_t left, used;
    bool full; /* CANDOR_OTLP_MEMORY was not enough */
} candor_otlp_memory;
/* Zeroed; NULL: no more. Of one memory all goes at once. */
void *candor_otlp_get(candor_otlp_memory *m, size_t n);
void candor_otlp_memory_free(candor_otlp_memory *m);

/* Both: CANDOR_INVALID with a sentence, CANDOR_LIMIT past CANDOR_OTLP_MEMORY, CANDOR_NOMEM. What
 * out points to lives in m. */
CANDOR_CHECK candor_status candor_otlp_unpack(const ProtobufCMessageDescriptor *d, candor_bytes in,
                                              candor_otlp_memory *m, ProtobufCMessage **out,
                                              candor_err *err);
/* Unknown members are skipped. Lists and maps in values are left empty, as otlp.proto says. */
CANDOR_CHECK candor_status candor_otlp_from_json(const ProtobufCMessageDescriptor *d,
                                                 candor_bytes in, candor_otlp_memory *m,
                                                 ProtobufCMessage **out, candor_err *err);
/* Append m in protobuf; false: memory is out. */
bool candor_otlp_pack(const ProtobufCMessage *m, candor_buf *out);

#endif
