/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/delivery.h"

#include "common/clock.h"
#include "common/log.h"
#include "mailcore/store/retry.h"
#include "mailcore/store/turn.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define REASON_MAX 256
/* Recipients that one tick tries again; each costs a look-up, and the loop has a heartbeat to keep.
 */
#define TICK_MAX 1000

/* Recipients of one spool_prepare(); the address is its cookie. */
struct batch {
	struct batch *next;
	struct task_list tasks;
};

struct delivery {
	struct delivery_settings settings;
	struct delivery_events events;
	struct router router;
	struct spool *spool; /* NULL until delivery_start() */
	struct maildir *maildir;
	struct carrier *carrier;

	/* The loop's own. */
	struct task_list collected; /* before delivery_start() */
	struct batch *preparing;    /* given to spool_prepare(), not answered */
	struct retry deferred;
	uint64_t now_ms;
	uint64_t delivered;
	uint64_t waiting;
	bool has_failed;
};

static void *
allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (!memory)
		abort();
	return memory;
}

/* ---- what is deferred ---- */

static void
schedule(struct delivery *delivery, struct task *task)
{
	task->due_ms = delivery->now_ms + retry_pause_ms(delivery->settings.retry_first_ms,
					      delivery->settings.retry_last_ms, task->attempts);
	retry_push(&delivery->deferred, task);
}

/* ---- outcomes ---- */

static const char *
result_text(int result)
{
	static const struct {
		int result;
		const char *text;
	} rows[] = {
	    {-ENOSPC, "no space left on the mail file system; free some"},
	    {-EDQUOT, "the mail file system's quota is used up; raise it or free some"},
	    {-ENOENT, "the mailbox is missing and cannot be made"},
	    {-EACCES, "no permission; owner and mode of mail/ must let the core's user write"},
	    {-EXDEV, "mail/ and staging/ are not on one file system; put them on one"},
	    {-EBADMSG, "the content in the spool is damaged; look into quarantine/"},
	    {-EAGAIN, "the accounts cannot be read; check db/accounts.db"},
	    {-ENXIO, "nobody has this address any more; add an account for it"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].result == result)
			return rows[i].text;
	return strerror(-result);
}

static struct slice
task_address(const struct task *task)
{
	return task->message->envelope.recipients[task->recipient].address;
}

static void
tell(const struct delivery *delivery, const struct task *task, const char *reason)
{
	if (delivery->events.outcome)
		delivery->events.outcome(delivery->events.context, task->message, task->recipient,
		    task->account, reason);
}

static void
defer(struct delivery *delivery, struct task *task)
{
	char reason[REASON_MAX];

	if (task->account != 0)
		snprintf(reason, sizeof(reason), "mailbox %" PRIu64 ": %s", task->account,
		    result_text(task->result));
	else
		snprintf(reason, sizeof(reason), "%s", result_text(task->result));
	tell(delivery, task, reason);
	task->attempts++;
	spool_settle(delivery->spool, task->message, task->recipient, OUTCOME_DEFERRED, reason);
	schedule(delivery, task);
}

static void
settle(struct delivery *delivery, struct task *task)
{
	tell(delivery, task, NULL);
	spool_settle(delivery->spool, task->message, task->recipient, OUTCOME_DELIVERED, NULL);
	delivery->delivered++;
	delivery->waiting--;
	free(task);
}

/* Whose is it now? 0 with task->account set, or -errno. */
static int
find_account(struct delivery *delivery, struct task *task)
{
	struct route route = router_route(&delivery->router, task_address(task));

	task->account = route.account.id;
	switch (route.kind) {
	case ROUTE_LOCAL:
		return 0;
	case ROUTE_NOBODY:
	case ROUTE_NOT_OURS:
		return -ENXIO;
	case ROUTE_UNAVAILABLE:
		return -EAGAIN;
	}
	return -EAGAIN;
}

/* ---- the way of a task, on the loop ---- */

/* Promise what is staged; the answer comes by delivery_prepared(). */
static void
prepare(struct delivery *delivery, struct task_list *tasks)
{
	struct batch *batch;
	struct spool_mark *marks;
	size_t count = 0;

	if (!tasks->first)
		return;
	batch = allocate(sizeof(*batch));
	marks = allocate(tasks->count * sizeof(*marks));
	for (struct task *task = tasks->first; task; task = task->next)
		marks[count++] = (struct spool_mark){task->message, task->recipient};
	task_list_append(&batch->tasks, tasks);
	batch->next = delivery->preparing;
	delivery->preparing = batch;
	spool_prepare(delivery->spool, marks, count, batch);
	free(marks);
}

