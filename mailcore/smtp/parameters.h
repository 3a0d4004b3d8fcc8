/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parameters -- what may follow the path in MAIL and RCPT.
 *
 * Pure. One table says which keyword belongs to which command and how its value is
 * read. Values are kept as they were given; xtext (RFC 3461 4) is checked, and refused
 * when it hides a control character.
 */
#ifndef GEMEL_MAILCORE_SMTP_PARAMETERS_H
#define GEMEL_MAILCORE_SMTP_PARAMETERS_H

#include "common/slice.h"

#define SMTP_ENVELOPE_ID_MAX 100 /* RFC 3461 4.4 */
#define SMTP_ORIGINAL_MAX 500    /* RFC 3461 4.2 */

enum smtp_parameters_of {
	PARAMETERS_OF_MAIL = 1,
	PARAMETERS_OF_RCPT = 2,
};

enum smtp_parameters_verdict {
	PARAMETERS_OK,
	PARAMETERS_UNKNOWN, /* a keyword that this command does not have */
	PARAMETERS_INVALID, /* a value is wrong, missing or needless, or a keyword came twice */
};

struct smtp_parameters {
	uint64_t size_bytes;      /* SIZE; 0 if not given, UINT64_MAX if it is larger than that */
	bool is_8bit;             /* BODY=8BITMIME */
	bool is_utf8;             /* SMTPUTF8 */
	uint8_t returns;          /* enum envelope_return */
	uint8_t notify;           /* enum envelope_notify, or-ed */
	struct slice envelope_id; /* ENVID, views the text */
	struct slice original;    /* ORCPT, views the text */
};

/* Read text, which begins with a space or is empty. utf8_allowed: ORCPT may have characters beyond
 * ASCII (RFC 6533 3). */
enum smtp_parameters_verdict smtp_parameters_parse(struct slice text, enum smtp_parameters_of of,
    bool utf8_allowed, struct smtp_parameters *parameters_r);

#endif
