/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * send-traps -- for test-mib.sh and test-snmptrapd.sh.
 *
 *   send-traps list                       each notification and object: NAME OID OBJECT...
 *   send-traps send FILE DIRECTORY        one of each kind, as gemel.conf FILE says, the engine in
 *                                         DIRECTORY; ends when informs are answered
 */
#include "agent/trap-sender.h"
#include "agent/trap-varbinds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static void
print_oid(const char *name, struct trap_oid oid)
{
	printf("%s ", name);
	for (unsigned i = 0; i < oid.count; i++)
		printf(".%u", oid.arcs[i]);
}

static int
list(void)
{
	for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++) {
		print_oid(event_kind_name(kind), trap_kind_oid(kind));
		for (const enum trap_object *object = trap_kind_objects(kind); *object; object++)
			printf(" %s", trap_object_name(*object));
		printf("\n");
	}
	for (enum trap_object object = 1; object < TRAP_OBJECTS; object++) {
		print_oid(trap_object_name(object), trap_object_oid(object));
		printf("\n");
	}
	return 0;
}

static void
send_all(struct trap_sender *sender)
{
	struct event event;

	for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++) {
		event_begin(&event, kind, "hq-2", 1700000000123);
		strcpy(event.subject, "a subject");
		strcpy(event.reason, "a reason");
		trap_sender_send(sender, &event);
	}
}

static int
send_as(const char *path, const char *directory)
{
	struct trap_settings settings;
	struct trap_sender *sender;
	struct config config;
	char error[CONFIG_ERROR_MAX];
	int result = config_read(path, &config, error);

	if (result == 0) {
		result = trap_settings_read(&config, geteuid(), &settings, error);
		config_close(&config);
	}
	if (result) {
		fprintf(stderr, "send-traps: %s\n", error);
		return 1;
	}
	if (trap_sender_open(&settings, "hq-1", directory, &sender) != 0)
		return 1;
	snmp_secrets_forget(&settings.secrets);
	send_all(sender);
	return trap_sender_close(&sender, PATIENCE_MS) ? 0 : 1;
}

int
main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list();
	if (argc == 4 && strcmp(argv[1], "send") == 0)
		return send_as(argv[2], argv[3]);
	fprintf(stderr, "Usage: send-traps list | send FILE DIRECTORY\n");
	return 2;
}
