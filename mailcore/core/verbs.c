/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/core/core.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_PAGE 100

static void
run_status(void *context, struct control_request *request, const json_t *arguments)
{
	const struct core *core = context;
	const struct progress *p = core->progress;

	struct lease lease = {0};
	const char *state = core->lease ? lease_state_name(core_lease(core, &lease)) : "standalone";
	json_t *answer = json_pack("{s:s,s:s,s:s,s:b,s:b,s:I,s:s,s:I,s:i,s:I}", "hostname",
	    core->config.hostname, "role", core_role_name(p->role), "reason", p->reason, "degraded",
	    p->degraded != 0, "drained", core->is_drained, "generation", (json_int_t)p->generation,
	    "lease", state, "epoch", (json_int_t)lease.epoch, "held", (int)p->held, "held_ms",
	    (json_int_t)(p->held_since_ms ? clock_boot_ms() - p->held_since_ms : 0));

	(void)arguments;
	json_object_update_new(
	    answer, json_pack("{s:I,s:I,s:I,s:I,s:i,s:i,s:i,s:i,s:s}", "accepted",
			(json_int_t)p->accepted, "delivered", (json_int_t)p->delivered, "queued",
			(json_int_t)p->queued, "commit_us", (json_int_t)p->commit_us, "sessions",
			(int)p->sessions, "workers", (int)p->workers, "worker_deaths",
			(int)p->worker_deaths, "pid", (int)getpid(), "version", PACKAGE_VERSION));
	control_answer(request, answer);
}

/* Answer who waits for a drain that something else has ended. */
void
core_end_drain(struct core *core, const char *sentence)
{
	if (!core->waiting || !core->is_drained)
		return;
	control_refuse(core->waiting, CONTROL_REFUSED, "%s", sentence);
	core->waiting = NULL;
}

static void
run_promote(void *context, struct control_request *request, const json_t *arguments)
{
	char error[CORE_ERROR_MAX] = "";
	int result;

	(void)arguments;
	core_end_drain(context, "The core was told to accept mail again; the drain has ended.");
	result = core_promote(context, error);
	if (result == 0)
		control_answer(request, NULL);
	else
		control_refuse(
		    request, result == -EBUSY ? CONTROL_REFUSED : CONTROL_FAILED, "%s", error);
}

/* False after a refusal: another demote or drain has not ended yet. */
static bool
take_turn(struct core *core, struct control_request *request)
{
	if (core->waiting) {
		control_refuse(
		    request, CONTROL_REFUSED, "A demote or drain runs already; wait for its end.");
		return false;
	}
	core->waiting = request;
	return true;
}

static void
run_demote(void *context, struct control_request *request, const json_t *arguments)
{
	struct core *core = context;

	(void)arguments;
	/* A demote is more than a drain: it ends one that waits. */
	core_end_drain(core, "The core is demoted; the drain has ended.");
	if (take_turn(core, request))
		core_demote(core);
}

static void
run_drain(void *context, struct control_request *request, const json_t *arguments)
{
	struct core *core = context;

	(void)arguments;
	if (core->progress->role != CORE_ACTIVE) {
		control_refuse(request, CONTROL_REFUSED,
		    "The core is %s; only an active one can be drained.",
		    core_role_name(core->progress->role));
		return;
	}
	if (take_turn(core, request))
		core_drain(core);
}

void
core_demoted(struct core *core)
{
	if (core->waiting)
		control_answer(core->waiting, NULL);
	core->waiting = NULL;
	if (core->is_ending)
		qb_loop_stop(core->loop);
}

void
core_check_drained(struct core *core)
{
	struct control_request *request = core->waiting;

	if (!request || !core->is_drained)
		return;
	if (core->progress->role == CORE_FAILED) {
		core->waiting = NULL;
		control_refuse(request, CONTROL_FAILED, "%s", core->progress->reason);
	} else if (spool_queued(core->spool) == 0 && pool_sessions(core->pool) == 0) {
		core->waiting = NULL;
		control_answer(request, NULL);
	}
}

