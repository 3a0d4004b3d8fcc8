/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict -- what the core answers to a session's two questions.
 *
 * A session may not look at files, so it asks: may this recipient be accepted,
 * and is this message durable? The values cross a socketpair; add at the end.
 */
#ifndef GEMEL_MAILCORE_SMTP_VERDICT_H
#define GEMEL_MAILCORE_SMTP_VERDICT_H

/* Answers to RCPT. */
enum recipient_verdict {
	RECIPIENT_OK = 0,       /* 250 2.1.5 */
	RECIPIENT_UNKNOWN,      /* 550 5.1.1: nobody has this address */
	RECIPIENT_NO_RELAY,     /* 550 5.7.1: not a domain of ours */
	RECIPIENT_DISABLED,     /* 550 5.2.1: the account is switched off */
	RECIPIENT_MAILBOX_FULL, /* 452 4.2.2 */
	RECIPIENT_SYSTEM_FULL,  /* 452 4.3.1: no room to make mail durable */
	RECIPIENT_TRY_LATER,    /* 451 4.3.0: the core cannot say now */
};

/* Answers to the end of the content. */
enum commit_verdict {
	COMMIT_DURABLE = 0, /* 250 2.0.0, and only this one means accepted */
	COMMIT_SYSTEM_FULL, /* 452 4.3.1: nothing was kept */
	COMMIT_TRY_LATER,   /* 451 4.3.0: nothing was kept; the core is going away or failed */
	COMMIT_REFUSED,     /* 554 5.6.0: the core found the message malformed */
	COMMIT_IN_DOUBT,    /* no answer, the connection is closed: the journal failed under it, and
			     * the    other node may find it there or not; a refusal would be a lie */
};

#endif
