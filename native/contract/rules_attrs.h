/* Attributes (a nested object of the schema's one table) and times in nanoseconds, the kinds that
 * spans and metrics need. Private to the field rules. Layer: contract. Threads: as the sanitiser.
 */
#ifndef CANDOR_CONTRACT_RULES_ATTRS_H
#define CANDOR_CONTRACT_RULES_ATTRS_H

#include "contract/rules.h"

/* Write the object whose JSON text v->str is: members that the table knows, in its order, by their
 * own field rules. Text that is no JSON object, or nests deeper than an event may, is of the wrong
 * type. */
void candor_rules_attrs(candor_rules *r, const candor_field *f, const candor_value *v);

/* 1 to 20 decimal digits that fit 64 bits, no sign: what OTLP writes for fixed64. */
bool candor_nanos_parse(candor_bytes digits, uint64_t *out);
#define CANDOR_NANOS_TEXT 20
candor_bytes candor_nanos_format(uint64_t n, char text[CANDOR_NANOS_TEXT]);

#endif