/* One change to the accounts, on its way over the jobs' thread. */
struct account_job {
	struct core *core;
	struct control_request *request;
	struct accounts *writer;
	char *address;
	char *password; /* NULL: none */
	int (*change)(struct account_job *job);
	int result; /* -ECANCELED: never begun */
	uint64_t id;
	enum password_fault fault;
	struct acknowledgement owed;
};

static int
job_hash(struct account_job *job, char hash[PASSWORD_HASH_MAX])
{
	job->fault = password_check(slice_of(job->password));
	if (job->fault != PASSWORD_FINE)
		return -EINVAL;
	return password_hash(slice_of(job->password), hash);
}

static int
change_add(struct account_job *job)
{
	char hash[PASSWORD_HASH_MAX] = "";
	int result = job->password ? job_hash(job, hash) : 0;

	if (result)
		return result;
	return accounts_add(
	    job->writer, slice_of(job->address), job->password ? hash : NULL, &job->id);
}

static int
change_password(struct account_job *job)
{
	char hash[PASSWORD_HASH_MAX] = "";
	int result = job_hash(job, hash);

	return result ? result : accounts_set_password(job->writer, slice_of(job->address), hash);
}

static int
change_delete(struct account_job *job)
{
	return accounts_delete(job->writer, slice_of(job->address), &job->id);
}

static void
job_run(void *context)
{
	struct account_job *job = context;

	job->result = job->change(job);
}

static void
job_refuse(struct account_job *job)
{
	const char *address = job->address;

	if (job->fault != PASSWORD_FINE) {
		control_refuse(
		    job->request, CONTROL_REFUSED, "%s", password_fault_text(job->fault));
		return;
	}
	switch (-job->result) {
	case EEXIST:
		control_refuse(job->request, CONTROL_REFUSED,
		    "%s exists already in this region; choose another address", address);
		return;
	case ENOENT:
		control_refuse(job->request, CONTROL_REFUSED,
		    "%s is no account here; gemel account list shows those that are", address);
		return;
	case ECANCELED:
		control_refuse(job->request, CONTROL_REFUSED,
		    "%s was not changed: this node gives the mail up; ask the one that takes it",
		    address);
		return;
	case EINVAL:
		control_refuse(job->request, CONTROL_REFUSED,
		    "\"%.320s\" is no mail address; write it like name@example.org", address);
		return;
	default:
		control_refuse(job->request, CONTROL_FAILED,
		    "%s was not changed: %s; see the log and the disk of the store", address,
		    strerror(-job->result));
	}
}

static void
job_close(struct account_job *job)
{
	free(job->address);
	free(job);
}

static void
job_end(void *context, bool is_given)
{
	struct account_job *job = context;

	if (is_given)
		control_answer(job->request,
		    json_pack("{s:s,s:I}", "address", job->address, "id", (json_int_t)job->id));
	else
		control_refuse(job->request, CONTROL_FAILED,
		    "whether %s was changed is in doubt: this node gave the mail up before it was "
		    "sure to have had the right; look on the one that takes it",
		    job->address);
	job_close(job);
}

static void
job_done(void *context)
{
	struct account_job *job = context;
	struct core *core = job->core;

	if (job->password)
		explicit_bzero(job->password, strlen(job->password));
	free(job->password);
	if (job->result) {
		job_refuse(job);
		job_close(job);
		return;
	}
	log_notice("account: %s: changed (%s)", job->address,
	    job->change == change_add      ? "added"
	    : job->change == change_delete ? "deleted"
					   : "password set");
	if (job->change == change_add)
		delivery_hurry(core->delivery, slice_of(job->address));
	job->owed = (struct acknowledgement){.end = job_end, .context = job};
	core_owe(core, &job->owed);
	core_acknowledge(core);
}

static char *
copy_text(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		abort();
	return copy;
}

/* False after a refusal. */
static bool
check_active(const struct core *core, struct control_request *request)
{
	if (core->progress->role == CORE_ACTIVE)
		return true;
	control_refuse(request, CONTROL_REFUSED,
	    "this node is %s and has no accounts to hand; ask on the active node of the pair",
	    core_role_name(core->progress->role));
	return false;
}

