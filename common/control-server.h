/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control-server -- the daemon's end of control.h, on libqb's loop.
 *
 * Only root, the user that the daemon runs as and group haclient may connect, and
 * the last may use only the verbs that say so. A request that is
 * not a JSON object with a known verb gets an error and harms nothing.
 * A verb may answer from inside its function or later, from the loop; a client
 * that has gone away meanwhile is no error.
 */
#ifndef GEMEL_COMMON_CONTROL_SERVER_H
#define GEMEL_COMMON_CONTROL_SERVER_H

#include "common/control.h"

#include <qb/qbloop.h>
#include <stdbool.h>

struct control_server;

/* One request on its way: who asked. Ends with control_answer() or control_refuse(), once. */
struct control_request;

struct control_verb {
	const char *name;
	/* arguments is borrowed until the function returns. The function owns request. */
	void (*run)(void *context, struct control_request *request, const json_t *arguments);
	bool is_for_cluster; /* group haclient may ask it, too */
};

/* Listen as service. verbs ends with a row whose name is NULL. Returns 0 or -errno. */
int control_server_open(const char *service, const struct control_verb *verbs, void *context,
    qb_loop_t *loop, struct control_server **server_r);

/* Answer {"ok": true, ...}. Takes answer (an object, or NULL for nothing more to say) and request.
 */
void control_answer(struct control_request *request, json_t *answer);

/* Answer {"ok": false}. The sentence says what, to what, why, what to do. Takes request. */
void control_refuse(struct control_request *request, enum control_code code, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* Close all connections. Requests still open are answered into nothing. Takes NULL. */
void control_server_close(struct control_server **server);

#endif