/* Begin, or begin again, with tasks whose recipient is not PREPARED. Takes all of them. */
static void
begin(struct delivery *delivery, struct task_list *tasks)
{
	struct task_list to_stage = {0};
	struct task_list to_prepare = {0};
	struct task *task;

	while ((task = task_list_pop(tasks)) != NULL) {
		task->result = find_account(delivery, task);
		if (task->result != 0)
			defer(delivery, task);
		else
			task_list_push(task->is_staged ? &to_prepare : &to_stage, task);
	}
	carrier_stage(delivery->carrier, &to_stage);
	prepare(delivery, &to_prepare);
}

static void
take_staged(struct delivery *delivery, struct task_list *tasks)
{
	struct task_list to_prepare = {0};
	struct task *task;

	while ((task = task_list_pop(tasks)) != NULL) {
		task->is_staged = task->result == 0;
		if (task->is_staged)
			task_list_push(&to_prepare, task);
		else
			defer(delivery, task);
	}
	prepare(delivery, &to_prepare);
}

/* The mailbox was not there. True if it is worth another turn at once: the account is there, and
 * its mailbox was not yet made again. It is still PREPARED, so nothing needs to be promised anew.
 */
static bool
can_make_mailbox(struct delivery *delivery, struct task *task)
{
	int result;

	if (task->result != -ENOENT || task->wants_mailbox)
		return false;
	result = find_account(delivery, task);
	task->wants_mailbox = result == 0;
	if (result != 0)
		task->result = result;
	return task->wants_mailbox;
}

static void
take_published(struct delivery *delivery, struct task_list *tasks)
{
	struct task_list again = {0};
	struct task *task;

	while ((task = task_list_pop(tasks)) != NULL)
		if (task->result == 0)
			settle(delivery, task);
		else if (can_make_mailbox(delivery, task))
			task_list_push(&again, task);
		else
			defer(delivery, task);
	carrier_publish(delivery->carrier, &again);
}

static void
fail(struct delivery *delivery, int failure)
{
	char reason[REASON_MAX];

	delivery->has_failed = true;
	snprintf(reason, sizeof(reason), "the mail file system at %s failed: %s",
	    delivery->settings.maildir.directory, strerror(-failure));
	delivery->events.failed(delivery->events.context, reason);
}

/* ---- for the core ---- */

int
delivery_open(const struct delivery_settings *settings, const struct delivery_events *events,
    const struct router *router, struct delivery **delivery_r, char error[256])
{
	struct delivery *delivery = allocate(sizeof(*delivery));
	int result;

	assert(settings->batch_messages > 0 && settings->batch_bytes > 0);
	delivery->settings = *settings;
	delivery->events = *events;
	delivery->router = *router;
	delivery->now_ms = clock_boot_ms();
	result = carrier_open(&delivery->carrier);
	if (result != 0) {
		snprintf(error, 256, "store: no eventfd: %s", strerror(-result));
		goto fail;
	}
	result = maildir_open(&settings->maildir, &delivery->maildir, error);
	if (result != 0)
		goto fail;
	*delivery_r = delivery;
	return 0;
fail:
	delivery_close(&delivery);
	return result;
}

/* What the replay has collected, ordered, to look staging files up in. */
struct wanted {
	message_id id;
	uint32_t recipient;
};

struct wanted_set {
	struct wanted *items;
	size_t count;
	struct spool *spool;
};

static int
wanted_compare(const void *a, const void *b)
{
	const struct wanted *left = a;
	const struct wanted *right = b;

	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return (left->recipient > right->recipient) - (left->recipient < right->recipient);
}

static bool
is_wanted(void *context, message_id id, uint32_t recipient)
{
	const struct wanted_set *set = context;
	struct wanted key = {id, recipient};

	/* A long queue is loaded bit by bit, and what is promised there may be staged. When the
	 * spool cannot say, the file stays: too much does no harm. */
	return bsearch(&key, set->items, set->count, sizeof(key), wanted_compare) != NULL ||
	       spool_has(set->spool, id) != 0;
}

static int
remove_orphans(struct delivery *delivery, struct spool *spool)
{
	struct wanted_set set = {.spool = spool};
	int result;

	set.items = allocate((delivery->collected.count + 1) * sizeof(*set.items));
	for (struct task *task = delivery->collected.first; task; task = task->next)
		set.items[set.count++] = (struct wanted){task->message->id, task->recipient};
	qsort(set.items, set.count, sizeof(*set.items), wanted_compare);
	result = maildir_sweep(delivery->maildir, is_wanted, &set);
	free(set.items);
	return result;
}

/* Send on their way, each by its outcome, what is new and what an earlier life left. */
static void
resume(struct delivery *delivery, struct task_list *tasks)
{
	struct task_list to_begin = {0};
	struct task_list to_publish = {0};
	struct task *task;

	while ((task = task_list_pop(tasks)) != NULL) {
		if (task->is_staged) {
			/* Without an account: it may have been renamed before, the turn looks. */
			find_account(delivery, task);
			task_list_push(&to_publish, task);
		} else if (task->message->outcomes[task->recipient] == OUTCOME_DEFERRED) {
			schedule(delivery, task);
		} else {
			task_list_push(&to_begin, task);
		}
	}
	carrier_publish(delivery->carrier, &to_publish);
	begin(delivery, &to_begin);
}

