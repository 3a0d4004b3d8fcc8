/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-ledger.h"
#include "tests/lab/flow-message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct attempt {
	struct attempt *next;
	char *id;
	char *recipient;
	const char *mailbox; /* NULL: mailboxes are not told apart */
	char digest[FLOW_DIGEST_TEXT];
	enum flow_kind outcome;
	unsigned found;
	unsigned changed;
};

struct stray {
	struct stray *next;
	char *id;
};

struct place {
	char *address;
	char *mailbox;
};

struct flow_ledger {
	struct attempt **buckets;
	size_t bucket_count;
	size_t attempts;
	struct stray *strays;
	struct place *places;
	size_t place_count;
	bool places_sorted;
};

static const char *const fault_names[FLOW_FAULTS] = {
    [FLOW_LOST] = "lost",
    [FLOW_DUPLICATED] = "duplicated",
    [FLOW_UNEXPECTED] = "unexpected",
    [FLOW_CHANGED] = "changed",
};

const char *
flow_fault_name(enum flow_fault fault)
{
	return fault_names[fault];
}

static void *
must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

struct flow_ledger *
flow_ledger_open(void)
{
	struct flow_ledger *ledger = must(calloc(1, sizeof(*ledger)));

	ledger->bucket_count = 1024;
	ledger->buckets = must(calloc(ledger->bucket_count, sizeof(*ledger->buckets)));
	return ledger;
}

void
flow_ledger_forget(struct flow_ledger *ledger)
{
	for (struct stray *stray = ledger->strays, *next; stray != NULL; stray = next) {
		next = stray->next;
		free(stray->id);
		free(stray);
	}
	ledger->strays = NULL;
	for (size_t i = 0; i < ledger->bucket_count; i++)
		for (struct attempt *a = ledger->buckets[i]; a != NULL; a = a->next)
			a->found = a->changed = 0;
}

void
flow_ledger_close(struct flow_ledger **ledger)
{
	struct flow_ledger *l = *ledger;

	if (l == NULL)
		return;
	flow_ledger_forget(l);
	for (size_t i = 0; i < l->bucket_count; i++)
		for (struct attempt *a = l->buckets[i], *next; a != NULL; a = next) {
			next = a->next;
			free(a->id);
			free(a->recipient);
			free(a);
		}
	for (size_t i = 0; i < l->place_count; i++) {
		free(l->places[i].address);
		free(l->places[i].mailbox);
	}
	free(l->places);
	free(l->buckets);
	free(l);
	*ledger = NULL;
}

void
flow_ledger_map(struct flow_ledger *ledger, const char *address, const char *mailbox)
{
	size_t size = (ledger->place_count + 1) * sizeof(*ledger->places);

	ledger->places = must(realloc(ledger->places, size));
	ledger->places[ledger->place_count++] =
	    (struct place){must(strdup(address)), must(strdup(mailbox))};
	ledger->places_sorted = false;
}

bool
flow_ledger_has_mailboxes(const struct flow_ledger *ledger)
{
	return ledger->place_count > 0;
}

static int
compare_places(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->address, ((const struct place *)b)->address);
}

static const struct place *
place_of(struct flow_ledger *ledger, const char *address)
{
	struct place key = {(char *)address, NULL};

	if (!ledger->places_sorted)
		qsort(ledger->places, ledger->place_count, sizeof(key), compare_places);
	ledger->places_sorted = true;
	return bsearch(&key, ledger->places, ledger->place_count, sizeof(key), compare_places);
}

static size_t
bucket_of(const struct flow_ledger *ledger, const char *id)
{
	uint64_t hash = 1469598103934665603u;

	for (; *id != '\0'; id++)
		hash = (hash ^ (unsigned char)*id) * 1099511628211u;
	return (hash ^ (hash >> 32)) & (ledger->bucket_count - 1);
}

static void
ledger_grow(struct flow_ledger *ledger)
{
	struct attempt **old = ledger->buckets;
	size_t count = ledger->bucket_count;

	ledger->bucket_count *= 4;
	ledger->buckets = must(calloc(ledger->bucket_count, sizeof(*ledger->buckets)));
	for (size_t i = 0; i < count; i++)
		for (struct attempt *a = old[i], *next; a != NULL; a = next) {
			struct attempt **bucket = &ledger->buckets[bucket_of(ledger, a->id)];

			next = a->next;
			a->next = *bucket;
			*bucket = a;
		}
	free(old);
}

static struct attempt *
attempt_of(const struct flow_ledger *ledger, const char *id, const char *recipient)
{
	struct attempt *a = ledger->buckets[bucket_of(ledger, id)];

	while (a != NULL && (strcmp(a->id, id) != 0 || strcmp(a->recipient, recipient) != 0))
		a = a->next;
	return a;
}

