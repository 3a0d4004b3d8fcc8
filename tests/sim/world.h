/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world -- two machines, what is between them, and what happens to them. README.md says what is
 * modelled, and what is promised by whom.
 *
 * Each source file is one part of it. What a part may know is what its original knows: the agents
 * (node.c) get packets, looks and the time of their own clock; only law.c knows everything.
 */
#ifndef GEMEL_SIM_WORLD_H
#define GEMEL_SIM_WORLD_H

#include "agent/pair.h"
#include "agent/watch.h"
#include "common/role.h"
#include "tests/sim/count.h"
#include "tests/sim/queue.h"
#include "tests/sim/random.h"

#define MACHINES 2
#define LINES 3
#define REQUESTS 4
#define FENCES 2 /* Pacemaker's, and an operator's */
#define PACKETS 512
#define RECORDED 256
#define HELD 256
#define JOURNAL 8192

#define MS 1000ull /* in microseconds */
#define S (1000 * MS)

#define BEAT_MS 100u
#define SILENCE_MS 400u
#define LEASE_MS 1000u
#define STEP_MS 20u
#define TOKEN_MS 600u
#define FENCE_TIMEOUT_MS 20000u
#define KEY_CHECK_MS 5000u
#define KEY_WAITED_MS 100u /* while the lease waits for it */

enum law {
	LAW_1,
	LAW_2,
	LAW_4,
	LAW_PROMISE,
	LAW_YIELD,
	LAW_LIVE,
	LAW_LEASE,
	LAWS
};

/* What may happen: name, whose event it is, who takes it. */
#define EVENTS(X)                                 \
	X(BOOT, WORLD, machine_on_boot)           \
	X(RESUME, WORLD, machine_on_resume)       \
	X(PACKET, WIRE, line_on_packet)           \
	X(ATTACK, WORLD, line_on_attack)          \
	X(AGENT_START, MACHINE, node_on_start)    \
	X(AGENT_RESUME, MACHINE, node_on_resume)  \
	X(STEP, AGENT, node_on_step)              \
	X(BEAT, AGENT, node_on_beat)              \
	X(MEMBER, AGENT, node_on_member)          \
	X(FENCE, AGENT, node_on_fence)            \
	X(TELL, MACHINE, node_on_tell)            \
	X(RECORDED, AGENT, node_on_recorded)      \
	X(REGISTER, AGENT, array_on_register)     \
	X(REGISTERED, AGENT, array_on_registered) \
	X(KEY_LOOK, AGENT, array_on_key_look)     \
	X(KEY_SEEN, AGENT, array_on_key_seen)     \
	X(BAR_LOOKED, AGENT, array_on_bar_looked) \
	X(BAR_PREEMPT, MACHINE, array_on_preempt) \
	X(BAR_ENDED, AGENT, array_on_bar_ended)   \
	X(CORE_UP, CORE, core_on_up)              \
	X(CORE_RESUME, MACHINE, core_on_resume)   \
	X(COMMIT, CORE, core_on_commit)           \
	X(WRITE, ARRAY, core_on_write)            \
	X(ACK, CORE, core_on_ack)                 \
	X(ACTION, MACHINE, action_on_stage)       \
	X(RING, WORLD, engine_on_ring)            \
	X(ENGINE_START, MACHINE, engine_on_start) \
	X(THINK, ENGINE, engine_on_think)         \
	X(REPORT, ENGINE, engine_on_report)       \
	X(FENCED, ENGINE, fencer_on_answer)       \
	X(FENCE_LATE, ENGINE, fencer_on_late)     \
	X(POWER, WORLD, fencer_on_power)          \
	X(FAULT, WORLD, fault_on_fault)           \
	X(HEAL, WORLD, fault_on_heal)             \
	X(JUDGE, WORLD, law_on_judge)

enum event_kind {
#define X(name, whose, take) EV_##name,
	EVENTS(X)
#undef X
	EVENT_KINDS
};

enum event_owner {
	OF_WORLD,   /* happens */
	OF_WIRE,    /* a packet: taken apart by whoever is there */
	OF_ARRAY,   /* under way to the array, whatever the machine does meanwhile but end */
	OF_MACHINE, /* held while it is paused, gone when it ends */
	OF_AGENT,   /* held while the agent is stopped, too */
	OF_CORE,
	OF_ENGINE,
};

enum way {
	WAY_OK,
	WAY_CUT,
	WAY_HANGS,
	WAY_READ_ONLY,
};

enum action {
	ACTION_NONE,
	ACTION_PROMOTE,
	ACTION_DEMOTE,
	ACTION_RECOVER, /* stop, and start again */
};

