/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/trap-settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int
fail(char *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int
fail(char *error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, CONFIG_ERROR_MAX, format, args);
	va_end(args);
	return code;
}

static bool
is_port(const char *text)
{
	size_t length = strspn(text, "0123456789");
	long port = strtol(text, NULL, 10);

	return length > 0 && length <= 5 && text[length] == '\0' && port > 0 && port <= 65535;
}

/* "192.0.2.9:162" or "[2001:db8::9]:162". */
static bool
is_target(const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	struct in6_addr address;
	size_t length;

	if (!colon || !is_port(colon + 1) || (size_t)(colon - text) >= sizeof(host))
		return false;
	length = (size_t)(colon - text);
	memcpy(host, text, length);
	host[length] = '\0';
	if (host[0] != '[')
		return inet_pton(AF_INET, host, &address) == 1;
	if (host[length - 1] != ']')
		return false;
	host[length - 1] = '\0';
	return inet_pton(AF_INET6, host + 1, &address) == 1;
}

static int
take_targets(const struct config_list *list, struct trap_settings *settings, char *error)
{
	if (list->count > TRAP_TARGETS_MAX)
		return fail(error, -EINVAL,
		    "gemel.conf: \"targets\" in \"snmp\" has %zu entries, but may have %d; remove "
		    "some",
		    list->count, TRAP_TARGETS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		if (strlen(list->items[i]) >= TRAP_TARGET_BYTES || !is_target(list->items[i]))
			return fail(error, -EINVAL,
			    "gemel.conf: \"targets\" in \"snmp\" has \"%.60s\", which is no "
			    "numeric "
			    "address with a port; write it like \"192.0.2.9:162\" or "
			    "\"[2001:db8::9]:162\"",
			    list->items[i]);
		strcpy(settings->targets[i], list->items[i]);
	}
	settings->target_count = (unsigned)list->count;
	return 0;
}

/* Of the open file: whose is it, and how large. */
static int
check_file(int fd, const char *path, uid_t owner, char *error)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return fail(error, -errno, "%s: cannot be looked at: %s", path, strerror(errno));
	if (!S_ISREG(stat.st_mode))
		return fail(
		    error, -EINVAL, "%s: is no regular file; put the secrets into one", path);
	if (stat.st_uid != owner)
		return fail(error, -EPERM,
		    "%s: belongs to user %u and not to user %u, so the secrets in it are not safe; "
		    "change its owner",
		    path, (unsigned)stat.st_uid, (unsigned)owner);
	if (stat.st_mode & 077)
		return fail(error, -EPERM,
		    "%s: has mode %04o, so others can use the secrets in it; run \"chmod 600 %s\" "
		    "and "
		    "change the secrets",
		    path, (unsigned)(stat.st_mode & 07777), path);
	if (stat.st_size > SNMP_SECRETS_FILE_MAX)
		return fail(error, -EFBIG, "%s: is larger than %d bytes; remove what is not needed",
		    path, SNMP_SECRETS_FILE_MAX);
	return 0;
}

static int
take_secrets(const char *path, int fd, struct snmp_secrets *secrets, char *error)
{
	char text[SNMP_SECRETS_FILE_MAX];
	const char *reason;
	ssize_t length;
	unsigned line;

	do {
		length = read(fd, text, sizeof(text));
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return fail(error, -errno, "%s: cannot be read: %s", path, strerror(errno));
	line = snmp_secrets_parse(slice_from(text, (size_t)length), secrets, &reason);
	explicit_bzero(text, sizeof(text));
	if (line)
		return fail(
		    error, -EINVAL, "%s:%u: this line %s; see gemel.conf(5)", path, line, reason);
	return 0;
}

static int
read_secrets(const char *path, uid_t owner, struct snmp_secrets *secrets, char *error)
{
	int result, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd < 0)
		return fail(error, -errno,
		    "%s: cannot be opened: %s; traps need the secrets in it, see gemel.conf(5)",
		    path, strerror(errno));
	result = check_file(fd, path, owner, error);
	if (result == 0)
		result = take_secrets(path, fd, secrets, error);
	close(fd);
	return result;
}

static int
check_version(const struct config *config, struct trap_settings *settings, char *error)
{
	settings->is_v3 = strcmp(config->snmp_version, "3") == 0;
	if (settings->is_v3 || strcmp(config->snmp_version, "2c") == 0)
		return 0;
	return fail(error, -EINVAL,
	    "gemel.conf: \"version\" in \"snmp\" is \"%.16s\", but must be \"2c\" or \"3\"; change "
	    "it",
	    config->snmp_version);
}

int
trap_settings_read(const struct config *config, uid_t owner, struct trap_settings *settings,
    char error[CONFIG_ERROR_MAX])
{
	const char *path = config->snmp_secrets;
	int result;

	memset(settings, 0, sizeof(*settings));
	settings->informs = config->snmp_informs;
	settings->pacemaker_mib = config->snmp_pacemaker_mib;
	result = check_version(config, settings, error);
	if (result == 0)
		result = take_targets(&config->snmp_targets, settings, error);
	if (result == 0 && settings->target_count)
		result = read_secrets(path, owner, &settings->secrets, error);
	if (result || settings->target_count == 0)
		return result;
	if (settings->is_v3 ? settings->secrets.user[0] : settings->secrets.community[0])
		return 0;
	snmp_secrets_forget(&settings->secrets);
	return fail(error, -EINVAL, "%s: has no %s, but SNMP version %s needs it; add the line",
	    path, settings->is_v3 ? "v3user" : "community", config->snmp_version);
}
