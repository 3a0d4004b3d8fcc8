/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * utf8 -- which bytes beyond ASCII may stand in an address (RFC 6531, RFC 3629).
 */
#ifndef GEMEL_MAILCORE_SMTP_UTF8_H
#define GEMEL_MAILCORE_SMTP_UTF8_H

#include "common/slice.h"

/* Length of the well-formed character beyond ASCII that text begins with; 0 if there is none, or if
 * it is one that could break a line further on (U+0080 to U+009F, U+2028, U+2029). Overlong forms
 * and surrogates are not well-formed. */
size_t utf8_character(struct slice text);

#endif
