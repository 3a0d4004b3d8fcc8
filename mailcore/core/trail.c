/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/core/trail.h"

#include "common/logfmt.h"

#define SEARCH_MAX 65536

static struct slice
trim(struct slice s)
{
	while (s.length && (*s.data == ' ' || *s.data == '\t'))
		s = slice_from(s.data + 1, s.length - 1);
	while (s.length && (s.data[s.length - 1] == ' ' || s.data[s.length - 1] == '\t' ||
			       s.data[s.length - 1] == '\r'))
		s.length--;
	return s;
}

/* Cut the next line off, without its LF. False: there is no whole one. */
static bool
next_line(struct slice *rest, struct slice *line_r)
{
	const uint8_t *lf = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;

	if (!lf)
		return false;
	*line_r = slice_from(rest->data, (size_t)(lf - rest->data));
	*rest = slice_from(lf + 1, rest->length - line_r->length - 1);
	return true;
}

struct slice
trail_message_id(struct slice content)
{
	static const struct slice name = {(const uint8_t *)"message-id:", 11};
	struct slice line, value;

	if (content.length > SEARCH_MAX)
		content.length = SEARCH_MAX;
	while (next_line(&content, &line) && line.length > 1) {
		if (line.length < name.length ||
		    !slice_is_equal_nocase(slice_from(line.data, name.length), name))
			continue;
		value = trim(slice_from(line.data + name.length, line.length - name.length));
		/* A long one often stands on a line of its own, folded. */
		if (!value.length && next_line(&content, &line) && line.length &&
		    (*line.data == ' ' || *line.data == '\t'))
			value = trim(line);
		return value;
	}
	return slice_from(NULL, 0);
}

void
trail_message(
    struct buffer *line, const struct envelope *e, uint64_t bytes, struct slice message_id)
{
	logfmt_text(line, "client", e->client);
	logfmt_address(line, "from", e->reverse_path);
	logfmt_number(line, "recipients", e->recipient_count);
	logfmt_number(line, "bytes", bytes);
	if (message_id.length)
		logfmt_text(line, "message-id", message_id);
}

void
trail_accepted(struct buffer *line, const char *id_text, struct slice details)
{
	buffer_append_slice(line, slice_of("accepted"));
	logfmt_text(line, "id", slice_of(id_text));
	buffer_append_slice(line, details);
}

void
trail_outcome(struct buffer *line, const struct trail_outcome *outcome)
{
	buffer_append_slice(line, slice_of(outcome->reason ? "deferred" : "delivered"));
	logfmt_text(line, "id", slice_of(outcome->id_text));
	logfmt_address(line, "to", outcome->recipient);
	if (outcome->mailbox)
		logfmt_number(line, "mailbox", outcome->mailbox);
	logfmt_seconds(line, "seconds", outcome->age_ms);
	if (outcome->reason)
		logfmt_sentence(line, "reason", slice_of(outcome->reason));
}

void
trail_refused(struct buffer *line, struct slice client, struct slice reply, struct slice recipient,
    uint64_t skipped)
{
	buffer_append_slice(line, slice_of("refused"));
	logfmt_text(line, "client", client);
	logfmt_sentence(line, "reply", reply);
	if (recipient.length)
		logfmt_address(line, "to", recipient);
	if (skipped)
		logfmt_number(line, "skipped", skipped);
}

bool
trail_may_tell(struct trail_limit *limit, uint64_t now_ms)
{
	const uint64_t each_ms = 1000 / TRAIL_REFUSALS_PER_S;
	const uint64_t burst_ms = TRAIL_REFUSALS_BURST * each_ms;

	/* Each one told moves since_ms on; the burst is used up when it comes to the present. */
	if (now_ms > burst_ms && limit->since_ms < now_ms - burst_ms)
		limit->since_ms = now_ms - burst_ms;
	if (limit->since_ms + each_ms > now_ms) {
		limit->skipped++;
		return false;
	}
	limit->since_ms += each_ms;
	return true;
}
