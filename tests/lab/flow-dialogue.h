/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow-dialogue -- the client's side of SMTP, one message at a time. Pure.
 *
 *   GREETING -220-> HELLO -250-> IDLE --message--> MAIL -> RCPT -> DATA -354-> CONTENT
 *                                 ^                                              | sent
 *                                 +------------- settled <---- FINAL <-----------+
 *
 * It knows what may be said about each recipient at any moment, above all when
 * the connection ends: before the final dot was handed to the kernel the message
 * was not sent, after it nobody knows.
 *
 * What the shell owes: write d->output whenever it is not empty; on
 * DIALOGUE_CONTENT write the content, and when the kernel has all of it call
 * flow_dialogue_content_sent(); on DIALOGUE_SETTLED read the outcomes.
 */
#ifndef GEMEL_TESTS_LAB_FLOW_DIALOGUE_H
#define GEMEL_TESTS_LAB_FLOW_DIALOGUE_H

#include "common/slice.h"
#include "tests/lab/flow-log.h"

#define FLOW_COPIES_MAX 16

enum flow_dialogue_state {
	FLOW_IN_GREETING,
	FLOW_IN_HELLO,
	FLOW_IN_IDLE,
	FLOW_IN_MAIL,
	FLOW_IN_RCPT,
	FLOW_IN_DATA,
	FLOW_IN_CONTENT,
	FLOW_IN_FINAL,
	FLOW_IN_RESET,
	FLOW_IN_QUIT,
};

enum flow_duty {
	FLOW_DUTY_NONE = 0,
	FLOW_DUTY_GREETED, /* 220 came */
	FLOW_DUTY_READY,   /* a message may be given */
	FLOW_DUTY_CONTENT, /* write the content now */
	FLOW_DUTY_SETTLED, /* every recipient has an outcome; a message may be given unless closing
			    */
	FLOW_DUTY_CLOSE,   /* nothing more to say here */
};

struct flow_outcome {
	enum flow_kind kind; /* FLOW_TRY: not yet known */
	unsigned code;
	char text[FLOW_TEXT_MAX];
};

struct flow_dialogue {
	enum flow_dialogue_state state;
	bool pipelining_wanted;
	bool pipelining; /* wanted, and the server has it */
	bool eight_bit;
	bool closing; /* the server said 421 */
	struct buffer input;
	struct buffer output;
	const char *from;
	const char *recipients[FLOW_COPIES_MAX]; /* borrowed until settled */
	struct flow_outcome outcomes[FLOW_COPIES_MAX];
	unsigned copies;
	unsigned turn; /* whose RCPT is answered next */
	unsigned taken;
};

void flow_dialogue_begin(struct flow_dialogue *d, const char *from, bool pipelining);
void flow_dialogue_close(struct flow_dialogue *d);

/* Feed bytes from the server and get one duty; call again with an empty slice until
 * FLOW_DUTY_NONE comes back. A reply that is none ends in FLOW_DUTY_CLOSE. */
enum flow_duty flow_dialogue_input(struct flow_dialogue *d, struct slice bytes);

/* Give the next message; only in FLOW_IN_IDLE. */
void flow_dialogue_message(struct flow_dialogue *d, const char *const *recipients, unsigned copies);

/* The kernel has the whole content: queue the final dot. From here on nobody knows. */
void flow_dialogue_content_sent(struct flow_dialogue *d);

void flow_dialogue_quit(struct flow_dialogue *d);

/* The connection is gone. True if a message was under way; its outcomes are set now. */
bool flow_dialogue_died(struct flow_dialogue *d, const char *reason);

#endif
