/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/core/core.h"

#include "common/clock.h"
#include "common/listener.h"
#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
core_set_role(struct core *core, enum core_role role)
{
	log_notice("core: %s, was %s", core_role_name(role), core_role_name(core->progress->role));
	core->progress->role = role;
}

static void
core_set_reason(struct core *core, const char *reason)
{
	snprintf(core->progress->reason, sizeof(core->progress->reason), "%s", reason);
}

void
core_fail(struct core *core, const char *reason)
{
	if (core->progress->role == CORE_FAILED)
		return;
	log_error(
	    "core: failed, and acknowledges nothing more: %s; this node gives the mail up", reason);
	core_set_reason(core, reason);
	core_set_role(core, CORE_FAILED);
	core_withdraw(core);
	core_check_drained(core);
}

static void
on_raised(void *context, uint64_t generation)
{
	struct core *core = context;

	/* At once: the lease is given for it, and the replay may take its time. */
	core->progress->generation = generation;
}

static void
on_arrived(void *context, struct message *message)
{
	struct core *core = context;

	/* A commit that the closing spool finishes is delivered by the next life. */
	if (core->delivery)
		delivery_add(core->delivery, message);
}

static void
on_prepared(void *context, void *cookie, bool ok)
{
	struct core *core = context;

	if (core->delivery)
		delivery_prepared(core->delivery, cookie, ok);
}

static void
on_failed(void *context, const char *reason)
{
	core_fail(context, reason);
}

static void
on_outcome(void *context, const struct message *message, uint32_t recipient, uint64_t account,
    const char *reason)
{
	const uint64_t now_ms = clock_wall_ms(), accepted_ms = message->envelope.accepted_ms;
	char id_text[MESSAGE_ID_TEXT];
	const struct trail_outcome outcome = {
	    .id_text = message_id_text(message->id, id_text),
	    .recipient = message->envelope.recipients[recipient].address,
	    .mailbox = account,
	    .age_ms = now_ms > accepted_ms ? now_ms - accepted_ms : 0,
	    .reason = reason,
	};
	struct buffer line = {0};

	(void)context;
	trail_outcome(&line, &outcome);
	log_record(buffer_slice(&line));
	buffer_close(&line);
}

static void
on_degraded(void *context, const char *reason)
{
	struct core *core = context;

	log_error("core: works, but %s", reason);
	core_set_reason(core, reason);
	core->progress->degraded = 1;
}

static int32_t
spool_readable(int32_t fd, int32_t events, void *data)
{
	struct core *core = data;

	(void)fd;
	(void)events;
	spool_dispatch(core->spool);
	core_acknowledge(core);
	pool_flush(core->pool);
	return 0;
}

static int32_t
delivery_readable(int32_t fd, int32_t events, void *data)
{
	struct core *core = data;

	(void)fd;
	(void)events;
	delivery_dispatch(core->delivery);
	return 0;
}

static int
check_mount(struct core *core, char error[CORE_ERROR_MAX])
{
	const char *directory = core->config.store_directory;
	struct stat here, above;
	char parent[4096];

	if (stat(directory, &here) != 0) {
		snprintf(error, CORE_ERROR_MAX, "store %s: %m; mount the shared storage there",
		    directory);
		return -errno;
	}
	if (!core->config.require_mount)
		return 0;
	snprintf(parent, sizeof(parent), "%s/..", directory);
	if (stat(parent, &above) == 0 && above.st_dev != here.st_dev)
		return 0;
	snprintf(error, CORE_ERROR_MAX,
	    "store %s: nothing is mounted there; promote gemel-store first, or set require_mount = "
	    "false",
	    directory);
	return -ENODEV;
}

static int
open_accounts(struct core *core, const struct maildir_settings *maildir, char error[CORE_ERROR_MAX])
{
	int result = accounts_open_writer(maildir, &core->writer, error);

	if (result == 0)
		result = accounts_open_reader(core->config.store_directory, &core->reader, error);
	if (result == 0)
		result = jobs_open(core->loop, &core->jobs);
	return result;
}