/* Somebody who waits for the peer's end: engine.fences[], at that serial. */
struct request {
	uint32_t ticket;
	bool is_off;
	uint32_t boot; /* of the peer when it was made; 0: it was off */
};

/* gemel-agentd. */
struct node {
	bool runs, is_stopped;
	uint32_t run;
	uint64_t started_us;
	struct pair pair;
	struct watch watch;
	struct watch_sight seen;
	uint64_t seen_generation;
	bool is_latched, is_clean, is_bound, is_wrong;
	uint64_t answered_ms[LINES];
	enum fencing_own told;
	bool was_excluded;
	struct request requests[REQUESTS], proved[REQUESTS]; /* that wait; for the record only */
	unsigned request_count, proved_count;
	bool is_looking; /* at the array, for its key */
	bool took_key;   /* of the peer, while it was barred */
	uint64_t looked_ms;
};

/* mailcored. */
struct core {
	bool runs, is_stopped;
	uint32_t run;
	enum core_role role;
	uint64_t generation;
	uint64_t stopped_us, changed_us;
	uint32_t position; /* where it writes next */
	bool is_writing, is_owing, was_held;
	uint32_t message;
	uint64_t synced_us;
	uint64_t write_deadline_us;
};

struct fence {
	bool is_open, is_reboot;
	unsigned level;
	uint32_t serial, boot;
};

/* corosync and Pacemaker. */
struct engine {
	bool runs;
	uint32_t run;
	bool has_peer, has_seen_peer;
	bool peer_is_unclean;
	uint32_t fenced_boot; /* of the peer */
	bool has_fenced;      /* a fence went before the next promote */
	struct fence fences[FENCES];
	uint64_t retry_us;
	uint64_t exited_us;

	/* What it has brought about here. */
	bool is_promoted, has_failed, has_stop_failed;
	uint64_t failed_until_us, bad_since_us;
	enum action action;
	unsigned stage;
	uint32_t core_run;
	uint64_t action_deadline_us;
};

struct machine {
	uint8_t index;
	bool is_on, is_paused;
	uint32_t boot;
	struct id128 life;
	int32_t drift_ppm;
	uint64_t booted_us, paused_us, resumed_us, resume_due_us;
	bool stays_off;

	/* /run, which a boot empties. */
	bool has_latch, latch_is_off, has_marker, has_address, was_alone;
	struct id128 was_ended;
	struct {
		uint64_t until_ms, generation;
	} lease;

	bool is_acting; /* an action holds the latch's lock */
	bool is_mounted;
	enum way way;
	uint64_t way_until_us;

	struct node node;
	struct core core;
	struct engine engine;
	struct event held[HELD];
	unsigned held_count;

	/* For the laws: what is so. */
	uint32_t proved_boot, released_boot, marked_boot;
	uint64_t evidence_us, key_gone_us;
	struct {
		uint64_t nonce, at_us;
	} asked[64];
	unsigned asked_next;
	uint64_t acked_us, end_us;
	bool has_demoted; /* cleanly, since it was active */
	bool has_answered;
	bool is_alone; /* its peer's end was proved, and no later life has spoken */
	uint64_t disturbed_us;
	uint32_t alone_boot, off_boot, tied_boot;
};

struct packet {
	struct beat beat;
	uint8_t line;
	bool is_used;
};

struct array {
	bool has_reservations;
	struct {
		bool is_there;
		uint32_t boot;
	} keys[MACHINES];
	uint64_t generation;
	uint64_t raised_us; /* when it was */
	struct {
		uint32_t message;
		bool is_acked;
	} journal[JOURNAL];
	uint32_t end;
};

struct world {
	uint64_t seed, now_us;
	struct chance chance;
	struct queue queue;
	struct machine machines[MACHINES];
	struct array array;
	struct packet packets[PACKETS];
	unsigned packet_next;
	uint32_t message_last;

	/* What is between the machines, by the direction's sender. */
	uint64_t ring_cut_us[MACHINES], line_cut_us[LINES][MACHINES], loss_us, flap_us[LINES + 1];
	uint64_t ring_down_us, ring_up_us;
	unsigned loss_permille;

	/* The attacker's. */
	struct beat recorded[RECORDED], precious[RECORDED];
	unsigned recorded_count, precious_count;
	bool has_attacker;

	/* This seed's world. */
	uint64_t fault_gap_ms, faults_end_us, good_since_us;
	uint32_t fault_kinds;
	unsigned switch_permille;
	bool panics; /* cluster property fence-reaction=panic */
	bool wants_move, is_healed, is_strict;

	enum law broken;
	bool is_broken, is_over;
	char why[512];
	uint64_t *counts, events;
	void (*tell)(struct world *world, bool is_notable, const char *text);
};

