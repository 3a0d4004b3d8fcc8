/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings -- limits and names that an SMTP session works with.
 *
 * A plain value without pointers: the core fills it from gemel.conf and it is
 * copied into the memory that the core shares with each worker.
 */
#ifndef GEMEL_MAILCORE_SMTP_SETTINGS_H
#define GEMEL_MAILCORE_SMTP_SETTINGS_H

#include <stdint.h>

struct smtp_settings {
	char hostname[256];         /* what we call ourselves in the greeting and in Received */
	uint64_t message_max_bytes; /* SIZE; content longer is 552 5.3.4 */
	uint32_t recipients_max;    /* at least 100 (RFC 5321 4.5.3.1.8); more get 452 4.5.3 */
	uint32_t received_max;      /* Received lines from which a message is a loop (554 5.4.6) */
	uint32_t errors_max;        /* refused commands before 421 and the end */
	uint32_t
	    inline_max_bytes; /* content up to here is kept in memory; more streams to the core */
	uint32_t command_timeout_ms; /* RFC 5321 4.5.3.2: 5 minutes */
	uint32_t data_timeout_ms;    /* between two pieces of content: 3 minutes */
	uint32_t sessions_max;       /* per worker; more get 421 4.3.2 */
};

#endif
