/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/snmp-secrets.h"

#define WORDS_MAX 8

struct line {
	struct slice words[WORDS_MAX];
	unsigned count;
};

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

/* Cut a line into words. NULL, or why it can't be. */
static const char *
split(struct slice text, struct line *line)
{
	size_t i = 0;

	line->count = 0;
	while (i < text.length) {
		size_t begin = i;

		if (is_blank(text.data[i])) {
			i++;
			continue;
		}
		if (text.data[i] == '#')
			break;
		for (; i < text.length && !is_blank(text.data[i]); i++)
			if (text.data[i] <= ' ' || text.data[i] > '~')
				return "has a byte that is not visible ASCII";
		if (line->count == WORDS_MAX)
			return "has too many words";
		line->words[line->count++] = slice_from(text.data + begin, i - begin);
	}
	return NULL;
}

static bool
is_word(const struct line *line, unsigned at, const char *text)
{
	return slice_is_equal(line->words[at], slice_of(text));
}

static bool
is_passphrase(struct slice word)
{
	return word.length >= SNMP_PASSPHRASE_MIN && word.length <= SNMP_PASSPHRASE_MAX;
}

static const char *
take_community(const struct line *line, struct snmp_secrets *secrets)
{
	if (line->count != 2)
		return "is not \"community NAME\"";
	if (secrets->community[0])
		return "gives a second community";
	if (!slice_to_string(line->words[1], secrets->community, sizeof(secrets->community)))
		return "has a community of more than 32 characters";
	return NULL;
}

static const char *
take_user(const struct line *line, struct snmp_secrets *secrets)
{
	if (line->count != 8 || !is_word(line, 2, "auth") || !is_word(line, 5, "priv"))
		return "is not \"v3user NAME auth sha256 PASSPHRASE priv aes PASSPHRASE\"";
	if (!is_word(line, 3, "sha256") || !is_word(line, 6, "aes"))
		return "has another protocol than auth sha256 and priv aes";
	if (secrets->user[0])
		return "gives a second v3user";
	if (!is_passphrase(line->words[4]) || !is_passphrase(line->words[7]))
		return "has a passphrase of less than 8 or more than 64 characters";
	if (!slice_to_string(line->words[1], secrets->user, sizeof(secrets->user)))
		return "has a user of more than 32 characters";
	slice_to_string(line->words[4], secrets->auth, sizeof(secrets->auth));
	slice_to_string(line->words[7], secrets->priv, sizeof(secrets->priv));
	return NULL;
}

static const char *
take_line(struct slice text, struct snmp_secrets *secrets)
{
	struct line line;
	const char *reason = split(text, &line);

	if (reason || line.count == 0)
		return reason;
	if (is_word(&line, 0, "community"))
		return take_community(&line, secrets);
	if (is_word(&line, 0, "v3user"))
		return take_user(&line, secrets);
	return "begins neither with \"community\" nor with \"v3user\"";
}

unsigned
snmp_secrets_parse(struct slice text, struct snmp_secrets *secrets_r, const char **reason_r)
{
	unsigned number = 0;
	const uint8_t *end;

	memset(secrets_r, 0, sizeof(*secrets_r));
	for (*reason_r = NULL; text.length; number++) {
		size_t length, step;

		end = memchr(text.data, '\n', text.length);
		length = end ? (size_t)(end - text.data) : text.length;
		*reason_r = take_line(slice_from(text.data, length), secrets_r);
		if (*reason_r) {
			snmp_secrets_forget(secrets_r);
			return number + 1;
		}
		step = length + (end != NULL);
		text = slice_from(text.data + step, text.length - step);
	}
	return 0;
}

void
snmp_secrets_forget(struct snmp_secrets *secrets)
{
	explicit_bzero(secrets, sizeof(*secrets));
}
