/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-message.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define LINE_LIMIT 998 /* RFC 5321 4.5.3.1.6, without CRLF */

uint64_t
flow_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t
flow_random_between(uint64_t *seed, uint64_t low, uint64_t high)
{
	return low + flow_random(seed) % (high - low + 1);
}

static void
digest_text(EVP_MD_CTX *digest, char text_r[FLOW_DIGEST_TEXT])
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	EVP_DigestFinal_ex(digest, raw, &length);
	EVP_MD_CTX_free(digest);
	for (unsigned int i = 0; i < 32; i++)
		sprintf(text_r + 2 * i, "%02x", raw[i]);
}

static EVP_MD_CTX *
digest_begin(void)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();

	EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
	return digest;
}

struct maker {
	struct buffer *wire;
	EVP_MD_CTX *digest;
	size_t size;
};

static void
put_line(struct maker *m, const void *line, size_t length)
{
	if (length > 0 && *(const char *)line == '.')
		buffer_append(m->wire, ".", 1);
	buffer_append(m->wire, line, length);
	buffer_append(m->wire, "\r\n", 2);
	EVP_DigestUpdate(m->digest, line, length);
	EVP_DigestUpdate(m->digest, "\n", 1);
	m->size += length + 2;
}

static void
put_header(struct maker *m, const char *name, const char *value)
{
	char line[512];
	int length = snprintf(line, sizeof(line), "%s%s", name, value);

	put_line(m, line, (size_t)length);
}

/* What servers and mailboxes have tripped over. */
static const char *const traps[] = {
    "",
    ".",
    "..",
    "...",
    ". dot and blank",
    ".dot first",
    "From the mbox tradition",
    ">From quoted already",
    "trailing blanks   ",
    "\ttab first",
    " blank first",
    "X-Flow-Id: not-at-the-top",
    "QUIT",
    "RSET",
    "DATA",
    "Content-Length: 3",
    "=2E=0D=0A",
    "a line with a doubled..dot",
};

static size_t
random_line(char line[LINE_LIMIT], size_t wanted, bool eight_bit, uint64_t *seed)
{
	bool eight_bit_line = eight_bit && flow_random(seed) % 8 == 0;
	uint64_t bits = 0;

	for (size_t i = 0; i < wanted; i++) {
		if (i % 8 == 0)
			bits = flow_random(seed);
		line[i] = eight_bit_line && (bits & 0x80) ? (char)(0x80 | (bits & 0x7f))
							  : (char)(' ' + (bits & 0x7f) % 95);
		bits >>= 8;
	}
	return wanted;
}

static void
put_body_line(struct maker *m, const struct flow_message_wish *wish, uint64_t *seed)
{
	char line[LINE_LIMIT];
	size_t left = wish->size > m->size + 2 ? wish->size - m->size - 2 : 0;
	uint64_t dice = flow_random(seed) % 32;
	size_t wanted = dice == 0 ? LINE_LIMIT : flow_random_between(seed, 20, 120);

	if (dice < 4 && dice > 0) {
		const char *trap = traps[flow_random(seed) % (sizeof(traps) / sizeof(*traps))];

		put_line(m, trap, strlen(trap));
		return;
	}
	if (wanted > left)
		wanted = left;
	put_line(m, line, random_line(line, wanted, wish->eight_bit, seed));
}

void
flow_message_make(
    const struct flow_message_wish *wish, struct buffer *wire, char digest_r[FLOW_DIGEST_TEXT])
{
	struct maker m = {wire, digest_begin(), 0};
	uint64_t seed = wish->seed;

	put_header(&m, FLOW_FIRST_HEADER, wish->id);
	put_header(&m, "From: ", wish->from);
	put_header(&m, "To: ", wish->to);
	put_header(&m, "Subject: load, ", wish->id);
	put_header(&m, "MIME-Version: ", "1.0");
	put_header(&m, "Content-Type: ", "text/plain; charset=iso-8859-1");
	put_header(&m, "Content-Transfer-Encoding: ", wish->eight_bit ? "8bit" : "7bit");
	put_line(&m, "", 0);
	while (m.size < wish->size)
		put_body_line(&m, wish, &seed);
	digest_text(m.digest, digest_r);
}

/* The offset of the first line that begins with the header; SIZE_MAX: there is none. Only the
 * header is looked at: a body may quote it. */
static size_t
find_first_header(struct slice file)
{
	const size_t length = strlen(FLOW_FIRST_HEADER);

	for (size_t at = 0; at + length < file.length;) {
		const uint8_t *end = memchr(file.data + at, '\n', file.length - at);

		if (memcmp(file.data + at, FLOW_FIRST_HEADER, length) == 0)
			return at;
		if (end == NULL || file.data[at] == '\n' || file.data[at] == '\r')
			return SIZE_MAX;
		at = (size_t)(end - file.data) + 1;
	}
	return SIZE_MAX;
}

static void
digest_content(struct slice content, char digest_r[FLOW_DIGEST_TEXT])
{
	EVP_MD_CTX *digest = digest_begin();
	const uint8_t *first = memchr(content.data, '\n', content.length);
	bool crlf = first != NULL && first > content.data && first[-1] == '\r';

	for (size_t at = 0; at < content.length;) {
		const uint8_t *end = memchr(content.data + at, '\n', content.length - at);
		size_t length = (end ? (size_t)(end - content.data) : content.length) - at;
		size_t text = length;

		if (crlf && end != NULL && length > 0 && end[-1] == '\r')
			text--;
		else if (crlf)
			EVP_DigestUpdate(digest, "mixed line ends", 15);
		EVP_DigestUpdate(digest, content.data + at, text);
		if (end != NULL)
			EVP_DigestUpdate(digest, "\n", 1);
		at += length + 1;
	}
	digest_text(digest, digest_r);
}

enum flow_found
flow_message_identify(
    struct slice file, char *id_r, size_t id_room, char digest_r[FLOW_DIGEST_TEXT])
{
	size_t start = find_first_header(file);
	const size_t prefix = strlen(FLOW_FIRST_HEADER);
	size_t length = 0;

	if (start == SIZE_MAX)
		return FLOW_FOREIGN;
	struct slice content = {file.data + start, file.length - start};
	while (prefix + length < content.length && length + 1 < id_room &&
	       content.data[prefix + length] > ' ')
		length++;
	memcpy(id_r, content.data + prefix, length);
	id_r[length] = '\0';
	digest_content(content, digest_r);
	return FLOW_FOUND;
}
