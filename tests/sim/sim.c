/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim -- runs seeds and says which law broke. Speaks TAP.
 *
 * A seed that breaks a law is run again, and its last events are told.
 */
#include "tests/sim/world.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 1000u
#define COUNTED 40000u /* so many have to show everything */
#define LAST 60
#define LINE_MAX 512

static struct world world;
static uint64_t counts[COUNT_KINDS];
static char last[LAST][LINE_MAX];
static uint64_t told;
static bool is_strict;

static void
tell_all(struct world *w, bool is_notable, const char *text)
{
	(void)is_notable;
	printf("# %10.3f %s\n", (double)w->now_us / 1000, text);
}

static void
tell_last(struct world *w, bool is_notable, const char *text)
{
	if (is_notable)
		snprintf(
		    last[told++ % LAST], LINE_MAX, "%10.3f %.480s", (double)w->now_us / 1000, text);
}

static bool
run(uint64_t seed, void (*tell)(struct world *, bool, const char *), uint64_t *counted)
{
	world_open(&world, seed, counted);
	world.tell = tell;
	world.is_strict = is_strict;
	world_run(&world);
	return !world.is_broken;
}

static void
explain(uint64_t seed)
{
	uint64_t unused[COUNT_KINDS] = {0};

	told = 0;
	run(seed, tell_last, unused);
	printf("# seed %" PRIu64 " breaks %s at %.3f ms: %s\n# the last of what happened:\n", seed,
	    law_name(world.broken), (double)world.now_us / 1000, world.why);
	for (uint64_t i = told > LAST ? told - LAST : 0; i < told; i++)
		printf("#   %s\n", last[i % LAST]);
	printf("# again, in full: tests/sim/sim --seed %" PRIu64 " --trace\n", seed);
}

/* True if none broke a law. */
static bool
run_block(unsigned number, uint64_t from, uint64_t to, uint64_t *events)
{
	for (uint64_t seed = from; seed <= to; seed++) {
		bool is_kept = run(seed, NULL, counts);

		*events += world.events;
		if (is_kept)
			continue;
		printf("not ok %u - seeds %" PRIu64 " to %" PRIu64 ": seed %" PRIu64 " breaks %s\n",
		    number, from, to, seed, law_name(world.broken));
		explain(seed);
		fflush(stdout);
		return false;
	}
	printf("ok %u - seeds %" PRIu64 " to %" PRIu64 " keep the laws\n", number, from, to);
	fflush(stdout);
	return true;
}

static bool
judge_counts(unsigned number)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < COUNT_KINDS; i++) {
		printf("# %10" PRIu64 " %s\n", counts[i], count_texts[i]);
		missing += counts[i] == 0;
	}
	printf("%s %u - each kind of fault, proof and outcome has occurred\n",
	    missing ? "not ok" : "ok", number);
	return missing == 0;
}

static int
run_seeds(uint64_t from, uint64_t to)
{
	uint64_t events = 0;
	unsigned number = 0, failed = 0;

	for (uint64_t seed = from; seed <= to; seed += BLOCK) {
		uint64_t end = seed + BLOCK - 1;

		failed += !run_block(++number, seed, end < to ? end : to, &events);
	}
	printf("# %" PRIu64 " events\n", events);
	if (to - from + 1 >= COUNTED)
		failed += !judge_counts(++number);
	printf("1..%u\n", number);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* For mutants: the first seed that breaks a law. */
static int
run_until_breach(uint64_t from, uint64_t to)
{
	for (uint64_t seed = from; seed <= to; seed++)
		if (!run(seed, NULL, counts)) {
			printf("%s %" PRIu64 " %s\n", law_name(world.broken), seed - from + 1,
			    world.why);
			return EXIT_SUCCESS;
		}
	printf("none %" PRIu64 "\n", to - from + 1);
	return EXIT_FAILURE;
}

static int
run_one(uint64_t seed, bool is_traced)
{
	bool is_kept = run(seed, is_traced ? tell_all : NULL, counts);

	if (is_kept)
		printf("ok 1 - seed %" PRIu64 " keeps the laws\n", seed);
	else
		printf("not ok 1 - seed %" PRIu64 " breaks %s: %s\n", seed, law_name(world.broken),
		    world.why);
	if (!is_kept && !is_traced)
		explain(seed);
	printf("1..1\n");
	return is_kept ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void
print_help(void)
{
	printf(
	    "usage: sim [--seeds FROM-TO] [--seed N [--trace]] [--until-breach] [--strict]\n\n"
	    "Simulates a pair under faults, one run for each seed, and checks its laws after\n"
	    "every event. Speaks TAP.\n\n"
	    "  --seeds FROM-TO  these (1-40000)\n"
	    "  --seed N         this one\n"
	    "  --trace          and tell everything that happens\n"
	    "  --until-breach   end at the first breach and print LAW SEEDS WHY\n"
	    "  --strict         a late acknowledgement of what was durable before is a breach\n");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"seeds", required_argument, NULL, 's'},
	    {"seed", required_argument, NULL, 'n'},
	    {"trace", no_argument, NULL, 't'},
	    {"until-breach", no_argument, NULL, 'u'},
	    {"strict", no_argument, NULL, 'S'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	uint64_t from = 1, to = 40000, one = 0;
	bool is_traced = false, is_until = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (option) {
		case 's':
			if (sscanf(optarg, "%" SCNu64 "-%" SCNu64, &from, &to) != 2 || from > to) {
				fprintf(stderr, "sim: --seeds %s: give FROM-TO\n", optarg);
				return 2;
			}
			break;
		case 'n':
			one = strtoull(optarg, NULL, 10);
			break;
		case 't':
			is_traced = true;
			break;
		case 'u':
			is_until = true;
			break;
		case 'S':
			is_strict = true;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			return 2;
		}
	if (one)
		return run_one(one, is_traced);
	return is_until ? run_until_breach(from, to) : run_seeds(from, to);
}
