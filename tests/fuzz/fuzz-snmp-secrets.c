/* SPDX-License-Identifier: BSD-2-Clause */
/* What may stand in the file of secrets. What is wrong leaves nothing; what is taken is in bounds,
 * and is taken again when it is written out. */
#include "agent/snmp-secrets.h"

#include <assert.h>
#include <stdio.h>

static void
check_word(const char *word, size_t min, size_t max)
{
	size_t length = strlen(word);

	assert(length >= min && length <= max);
	for (size_t i = 0; i < length; i++)
		assert(word[i] > ' ' && word[i] <= '~');
}

static void
check(const struct snmp_secrets *secrets)
{
	struct snmp_secrets again;
	const char *reason;
	char text[512] = "";
	size_t length = 0;

	if (secrets->community[0])
		length = (size_t)snprintf(text, sizeof(text), "community %s\n", secrets->community);
	if (secrets->user[0])
		snprintf(text + length, sizeof(text) - length,
		    "v3user %s auth sha256 %s priv aes %s\n", secrets->user, secrets->auth,
		    secrets->priv);
	assert(snmp_secrets_parse(slice_of(text), &again, &reason) == 0);
	assert(memcmp(&again, secrets, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static const struct snmp_secrets none;
	struct snmp_secrets secrets;
	const char *reason;
	unsigned line = snmp_secrets_parse(slice_from(data, length), &secrets, &reason);

	assert((line == 0) == (reason == NULL));
	if (line) {
		assert(memcmp(&secrets, &none, sizeof(none)) == 0);
		return 0;
	}
	check_word(secrets.community, 0, SNMP_NAME_MAX);
	check_word(secrets.user, 0, SNMP_NAME_MAX);
	check_word(secrets.auth, secrets.user[0] ? SNMP_PASSPHRASE_MIN : 0, SNMP_PASSPHRASE_MAX);
	check_word(secrets.priv, secrets.user[0] ? SNMP_PASSPHRASE_MIN : 0, SNMP_PASSPHRASE_MAX);
	check(&secrets);
	return 0;
}
