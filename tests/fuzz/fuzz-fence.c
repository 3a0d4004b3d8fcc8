/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Pacemaker, or anybody, writes to fence_gemel, and what an answer may call a proof.
 * What is taken is a node's name and a time in bounds; what is not has a sentence of one line; and
 * no bytes but the five words are a proof.
 */
#include <assert.h>
#include <stdio.h>

#include "agent/fence-agent.h"

#define WORD_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void
judge(enum fence_action action, const char *word)
{
	static const char *const proofs[] = {
	    "released", "barred", "newer-life", "granted", "poisoned"};
	const struct fence_request request = {.action = action};
	const struct fence_answer answer = {true, word, word, word};
	char error[FENCE_ERROR_MAX];
	enum fence_status status = fence_judge(&request, &answer, error);
	bool is_proof = false;

	assert(status == FENCE_FAILED || !*error);
	if (action == FENCE_STATUS)
		return;
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++)
		is_proof = is_proof || strcmp(word, proofs[i]) == 0;
	assert(status == (is_proof ? FENCE_DONE : FENCE_FAILED));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char error[FENCE_ERROR_MAX], word[WORD_MAX];
	struct fence_options options;
	struct fence_request request;

	fence_options_open(&options);
	fence_options_parse(&options, slice_from(data, length));
	if (fence_request_make(&options, &request, error)) {
		assert(!*error && request.action < FENCE_ACTIONS && request.action != FENCE_ON);
		assert(
		    request.timeout_ms >= 1000 && request.timeout_ms <= FENCE_TIMEOUT_MAX_S * 1000);
		assert(strspn(request.node, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					    "0123456789-._") == strlen(request.node));
		assert((request.action != FENCE_OFF && request.action != FENCE_REBOOT) ||
		       *request.node);
	} else {
		assert(*error && !strpbrk(error, "\n\r\x1b"));
	}
	slice_to_string(slice_from(data, length), word, sizeof(word));
	judge(FENCE_OFF, word);
	judge(FENCE_STATUS, word);
	return 0;
}
