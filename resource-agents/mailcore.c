/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailcore -- the resource agent of the mail core, mailcored.
 *
 * start leaves a standby behind; promote and demote ask it. A monitor reads what
 * the core says of itself in shared memory and asks nothing, so it costs little
 * and cannot hang on a hung core. What cannot be demoted is killed: a dead core
 * owns nothing, its journal is made for that, and the peer can go on.
 */
#include "common/clock.h"
#include "common/doctor/checks.h"
#include "common/doctor/local.h"
#include "ocf/child.h"
#include "ocf/ocf.h"
#include "ocf/promotion.h"
#include "resource-agents/core-process.h"
#include "resource-agents/smtp-dialogue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Every started core wishes as much; the cluster's own preferences decide. */
#define SCORE 10

/* How long a monitor that asks waits, beside the action's own deadline. */
#define STATUS_WAIT_MS 2000
#define DIALOGUE_WAIT_MS 5000

static uint64_t
no_later_than(const struct ocf_context *ctx, uint64_t wait_ms)
{
	uint64_t at_ms = clock_boot_ms() + wait_ms;

	return at_ms < ctx->deadline_ms ? at_ms : ctx->deadline_ms;
}

static enum ocf_exit
check_node(struct ocf_context *ctx)
{
	const char *binary = ocf_string(ctx, "binary"), *config = ocf_string(ctx, "config");

	if (access(binary, X_OK) != 0)
		return ocf_fail(ctx, OCF_ERR_INSTALLED,
		    "parameter binary: cannot run %s: %s; install gemel", binary, strerror(errno));
	if (access(config, R_OK) != 0)
		return ocf_fail(ctx, OCF_ERR_INSTALLED,
		    "parameter config: cannot read %s: %s; copy it from the other node", config,
		    strerror(errno));
	return OCF_SUCCESS;
}

/* What "gemel doctor" refuses in this node's files. A start does not ask: a pair that serves with
 * an unsafe setting is better than one that does not. */
static enum ocf_exit
check_pair(struct ocf_context *ctx)
{
	struct local_paths paths = {.gemel = ocf_string(ctx, "config")};
	struct facts *facts = calloc(1, sizeof(*facts));
	struct findings list = {0};
	enum ocf_exit code = OCF_SUCCESS;

	if (!facts)
		abort();
	local_read(&paths, facts, &list);
	doctor_check(facts, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct finding *one = &list.items[i];

		if (finding_severity(one->id) != SEVERITY_REFUSE)
			continue;
		ocf_log(ctx, "%s", one->text);
		if (code == OCF_SUCCESS)
			code = ocf_fail(ctx, OCF_ERR_ARGS,
			    "%s: unsafe on this node; gemel doctor says what to do",
			    finding_name(one->id));
	}
	findings_close(&list);
	free(facts);
	return code;
}

static enum ocf_exit
validate_node(struct ocf_context *ctx)
{
	enum ocf_exit code = check_node(ctx);

	return code == OCF_SUCCESS ? check_pair(ctx) : code;
}

/* Kill what can no longer be asked. */
static enum ocf_exit
end_now(struct ocf_context *ctx, const struct core *core, const struct core_view *view)
{
	if (core_end(core, view, 0, ctx->deadline_ms) == 0)
		return OCF_SUCCESS;
	return ocf_fail(ctx, OCF_ERR_GENERIC,
	    "mailcored (%d) does not die of SIGKILL; its disk may hang; fence the node",
	    (int)view->leader.pid);
}

