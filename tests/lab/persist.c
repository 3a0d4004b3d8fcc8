// SPDX-License-Identifier: BSD-2-Clause
#include "tests/lab/persist.h"

uint32_t
persist_barred(const struct persist *p)
{
	uint32_t barred = 0;

	if (p->holder == 0)
		return 0;
	for (uint32_t i = 0; i < PERSIST_INITIATORS; i++)
		if (p->key[i] == 0)
			barred |= UINT32_C(1) << i;
	return barred;
}

static enum persist_status
key_register(struct persist *p, uint32_t initiator, uint64_t key)
{
	p->key[initiator] = key;
	if (key == 0 && p->holder == initiator + 1)
		p->holder = 0;
	p->generation++;
	return PERSIST_GOOD;
}

static enum persist_status
reserve(struct persist *p, uint32_t initiator)
{
	if (p->holder != 0 && p->holder != initiator + 1)
		return PERSIST_CONFLICT;
	p->holder = initiator + 1;
	return PERSIST_GOOD;
}

static enum persist_status
release(struct persist *p, uint32_t initiator)
{
	if (p->holder == initiator + 1)
		p->holder = 0;
	return PERSIST_GOOD;
}

static enum persist_status
clear(struct persist *p)
{
	for (uint32_t i = 0; i < PERSIST_INITIATORS; i++)
		p->key[i] = 0;
	p->holder = 0;
	p->generation++;
	return PERSIST_GOOD;
}

static enum persist_status
preempt(struct persist *p, uint32_t initiator, uint64_t victim)
{
	bool is_found = false;

	if (victim == 0)
		return PERSIST_ILLEGAL;
	for (uint32_t i = 0; i < PERSIST_INITIATORS; i++)
		is_found |= p->key[i] == victim;
	if (!is_found)
		return PERSIST_CONFLICT;
	if (p->holder != 0 && p->key[p->holder - 1] == victim)
		p->holder = initiator + 1;
	for (uint32_t i = 0; i < PERSIST_INITIATORS; i++)
		if (p->key[i] == victim && i != initiator)
			p->key[i] = 0;
	p->generation++;
	return PERSIST_GOOD;
}

static bool
needs_type(enum persist_action action)
{
	return action == PERSIST_RESERVE || action == PERSIST_RELEASE ||
	       action == PERSIST_PREEMPT || action == PERSIST_PREEMPT_ABORT;
}

static enum persist_status
order_do(struct persist *p, uint32_t initiator, const struct persist_order *order)
{
	uint64_t own = p->key[initiator];

	if (order->action == PERSIST_REGISTER_IGNORE)
		return key_register(p, initiator, order->service_key);
	if (order->key != own || (own == 0 && order->action != PERSIST_REGISTER))
		return PERSIST_CONFLICT;
	if (needs_type(order->action) && order->type != PERSIST_TYPE)
		return PERSIST_ILLEGAL;
	switch (order->action) {
	case PERSIST_REGISTER:
	case PERSIST_REGISTER_IGNORE:
		return key_register(p, initiator, order->service_key);
	case PERSIST_RESERVE:
		return reserve(p, initiator);
	case PERSIST_RELEASE:
		return release(p, initiator);
	case PERSIST_CLEAR:
		return clear(p);
	case PERSIST_PREEMPT:
	case PERSIST_PREEMPT_ABORT:
		return preempt(p, initiator, order->service_key);
	}
	return PERSIST_ILLEGAL;
}

enum persist_status
persist_out(struct persist *p, uint32_t initiator, const struct persist_order *order)
{
	uint32_t before = persist_barred(p);
	enum persist_status status = order_do(p, initiator, order);
	uint32_t newly = persist_barred(p) & ~before;

	for (uint32_t i = 0; i < PERSIST_INITIATORS; i++)
		if (newly & UINT32_C(1) << i)
			p->expelled[i]++;
	return status;
}