static void
start_job(struct core *core, struct control_request *request, const json_t *arguments,
    int (*change)(struct account_job *job))
{
	const char *address = json_string_value(json_object_get(arguments, "address"));
	const char *password = json_string_value(json_object_get(arguments, "password"));
	struct account_job *job;

	if (!check_active(core, request))
		return;
	if (!address || (change == change_password && !password)) {
		control_refuse(request, CONTROL_FAILED,
		    "the request names no %s; ask with gemel(1)", address ? "password" : "address");
		return;
	}
	if (change == change_add &&
	    !router_is_ours(&core->router, address_domain(slice_of(address)))) {
		control_refuse(request, CONTROL_REFUSED,
		    "%.320s is not in the domain %s; accounts must be", address, core->domain);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (!job)
		abort();
	*job = (struct account_job){
	    .core = core,
	    .request = request,
	    .writer = core->writer,
	    .address = copy_text(address),
	    .password = copy_text(password),
	    .change = change,
	    .result = -ECANCELED,
	};
	jobs_add(core->jobs, job_run, job_done, job);
}

static void
run_account_add(void *context, struct control_request *request, const json_t *arguments)
{
	start_job(context, request, arguments, change_add);
}

static void
run_account_delete(void *context, struct control_request *request, const json_t *arguments)
{
	start_job(context, request, arguments, change_delete);
}

static void
run_account_password(void *context, struct control_request *request, const json_t *arguments)
{
	start_job(context, request, arguments, change_password);
}

static json_t *
account_json(const struct account *account)
{
	return json_pack("{s:s,s:I,s:b,s:b}", "address", account->address, "id",
	    (json_int_t)account->id, "enabled", account->state == ACCOUNT_ENABLED, "password",
	    account->password[0] != '\0');
}

static void
run_account_list(void *context, struct control_request *request, const json_t *arguments)
{
	struct core *core = context;
	const char *after = json_string_value(json_object_get(arguments, "after"));
	struct account *page;
	json_t *accounts;
	ssize_t count;

	if (!check_active(core, request))
		return;
	page = calloc(LIST_PAGE, sizeof(*page));
	accounts = json_array();
	if (!page || !accounts)
		abort();
	count = accounts_list(core->reader, after, page, LIST_PAGE);
	for (ssize_t i = 0; i < count; i++)
		json_array_append_new(accounts, account_json(&page[i]));
	free(page);
	if (count >= 0) {
		control_answer(request,
		    json_pack("{s:o,s:b}", "accounts", accounts, "more", count == LIST_PAGE));
		return;
	}
	json_decref(accounts);
	control_refuse(request, CONTROL_FAILED, "the accounts cannot be read: %s; see the log",
	    strerror((int)-count));
}

static void
run_account_show(void *context, struct control_request *request, const json_t *arguments)
{
	struct core *core = context;
	const char *address = json_string_value(json_object_get(arguments, "address"));
	char canonical[ADDRESS_MAX + 1], mailbox[4096];
	struct account account;
	json_t *answer;
	int result = -ENOENT;

	if (!check_active(core, request))
		return;
	if (address && address_canonical(slice_of(address), canonical))
		result = accounts_find(core->reader, canonical, &account);
	if (result) {
		control_refuse(request, result == -ENOENT ? CONTROL_REFUSED : CONTROL_FAILED,
		    "%.320s is no account here; gemel account list shows those that are",
		    address ? address : "nothing");
		return;
	}
	snprintf(mailbox, sizeof(mailbox), "%s/mail/%" PRIu64 "/Maildir",
	    core->config.store_directory, account.id);
	answer = account_json(&account);
	json_object_set_new(answer, "mailbox", json_string(mailbox));
	control_answer(request, answer);
}

const struct control_verb core_verbs[] = {
    {"status", run_status, false},
    {"promote", run_promote, false},
    {"demote", run_demote, false},
    {"drain", run_drain, false},
    {"account-add", run_account_add, false},
    {"account-del", run_account_delete, false},
    {"account-passwd", run_account_password, false},
    {"account-list", run_account_list, false},
    {"account-show", run_account_show, false},
    {NULL, NULL, false},
};
