/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/smtp-dialogue.h"

#include "ocf/child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 5321 4.5.3.1.5 allows 512 per line; a greeting of ours has a dozen lines. */
#define REPLY_MAX 8192

static const struct {
	const char *command; /* NULL: wait for the greeting */
	int code;
} steps[] = {
    {NULL, 220},
    {"EHLO localhost\r\n", 250},
    {"NOOP\r\n", 250},
    {"RSET\r\n", 250},
    {"QUIT\r\n", 221},
};

int
smtp_reply_code(struct slice text)
{
	const char *line = (const char *)text.data, *end = line + text.length;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (!stop)
			return 0;
		if (stop - line < 4 || stop[-1] != '\r')
			return -1;
		for (int i = 0; i < 3; i++)
			if (line[i] < '0' || line[i] > '9')
				return -1;
		if (line[3] != '-')
			return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
		line = stop + 1;
	}
	return 0;
}

static int
connect_to(const struct smtp_dialogue *d)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(d->port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(d->port)};
	bool is_six = inet_pton(AF_INET6, d->address, &six.sin6_addr) == 1;
	int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return -errno;
	if (is_six)
		result = connect(fd, (struct sockaddr *)&six, sizeof(six));
	else if (inet_pton(AF_INET, d->address, &four.sin_addr) == 1)
		result = connect(fd, (struct sockaddr *)&four, sizeof(four));
	else
		result = -1;
	if (result == 0)
		return fd;
	result = -errno;
	close(fd);
	return result;
}

/* The code of the next reply, or -errno. */
static int
read_reply(int fd)
{
	char reply[REPLY_MAX];
	size_t length = 0;

	while (length < sizeof(reply)) {
		ssize_t n = read(fd, reply + length, sizeof(reply) - length);
		int code;

		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		length += (size_t)n;
		code = smtp_reply_code(slice_from(reply, length));
		if (code != 0)
			return code > 0 ? code : -EPROTO;
	}
	return -EMSGSIZE;
}

static int
run_step(int fd, size_t i, char *text)
{
	const char *command = steps[i].command;
	const char *name = command ? command : "the connection\r\n";
	int code;

	if (command &&
	    send(fd, command, strlen(command), MSG_NOSIGNAL) != (ssize_t)strlen(command)) {
		snprintf(text, CHILD_TEXT_MAX, "SMTP: %.*s could not be sent",
		    (int)strcspn(name, " \r"), name);
		return -EPIPE;
	}
	code = read_reply(fd);
	if (code == steps[i].code)
		return 0;
	if (code < 0)
		snprintf(text, CHILD_TEXT_MAX, "SMTP: no answer to %.*s: %s",
		    (int)strcspn(name, "\r"), name, strerror(-code));
	else
		snprintf(text, CHILD_TEXT_MAX, "SMTP: %.*s was answered by %d instead of %d",
		    (int)strcspn(name, "\r"), name, code, steps[i].code);
	return -EPROTO;
}

int
smtp_dialogue_run(void *dialogue, char *text)
{
	const struct smtp_dialogue *d = dialogue;
	int fd = connect_to(d);
	int result = 0;

	if (fd < 0) {
		snprintf(text, CHILD_TEXT_MAX, "SMTP: cannot connect to %s port %u: %s", d->address,
		    d->port, strerror(-fd));
		return fd;
	}
	for (size_t i = 0; result == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		result = run_step(fd, i, text);
	close(fd);
	return result;
}
