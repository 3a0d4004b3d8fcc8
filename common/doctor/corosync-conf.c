/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/corosync-conf.h"

#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 8
#define PATH_MAX_BYTES 256

struct reading {
	struct corosync_facts *facts;
	char path[PATH_MAX_BYTES]; /* of the open section: "nodelist.node" */
	unsigned depth;
};

enum value_kind {
	VALUE_NUMBER,
	VALUE_WORD,
};

static const struct {
	const char *path;
	enum value_kind kind;
	size_t offset;
} keys[] = {
    {"totem.token", VALUE_NUMBER, offsetof(struct corosync_facts, token_ms)},
    {"totem.token_coefficient", VALUE_NUMBER,
	offsetof(struct corosync_facts, token_coefficient_ms)},
    {"totem.consensus", VALUE_NUMBER, offsetof(struct corosync_facts, consensus_ms)},
    {"totem.transport", VALUE_WORD, offsetof(struct corosync_facts, transport)},
    {"totem.link_mode", VALUE_WORD, offsetof(struct corosync_facts, link_mode)},
    {"totem.crypto_cipher", VALUE_WORD, offsetof(struct corosync_facts, cipher)},
    {"totem.crypto_hash", VALUE_WORD, offsetof(struct corosync_facts, hash)},
    {"quorum.two_node", VALUE_NUMBER, offsetof(struct corosync_facts, two_node)},
    {"quorum.wait_for_all", VALUE_NUMBER, offsetof(struct corosync_facts, wait_for_all)},
};

static struct slice
trim(struct slice s)
{
	while (s.length && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_from(s.data + 1, s.length - 1);
	while (s.length && strchr(" \t\r", s.data[s.length - 1]))
		s.length--;
	return s;
}

static bool
parse_number(struct slice value, struct fact *fact_r)
{
	int64_t number = 0;

	if (!value.length || value.length > 9)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		number = 10 * number + (value.data[i] - '0');
	}
	*fact_r = fact_of(number);
	return true;
}

static const char *
take_node(struct corosync_facts *facts, const char *key, struct slice value)
{
	struct corosync_node *node = &facts->nodes[facts->node_count - 1];
	char *at = NULL;

	if (strcmp(key, "name") == 0)
		at = node->name;
	else if (strncmp(key, "ring", 4) == 0 && key[4] >= '0' &&
		 key[4] < '0' + COROSYNC_LINKS_MAX && strcmp(key + 5, "_addr") == 0)
		at = node->addresses[key[4] - '0'];
	if (at && !slice_to_string(value, at, FACT_NAME_MAX))
		return "the value is too long; shorten it";
	return NULL;
}

/* Take a value; NULL or what is wrong. */
static const char *
take(struct reading *r, struct slice key, struct slice value)
{
	char path[2 * PATH_MAX_BYTES], name[PATH_MAX_BYTES];

	if (!key.length)
		return "there is no key before the colon; write \"key: value\"";
	if (!slice_to_string(key, name, sizeof(name)))
		return "the key is too long; see corosync.conf(5) for the keys";
	if (strcmp(r->path, "nodelist.node") == 0)
		return take_node(r->facts, name, value);
	snprintf(path, sizeof(path), "%s.%s", r->path, name);
	if (strcmp(path, "totem.secauth") == 0)
		r->facts->has_secauth = slice_is_equal(value, slice_of("on"));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *at = (char *)r->facts + keys[i].offset;

		if (strcmp(path, keys[i].path) != 0)
			continue;
		switch (keys[i].kind) {
		case VALUE_NUMBER:
			if (!parse_number(value, (struct fact *)(void *)at))
				return "the value is not a number; give one without a unit";
			break;
		case VALUE_WORD:
			if (!slice_to_string(value, at, FACT_WORD_MAX))
				return "the value is too long; see corosync.conf(5) for the values";
			break;
		}
	}
	return NULL;
}

static const char *
open_section(struct reading *r, struct slice name)
{
	size_t length = strlen(r->path);

	if (!name.length)
		return "a section has no name; write it before the \"{\"";
	if (r->depth == DEPTH_MAX || length + 1 + name.length >= sizeof(r->path))
		return "the sections are too deep; close one before";
	if (length)
		r->path[length++] = '.';
	slice_to_string(name, r->path + length, sizeof(r->path) - length);
	r->depth++;
	if (strcmp(r->path, "nodelist.node") == 0) {
		if (r->facts->node_count == COROSYNC_NODES_MAX)
			return "there are more than 32 nodes; a pair has two";
		r->facts->node_count++;
	}
	if (strcmp(r->path, "quorum.device") == 0)
		r->facts->has_qdevice = true;
	return NULL;
}

static const char *
close_section(struct reading *r)
{
	char *dot = strrchr(r->path, '.');

	if (!r->depth)
		return "a \"}\" closes no section; remove it";
	/* A name may hold a dot; the depth says when the top is reached. */
	if (--r->depth && dot)
		*dot = '\0';
	else
		r->path[0] = '\0';
	return NULL;
}

static const char *
take_line(struct reading *r, struct slice line)
{
	const uint8_t *at;

	if (line.length > COROSYNC_LINE_MAX)
		return "the line is longer than 510 bytes, and Corosync does not read it whole; "
		       "shorten it";
	if (memchr(line.data, 0, line.length))
		return "there is a NUL in the line; remove it";
	line = trim(line);
	if (!line.length || line.data[0] == '#')
		return NULL;
	at = memchr(line.data, '{', line.length);
	if (at)
		return open_section(r, trim(slice_from(line.data, (size_t)(at - line.data))));
	at = memchr(line.data, ':', line.length);
	if (at)
		return take(r, trim(slice_from(line.data, (size_t)(at - line.data))),
		    trim(slice_from(at + 1, (size_t)(line.data + line.length - at - 1))));
	if (memchr(line.data, '}', line.length))
		return close_section(r);
	return "the line neither opens nor closes a section nor gives a value; write \"key: "
	       "value\"";
}

static void
name_nodes(struct corosync_facts *facts)
{
	for (size_t i = 0; i < facts->node_count; i++)
		if (!facts->nodes[i].name[0])
			memcpy(facts->nodes[i].name, facts->nodes[i].addresses[0], FACT_NAME_MAX);
}

unsigned
corosync_conf_parse(struct slice text, struct corosync_facts *facts_r, const char **reason_r)
{
	struct reading r = {.facts = facts_r};
	unsigned number = 0;

	memset(facts_r, 0, sizeof(*facts_r));
	*reason_r = NULL;
	while (text.length && !*reason_r) {
		const uint8_t *end = memchr(text.data, '\n', text.length);
		size_t length = end ? (size_t)(end - text.data) : text.length;

		number++;
		*reason_r = take_line(&r, slice_from(text.data, length));
		length += end != NULL;
		text = slice_from(text.data + length, text.length - length);
	}
	if (!*reason_r && r.depth) {
		number++;
		*reason_r = "a section is not closed; write \"}\" where it ends";
	}
	if (*reason_r) {
		memset(facts_r, 0, sizeof(*facts_r));
		return number;
	}
	name_nodes(facts_r);
	facts_r->is_known = true;
	return 0;
}
