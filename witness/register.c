/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness/register.h"

#define ALL_MEMBERS ((1u << REGISTER_NODES) - 1)

static bool
is_member(const struct register_row *row, uint8_t node)
{
	return (row->members >> node & 1u) != 0;
}

bool
register_is_sole(const struct register_row *row, uint8_t node)
{
	return row->members == 1u << node;
}

bool
register_is_legal(const struct register_row *row)
{
	return !id128_is_none(&row->uuid) && row->epoch != 0 && row->members != 0 &&
	       (row->members & ~ALL_MEMBERS) == 0 && !id128_is_none(&row->boots[0]) &&
	       !id128_is_none(&row->boots[1]);
}

static bool
is_well_formed(const struct register_ask *ask)
{
	bool names_peer = ask->verb == REGISTER_CREATE || ask->verb == REGISTER_ADMIT;

	return ask->verb >= REGISTER_READ && ask->verb <= REGISTER_RENEW &&
	       ask->node < REGISTER_NODES && !id128_is_none(&ask->boot) &&
	       !(names_peer && id128_is_none(&ask->peer_boot)) &&
	       (ask->verb == REGISTER_READ || (!id128_is_none(&ask->uuid) && ask->epoch != 0)) &&
	       /* There has to be room for the next two. */
	       ask->epoch < UINT64_MAX - 2;
}

static bool
has_lives(const struct register_row *row, const struct register_ask *ask)
{
	return id128_is_same(&row->boots[ask->node], &ask->boot) &&
	       id128_is_same(&row->boots[!ask->node], &ask->peer_boot);
}

static enum register_verdict
create(struct register_row *row, const struct register_ask *ask)
{
	if (!id128_is_none(&row->uuid)) {
		/* The other node was first, or the answer got lost. */
		bool is_it =
		    row->epoch == ask->epoch && row->members == ALL_MEMBERS && has_lives(row, ask);

		return is_it ? REGISTER_SAME : REGISTER_EXISTS;
	}
	*row =
	    (struct register_row){.uuid = ask->uuid, .epoch = ask->epoch, .members = ALL_MEMBERS};
	row->boots[ask->node] = ask->boot;
	row->boots[!ask->node] = ask->peer_boot;
	return REGISTER_CHANGED;
}

static enum register_verdict
grant(struct register_row *row, const struct register_ask *ask)
{
	bool is_own_life = id128_is_same(&row->boots[ask->node], &ask->boot);

	if (row->epoch == ask->epoch + 1 && register_is_sole(row, ask->node))
		return is_own_life ? REGISTER_SAME : REGISTER_OTHER_LIFE;
	if (row->epoch != ask->epoch)
		return REGISTER_OUTDATED;
	if (!is_member(row, ask->node))
		return REGISTER_EXCLUDED;
	if (!is_own_life)
		return REGISTER_OTHER_LIFE;
	row->epoch++;
	row->members = (uint8_t)(1u << ask->node);
	return REGISTER_CHANGED;
}

static enum register_verdict
admit(struct register_row *row, const struct register_ask *ask)
{
	if (row->epoch == ask->epoch + 1 && row->members == ALL_MEMBERS && has_lives(row, ask))
		return REGISTER_SAME;
	if (row->epoch != ask->epoch)
		return REGISTER_OUTDATED;
	if (!register_is_sole(row, ask->node))
		return REGISTER_EXCLUDED;
	if (!id128_is_same(&row->boots[ask->node], &ask->boot))
		return REGISTER_OTHER_LIFE;
	row->epoch++;
	row->members = ALL_MEMBERS;
	row->boots[!ask->node] = ask->peer_boot;
	return REGISTER_CHANGED;
}

static enum register_verdict
renew(struct register_row *row, const struct register_ask *ask)
{
	if (row->epoch != ask->epoch)
		return REGISTER_OUTDATED;
	if (!is_member(row, ask->node))
		return REGISTER_EXCLUDED;
	if (id128_is_same(&row->boots[ask->node], &ask->boot))
		return REGISTER_SAME;
	row->boots[ask->node] = ask->boot;
	return REGISTER_CHANGED;
}

enum register_verdict
register_apply(struct register_row *row, const struct register_ask *ask)
{
	if (!is_well_formed(ask))
		return REGISTER_MALFORMED;
	if (ask->verb == REGISTER_CREATE)
		return create(row, ask);
	if (id128_is_none(&row->uuid))
		return REGISTER_ABSENT;
	if (ask->verb != REGISTER_READ && !id128_is_same(&row->uuid, &ask->uuid))
		return REGISTER_UNKNOWN;
	switch (ask->verb) {
	case REGISTER_READ:
		return REGISTER_SAME;
	case REGISTER_GRANT:
		return grant(row, ask);
	case REGISTER_ADMIT:
		return admit(row, ask);
	case REGISTER_RENEW:
		return renew(row, ask);
	case REGISTER_CREATE:
		break;
	}
	return REGISTER_MALFORMED;
}

const char *
register_verdict_text(enum register_verdict verdict)
{
	static const char *const texts[REGISTER_VERDICTS] = {
	    [REGISTER_CHANGED] = "done",
	    [REGISTER_SAME] = "it was so already",
	    [REGISTER_MALFORMED] = "the question makes no sense; both sides must be of one version",
	    [REGISTER_ABSENT] = "the witness has no register for this pair; begin one",
	    [REGISTER_EXISTS] =
		"the witness has a register for this pair, with other members; read "
		"it, or remove it if the pair was set up anew",
	    [REGISTER_UNKNOWN] =
		"the witness has another register than this node knows; it lost its "
		"memory or is another witness, and nothing may be granted by it",
	    [REGISTER_OUTDATED] =
		"the register has a newer epoch; this node must not serve before it "
		"was admitted",
	    [REGISTER_EXCLUDED] = "this node is no member of the newest epoch; the other one has "
				  "what is current",
	    [REGISTER_OTHER_LIFE] =
		"the register has another boot id of this node; it has to renew "
		"its own first",
	};

	return verdict >= 0 && verdict < REGISTER_VERDICTS ? texts[verdict] : "an unknown verdict";
}
