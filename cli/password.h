/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * password -- getting a password without it standing on a command line.
 */
#ifndef GEMEL_CLI_PASSWORD_H
#define GEMEL_CLI_PASSWORD_H

#include "cli/verb.h"

#define PASSWORD_MAX 1024

/* From --password-file (its first line; "-": standard input), or asked twice on the terminal.
 * Returns EXIT_DONE or an exit status after a sentence. Clear password after use. */
int password_get(const struct options *options, char password[PASSWORD_MAX + 1]);

#endif
