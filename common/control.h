/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control -- asking a running daemon, by libqb IPC.
 *
 * The daemon listens on the abstract socket CONTROL_CORE (or CONTROL_AGENT).
 * A request is one JSON object with a "verb" and the verb's arguments; the
 * answer is one JSON object with "ok" (true or false), and when it is false
 * "code" and "error" (one sentence: what, to what, why, what to do).
 *
 * Codes are the exit statuses of the operator's command: 1 failed, 3 refused,
 * 4 nothing answers.
 */
#ifndef GEMEL_COMMON_CONTROL_H
#define GEMEL_COMMON_CONTROL_H

#include <jansson.h>
#include <qb/qbipcc.h>
#include <qb/qbipc_common.h>
#include <stdint.h>

#define CONTROL_CORE "gemel-core"
#define CONTROL_AGENT "gemel-agent"

/* Largest request or answer, in bytes, header and NUL included. */
#define CONTROL_MESSAGE_MAX (64 * 1024)

/* The id in libqb's header of every request and answer. */
#define CONTROL_MESSAGE_ID 1

enum control_code {
	CONTROL_FAILED = 1,
	CONTROL_REFUSED = 3,
	CONTROL_NO_ANSWER = 4,
};

struct control_message {
	struct qb_ipc_request_header header;
	char json[];
};

struct control_reply {
	struct qb_ipc_response_header header;
	char json[];
};

/*
 * Send request (borrowed) to the daemon called service and wait up to
 * timeout_ms. Returns 0 with the answer owned by the caller in *reply_r, whatever
 * it says; or -errno: -ENOENT nothing listens, -ETIMEDOUT no answer in time,
 * -ECONNRESET the daemon ended before it answered (at once; what was asked may be done or not),
 * -EACCES this user may not ask, or who answers as CONTROL_AGENT is not root,
 * -EMSGSIZE the request is too large,
 * -EPROTO the answer is not an answer.
 */
int control_call(const char *service, json_t *request, int timeout_ms, json_t **reply_r);

#endif
