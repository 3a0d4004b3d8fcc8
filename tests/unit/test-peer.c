/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heartbeat/peer.h"

static const struct id128 lives[] = {{{1}}, {{2}}, {{3}}};

struct moment {
	enum peer_event event;
	int life; /* -1: none */
	enum peer_state state;
	enum peer_duty duty;
};

static void
play(const struct moment *moments, size_t count)
{
	struct peer peer;

	peer_open(&peer);
	for (size_t i = 0; i < count; i++) {
		const struct moment *m = &moments[i];

		assert_int_equal(
		    peer_step(&peer, m->event, m->life < 0 ? NULL : &lives[m->life]), m->duty);
		assert_int_equal(peer.state, m->state);
		assert_int_equal(peer_has_stopped(&peer), m->state == PEER_STOPPED);
	}
}

#define PLAY(moments) play(moments, sizeof(moments) / sizeof((moments)[0]))

static void
a_peer_is_seen_by_two_senses(void **state)
{
	static const struct moment moments[] = {
	    {PEER_EV_QUIET, -1, PEER_UNKNOWN, PEER_OWES_NOTHING},
	    {PEER_EV_ENGINE_LOST, -1, PEER_UNKNOWN, PEER_OWES_NOTHING},
	    {PEER_EV_ENGINE_HAS, -1, PEER_UNHEARD, PEER_OWES_NEWS},
	    {PEER_EV_BEAT, 0, PEER_ALIVE, PEER_OWES_NEWS},
	    {PEER_EV_BEAT, 0, PEER_ALIVE, PEER_OWES_NOTHING},
	    {PEER_EV_ENGINE_LOST, -1, PEER_CUT_OFF, PEER_OWES_PROOF},
	    {PEER_EV_QUIET, -1, PEER_SILENT, PEER_OWES_PROOF},
	    {PEER_EV_QUIET, -1, PEER_SILENT, PEER_OWES_NOTHING},
	    {PEER_EV_BEAT, 0, PEER_CUT_OFF, PEER_OWES_PROOF},
	    {PEER_EV_ENGINE_HAS, -1, PEER_ALIVE, PEER_OWES_NEWS},
	    {PEER_EV_QUIET, -1, PEER_UNHEARD, PEER_OWES_NEWS},
	};

	(void)state;
	PLAY(moments);
}

static void
a_proof_ends_the_life_that_it_names(void **state)
{
	static const struct moment moments[] = {
	    {PEER_EV_PROOF, 0, PEER_UNKNOWN, PEER_OWES_NOTHING},
	    {PEER_EV_BEAT, 0, PEER_CUT_OFF, PEER_OWES_PROOF},
	    {PEER_EV_ENGINE_HAS, -1, PEER_ALIVE, PEER_OWES_NEWS},
	    {PEER_EV_PROOF, 1, PEER_ALIVE, PEER_OWES_NOTHING},
	    {PEER_EV_QUIET, -1, PEER_UNHEARD, PEER_OWES_NEWS},
	    {PEER_EV_PROOF, 0, PEER_STOPPED, PEER_OWES_NEWS},
	    {PEER_EV_ENGINE_HAS, -1, PEER_STOPPED, PEER_OWES_NOTHING},
	    {PEER_EV_ENGINE_LOST, -1, PEER_STOPPED, PEER_OWES_NOTHING},
	    {PEER_EV_BEAT, 0, PEER_STOPPED, PEER_OWES_NOTHING},
	    {PEER_EV_QUIET, -1, PEER_STOPPED, PEER_OWES_NOTHING},
	    {PEER_EV_BEAT, 1, PEER_CUT_OFF, PEER_OWES_PROOF},
	    {PEER_EV_PROOF, 0, PEER_CUT_OFF, PEER_OWES_NOTHING},
	};

	(void)state;
	PLAY(moments);
}

static void
a_later_life_proves_that_the_one_before_has_ended(void **state)
{
	static const struct moment moments[] = {
	    {PEER_EV_ENGINE_HAS, -1, PEER_UNHEARD, PEER_OWES_NEWS},
	    {PEER_EV_BEAT, 0, PEER_ALIVE, PEER_OWES_NEWS},
	    {PEER_EV_BEAT, 1, PEER_ALIVE, PEER_OWES_ENDED},
	    {PEER_EV_BEAT, 0, PEER_ALIVE, PEER_OWES_NOTHING},
	    {PEER_EV_BEAT, 1, PEER_ALIVE, PEER_OWES_NOTHING},
	    {PEER_EV_BEAT, 2, PEER_ALIVE, PEER_OWES_ENDED},
	};

	(void)state;
	PLAY(moments);
}

static void
the_engine_sees_a_later_life_too(void **state)
{
	static const struct moment moments[] = {
	    {PEER_EV_BEAT, 0, PEER_CUT_OFF, PEER_OWES_PROOF},
	    {PEER_EV_PROOF, 0, PEER_STOPPED, PEER_OWES_NEWS},
	    {PEER_EV_ENGINE_HAS, -1, PEER_UNHEARD, PEER_OWES_NEWS},
	    {PEER_EV_BEAT, 1, PEER_ALIVE, PEER_OWES_NEWS},
	};

	(void)state;
	PLAY(moments);
}

static struct peer
peer_from(int code)
{
	return (struct peer){
	    .state = (enum peer_state)(code % PEER_STATES),
	    .is_heard = code / PEER_STATES & 1,
	    .is_member = code / PEER_STATES >> 1 & 1,
	    .life = code / PEER_STATES >> 2 & 1 ? lives[0] : (struct id128){{0}},
	    .ended = code / PEER_STATES >> 3 & 1 ? lives[1] : (struct id128){{0}},
	};
}

/* Over every state, event and life: only a proof of the life that was heard last leads to STOPPED,
 * and nothing that was ended speaks again. */
static void
silence_alone_never_stops_a_peer(void **state)
{
	(void)state;
	for (int code = 0; code < PEER_STATES * 16; code++)
		for (int event = 0; event < PEER_EVENTS; event++)
			for (int life = 0; life < 3; life++) {
				struct peer peer = peer_from(code), before = peer;

				peer_step(&peer, (enum peer_event)event, &lives[life]);
				if (peer_has_stopped(&peer) && !peer_has_stopped(&before)) {
					assert_int_equal(event, PEER_EV_PROOF);
					assert_true(id128_is_same(&before.life, &lives[life]));
				}
				if (event == PEER_EV_BEAT &&
				    id128_is_same(&before.ended, &lives[life]))
					assert_memory_equal(&peer, &before, sizeof(peer));
				assert_true(peer.state < PEER_STATES);
				assert_non_null(peer_state_text(peer.state));
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_peer_is_seen_by_two_senses),
	    cmocka_unit_test(a_proof_ends_the_life_that_it_names),
	    cmocka_unit_test(a_later_life_proves_that_the_one_before_has_ended),
	    cmocka_unit_test(the_engine_sees_a_later_life_too),
	    cmocka_unit_test(silence_alone_never_stops_a_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
