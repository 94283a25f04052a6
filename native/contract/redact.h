/* Redaction of free text: linear time, no regular expressions, no allocation, idempotent.
 * Layer: contract. Threads: any.
 *
 * What is replaced, and by what (docs/redaction.md has the list with examples):
 *   <email>   e-mail addresses, logins on a host (bob@laptop)
 *   <secret>  vendor tokens (AWS, GitHub, GitLab, Slack, Stripe, Google, OpenAI, Anthropic, npm,
 *             PyPI, SendGrid, Twilio, Azure keys, ...), JWTs, private-key blocks,
 *             Bearer/Basic values, values of key=value, key: value, "key":"value" and
 *             <key>value</key> whose key names a secret or a user, passwords that a sentence
 *             names, URL userinfo, payment cards, IBANs, telephone numbers with country code
 *   <path>    POSIX, home (~), Windows drive, UNC and file: paths, with any user name inside
 *   <ip>      IPv4 and IPv6 addresses
 * Placeholders are never redacted again: redact(redact(x)) == redact(x). */
#ifndef CANDOR_CONTRACT_REDACT_H
#define CANDOR_CONTRACT_REDACT_H

#include "base/bytes.h"

#define CANDOR_FOUND_EMAIL  1u
#define CANDOR_FOUND_SECRET 2u
#define CANDOR_FOUND_PATH   4u
#define CANDOR_FOUND_IP     8u

/* Append the redacted form of text (UTF-8; malformed parts become U+FFFD, C0 controls but \n and \t
 * become a space) to out. Returns a set of CANDOR_FOUND_*; 0 when nothing was replaced. */
unsigned candor_redact(candor_bytes text, candor_buf *out);

/* The set that candor_redact would return, without writing. */
unsigned candor_redact_scan(candor_bytes text);

/* Append a stack trace reduced to what may leave the machine: the first line redacted as text, then
 * a line a frame, "at <path>:LINE:COLUMN", without function names, file names or source lines;
 * frames of V8, Firefox, Python and native shapes; other lines are dropped. Idempotent. */
unsigned candor_redact_stack(candor_bytes text, candor_buf *out);

#endif
