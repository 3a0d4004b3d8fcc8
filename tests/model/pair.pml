/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair -- two nodes, their replicated disk (DRBD's contract) and the register at the witness.
 *
 * What is modelled: who may write, promote and be admitted again, over all
 * interleavings of cuts and flaps of the replication cable, of answers that are
 * late or lost, of crashes and reboots of both nodes, in small bounds. What is
 * not: time. A node never knows how long it has been silent, so nothing here
 * can be right because somebody was quick.
 *
 * Laws, as asserts:
 *   1  only the node that was promoted or granted last acknowledges
 *   2  a node that serves has every acknowledged write
 * Law 4 is in the shape: a node serves by a grant, as the sole member of the newest
 * epoch, or hand in hand with a peer that does not; never because the peer is silent.
 *
 * Each rule of the design is one #ifndef; leaving it out (-DNO_...) must break a
 * law: tests/model/run does that.
 */

#define NODES 2
#define BOTH 3
#define SELF(n) (1 << (n))
#define PEER(n) (1 - (n))

#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef FLAPS
#define FLAPS 2
#endif
#ifndef EPOCHS
#define EPOCHS 5
#endif

mtype = { STANDBY, ACTIVE, FROZEN, LATCHED };
mtype = { NOTHING, GRANT, ADMIT };
mtype = { OPEN, YES, NO };

/* A node. A crash takes away everything that is not marked durable; a sole member begins its next
 * life apart. */
bool alive[NODES] = true;
byte life[NODES];           /* boot id */
mtype role[NODES] = STANDBY;
bool apart[NODES];          /* has forced its own side of the replication apart */
bool has_release[NODES];    /* the peer's signed word that it has stopped */
byte epoch[NODES];          /* durable: the newest that it was a member of, */
byte members[NODES] = BOTH; /* and who else was */
mtype asks[NODES] = NOTHING;
mtype answer[NODES] = OPEN;
byte asked_epoch[NODES];
byte asked_life[NODES];
byte missing[NODES];        /* acknowledged writes that its copy has not */

/* The register. */
byte r_epoch;
byte r_members = BOTH;
byte r_life[NODES];
bool r_is_known = true;     /* its uuid is the one that the nodes have */

/* The world. */
bool cable = true;
byte crashes, flaps;
byte leader = 255;          /* ghost: who was promoted or granted last */

#define CONNECTED (cable && alive[0] && alive[1] && !apart[0] && !apart[1])
#define IS_SOLE(n) (members[n] == SELF(n))

/* A write is acknowledged to a client. */
inline acknowledge(n, is_replicated)
{
	assert(leader == n);                              /* law 1 */
	assert(missing[n] == 0);                          /* law 2 */
	if
	:: !is_replicated && missing[PEER(n)] < 2 -> missing[PEER(n)]++
	:: else
	fi
}

inline serve(n)
{
	role[n] = ACTIVE;
	leader = n;
	assert(missing[n] == 0)                           /* law 2 */
}

/* Both sides hold hands again: who is behind is brought up. */
inline resync()
{
	if
	:: missing[0] > missing[1] -> missing[0] = missing[1]
	:: else -> missing[1] = missing[0]
	fi
}

inline lose_everything(n)
{
	role[n] = STANDBY;
	asks[n] = NOTHING;
	answer[n] = OPEN;
#ifdef NO_APART_AFTER_REBOOT
	apart[n] = false;
#else
	apart[n] = IS_SOLE(n);
#endif
	has_release[n] = false
}

inline ask(n, what)
{
	asks[n] = what;
	answer[n] = OPEN;
	asked_epoch[n] = epoch[n];
	asked_life[n] = life[PEER(n)]
}

proctype node(byte n)
{
end:
	do
	/* A write, if the peer gets it as well. */
	:: atomic { alive[n] && role[n] == ACTIVE && CONNECTED && !IS_SOLE(n) ->
		acknowledge(n, true) }

	/* A write alone: only the sole member of the newest epoch. */
	:: atomic { alive[n] && role[n] == ACTIVE && IS_SOLE(n) && !CONNECTED ->
		acknowledge(n, false) }

	/* A write that the peer does not get freezes the disk; fence-peer begins to ask. */
	:: atomic { alive[n] && role[n] == ACTIVE && !IS_SOLE(n) && !CONNECTED ->
#ifdef NO_REMOVAL_BEFORE_ACK
		acknowledge(n, false)
#else
		role[n] = FROZEN
#endif
	   }

	/* A flap: replication is back before anything was decided. */
	:: atomic { alive[n] && role[n] == FROZEN && CONNECTED && asks[n] == NOTHING ->
		resync();
		role[n] = ACTIVE }

	/* The handler asks. */
	:: atomic { alive[n] && role[n] == FROZEN && asks[n] == NOTHING && epoch[n] < EPOCHS ->
		ask(n, GRANT) }

	/* The standby misses its peer: apart first, then it asks. */
	:: atomic { alive[n] && role[n] == STANDBY && (!CONNECTED || IS_SOLE(n)) && !apart[n] ->
		apart[n] = true }
	:: atomic { alive[n] && role[n] == STANDBY && asks[n] == NOTHING && members[n] == BOTH &&
		epoch[n] < EPOCHS &&
#ifdef NO_FORCED_DISCONNECT
		!CONNECTED
#else
		apart[n]
#endif
		-> ask(n, GRANT) }

	/* The answer to a grant. */
	:: atomic { alive[n] && asks[n] == GRANT && answer[n] == YES ->
		asks[n] = NOTHING;
		epoch[n] = asked_epoch[n] + 1;
		members[n] = SELF(n);
		if
		:: role[n] == FROZEN ->
			serve(n);
			acknowledge(n, CONNECTED)
		:: role[n] == STANDBY -> serve(n)
		:: else /* latched: it has promised to do nothing more in this life */
		fi }
	:: atomic { alive[n] && asks[n] == GRANT && answer[n] == NO ->
		asks[n] = NOTHING;
		if
		:: role[n] == FROZEN && crashes < CRASHES -> /* it resets */
			crashes++;
			alive[n] = false;
			lose_everything(n)
		:: else
		fi }

	/* The peer asks for a release, and gets it: not while a question is open. */
	:: atomic { alive[n] && alive[PEER(n)] && (role[n] == ACTIVE || role[n] == FROZEN) &&
		asks[n] == NOTHING ->
		role[n] = LATCHED;
		apart[n] = true;
		has_release[PEER(n)] = true }
#ifdef NO_MEMBERSHIP_FOR_PROMOTION
	:: atomic { alive[n] && role[n] == STANDBY && has_release[n] ->
		serve(n) }
#endif

	/* Both are there and hold hands, nobody serves: Pacemaker promotes one. */
	:: atomic { alive[n] && role[n] == STANDBY && CONNECTED && role[PEER(n)] == STANDBY &&
		asks[0] == NOTHING && asks[1] == NOTHING &&
		members[n] == BOTH && members[PEER(n)] == BOTH && epoch[n] == epoch[PEER(n)] ->
		resync();
		serve(n) }

	/* One that serves lets the other in again: it stops writing alone, brings the other up,
	 * then tells the register, and says so to the other when that has it. */
	:: atomic { alive[n] && role[n] == ACTIVE && IS_SOLE(n) && asks[n] == NOTHING &&
		alive[PEER(n)] && role[PEER(n)] == STANDBY && epoch[n] < EPOCHS &&
		asks[PEER(n)] == NOTHING && cable ->
		apart[n] = false;
		apart[PEER(n)] = false;
#ifndef NO_SYNC_BEFORE_ADMISSION
		resync();
#endif
#ifndef NO_STOP_BEFORE_ADMISSION
		members[n] = BOTH;
#endif
		ask(n, ADMIT) }
	:: atomic { alive[n] && asks[n] == ADMIT && answer[n] == YES ->
		asks[n] = NOTHING;
		epoch[n] = asked_epoch[n] + 1;
		members[n] = BOTH }
	:: atomic { alive[n] && asks[n] == ADMIT && answer[n] == NO ->
		/* The register has a newer one: this node is out. */
		asks[n] = NOTHING;
		if
		:: crashes < CRASHES ->
			crashes++;
			alive[n] = false;
			lose_everything(n)
		:: else -> role[n] = LATCHED
		fi }

	/* What the register has, every node may read; who is not in it is no member. */
	:: atomic { alive[n] && asks[n] == NOTHING && epoch[n] < r_epoch && role[n] == STANDBY &&
		r_is_known ->
		epoch[n] = r_epoch;
		members[n] = r_members }

	/* A member that came back tells its new life. */
	:: atomic { alive[n] && (r_members & SELF(n)) && r_epoch == epoch[n] && r_is_known &&
		r_life[n] != life[n] ->
		r_life[n] = life[n] }

	/* Sole when it went down, sole when it comes back. */
	:: atomic { alive[n] && role[n] == STANDBY && IS_SOLE(n) && r_epoch == epoch[n] &&
		r_members == SELF(n) && r_is_known && asks[n] == NOTHING &&
#ifndef NO_APART_AFTER_REBOOT
		apart[n] &&
#endif
		true -> serve(n) }
	od
}

/* The witness: compare and set, durable before the answer. */
proctype witness()
{
	byte n;

end:
	do
	:: atomic { r_is_known && ((asks[0] != NOTHING && answer[0] == OPEN) ||
			(asks[1] != NOTHING && answer[1] == OPEN)) ->
		if
		:: asks[0] != NOTHING && answer[0] == OPEN -> n = 0
		:: asks[1] != NOTHING && answer[1] == OPEN -> n = 1
		fi;
		if
		:: asks[n] == GRANT ->
			if
#ifdef NO_MEMBERSHIP_FOR_GRANT
			:: true ->
				r_epoch = asked_epoch[n] + 1;
#else
			:: r_epoch == asked_epoch[n] && (r_members & SELF(n)) && r_life[n] == life[n] ->
				r_epoch++;
#endif
				r_members = SELF(n);
				answer[n] = YES
			:: r_epoch == asked_epoch[n] + 1 && r_members == SELF(n) && r_life[n] == life[n] ->
				answer[n] = YES
			:: else -> answer[n] = NO
			fi
		:: else ->
			if
			:: r_epoch == asked_epoch[n] && r_members == SELF(n) ->
				r_epoch++;
				r_members = BOTH;
				r_life[PEER(n)] = asked_life[n];
				answer[n] = YES
			:: r_epoch == asked_epoch[n] + 1 && r_members == BOTH ->
				answer[n] = YES
			:: else -> answer[n] = NO
			fi
		fi;
		n = 0 }
	/* It loses its memory and begins anew, with another uuid: nobody gets anything from it. */
	:: atomic { r_is_known && r_epoch > 0 ->
#ifndef NO_UUID
		r_is_known = false;
#endif
		r_epoch = 0;
		r_members = BOTH }
#ifdef NO_DURABLE_GRANT
	/* It forgets what it has answered last. */
	:: atomic { r_epoch == 1 -> r_epoch = 0; r_members = BOTH }
#endif
	od
}

proctype world()
{
end:
	do
	:: atomic { cable && flaps < FLAPS -> flaps++; cable = false }
	:: atomic { !cable -> cable = true }
	:: atomic { alive[0] && crashes < CRASHES -> crashes++; alive[0] = false; lose_everything(0) }
	:: atomic { alive[1] && crashes < CRASHES -> crashes++; alive[1] = false; lose_everything(1) }
	:: atomic { !alive[0] -> alive[0] = true; life[0]++ }
	:: atomic { !alive[1] -> alive[1] = true; life[1]++ }
	/* An answer is lost: the node asks again. */
	:: atomic { asks[0] != NOTHING && answer[0] != OPEN -> answer[0] = OPEN }
	:: atomic { asks[1] != NOTHING && answer[1] != OPEN -> answer[1] = OPEN }
	od
}

init
{
	atomic {
		run node(0);
		run node(1);
		run witness();
		run world()
	}
}
