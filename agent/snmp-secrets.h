/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snmp-secrets -- what traps are sent with: a community (v2c), a user with two passphrases (v3).
 *
 * Pure. They come from a file of lines; "#" begins a comment:
 *
 *   community NAME
 *   v3user NAME auth sha256 PASSPHRASE priv aes PASSPHRASE
 *
 * Each at most once. Names and passphrases are visible ASCII without spaces; a passphrase has 8 to
 * 64 of them (RFC 3414, 11.2, asks for 8). sha256 is usmHMAC192SHA256AuthProtocol (RFC 7860), aes
 * is usmAesCfb128Protocol (RFC 3826). Nothing weaker is spoken.
 *
 * They are never logged: a reason names the line and never what is in it.
 */
#ifndef GEMEL_AGENT_SNMP_SECRETS_H
#define GEMEL_AGENT_SNMP_SECRETS_H

#include "common/slice.h"

/* Without the NUL. RFC 3414 has 32 for a user's name. */
#define SNMP_NAME_MAX 32
#define SNMP_PASSPHRASE_MIN 8
#define SNMP_PASSPHRASE_MAX 64
#define SNMP_SECRETS_FILE_MAX 4096

struct snmp_secrets {
	char community[SNMP_NAME_MAX + 1]; /* empty: none was given */
	char user[SNMP_NAME_MAX + 1];
	char auth[SNMP_PASSPHRASE_MAX + 1];
	char priv[SNMP_PASSPHRASE_MAX + 1];
};

/* Read the text of the file. 0; or the number of the line that is wrong, with the rest of a
 * sentence in *reason_r; *secrets_r is empty then. A file with neither is not wrong. */
unsigned
snmp_secrets_parse(struct slice text, struct snmp_secrets *secrets_r, const char **reason_r);

/* Overwrite them. */
void snmp_secrets_forget(struct snmp_secrets *secrets);

#endif
