/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/ocf.h"

#include "common/clock.h"
#include "common/latch.h"
#include "ocf/environment.h"
#include "ocf/metadata.h"
#include "ocf/parameter.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ocf_parameter *
find_parameter(const struct ocf_context *ctx, const char *name)
{
	return parameter_find(ctx->agent->parameters, name);
}

const char *
ocf_string(const struct ocf_context *ctx, const char *name)
{
	const struct ocf_parameter *p = find_parameter(ctx, name);
	const char *value = environment_parameter(ctx->environment, name);
	char reason[PARAMETER_REASON_MAX];

	if (!value || !*value || !parameter_check(p, value, reason))
		return p->fallback;
	return value;
}

int64_t
ocf_integer(const struct ocf_context *ctx, const char *name)
{
	const char *text = ocf_string(ctx, name);
	int64_t value = 0;

	if (text)
		parameter_parse_integer(text, &value);
	return value;
}

bool
ocf_boolean(const struct ocf_context *ctx, const char *name)
{
	const char *text = ocf_string(ctx, name);
	bool value = false;

	if (text)
		parameter_parse_boolean(text, &value);
	return value;
}

enum ocf_exit
ocf_fail(struct ocf_context *ctx, enum ocf_exit code, const char *format, ...)
{
	char text[4 * OCF_REASON_MAX];
	size_t length;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	length = strlen(text);
	if (length > OCF_REASON_MAX) {
		length = OCF_REASON_MAX - 3;
		/* Not inside a UTF-8 sequence. */
		while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
		memcpy(text + length, "...", 4);
	}
	snprintf(ctx->reason, sizeof(ctx->reason), "%s", text);
	return code;
}

void
ocf_log(const struct ocf_context *ctx, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%s: %s\n", ctx->instance, text);
}

int
ocf_left_ms(const struct ocf_context *ctx)
{
	uint64_t now_ms = clock_boot_ms();

	if (now_ms >= ctx->deadline_ms)
		return 0;
	return ctx->deadline_ms - now_ms > INT_MAX ? INT_MAX : (int)(ctx->deadline_ms - now_ms);
}

void
ocf_state_path(const struct ocf_context *ctx, const char *suffix, char *path, size_t room)
{
	size_t base = strlen(OCF_RUN_DIR) + 1;

	snprintf(path, room, OCF_RUN_DIR "/%s-%s%s%s", ctx->agent->name, ctx->instance,
	    *suffix ? "." : "", suffix);
	for (char *c = path + base; *c; c++)
		if (*c == '/')
			*c = '_';
}

int
ocf_make_run_directory(void)
{
	return mkdir(OCF_RUN_DIR, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

static enum ocf_exit
check_parameters(struct ocf_context *ctx)
{
	char reason[PARAMETER_REASON_MAX];

	for (const struct ocf_parameter *p = ctx->agent->parameters; p->name; p++)
		if (!parameter_check(p, environment_parameter(ctx->environment, p->name), reason))
			return ocf_fail(ctx, OCF_ERR_CONFIGURED, "%s", reason);
	return ctx->agent->check ? ctx->agent->check(ctx) : OCF_SUCCESS;
}

static int
print(const struct ocf_agent *agent, void (*render)(const struct ocf_agent *, struct buffer *))
{
	struct buffer out = {0};
	bool ok;

	render(agent, &out);
	ok = fwrite(out.data, 1, out.length, stdout) == out.length && fflush(stdout) == 0;
	buffer_close(&out);
	return ok ? OCF_SUCCESS : OCF_ERR_GENERIC;
}

/* meta-data and validate-all. */
static enum ocf_exit
run_own(struct ocf_context *ctx)
{
	enum ocf_exit code;

	if (strcmp(ctx->action->name, "meta-data") == 0)
		return (enum ocf_exit)print(ctx->agent, metadata_xml);
	code = check_parameters(ctx);
	if (code == OCF_SUCCESS && ctx->check_level >= 10 && ctx->agent->check_node)
		code = ctx->agent->check_node(ctx);
	return code;
}

static bool
is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* Say to the agent daemon that something is done here, unless this node has promised to do nothing
 * more. What only lets go is never held up. */
static enum ocf_exit
enter(struct ocf_context *ctx)
{
	static const char *const takes[] = {"start", "promote", NULL};
	static const char *const lets_go[] = {"stop", "demote", NULL};
	const char *name = ctx->action->name;
	bool is_taking = is_one_of(name, takes);
	int error;

	if (!is_taking && !is_one_of(name, lets_go))
		return OCF_SUCCESS;
	error = ocf_make_run_directory();
	if (!error)
		error = latch_enter(OCF_RUN_DIR, is_taking);
	if (!error || !is_taking)
		return OCF_SUCCESS;
	if (error == -EPERM || error == -EBUSY)
		return ocf_fail(ctx, OCF_ERR_GENERIC,
		    "this node is about to reset itself, and takes nothing more in this boot");
	return ocf_fail(ctx, OCF_ERR_GENERIC, "cannot lock " OCF_RUN_DIR "/" LATCH_FILE ": %s",
	    strerror(-error));
}

static enum ocf_exit
run_action(struct ocf_context *ctx)
{
	bool must_try =
	    strcmp(ctx->action->name, "stop") == 0 || strcmp(ctx->action->name, "demote") == 0;
	enum ocf_exit code;

	if (!ctx->action->for_anyone && geteuid() != 0)
		return ocf_fail(ctx, OCF_ERR_PERM, "%s of %s must be run as root",
		    ctx->action->name, ctx->agent->name);
	if (!ctx->action->run)
		return run_own(ctx);
	code = check_parameters(ctx);
	if (code != OCF_SUCCESS && !must_try)
		return code;
	if (code != OCF_SUCCESS)
		ocf_log(ctx, "%s goes on although %s", ctx->action->name, ctx->reason);
	ctx->reason[0] = '\0';
	code = enter(ctx);
	return code == OCF_SUCCESS ? ctx->action->run(ctx) : code;
}

static const struct ocf_action *
find_action(const struct ocf_agent *agent, const char *name)
{
	for (const struct ocf_action *a = agent->actions; a->name; a++)
		if (strcmp(a->name, name) == 0)
			return a;
	return NULL;
}

int
ocf_main(const struct ocf_agent *agent, int argc, char **argv)
{
	struct ocf_context ctx = {.agent = agent};
	enum ocf_exit code;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "usage") == 0) {
		print(agent, metadata_help);
		return argc < 2 ? OCF_ERR_ARGS : OCF_SUCCESS;
	}
	if (strcmp(argv[1], "--manual") == 0)
		return print(agent, metadata_manual);
	ctx.action = find_action(agent, argv[1]);
	if (!ctx.action) {
		fprintf(stderr, "ocf-exit-reason:%s has no action \"%.32s\"; see %s --help\n",
		    agent->name, argv[1], agent->name);
		return OCF_ERR_UNIMPLEMENTED;
	}
	environment_read(&ctx, environ, clock_boot_ms());
	code = run_action(&ctx);
	if (ctx.reason[0] && code != OCF_SUCCESS)
		fprintf(stderr, "ocf-exit-reason:%s\n", ctx.reason);
	return code;
}