/* ---- world.c ---- */

void world_open(struct world *world, uint64_t seed, uint64_t *counts);
void world_run(struct world *world);

void
world_put(struct world *w, enum event_kind kind, struct machine *m, uint64_t after_us, uint32_t a);
void world_tell(struct world *w, bool is_notable, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define SAY(w, ...) ((w)->tell ? world_tell(w, true, __VA_ARGS__) : (void)0)
#define MURMUR(w, ...) ((w)->tell ? world_tell(w, false, __VA_ARGS__) : (void)0)

static inline void
count(struct world *w, enum count kind)
{
	w->counts[kind]++;
}

static inline struct machine *
peer_of(struct world *w, const struct machine *m)
{
	return &w->machines[!m->index];
}

static inline const char *
name_of(const struct machine *m)
{
	return m->index ? "hq-2" : "hq-1";
}

/* Between two times in microseconds. */
static inline uint64_t
between(struct world *w, uint64_t from_us, uint64_t to_us)
{
	return chance_between(&w->chance, from_us, to_us);
}

/* ---- machine.c ---- */

/* CLOCK_BOOTTIME of the machine. */
uint64_t machine_ms(const struct world *w, const struct machine *m);
void machine_end(struct world *w, struct machine *m, bool stays_off);
void machine_pause(struct world *w, struct machine *m, uint64_t for_us);
void machine_hold(struct machine *m, const struct event *event);
/* Put the held events whose owner may go on into the queue again. */
void machine_let_go(struct world *w, struct machine *m);
void machine_drop_held(struct world *w, struct machine *m, enum event_owner owner);
enum event_owner event_owner(enum event_kind kind);

/* ---- line.c ---- */

void line_send(struct world *w, struct machine *m, unsigned line, const struct beat *beat);

/* ---- node.c ---- */

void node_step(struct world *w, struct machine *m);
void node_kill(struct world *w, struct machine *m);
void node_stop(struct world *w, struct machine *m, uint64_t for_us);
void node_take(struct world *w, struct machine *m, unsigned line, const struct beat *beat);

/* ---- array.c ---- */

enum way array_way(const struct world *w, const struct machine *m);
/* A write that comes to the array now is done. */
bool array_accepts(const struct world *w, const struct machine *m);
bool array_has_key(const struct world *w, const struct machine *m);
void array_begin(struct world *w, struct machine *m);
void array_bar(struct world *w, struct machine *m);

/* ---- core.c ---- */

void core_start(struct world *w, struct machine *m);
void core_kill(struct world *w, struct machine *m);
void core_stop(struct world *w, struct machine *m, uint64_t for_us);
void core_enter(struct world *w, struct machine *m, enum core_role role);
bool core_lease_holds(const struct world *w, const struct machine *m);
/* The moment of its last tick, by its machine's clock. */
uint64_t core_tick_ms(const struct world *w, const struct machine *m);

/* ---- action.c ---- */

void action_begin(struct world *w, struct machine *m, enum action action);

/* ---- engine.c ---- */

void engine_told_fenced(struct world *w, struct machine *m);

/* ---- fencer.c ---- */

void fencer_ask(struct world *w, struct machine *m, unsigned slot, bool is_reboot);
/* The agent's answer; later, by an event. */
void fencer_answer(struct world *w, struct machine *m, uint32_t ticket, bool is_proved);

/* ---- fault.c ---- */

void fault_open(struct world *w);
void fault_at_proof(struct world *w, struct machine *m);
void fault_at_preempt(struct world *w, struct machine *victim);

/* ---- law.c ---- */

void law_break(struct world *w, enum law law, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *law_name(enum law law);
void law_acknowledged(struct world *w, struct machine *m);
void law_written(struct world *w, struct machine *m);
void law_took(struct world *w, struct machine *m, const char *what);
void law_became_active(struct world *w, struct machine *m);
void law_spoke(struct world *w, struct machine *m, const struct beat *beat);
void law_believed(struct world *w, struct machine *m, const struct beat *beat);
void law_proved(struct world *w, struct machine *m, const struct request *request);
void law_registered(struct world *w, struct machine *m);
void law_proved_now(struct world *w, struct machine *m);
void law_fenced(struct world *w, struct machine *m);
void law_serves(struct world *w, struct machine *m);
void law_bars(struct world *w, struct machine *m);
void law_boots(struct world *w, struct machine *m, bool is_by_hand);
void law_left_free(struct world *w, struct machine *m, bool was_seeking);

#define X(name, whose, take) void take(struct world *w, struct machine *m, uint32_t a);
EVENTS(X)
#undef X

#endif
