/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/trap-session.h"

#include <errno.h>
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/library/large_fd_set.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trap_session {
	void *handle; /* of net-snmp */
	bool is_v3, is_inform;
	unsigned waiting;
	uint64_t silent_until_ms; /* no probe before this */
	uint64_t lost;
};

/* init_snmp() would read MIBs and make directories. What is needed of it, in an order found by
 * trial (net-snmp 5.9.3): the USM makes its first users, among them the one without a name that
 * probes go out as, with the engine id of the moment at which it is called back; and before there
 * is any session, since with the first one the transports want to be called back, too, for
 * certificates. */
void
trap_library_start(const struct trap_engine *engine)
{
	struct snmp_session unused;

	netsnmp_register_loghandler(NETSNMP_LOGHANDLER_NONE, LOG_DEBUG);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE, 1);
	netsnmp_ds_set_string(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_APPTYPE, "gemel-agentd");
	if (engine) {
		init_callbacks();
		setup_engineID(NULL, engine->id);
		init_usm();
		snmp_call_callbacks(
		    SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_PREMIB_READ_CONFIG, NULL);
	}
	snmp_sess_init(&unused);
}

/* The keys of the user, from its passphrases. */
static int
set_user(struct snmp_session *wanted, const struct snmp_secrets *secrets)
{
	static oid auth[] = {1, 3, 6, 1, 6, 3, 10, 1, 1, 5}; /* usmHMAC192SHA256AuthProtocol */
	static oid priv[] = {1, 3, 6, 1, 6, 3, 10, 1, 2, 4}; /* usmAesCfb128Protocol */

	wanted->version = SNMP_VERSION_3;
	wanted->securityModel = SNMP_SEC_MODEL_USM;
	wanted->securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
	wanted->securityName = (char *)(uintptr_t)secrets->user;
	wanted->securityNameLen = strlen(secrets->user);
	wanted->securityAuthProto = auth;
	wanted->securityAuthProtoLen = OID_LENGTH(auth);
	wanted->securityPrivProto = priv;
	wanted->securityPrivProtoLen = OID_LENGTH(priv);
	wanted->securityAuthKeyLen = sizeof(wanted->securityAuthKey);
	wanted->securityPrivKeyLen = sizeof(wanted->securityPrivKey);
	/* RFC 7860 makes both keys with the authentication's hash. */
	if (generate_Ku(auth, OID_LENGTH(auth), (const u_char *)secrets->auth,
		strlen(secrets->auth), wanted->securityAuthKey,
		&wanted->securityAuthKeyLen) != SNMPERR_SUCCESS ||
	    generate_Ku(auth, OID_LENGTH(auth), (const u_char *)secrets->priv,
		strlen(secrets->priv), wanted->securityPrivKey,
		&wanted->securityPrivKeyLen) != SNMPERR_SUCCESS)
		return -ENOTSUP;
	return 0;
}

/* The sender of a trap is its authority; of an inform it is the manager. */
static void
set_engine(struct snmp_session *wanted, const struct trap_engine *engine, u_char id[64])
{
	size_t length = snmpv3_get_engineID(id, 64);

	wanted->securityEngineID = wanted->contextEngineID = id;
	wanted->securityEngineIDLen = wanted->contextEngineIDLen = length;
	wanted->engineBoots = engine->boots;
	set_enginetime(id, (u_int)length, engine->boots, 0, TRUE);
}

int
trap_session_open(const struct trap_settings *settings, unsigned target,
    const struct trap_engine *engine, struct trap_session **session_r)
{
	const char *address = settings->targets[target];
	struct trap_session *session;
	struct snmp_session wanted;
	char peer[TRAP_TARGET_BYTES + 8];
	u_char id[64];
	int result = 0;

	snmp_sess_init(&wanted);
	snprintf(peer, sizeof(peer), "%s:%s", address[0] == '[' ? "udp6" : "udp", address);
	wanted.peername = peer;
	wanted.timeout = TRAP_TIMEOUT_MS * 1000L;
	if (settings->is_v3) {
		result = set_user(&wanted, &settings->secrets);
		if (!settings->informs)
			set_engine(&wanted, engine, id);
	} else {
		wanted.version = SNMP_VERSION_2c;
		wanted.community = (u_char *)(uintptr_t)settings->secrets.community;
		wanted.community_len = strlen(settings->secrets.community);
	}
	session = calloc(1, sizeof(*session));
	if (!session)
		abort();
	session->is_v3 = settings->is_v3;
	session->is_inform = settings->informs;
	if (result == 0)
		session->handle = snmp_sess_open(&wanted);
	explicit_bzero(wanted.securityAuthKey, sizeof(wanted.securityAuthKey));
	explicit_bzero(wanted.securityPrivKey, sizeof(wanted.securityPrivKey));
	if (session->handle) {
		*session_r = session;
		return 0;
	}
	free(session);
	if (result)
		return result;
	return wanted.s_errno ? -wanted.s_errno : -EIO;
}

static unsigned
copy_oid(const struct trap_oid *from, oid to[TRAP_OID_MAX])
{
	for (unsigned i = 0; i < from->count; i++)
		to[i] = from->arcs[i];
	return from->count;
}

