/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/log.h"

static void refuse(struct witness_reply *reply, enum grpc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
refuse(struct witness_reply *reply, enum grpc_status status, const char *format, ...)
{
	va_list args;

	reply->status = status;
	va_start(args, format);
	vsnprintf(reply->reason, sizeof(reply->reason), format, args);
	va_end(args);
}

static void
log_change(const char *pair, const struct register_ask *ask, const struct register_row *row)
{
	static const char *const verbs[] = {
	    [REGISTER_READ] = "read",
	    [REGISTER_CREATE] = "began it",
	    [REGISTER_GRANT] = "is alone",
	    [REGISTER_ADMIT] = "admitted the other node",
	    [REGISTER_RENEW] = "said its new boot id",
	};
	char uuid[ID128_TEXT_BYTES], boots[REGISTER_NODES][ID128_TEXT_BYTES];

	log_notice("witness: pair %s: node %u %s: epoch %" PRIu64
		   ", members%s%s, register %s, boot ids %s and %s",
	    pair, ask->node, verbs[ask->verb], row->epoch, row->members & 1 ? " 0" : "",
	    row->members & 2 ? " 1" : "", id128_text(&row->uuid, uuid),
	    id128_text(&row->boots[0], boots[0]), id128_text(&row->boots[1], boots[1]));
}

static void
fail(struct keeper *keeper, const char *pair, int error, struct witness_reply *reply)
{
	char path[KEEPER_PATH_MAX];

	keeper_path(keeper, pair, path);
	if (error == -EBADMSG) {
		log_error("witness: pair %s: %.512s is damaged and grants nothing; if no node of "
			  "the pair serves alone, remove it and let them begin a new register",
		    pair, path);
		refuse(reply, GRPC_DATA_LOSS,
		    "the register of this pair is damaged and grants nothing; see the witness's "
		    "log");
		return;
	}
	log_error("witness: pair %s: %.512s: %s; nothing was answered", pair, path,
	    error == -EMFILE ? "there are too many pairs" : strerror(-error));
	refuse(reply, GRPC_UNAVAILABLE, "the witness cannot keep a row: %.64s",
	    error == -EMFILE ? "too many pairs" : strerror(-error));
}

static void
answer_register(struct keeper *keeper, const struct asker *asker, struct slice message,
    struct witness_reply *reply)
{
	char pair[PAIR_NAME_MAX + 1];
	enum register_verdict verdict;
	struct register_ask ask;
	struct register_row row;
	int result;

	if (!messages_take_ask(message, pair, &ask)) {
		refuse(reply, GRPC_INVALID_ARGUMENT,
		    "this is no question that this witness knows; both must be of one version");
		return;
	}
	if (strcmp(pair, asker->pair) != 0 || ask.node != asker->node) {
		log_warning("witness: node %u of pair %s asks as node %u of %s, which is refused; "
			    "look at its certificate and configuration",
		    asker->node, asker->pair, ask.node, pair);
		refuse(reply, GRPC_PERMISSION_DENIED,
		    "the certificate is of node %u of pair %s, which may not ask as node %u of %s",
		    asker->node, asker->pair, ask.node, pair);
		return;
	}
	result = keeper_apply(keeper, pair, &ask, &verdict, &row);
	if (result) {
		fail(keeper, pair, result, reply);
		return;
	}
	if (verdict == REGISTER_CHANGED)
		log_change(pair, &ask, &row);
	else if (!register_is_done(verdict))
		log_notice("witness: pair %s: node %u is refused (epoch %" PRIu64 "): %s", pair,
		    ask.node, ask.epoch, register_verdict_text(verdict));
	reply->length = messages_put_answer(verdict, &row, reply->message);
}

static void
answer_echo(struct keeper *keeper, const struct asker *asker, struct slice message,
    struct witness_reply *reply)
{
	uint64_t nonce;

	(void)asker;
	/* It is taken for the word of one that can still decide. */
	if (keeper_has_failed(keeper))
		refuse(reply, GRPC_UNAVAILABLE, "the witness's disk has failed");
	else if (!messages_take_echo(message, &nonce))
		refuse(reply, GRPC_INVALID_ARGUMENT, "there is no nonce to be echoed");
	else
		reply->length = messages_put_echo(nonce, reply->message);
}

static const struct {
	const char *path;
	void (*answer)(struct keeper *keeper, const struct asker *asker, struct slice message,
	    struct witness_reply *reply);
} calls[] = {
    {MESSAGES_PATH_REGISTER, answer_register},
    {MESSAGES_PATH_ECHO, answer_echo},
};

void
witness_answer(struct keeper *keeper, const char *uri, const char *path, struct slice message,
    struct witness_reply *reply_r)
{
	struct asker asker;

	*reply_r = (struct witness_reply){.status = GRPC_OK};
	if (!asker_parse(slice_of(uri), &asker)) {
		refuse(reply_r, GRPC_UNAUTHENTICATED,
		    "the certificate names no node; it needs the URI gemel:pair/NAME/node/N");
		return;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].path, path) == 0) {
			calls[i].answer(keeper, &asker, message, reply_r);
			return;
		}
	refuse(reply_r, GRPC_UNIMPLEMENTED, "there is no such call here; update the witness");
}