static enum ocf_exit
demote(struct ocf_context *ctx)
{
	struct core core = core_of(ctx);
	struct core_view view;
	char why[256];
	int error = 0;

	core_look(&core, &view);
	switch (view.state) {
	case CORE_STATE_ABSENT:
		return OCF_SUCCESS;
	case CORE_STATE_IDLE:
		if (view.has_progress)
			return OCF_SUCCESS;
		snprintf(why, sizeof(why), "its progress cannot be read, so it may be active");
		break;
	case CORE_STATE_GAVE_UP:
		/* Giving up closes nothing. */
		snprintf(why, sizeof(why), "it gave up: %.200s", view.progress.reason);
		break;
	case CORE_STATE_OWNER:
	case CORE_STATE_DEAF:
		/* Half of the time for asking; the rest must do for killing. */
		error = core_ask(
		    "demote", no_later_than(ctx, (uint64_t)ocf_left_ms(ctx) / 2), why, sizeof(why));
		if (!error)
			return OCF_SUCCESS;
		break;
	case CORE_STATE_LEFTOVER:
	case CORE_STATE_STUCK:
	case CORE_STATE_STUCK_OWNER:
		snprintf(why, sizeof(why), "mailcored %s", core_state_text(view.state));
		break;
	}
	/* Success, though no standby is left: it owns nothing, so the peer may be promoted now, and
	 * the next monitor here has it started again. */
	ocf_log(ctx, "killing mailcored (%d) to demote it: %s", (int)view.leader.pid, why);
	return end_now(ctx, &core, &view);
}

static enum ocf_exit
start_new(struct ocf_context *ctx, const struct core *core, const struct core_view *view)
{
	char why[256];
	pid_t score;
	int error;
	enum ocf_exit code = end_now(ctx, core, view);

	if (code != OCF_SUCCESS)
		return code;
	score = promotion_set(ctx, SCORE);
	error = core_start(ctx, core, why, sizeof(why));
	promotion_finish(ctx, score);
	return error ? ocf_fail(ctx, OCF_ERR_GENERIC, "%s", why) : OCF_SUCCESS;
}

static bool
is_standby(const struct core_view *view)
{
	return view->state == CORE_STATE_IDLE && view->has_progress &&
	       view->progress.role == CORE_STANDBY;
}

static enum ocf_exit
start(struct ocf_context *ctx)
{
	struct core core = core_of(ctx);
	struct core_view view;
	enum ocf_exit code = check_node(ctx);

	if (code != OCF_SUCCESS)
		return code;
	core_look(&core, &view);
	switch (view.state) {
	case CORE_STATE_ABSENT:
	case CORE_STATE_LEFTOVER:
	case CORE_STATE_GAVE_UP:
	case CORE_STATE_STUCK:
	case CORE_STATE_STUCK_OWNER:
	case CORE_STATE_DEAF:
		return start_new(ctx, &core, &view);
	case CORE_STATE_IDLE:
		break;
	case CORE_STATE_OWNER:
		code = demote(ctx);
		if (code != OCF_SUCCESS)
			return code;
		/* It may have been killed for that. */
		core_look(&core, &view);
		break;
	}
	if (!is_standby(&view))
		return start_new(ctx, &core, &view);
	promotion_finish(ctx, promotion_set(ctx, SCORE));
	return OCF_SUCCESS;
}

static enum ocf_exit
stop(struct ocf_context *ctx)
{
	struct core core = core_of(ctx);
	pid_t score = promotion_remove(ctx);
	struct core_view view;
	uint64_t gently_until_ms = 0;
	int error;

	core_look(&core, &view);
	if (view.state == CORE_STATE_IDLE || view.state == CORE_STATE_OWNER ||
	    view.state == CORE_STATE_DEAF)
		gently_until_ms = no_later_than(ctx, (uint64_t)ocf_left_ms(ctx) / 2);
	error = core_end(&core, &view, gently_until_ms, ctx->deadline_ms);
	promotion_finish(ctx, score);
	if (error)
		return ocf_fail(ctx, OCF_ERR_GENERIC,
		    "mailcored (%d) does not die of SIGKILL; its disk may hang; fence the node",
		    (int)view.leader.pid);
	return OCF_SUCCESS;
}

