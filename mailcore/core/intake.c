/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/core/core.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Content on its way into a staging file, found again by who sends it. */
struct stage_entry {
	struct pool_ticket ticket;
	struct spool_stage *stage;
	uint64_t bytes;
	struct buffer client_id; /* Message-ID, copied from the first piece */
};

/* A commit on its way through the spool. */
struct commit {
	struct core *core;
	struct pool_ticket ticket;
	struct buffer details; /* of the record that tells of it */
	struct acknowledgement owed;
	char id_text[MESSAGE_ID_TEXT];
};

static int
compare_stages(const void *left, const void *right)
{
	const struct pool_ticket *a = &((const struct stage_entry *)left)->ticket;
	const struct pool_ticket *b = &((const struct stage_entry *)right)->ticket;

	if (a->worker != b->worker)
		return a->worker < b->worker ? -1 : 1;
	if (a->life != b->life)
		return a->life < b->life ? -1 : 1;
	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	return 0;
}

static struct stage_entry *
find_stage(struct core *core, struct pool_ticket ticket)
{
	const struct stage_entry key = {.ticket = ticket};
	struct stage_entry **node = tfind(&key, &core->stages, compare_stages);

	return node ? *node : NULL;
}

/* Forget the entry and return what it held, owned; NULL if there is none. */
static struct spool_stage *
take_stage(struct core *core, struct pool_ticket ticket)
{
	struct stage_entry *entry = find_stage(core, ticket);
	struct spool_stage *stage;

	if (!entry)
		return NULL;
	stage = entry->stage;
	tdelete(entry, &core->stages, compare_stages);
	core->stage_count--;
	buffer_close(&entry->client_id);
	free(entry);
	return stage;
}

static void
drop_root(struct core *core)
{
	struct stage_entry *entry = *(struct stage_entry **)core->stages;
	struct spool_stage *stage = take_stage(core, entry->ticket);

	spool_stage_drop(&stage);
}

void
core_drop_stages(struct core *core)
{
	while (core->stages)
		drop_root(core);
}

static bool
is_accepting(const struct core *core)
{
	return core->spool &&
	       (core->progress->role == CORE_ACTIVE || core->progress->role == CORE_DEMOTING);
}

static void
on_recipient(void *context, struct pool_ticket ticket, struct slice address)
{
	struct core *core = context;
	enum recipient_verdict verdict = RECIPIENT_TRY_LATER;

	if (is_accepting(core))
		verdict = router_verdict(router_route(&core->router, address));
	pool_answer_recipient(core->pool, ticket, verdict);
}

