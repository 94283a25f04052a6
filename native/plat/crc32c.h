/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): with the processor's own instruction where it has
 * one, by table elsewhere. Layer: plat, because the choice is made for the machine. Threads: any.
 */
#ifndef CANDOR_PLAT_CRC32C_H
#define CANDOR_PLAT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc: 0 to start, the previous result to go on. */
uint32_t candor_crc32c(uint32_t crc, const void *p, size_t n);
/* The table version, for tests that hold both against the same vectors. */
uint32_t candor_crc32c_portable(uint32_t crc, const void *p, size_t n);

#endif
