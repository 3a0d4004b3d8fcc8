/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* One line without its end. False at the end of the input or when it does not fit. */
static bool
read_line(int fd, char password[PASSWORD_MAX + 1])
{
	size_t length = 0;

	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 && length == 0)
			return false;
		if (n <= 0 || c == '\n')
			break;
		if (length == PASSWORD_MAX)
			return false;
		password[length++] = c;
	}
	if (length && password[length - 1] == '\r')
		length--;
	password[length] = '\0';
	return length > 0;
}

static int
password_from_file(const char *path, char password[PASSWORD_MAX + 1])
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return complain(
		    EXIT_FAILED, "password file %s cannot be opened: %s", path, strerror(errno));
	ok = read_line(fd, password);
	if (!is_stdin)
		close(fd);
	if (!ok)
		return complain(EXIT_FAILED,
		    "password file %s has no first line of 1 to %d characters; write the password "
		    "there",
		    path, PASSWORD_MAX);
	return EXIT_DONE;
}

static bool
ask(int terminal, const char *prompt, char password[PASSWORD_MAX + 1])
{
	struct termios before, quiet;
	bool ok;

	if (tcgetattr(terminal, &before) != 0)
		return false;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	/* No signal may leave the terminal silent: Ctrl-C arrives as a character. */
	quiet.c_lflag &= ~(tcflag_t)ISIG;
	tcsetattr(terminal, TCSAFLUSH, &quiet);
	dprintf(terminal, "%s", prompt);
	ok = read_line(terminal, password);
	tcsetattr(terminal, TCSAFLUSH, &before);
	dprintf(terminal, "\n");
	return ok && !strchr(password, 3);
}

int
password_get(const struct options *options, char password[PASSWORD_MAX + 1])
{
	char again[PASSWORD_MAX + 1] = "";
	int terminal;
	bool ok;

	if (options->password_file)
		return password_from_file(options->password_file, password);
	terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (terminal < 0)
		return complain(EXIT_USAGE, "there is no terminal to ask for a password; give "
					    "--password-file FILE or --no-password");
	ok = ask(terminal, "New password: ", password) && ask(terminal, "Again: ", again);
	close(terminal);
	if (ok && strcmp(password, again) != 0) {
		explicit_bzero(again, sizeof(again));
		return complain(EXIT_FAILED, "the two passwords differ; nothing was changed");
	}
	explicit_bzero(again, sizeof(again));
	return ok ? EXIT_DONE : complain(EXIT_FAILED, "no password given; nothing was changed");
}