/* A line for each message would be one for each that a stranger sends: bounded as refusals are. */
static void
complain(struct core *core, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
complain(struct core *core, const char *format, ...)
{
	char text[256];
	va_list args;

	if (!trail_may_tell(&core->refusals, clock_boot_ms()))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s", text);
}

static enum commit_verdict
verdict_of_error(int error)
{
	return error == -ENOSPC || error == -EDQUOT ? COMMIT_SYSTEM_FULL : COMMIT_TRY_LATER;
}

/* Begin to stage for a session; bytes are its first. Returns 0 or -errno. */
static int
open_stage(
    struct core *core, struct pool_ticket ticket, struct slice bytes, struct stage_entry **entry_r)
{
	struct stage_entry *entry;
	struct spool_stage *stage;
	int result = -EMFILE;

	/* The journal and the accounts need descriptors, too. */
	if (core->stage_count < core->stages_max)
		result = spool_stage_open(core->spool, &stage);
	if (result)
		return result;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		abort();
	entry->ticket = ticket;
	entry->stage = stage;
	buffer_append_slice(&entry->client_id, trail_message_id(bytes));
	if (!tsearch(entry, &core->stages, compare_stages))
		abort();
	core->stage_count++;
	*entry_r = entry;
	return 0;
}

static void
on_stage(void *context, struct pool_ticket ticket, struct slice bytes)
{
	struct core *core = context;
	struct stage_entry *entry = find_stage(core, ticket);
	int result = 0;

	if (!is_accepting(core)) {
		pool_answer_stage(core->pool, ticket, COMMIT_TRY_LATER);
		return;
	}
	if (!entry)
		result = open_stage(core, ticket, bytes, &entry);
	if (result == 0) {
		entry->bytes += bytes.length;
		result = spool_stage_append(core->spool, entry->stage, bytes);
	}
	if (result)
		complain(
		    core, "core: a large message was put off: staging file: %s", strerror(-result));
	pool_answer_stage(core->pool, ticket, result ? verdict_of_error(result) : COMMIT_DURABLE);
}

static void
on_abandon(void *context, struct pool_ticket ticket)
{
	struct spool_stage *stage = take_stage(context, ticket);

	spool_stage_drop(&stage);
}

/* The worker's envelope, checked, with the time of acceptance; and what is to be said of the
 * message. False: it is no envelope. */
static bool
stamp_envelope(struct slice encoded, uint64_t bytes, struct slice client_id, struct buffer *stamped,
    struct buffer *details)
{
	struct envelope envelope;
	bool ok;

	if (!envelope_decode(encoded, &envelope))
		return false;
	envelope.accepted_ms = clock_wall_ms();
	ok = envelope_encode(&envelope, stamped);
	trail_message(details, &envelope, bytes, client_id);
	envelope_close(&envelope);
	return ok;
}

static bool
prepare_commit(struct core *core, struct commit *commit, struct slice encoded, struct slice content,
    struct buffer *stamped)
{
	const struct stage_entry *entry = find_stage(core, commit->ticket);
	struct slice client_id =
	    entry ? buffer_slice(&entry->client_id) : trail_message_id(content);
	uint64_t bytes = content.length + (entry ? entry->bytes : 0);

	return stamp_envelope(encoded, bytes, client_id, stamped, &commit->details);
}

static void
commit_close(struct commit *commit)
{
	buffer_close(&commit->details);
	free(commit);
}

static void
on_commit(void *context, struct pool_ticket ticket, struct slice encoded, struct slice content)
{
	struct core *core = context;
	struct commit *commit = calloc(1, sizeof(*commit));
	struct buffer stamped = {0};
	bool is_envelope;
	struct spool_stage *stage;

	if (!commit)
		abort();
	commit->core = core;
	commit->ticket = ticket;
	is_envelope = prepare_commit(core, commit, encoded, content, &stamped);
	stage = take_stage(core, ticket);
	if (!is_envelope)
		complain(core,
		    "core: worker %u sent an envelope that is none; the message was refused",
		    ticket.worker);
	if (is_envelope && is_accepting(core)) {
		spool_commit(core->spool, buffer_slice(&stamped), content, &stage, commit);
	} else {
		spool_stage_drop(&stage);
		pool_answer_commit(
		    core->pool, ticket, is_envelope ? COMMIT_TRY_LATER : COMMIT_REFUSED, "");
		commit_close(commit);
	}
	buffer_close(&stamped);
}

static void
commit_end(void *context, bool is_given)
{
	struct commit *commit = context;
	struct core *core = commit->core;

	core->progress->accepted += is_given;
	pool_answer_commit(core->pool, commit->ticket, is_given ? COMMIT_DURABLE : COMMIT_IN_DOUBT,
	    commit->id_text);
	commit_close(commit);
}

void
core_committed(void *context, void *cookie, message_id id, enum commit_verdict verdict)
{
	struct core *core = context;
	struct commit *commit = cookie;
	struct buffer line = {0};

	if (verdict != COMMIT_DURABLE) {
		pool_answer_commit(core->pool, commit->ticket, verdict, "");
		commit_close(commit);
		return;
	}
	message_id_text(id, commit->id_text);
	trail_accepted(&line, commit->id_text, buffer_slice(&commit->details));
	log_record(buffer_slice(&line));
	buffer_close(&line);
	commit->owed = (struct acknowledgement){.end = commit_end, .context = commit};
	core_owe(core, &commit->owed);
}

struct lost_worker {
	uint32_t worker, life;
	struct buffer tickets; /* struct pool_ticket[]: of what it was sending */
};

static void
visit_stage(const void *node, VISIT which, void *closure)
{
	struct stage_entry *entry = *(struct stage_entry *const *)node;
	struct lost_worker *lost = closure;

	if ((which == postorder || which == leaf) && entry->ticket.worker == lost->worker &&
	    entry->ticket.life == lost->life)
		buffer_append(&lost->tickets, &entry->ticket, sizeof(entry->ticket));
}

static void
on_worker_died(void *context, uint32_t worker, uint32_t life, const char *how)
{
	struct core *core = context;
	struct lost_worker lost = {.worker = worker, .life = life};
	struct pool_ticket ticket;

	(void)how; /* the pool has logged it */
	twalk_r(core->stages, visit_stage, &lost);
	for (size_t at = 0; at < lost.tickets.length; at += sizeof(ticket)) {
		memcpy(&ticket, lost.tickets.data + at, sizeof(ticket));
		on_abandon(core, ticket);
	}
	buffer_close(&lost.tickets);
}

static void
on_refused(void *context, struct slice client, struct slice reply, struct slice recipient)
{
	struct core *core = context;
	struct buffer line = {0};

	if (!trail_may_tell(&core->refusals, clock_boot_ms()))
		return;
	trail_refused(&line, client, reply, recipient, core->refusals.skipped);
	core->refusals.skipped = 0;
	log_record(buffer_slice(&line));
	buffer_close(&line);
}

static void
on_launcher_died(void *context)
{
	core_fail(context, "the launcher of the workers died");
}

struct pool_events
core_pool_events(struct core *core)
{
	return (struct pool_events){
	    .context = core,
	    .recipient = on_recipient,
	    .stage = on_stage,
	    .commit = on_commit,
	    .abandon = on_abandon,
	    .refused = on_refused,
	    .worker_died = on_worker_died,
	    .launcher_died = on_launcher_died,
	};
}