static int
record_try(struct flow_ledger *ledger, const struct flow_record *record)
{
	const struct place *place = NULL;
	struct attempt *a;

	if (attempt_of(ledger, record->id, record->recipient) != NULL ||
	    strlen(record->text) != FLOW_DIGEST_TEXT - 1)
		return -EPROTO;
	if (ledger->place_count > 0 && (place = place_of(ledger, record->recipient)) == NULL)
		return -ENOENT;
	if (ledger->attempts++ > ledger->bucket_count)
		ledger_grow(ledger);
	a = must(calloc(1, sizeof(*a)));
	a->id = must(strdup(record->id));
	a->recipient = must(strdup(record->recipient));
	a->mailbox = place != NULL ? place->mailbox : NULL;
	a->outcome = FLOW_TRY;
	memcpy(a->digest, record->text, FLOW_DIGEST_TEXT);
	a->next = ledger->buckets[bucket_of(ledger, a->id)];
	ledger->buckets[bucket_of(ledger, a->id)] = a;
	return 0;
}

int
flow_ledger_record(struct flow_ledger *ledger, const struct flow_record *record)
{
	struct attempt *a;

	switch (record->kind) {
	case FLOW_TRY:
		return record_try(ledger, record);
	case FLOW_ACKED:
	case FLOW_REFUSED:
	case FLOW_UNKNOWN:
	case FLOW_UNSENT:
		a = attempt_of(ledger, record->id, record->recipient);
		if (a == NULL || a->outcome != FLOW_TRY)
			return -EPROTO;
		a->outcome = record->kind;
		return 0;
	case FLOW_START:
	case FLOW_BACK:
	case FLOW_STOP:
	case FLOW_END:
		return 0;
	}
	return -EPROTO;
}

/* How gladly an attempt takes a copy: two aliases of one mailbox share its copies. */
static int
appetite(const struct attempt *a)
{
	if (a->found > 0)
		return 0;
	return a->outcome == FLOW_ACKED                               ? 3
	       : a->outcome == FLOW_TRY || a->outcome == FLOW_UNKNOWN ? 2
								      : 1;
}

static void
add_stray(struct flow_ledger *ledger, const char *id)
{
	struct stray *stray = must(calloc(1, sizeof(*stray)));

	stray->id = must(strdup(id));
	stray->next = ledger->strays;
	ledger->strays = stray;
}

void
flow_ledger_found(
    struct flow_ledger *ledger, const char *mailbox, const char *id, const char *digest)
{
	struct attempt *best = NULL;

	for (struct attempt *a = ledger->buckets[bucket_of(ledger, id)]; a != NULL; a = a->next) {
		if (strcmp(a->id, id) != 0 || (a->mailbox && strcmp(a->mailbox, mailbox) != 0))
			continue;
		if (best == NULL || appetite(a) > appetite(best))
			best = a;
	}
	if (best == NULL) {
		add_stray(ledger, id);
		return;
	}
	best->found++;
	best->changed += strcmp(best->digest, digest) != 0;
}

void
flow_ledger_foreign(struct flow_ledger *ledger)
{
	add_stray(ledger, "");
}

static uint64_t
faults_of(const struct attempt *a, enum flow_fault fault)
{
	bool forbidden = a->outcome == FLOW_REFUSED || a->outcome == FLOW_UNSENT;

	switch (fault) {
	case FLOW_LOST:
		return a->outcome == FLOW_ACKED && a->found == 0;
	case FLOW_DUPLICATED:
		return !forbidden && a->found > 1 ? a->found - 1 : 0;
	case FLOW_UNEXPECTED:
		return forbidden ? a->found : 0;
	case FLOW_CHANGED:
		return a->changed;
	}
	return 0;
}

void
flow_ledger_tally(const struct flow_ledger *ledger, struct flow_tally *tally_r,
    void (*tell)(void *context, enum flow_fault fault, const char *id, const char *recipient),
    void *context)
{
	memset(tally_r, 0, sizeof(*tally_r));
	for (size_t i = 0; i < ledger->bucket_count; i++)
		for (const struct attempt *a = ledger->buckets[i]; a != NULL; a = a->next) {
			tally_r->outcome[a->outcome]++;
			tally_r->found += a->found;
			for (int fault = 0; fault < FLOW_FAULTS; fault++) {
				uint64_t n = faults_of(a, (enum flow_fault)fault);

				tally_r->fault[fault] += n;
				if (n > 0 && tell != NULL)
					tell(context, (enum flow_fault)fault, a->id, a->recipient);
			}
		}
	for (const struct stray *stray = ledger->strays; stray != NULL; stray = stray->next) {
		tally_r->found++;
		tally_r->fault[FLOW_UNEXPECTED]++;
		if (tell != NULL)
			tell(context, FLOW_UNEXPECTED, stray->id, "");
	}
}
