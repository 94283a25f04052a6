/* Values of header fields: media types with parameters, and what Candor-Consent says. Layer:
 * central. Threads: any. */
#ifndef CANDOR_CENTRAL_MEDIA_H
#define CANDOR_CENTRAL_MEDIA_H

#include "base/bytes.h"

/* Equal, but for case. */
bool candor_word_is(candor_bytes a, const char *b);
/* The media type of a Content-Type, its parameters left aside, is type. */
bool candor_media_is(candor_bytes content_type, const char *type);
/* Content-Type names this charset, once; quoted or not. */
bool candor_media_has_charset(candor_bytes content_type, const char *charset);
/* Candor-Consent: "<source>;epoch=N;content=1", parameters in any order behind the source, unknown
 * ones passed over. True when content is given once and is 1: the user has full content turned on.
 */
bool candor_consent_covers_content(candor_bytes consent);

#endif
