/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * turn -- what the delivery thread does between two looks at its queues.
 *
 * Takes recipients that are PREPARED and recipients that are to be staged,
 * works on their files, and ends with one sync that makes all of it durable.
 * Knows nothing of queues, threads and the journal: delivery.h does that.
 */
#ifndef GEMEL_MAILCORE_STORE_TURN_H
#define GEMEL_MAILCORE_STORE_TURN_H

#include "mailcore/spool/spool.h"
#include "mailcore/store/maildir.h"

/* One recipient of one message, on its way. Owned by the delivery; in one list at a time. */
struct task {
	struct task *next;
	struct message *message; /* owned by the spool, until we settle this recipient */
	uint32_t recipient;
	uint32_t attempts; /* that ended DEFERRED */
	uint64_t account;  /* 0: nobody has the address */
	bool is_staged; /* the staging file is whole and durable: it may be promised, so it is never
			 * written again */
	bool wants_mailbox;       /* the mailbox was missing: make it first */
	struct maildir_size size; /* 0: staged by an earlier life, not yet measured */
	int result;               /* of the last turn: 0 or -errno */
	uint64_t due_ms;          /* when to try again */
};

struct task_list {
	struct task *first;
	struct task *last;
	size_t count;
};

void task_list_push(struct task_list *list, struct task *task);
struct task *task_list_pop(struct task_list *list);
/* Move all of source to the end of list. */
void task_list_append(struct task_list *list, struct task_list *source);
void task_list_free(struct task_list *list);

struct turn_settings {
	struct maildir *maildir;
	struct spool *spool;
	const char *hostname;
	uint32_t batch_messages;
	uint64_t batch_bytes;
	uint32_t batch_ms;
};

struct turn {
	struct task_list publish; /* in: to be renamed */
	struct task_list
	    stage; /* in: to be written; those that were beyond a limit of the batch stay */
	struct task_list published; /* out: result says whether it is in new/; see maildir_publish()
				     * and -ENXIO: there is no account */
	struct task_list staged;    /* out: result says whether the staging file is whole */
};

/* Work. 0: all that has result 0 is durable. -errno: the file system has failed; nothing may be
 * believed of any task. */
int turn_run(const struct turn_settings *settings, struct turn *turn);

#endif