void
delivery_add(struct delivery *delivery, struct message *message)
{
	struct task_list tasks = {0};

	for (size_t i = 0; i < message->envelope.recipient_count; i++) {
		enum outcome outcome = (enum outcome)message->outcomes[i];
		struct task *task;

		if (outcome == OUTCOME_DELIVERED || outcome == OUTCOME_BOUNCED)
			continue;
		task = allocate(sizeof(*task));
		task->message = message;
		task->recipient = (uint32_t)i;
		task->is_staged = outcome == OUTCOME_PREPARED;
		task_list_push(&tasks, task);
		delivery->waiting++;
	}
	if (delivery->spool)
		resume(delivery, &tasks);
	else
		task_list_append(&delivery->collected, &tasks);
}

int
delivery_start(struct delivery *delivery, struct spool *spool, char error[256])
{
	const struct turn_settings settings = {
	    .maildir = delivery->maildir,
	    .spool = spool,
	    .hostname = delivery->settings.hostname,
	    .batch_messages = delivery->settings.batch_messages,
	    .batch_bytes = delivery->settings.batch_bytes,
	    .batch_ms = delivery->settings.batch_ms,
	};
	int result = remove_orphans(delivery, spool);

	if (result < 0) {
		snprintf(error, 256, "store: cannot clean %s/staging/mail: %s",
		    delivery->settings.maildir.directory, strerror(-result));
		return result;
	}
	if (result > 0)
		log_notice("store: removed %d staging files that no message wants", result);
	delivery->spool = spool;
	resume(delivery, &delivery->collected);
	result = carrier_start(delivery->carrier, &settings, &delivery->settings.pace);
	if (result != 0)
		snprintf(error, 256, "store: no thread for delivery: %s", strerror(-result));
	return result;
}

void
delivery_prepared(struct delivery *delivery, void *cookie, bool ok)
{
	struct batch *batch = cookie;
	struct batch **link = &delivery->preparing;

	/* Not durable: the spool has failed. The batch stays where it is until delivery_close(). */
	if (!ok)
		return;
	while (*link != batch)
		link = &(*link)->next;
	*link = batch->next;
	carrier_publish(delivery->carrier, &batch->tasks);
	free(batch);
}

int
delivery_descriptor(const struct delivery *delivery)
{
	return carrier_descriptor(delivery->carrier);
}

void
delivery_dispatch(struct delivery *delivery)
{
	struct task_list staged = {0};
	struct task_list published = {0};
	int failure = carrier_take(delivery->carrier, &staged, &published);

	if (failure != 0 && !delivery->has_failed)
		fail(delivery, failure);
	take_published(delivery, &published);
	take_staged(delivery, &staged);
}

void
delivery_tick(struct delivery *delivery, uint64_t now_ms)
{
	struct task_list due = {0};
	struct task *task;

	delivery->now_ms = now_ms;
	if (delivery->has_failed)
		return;
	while (due.count < TICK_MAX && (task = retry_pop(&delivery->deferred, now_ms)) != NULL)
		task_list_push(&due, task);
	for (task = due.first; task; task = task->next)
		task->wants_mailbox = false;
	begin(delivery, &due);
}

static bool
is_for_address(const struct task *task, void *context)
{
	const struct slice *address = context;

	return slice_is_equal_nocase(task_address(task), *address);
}

void
delivery_hurry(struct delivery *delivery, struct slice address)
{
	retry_hurry(&delivery->deferred, is_for_address, &address, delivery->now_ms);
}

uint64_t
delivery_delivered(const struct delivery *delivery)
{
	return delivery->delivered;
}

uint64_t
delivery_waiting(const struct delivery *delivery)
{
	return delivery->waiting;
}

/* Spare the next life the look at what the last turn has renamed. */
static void
settle_published(struct delivery *delivery)
{
	struct task_list staged = {0};
	struct task_list published = {0};
	struct task *task;

	carrier_take(delivery->carrier, &staged, &published);
	while ((task = task_list_pop(&published)) != NULL)
		if (task->result == 0)
			settle(delivery, task);
		else
			free(task);
	task_list_free(&staged);
}

void
delivery_close(struct delivery **delivery_p)
{
	struct delivery *delivery = *delivery_p;

	if (!delivery)
		return;
	if (delivery->carrier) {
		carrier_stop(delivery->carrier);
		settle_published(delivery);
	}
	carrier_close(&delivery->carrier);
	task_list_free(&delivery->collected);
	while (delivery->preparing) {
		struct batch *batch = delivery->preparing;

		delivery->preparing = batch->next;
		task_list_free(&batch->tasks);
		free(batch);
	}
	retry_close(&delivery->deferred);
	maildir_close(&delivery->maildir);
	free(delivery);
	*delivery_p = NULL;
}