static enum ocf_exit
promote(struct ocf_context *ctx)
{
	struct core core = core_of(ctx);
	struct core_view view;
	char why[256];

	core_look(&core, &view);
	if (view.state == CORE_STATE_OWNER && view.progress.role == CORE_ACTIVE)
		return OCF_SUCCESS;
	if (view.state != CORE_STATE_IDLE && view.state != CORE_STATE_OWNER)
		return ocf_fail(ctx, OCF_ERR_GENERIC, "cannot promote: mailcored %s%s%s",
		    core_state_text(view.state), view.state == CORE_STATE_GAVE_UP ? ": " : "",
		    view.state == CORE_STATE_GAVE_UP ? view.progress.reason : "");
	if (core_ask("promote", ctx->deadline_ms, why, sizeof(why)) != 0)
		return ocf_fail(ctx, OCF_ERR_GENERIC, "%s", why);
	return OCF_SUCCESS;
}

/* Levels 10 and 20: code if the core also answers, else what a failure in its role is. */
static enum ocf_exit
ask_deeper(struct ocf_context *ctx, enum core_state state, enum ocf_exit code)
{
	enum ocf_exit failed = state == CORE_STATE_OWNER ? OCF_FAILED_PROMOTED : OCF_ERR_GENERIC;
	struct smtp_dialogue dialogue = {
	    ocf_string(ctx, "smtp_address"), (uint16_t)ocf_integer(ctx, "smtp_port")};
	struct child_report report = {0};
	char why[256];
	int error;

	if (core_ask("status", no_later_than(ctx, STATUS_WAIT_MS), why, sizeof(why)) != 0)
		return ocf_fail(ctx, failed, "%s", why);
	if (ctx->check_level < 20 || state != CORE_STATE_OWNER)
		return code;
	error =
	    child_run(smtp_dialogue_run, &dialogue, no_later_than(ctx, DIALOGUE_WAIT_MS), &report);
	if (error)
		return ocf_fail(ctx, failed, "SMTP: no dialogue on %s port %u in time: %s",
		    dialogue.address, dialogue.port, strerror(-error));
	return report.status ? ocf_fail(ctx, failed, "%s", report.text) : code;
}

static enum ocf_exit
monitor(struct ocf_context *ctx)
{
	struct core core = core_of(ctx);
	struct core_view view;
	bool is_degraded, is_well;
	enum ocf_exit code;

	core_look(&core, &view);
	is_well = view.state == CORE_STATE_IDLE || view.state == CORE_STATE_OWNER;
	is_degraded = is_well && view.has_progress && view.progress.degraded;
	code = core_state_exit(view.state, ctx->role, is_degraded);
	if (is_degraded)
		ocf_fail(ctx, code, "degraded: %s", view.progress.reason);
	else if (view.state == CORE_STATE_GAVE_UP)
		ocf_fail(ctx, code, "mailcored gave up: %s", view.progress.reason);
	else if (!is_well && code != OCF_NOT_RUNNING)
		ocf_fail(ctx, code, "mailcored %s", core_state_text(view.state));
	if (is_well && ctx->check_level >= 10)
		code = ask_deeper(ctx, view.state, code);
	if (is_well && ctx->is_probe)
		promotion_finish(ctx, promotion_set(ctx, SCORE));
	return code;
}

/* The reloadable parameters are read by each monitor anew. */
static enum ocf_exit
reload_agent(struct ocf_context *ctx)
{
	(void)ctx;
	return OCF_SUCCESS;
}

static const char *
check_path(const char *value)
{
	return value[0] == '/' ? NULL : "is not an absolute path; begin it with /";
}

static const char *
check_address(const char *value)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, value, &four) == 1 || inet_pton(AF_INET6, value, &six) == 1)
		return NULL;
	return "is not an IPv4 or IPv6 address; give one like 127.0.0.1";
}

