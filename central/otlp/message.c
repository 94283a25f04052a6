#include "central/otlp/message.h"

#include <stdlib.h>

#define BLOCK ((size_t)64 << 10)
#define ALIGN ((size_t)16)

struct candor_otlp_block {
    struct candor_otlp_block *next;
    void *pad; /* what follows is aligned as malloc's */
};

static bool add_block(candor_otlp_memory *m, size_t n)
{
    size_t size = n > BLOCK ? n : BLOCK;
    struct candor_otlp_block *b;
    m->full = m->full || size > CANDOR_OTLP_MEMORY - m->used;
    b = m->full ? NULL : calloc(1, sizeof *b + size);
    if (b == NULL) return false;
    b->next = m->blocks;
    m->blocks = b;
    m->used += size;
    m->at = (char *)(b + 1);
    m->left = size;
    return true;
}

void *candor_otlp_get(candor_otlp_memory *m, size_t n)
{
    void *p;
    if (n > CANDOR_OTLP_MEMORY) m->full = true;
    if (n > CANDOR_OTLP_MEMORY) return NULL;
    n = n == 0 ? ALIGN : (n + ALIGN - 1) / ALIGN * ALIGN;
    if (n > m->left && !add_block(m, n)) return NULL;
    p = m->at;
    m->at += n;
    m->left -= n;
    return p;
}

void candor_otlp_memory_free(candor_otlp_memory *m)
{
    while (m->blocks != NULL) {
        struct candor_otlp_block *next = m->blocks->next;
        free(m->blocks);
        m->blocks = next;
    }
    *m = (candor_otlp_memory){0};
}

/* --- protobuf ------------------------------------------------------------------------------- */

static void *take(void *ctx, size_t n)
{
    return candor_otlp_get(ctx, n);
}

static void leave(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

candor_status candor_otlp_unpack(const ProtobufCMessageDescriptor *d, candor_bytes in,
                                 candor_otlp_memory *m, ProtobufCMessage **out, candor_err *err)
{
    ProtobufCAllocator allocator = {take, leave, m};
    *out = protobuf_c_message_unpack(d, &allocator, in.n,
                                     in.n != 0 ? (const uint8_t *)in.p : (const uint8_t *)"");
    if (*out != NULL) return CANDOR_OK;
    if (m->full)
        return candor_fail(err, CANDOR_LIMIT, 0, "read OTLP",
                           "the request takes more than %zu bytes of memory; send smaller ones",
                           CANDOR_OTLP_MEMORY);
    return candor_fail(err, CANDOR_INVALID, 0, "read OTLP",
                       "the body is no protobuf message of this kind; nothing of it was stored");
}

bool candor_otlp_pack(const ProtobufCMessage *m, candor_buf *out)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    if (!candor_buf_reserve(out, n)) return false;
    if (n != 0) protobuf_c_message_pack(m, (uint8_t *)out->p + out->n);
    out->n += n;
    return true;
}
