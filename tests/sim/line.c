/* SPDX-License-Identifier: BSD-2-Clause */
/* Three lines of beats (UDP, serial cable, disk slots), and somebody who sends again what was sent.
 */
#include "tests/sim/world.h"

#include "heartbeat/beat.h"

static const struct {
	const char *name;
	uint64_t from_us, to_us; /* on the way */
} lines[LINES] = {
    {"udp", 100, 2 * MS},
    {"serial", 17 * MS, 25 * MS},
    {"disk", 1 * MS, 120 * MS},
};

#define LINE_DISK 2
#define FLAP_US (300 * MS)

static bool
carries(const struct world *w, struct machine *from, unsigned line)
{
	const struct machine *to = &w->machines[!from->index];
	enum way way = array_way(w, to);

	if (w->now_us < w->line_cut_us[line][from->index])
		return false;
	if (w->now_us < w->flap_us[line] && w->now_us / FLAP_US % 2)
		return false;
	return line != LINE_DISK ||
	       (array_accepts(w, from) && (way == WAY_OK || way == WAY_READ_ONLY));
}

static void
deliver(
    struct world *w, struct machine *to, unsigned line, const struct beat *beat, uint64_t after_us)
{
	for (unsigned tries = 0; tries < PACKETS; tries++) {
		unsigned at = w->packet_next++ % PACKETS;
		struct packet *packet = &w->packets[at];

		if (packet->is_used)
			continue;
		*packet = (struct packet){.beat = *beat, .line = (uint8_t)line, .is_used = true};
		world_put(w, EV_PACKET, to, after_us, at << 2 | line);
		return;
	}
}

static void
record(struct world *w, const struct beat *beat)
{
	const uint8_t precious = BEAT_RELEASED | BEAT_ASKS_RESET | BEAT_ASKS_OFF | BEAT_EXCLUDES;

	if (!w->has_attacker)
		return;
	w->recorded[w->recorded_count++ % RECORDED] = *beat;
	if (beat->flags & precious)
		w->precious[w->precious_count++ % RECORDED] = *beat;
}

void
line_send(struct world *w, struct machine *m, unsigned line, const struct beat *beat)
{
	bool is_rough = w->now_us < w->loss_us;
	unsigned lost = is_rough ? w->loss_permille : 2, copies = 1;

	record(w, beat);
	MURMUR(w, "%s says on %s: %llu, role %u, flags %02x, to life %02x%02x", name_of(m),
	    lines[line].name, (unsigned long long)beat->sequence, beat->role, beat->flags,
	    beat->heard_boot.bytes[0], beat->heard_boot.bytes[1]);
	if (!carries(w, m, line))
		return;
	if (chance_in_1000(&w->chance, is_rough ? 100 : 1))
		copies = 2;
	while (copies--) {
		uint64_t after_us = between(w, lines[line].from_us, lines[line].to_us);

		if (chance_in_1000(&w->chance, lost))
			continue;
		if (is_rough)
			after_us += between(w, 0, 300 * MS);
		deliver(w, peer_of(w, m), line, beat, after_us);
	}
}

void
line_on_packet(struct world *w, struct machine *m, uint32_t a)
{
	struct packet *packet = &w->packets[a >> 2];
	struct beat beat = packet->beat;

	if (m->is_on && !m->is_paused && m->node.runs && m->node.is_stopped &&
	    m->held_count < HELD / 2) {
		const struct event event = {
		    .boot = m->boot, .a = a, .kind = EV_PACKET, .machine = m->index};

		machine_hold(m, &event);
		return;
	}
	packet->is_used = false;
	if (m->is_on && !m->is_paused && m->node.runs && !m->node.is_stopped)
		node_take(w, m, a & 3, &beat);
}

/* ---- the attacker ---- */

static void
replay(struct world *w, const struct beat *beats, unsigned had)
{
	unsigned held = had < RECORDED ? had : RECORDED, burst, at;

	if (held == 0)
		return;
	burst = (unsigned)between(w, 1, chance_in_1000(&w->chance, 100) ? 64 : 4);
	at = (unsigned)between(w, 0, held - 1);
	for (unsigned i = 0; i < burst; i++) {
		const struct beat *beat = &beats[(had - held + at + i) % RECORDED];
		/* To the one it was meant for, on its line, mostly. */
		unsigned to = chance_in_1000(&w->chance, 50) ? beat->node : !beat->node;
		unsigned line = chance_in_1000(&w->chance, 50) ? (unsigned)between(w, 0, LINES - 1)
							       : beat->line;

		count(w, COUNT_ATTACKS);
		deliver(w, &w->machines[to], line, beat, 10 + i);
	}
	MURMUR(w, "the attacker sends %u packets again", burst);
}

void
line_on_attack(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	if (chance_in_1000(&w->chance, 500))
		replay(w, w->precious, w->precious_count);
	else
		replay(w, w->recorded, w->recorded_count);
	world_put(w, EV_ATTACK, m, chance_spread(&w->chance, 5 * MS, 500 * MS), 0);
}