static const struct ocf_parameter parameters[] = {
    {
	.name = "binary",
	.fallback = "/usr/sbin/mailcored",
	.check = check_path,
	.shortdesc = "path of mailcored",
	.longdesc = "The program of the mail core.",
    },
    {
	.name = "config",
	.fallback = SYSCONF_DIR "/gemel.conf",
	.check = check_path,
	.shortdesc = "path of gemel.conf",
	.longdesc = "The configuration that mailcored reads. It must be the same on both nodes.",
    },
    {
	.name = "pidfile",
	.fallback = OCF_RUN_DIR "/mailcored.pid",
	.unique_group = "pidfile",
	.check = check_path,
	.shortdesc = "path of mailcored's pid file",
	.longdesc = "The file whose lock mailcored holds while it lives, as gemel.conf has it.",
    },
    {
	.name = "progress",
	.fallback = OCF_RUN_DIR "/progress",
	.check = check_path,
	.shortdesc = "path of mailcored's progress file",
	.longdesc = "The file in which mailcored says what it is doing, as gemel.conf has it.",
    },
    {
	.name = "smtp_address",
	.fallback = "127.0.0.1",
	.reloadable = true,
	.check = check_address,
	.shortdesc = "address of the SMTP dialogue",
	.longdesc =
	    "Where a monitor with OCF_CHECK_LEVEL=20 speaks SMTP on the promoted node. "
	    "An address that mailcored listens on: the floating one, if it listens on no other.",
    },
    {
	.name = "smtp_port",
	.type = OCF_INTEGER,
	.fallback = "25",
	.reloadable = true,
	.min = 1,
	.max = 65535,
	.shortdesc = "port of the SMTP dialogue",
	.longdesc = "The port for a monitor with OCF_CHECK_LEVEL=20.",
    },
    {0},
};

static const struct ocf_action actions[] = {
    {"start", 30, 0, -1, OCF_ROLE_NONE, false, start},
    {"stop", 30, 0, -1, OCF_ROLE_NONE, false, stop},
    {"promote", 60, 0, -1, OCF_ROLE_NONE, false, promote},
    {"demote", 30, 0, -1, OCF_ROLE_NONE, false, demote},
    {"monitor", 10, 5, 0, OCF_ROLE_PROMOTED, false, monitor},
    {"monitor", 10, 6, 0, OCF_ROLE_UNPROMOTED, false, monitor},
    {"monitor", 20, 31, 10, OCF_ROLE_PROMOTED, false, monitor},
    {"reload-agent", 10, 0, -1, OCF_ROLE_NONE, false, reload_agent},
    {"validate-all", 10, 0, -1, OCF_ROLE_NONE, true, NULL},
    {"meta-data", 5, 0, -1, OCF_ROLE_NONE, true, NULL},
    {0},
};

static const struct ocf_agent agent = {
    .name = "mailcore",
    .version = PACKAGE_VERSION,
    .shortdesc = "runs the mail core of a Gemel pair",
    .longdesc =
	"Runs mailcored on both nodes of a pair and promotes one of them. Make it a promotable "
	"clone, promoted together with the storage (ocf:gemel:sharedstore) and after it.\n\n"
	"The standby is started and waits, so a takeover is a promote and not a start. The "
	"promoted "
	"one owns the store and accepts mail.\n\n"
	"A monitor reads what the core says of itself in shared memory: that it lives, that its "
	"loop "
	"turns, its role, and what troubles it. With OCF_CHECK_LEVEL=10 the core must also answer "
	"a "
	"question, and with OCF_CHECK_LEVEL=20 the promoted one must hold a real dialogue in SMTP "
	"with smtp_address; that level is not among the advised monitors, because the address must "
	"fit the site.\n\n"
	"validate-all with OCF_CHECK_LEVEL=10 also refuses what gemel doctor refuses in "
	"gemel.conf, corosync.conf and the other files of the node.\n\n"
	"A core that does not answer a demote or a stop in half of the time-out is killed; its "
	"journal is made for that. Only what SIGKILL does not end fails, so that the node is "
	"fenced.",
    .parameters = parameters,
    .actions = actions,
    .check_node = validate_node,
};

int
main(int argc, char **argv)
{
	return ocf_main(&agent, argc, argv);
}
