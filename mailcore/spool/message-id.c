/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/spool.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBER_BITS 40

const char *
message_id_text(message_id id, char out[MESSAGE_ID_TEXT])
{
	snprintf(out, MESSAGE_ID_TEXT, "%" PRIx64 "-%" PRIx64, id >> NUMBER_BITS,
	    id & ((UINT64_C(1) << NUMBER_BITS) - 1));
	return out;
}