static int
open_mail(struct core *core, const struct maildir_settings *maildir, char error[CORE_ERROR_MAX])
{
	const struct delivery_settings delivery = {
	    .maildir = *maildir,
	    .hostname = core->config.hostname,
	    .batch_messages = 256,
	    .batch_bytes = 4 * 1024 * 1024,
	    .batch_ms = 10,
	    .pace = {.pause_ms = 25, .lag_messages = 16384},
	    .retry_first_ms = 10 * 1000,
	    .retry_last_ms = 15 * 60 * 1000,
	};
	const struct spool_settings spool = {
	    .directory = core->config.store_directory,
	    .segment_bytes = core->config.segment_mib * 1024 * 1024,
	    .reserve_bytes = core->config.reserve_mib * 1024 * 1024,
	    .checkpoint_after_ms = (uint32_t)core->config.checkpoint_after_s * 1000,
	};
	const struct delivery_events delivery_events = {
	    .context = core,
	    .failed = on_failed,
	    .outcome = on_outcome,
	};
	const struct spool_events spool_events = {
	    .context = core,
	    .raised = on_raised,
	    .committed = core_committed,
	    .arrived = on_arrived,
	    .prepared = on_prepared,
	    .failed = on_failed,
	    .degraded = on_degraded,
	};
	int result;

	core->router = (struct router){
	    .domains = core->domains,
	    .domain_count = 1,
	    .postmaster = core->postmaster[0] ? core->postmaster : NULL,
	    .lookup = accounts_lookup,
	    .context = core->reader,
	};
	result = delivery_open(&delivery, &delivery_events, &core->router, &core->delivery, error);
	if (result == 0)
		result = spool_open(&spool, &spool_events, &core->spool, error);
	if (result == 0)
		result = delivery_start(core->delivery, core->spool, error);
	if (result == 0)
		result = qb_loop_poll_add(core->loop, QB_LOOP_MED, spool_descriptor(core->spool),
		    POLLIN, core, spool_readable);
	if (result == 0)
		result = qb_loop_poll_add(core->loop, QB_LOOP_MED,
		    delivery_descriptor(core->delivery), POLLIN, core, delivery_readable);
	return result;
}

static int
open_listeners(struct core *core, char error[CORE_ERROR_MAX])
{
	const struct config_list *listen = &core->config.listen;

	core->sockets = calloc(listen->count + 1, sizeof(*core->sockets));
	if (!core->sockets)
		abort();
	for (size_t i = 0; i < listen->count; i++) {
		int fd = listener_open(listen->items[i]);

		if (fd < 0) {
			snprintf(error, CORE_ERROR_MAX,
			    "listen %s: %s; stop who has it or change gemel.conf", listen->items[i],
			    strerror(-fd));
			return fd;
		}
		core->sockets[core->socket_count++] = fd;
	}
	pool_listen(core->pool, core->sockets, core->socket_count);
	return 0;
}

static void
close_listeners(struct core *core)
{
	for (size_t i = 0; i < core->socket_count; i++)
		close(core->sockets[i]);
	free(core->sockets);
	core->sockets = NULL;
	core->socket_count = 0;
}

/* Close whatever of the store is open, in the order that loses nothing. */
static void
close_store(struct core *core)
{
	jobs_close(&core->jobs);
	core_drop_stages(core);
	if (core->delivery)
		qb_loop_poll_del(core->loop, delivery_descriptor(core->delivery));
	delivery_close(&core->delivery);
	if (core->spool) {
		int result;

		qb_loop_poll_del(core->loop, spool_descriptor(core->spool));
		result = spool_close(&core->spool);
		if (result)
			log_error("core: the journal did not close: %s; nothing acknowledged is in "
				  "it only",
			    strerror(-result));
	}
	accounts_close(&core->reader);
	accounts_close(&core->writer);
	/* What became durable by closing; then there is no more time to wait in. */
	core_acknowledge(core);
	core_withdraw(core);
	core->has_store = false;
}

static int
open_store(struct core *core, char error[CORE_ERROR_MAX])
{
	const struct maildir_settings maildir = {
	    .directory = core->config.store_directory,
	    .host = core->domain,
	    .owner = core->owner.uid,
	    .group = core->owner.mail_gid,
	};
	int result = check_mount(core, error);

	if (result == 0) {
		core->has_store = true;
		result = open_accounts(core, &maildir, error);
	}
	if (result == 0)
		result = open_mail(core, &maildir, error);
	if (result == 0)
		result = open_listeners(core, error);
	return result;
}