static bool
add_varbind(struct snmp_pdu *pdu, const struct trap_varbind *varbind)
{
	oid name[TRAP_OID_MAX], value[TRAP_OID_MAX];
	size_t count = copy_oid(&varbind->name, name);
	long integer = varbind->integer;
	u_long ticks = varbind->ticks;

	switch (varbind->type) {
	case TRAP_INTEGER:
		return snmp_pdu_add_variable(
		    pdu, name, count, ASN_INTEGER, &integer, sizeof(integer));
	case TRAP_OCTETS:
		return snmp_pdu_add_variable(
		    pdu, name, count, ASN_OCTET_STR, varbind->octets, varbind->length);
	case TRAP_OID:
		return snmp_pdu_add_variable(pdu, name, count, ASN_OBJECT_ID, value,
		    copy_oid(&varbind->oid, value) * sizeof(oid));
	case TRAP_TICKS:
		return snmp_pdu_add_variable(
		    pdu, name, count, ASN_TIMETICKS, &ticks, sizeof(ticks));
	}
	return false;
}

static struct snmp_pdu *
make_pdu(int command, const struct trap_varbinds *varbinds)
{
	struct snmp_pdu *pdu = snmp_pdu_create(command);

	for (unsigned i = 0; pdu && i < varbinds->count; i++) {
		if (add_varbind(pdu, &varbinds->items[i]))
			continue;
		snmp_free_pdu(pdu);
		pdu = NULL;
	}
	if (!pdu)
		abort();
	return pdu;
}

/* Called once for each inform with its end, and perhaps before that for what is done about it. */
static int
on_inform(int operation, struct snmp_session *wanted, int id, struct snmp_pdu *pdu, void *context)
{
	struct trap_session *session = context;

	(void)wanted;
	(void)id;
	switch (operation) {
	case NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE:
		/* Else it is a report of what the manager did not like. */
		if (pdu->command != SNMP_MSG_RESPONSE)
			session->lost++;
		break;
	case NETSNMP_CALLBACK_OP_TIMED_OUT:
	case NETSNMP_CALLBACK_OP_SEND_FAILED:
	case NETSNMP_CALLBACK_OP_SEC_ERROR:
		session->lost++;
		break;
	default:
		return 1;
	}
	if (session->waiting)
		session->waiting--;
	return 1;
}

/* Send an inform; false: it was not sent. */
static bool
send_inform(struct trap_session *session, struct snmp_pdu *pdu, uint64_t now_ms)
{
	struct snmp_session *library = snmp_sess_session(session->handle);
	bool is_probe = session->is_v3 && library->securityEngineIDLen == 0;
	bool is_sent;

	if (session->waiting >= TRAP_WAITING_MAX || (is_probe && now_ms < session->silent_until_ms))
		return false;
	/* The probe is made inside, and waited for: so only once. */
	library->retries = is_probe ? 0 : TRAP_RETRIES;
	is_sent = snmp_sess_async_send(session->handle, pdu, on_inform, session);
	library->retries = TRAP_RETRIES;
	if (is_probe && !is_sent)
		session->silent_until_ms = now_ms + TRAP_PROBE_PAUSE_MS;
	session->waiting += is_sent;
	return is_sent;
}

static bool
send_trap(struct trap_session *session, struct snmp_pdu *pdu, uint32_t uptime_s)
{
	struct snmp_session *library = snmp_sess_session(session->handle);

	if (session->is_v3)
		set_enginetime(library->securityEngineID, (u_int)library->securityEngineIDLen,
		    library->engineBoots, uptime_s, TRUE);
	return snmp_sess_send(session->handle, pdu);
}

void
trap_session_send(struct trap_session *session, const struct trap_varbinds *varbinds,
    uint32_t uptime_s, uint64_t now_ms)
{
	int command = session->is_inform ? SNMP_MSG_INFORM : SNMP_MSG_TRAP2;
	struct snmp_pdu *pdu = make_pdu(command, varbinds);
	bool is_sent = session->is_inform ? send_inform(session, pdu, now_ms)
					  : send_trap(session, pdu, uptime_s);

	if (is_sent)
		return;
	session->lost++;
	snmp_free_pdu(pdu);
}

int
trap_session_socket(const struct trap_session *session)
{
	netsnmp_transport *transport = snmp_sess_transport(session->handle);

	return transport ? transport->sock : -1;
}

void
trap_session_work(struct trap_session *session, bool is_readable)
{
	int fd = trap_session_socket(session);
	netsnmp_large_fd_set readable;

	if (is_readable && fd >= 0) {
		netsnmp_large_fd_set_init(&readable, fd + 1);
		NETSNMP_LARGE_FD_SET(fd, &readable);
		snmp_sess_read2(session->handle, &readable);
		netsnmp_large_fd_set_cleanup(&readable);
	}
	if (session->waiting)
		snmp_sess_timeout(session->handle);
}

bool
trap_session_is_waiting(const struct trap_session *session)
{
	return session->waiting > 0;
}

uint64_t
trap_session_lost(const struct trap_session *session)
{
	return session->lost;
}

void
trap_session_close(struct trap_session **session_r)
{
	struct trap_session *session = *session_r;

	*session_r = NULL;
	if (!session)
		return;
	snmp_sess_close(session->handle);
	free(session);
}