/* Mail can be taken without one, but nobody is told that it was. */
static void
check_lease(const struct core *core)
{
	struct lease lease;

	if (!core->lease || core_lease(core, &lease) == LEASE_HOLDS)
		return;
	if (!lease_read(core->lease, &lease))
		log_warning("core: there is no lease in %s, so replies are held until there is: "
			    "start gemel-agentd, or set standalone = true if this machine has no "
			    "peer",
		    core->config.run_directory);
}

int
core_promote(struct core *core, char error[CORE_ERROR_MAX])
{
	uint64_t began_us = clock_boot_us();
	int result;

	if (core->progress->role == CORE_ACTIVE) {
		if (!core->is_drained)
			return 0;
		result = open_listeners(core, error);
		core->is_drained = result != 0;
		if (result)
			close_listeners(core);
		return result;
	}
	if (core->progress->role != CORE_STANDBY) {
		snprintf(error, CORE_ERROR_MAX,
		    "the core is %s%s%.160s; only a standby can be promoted",
		    core_role_name(core->progress->role), core->progress->reason[0] ? ": " : "",
		    core->progress->reason);
		return -EBUSY;
	}
	core_set_role(core, CORE_PROMOTING);
	core->progress->reason[0] = '\0';
	core->progress->degraded = 0;
	error[0] = '\0';
	result = open_store(core, error);
	if (result == 0 && core->progress->role == CORE_PROMOTING) {
		core_set_role(core, CORE_ACTIVE);
		log_notice("core: promoted in %llu ms, generation %llu, %llu messages queued",
		    (unsigned long long)(clock_boot_us() - began_us) / 1000,
		    (unsigned long long)core->progress->generation,
		    (unsigned long long)spool_queued(core->spool));
		check_lease(core);
		return 0;
	}
	if (!error[0])
		snprintf(error, CORE_ERROR_MAX, "%s",
		    core->progress->reason[0] ? core->progress->reason : strerror(-result));
	log_error("core: cannot be promoted: %s", error);
	close_listeners(core);
	close_store(core);
	if (core->progress->role == CORE_PROMOTING)
		core_set_role(core, CORE_STANDBY);
	return result ? result : -EIO;
}

static void
on_quiet(void *context)
{
	struct core *core = context;

	close_store(core);
	if (core->progress->role == CORE_DEMOTING)
		core_set_role(core, CORE_STANDBY);
	core_demoted(core);
}

void
core_demote(struct core *core)
{
	if (!core->has_store) {
		core_demoted(core);
		return;
	}
	if (core->progress->role == CORE_DEMOTING)
		return;
	if (core->progress->role == CORE_ACTIVE)
		core_set_role(core, CORE_DEMOTING);
	core->is_drained = false;
	close_listeners(core);
	pool_quiesce(core->pool, (uint32_t)core->config.quiesce_timeout_ms, on_quiet, core);
}

static void
on_drained(void *context)
{
	core_check_drained(context);
}

void
core_drain(struct core *core)
{
	core->is_drained = true;
	close_listeners(core);
	pool_quiesce(core->pool, (uint32_t)core->config.quiesce_timeout_ms, on_drained, core);
}

void
core_tick(struct core *core, uint64_t now_ms)
{
	struct progress *progress = core->progress;

	if (core->spool) {
		spool_tick(core->spool, now_ms);
		delivery_tick(core->delivery, now_ms);
		progress->queued = spool_queued(core->spool);
		progress->commit_us = spool_commit_us(core->spool);
		progress->delivered = delivery_delivered(core->delivery);
		core_check_drained(core);
	}
	progress->workers = pool_workers_alive(core->pool);
	if (progress->workers > 0 || progress->role != CORE_ACTIVE)
		progress->deaf_since_ms = 0;
	else if (progress->deaf_since_ms == 0)
		progress->deaf_since_ms = now_ms;
	progress->worker_deaths = pool_worker_deaths(core->pool);
	progress->sessions = pool_sessions(core->pool);
	progress->tick_ms = now_ms;
}
