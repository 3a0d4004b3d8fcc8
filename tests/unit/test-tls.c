/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/unit/certificates.h"

#define ALPN "h2"

static char *folder, *strangers;
static char error[TLS_ERROR_MAX];

/* Both ends, and what is on its way. */
static struct tls_context *client_context, *server_context;
static struct tls *client, *server;

static int
make_folders(void **state)
{
	(void)state;
	folder = certificates_make();
	strangers = certificates_make();
	return 0;
}

static int
remove_folders(void **state)
{
	(void)state;
	certificates_remove(folder);
	certificates_remove(strangers);
	return 0;
}

static void
begin_with(const struct tls_files *client_files, const struct tls_files *server_files,
    const char *alpn, const char *host)
{
	assert_int_equal(
	    tls_context_open(client_files, TLS_CLIENT, alpn, &client_context, error), 0);
	assert_int_equal(
	    tls_context_open(server_files, TLS_SERVER, ALPN, &server_context, error), 0);
	client = tls_open(client_context, host);
	server = tls_open(server_context, NULL);
}

static void
begin(void)
{
	struct tls_files ours = certificates_of(folder, "hq-1");
	struct tls_files theirs = certificates_of(folder, CERTIFICATES_HOST);

	begin_with(&ours, &theirs, ALPN, CERTIFICATES_HOST);
}

static int
teardown(void **state)
{
	(void)state;
	tls_close(&client);
	tls_close(&server);
	tls_context_close(&client_context);
	tls_context_close(&server_context);
	return 0;
}

/* Carry bytes from one end to the other, at most step at a time; false: there were none. */
static bool
carry(struct tls *from, struct tls *to, size_t step)
{
	uint8_t bytes[4096];
	size_t count = tls_take_wire(from, bytes, step < sizeof(bytes) ? step : sizeof(bytes));

	if (count)
		assert_int_equal(tls_feed_wire(to, slice_from(bytes, count)), count);
	return count > 0;
}

static void
settle(size_t step)
{
	uint8_t nothing[1];
	bool is_moving = true;

	while (is_moving) {
		is_moving = carry(client, server, step);
		is_moving |= carry(server, client, step);
		/* An alert is found by reading. */
		tls_take_plain(client, nothing, sizeof(nothing));
		tls_take_plain(server, nothing, sizeof(nothing));
	}
}

static void
assert_crosses(struct tls *from, struct tls *to, const char *text)
{
	char got[256] = "";

	assert_int_equal(tls_feed_plain(from, slice_of(text)), strlen(text));
	while (carry(from, to, 4096))
		;
	assert_int_equal(tls_take_plain(to, got, sizeof(got)), strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void
what_goes_in_comes_out(void **state)
{
	(void)state;
	begin();
	assert_int_equal(tls_feed_plain(client, slice_of("early")), 0);
	settle(4096);
	assert_int_equal(tls_state(client), TLS_OPEN);
	assert_int_equal(tls_state(server), TLS_OPEN);
	assert_string_equal(tls_peer_uri(server), "gemel:pair/hq/node/1");
	assert_string_equal(tls_peer_uri(client), "");
	assert_crosses(client, server, "question");
	assert_crosses(server, client, "answer");
}

static void
byte_by_byte_is_the_same(void **state)
{
	(void)state;
	begin();
	settle(1);
	assert_int_equal(tls_state(client), TLS_OPEN);
	assert_int_equal(tls_state(server), TLS_OPEN);
	assert_crosses(client, server, "question");
}

static void
assert_both_fail(const char *server_says)
{
	settle(4096);
	assert_int_equal(tls_state(server), TLS_FAILED);
	assert_int_equal(tls_state(client), TLS_FAILED);
	if (!strstr(tls_error(server), server_says))
		fail_msg("the server says \"%s\"", tls_error(server));
	assert_string_not_equal(tls_error(client), "");
	assert_int_equal(tls_feed_plain(server, slice_of("x")), 0);
}

static void
a_client_of_another_authority_is_refused(void **state)
{
	struct tls_files ours = certificates_of(strangers, "hq-1");
	struct tls_files theirs = certificates_of(folder, CERTIFICATES_HOST);

	(void)state;
	/* It trusts the right one, so only the server can refuse. */
	ours.authority = theirs.authority;
	begin_with(&ours, &theirs, ALPN, CERTIFICATES_HOST);
	assert_both_fail("certificate is refused");
}

static void
a_server_of_another_authority_is_refused(void **state)
{
	struct tls_files ours = certificates_of(folder, "hq-1");
	struct tls_files theirs = certificates_of(strangers, CERTIFICATES_HOST);

	(void)state;
	begin_with(&ours, &theirs, ALPN, CERTIFICATES_HOST);
	settle(4096);
	assert_int_equal(tls_state(client), TLS_FAILED);
	assert_non_null(strstr(tls_error(client), "certificate is refused"));
	assert_int_equal(tls_state(server), TLS_FAILED);
}

static void
a_server_of_another_name_is_refused(void **state)
{
	struct tls_files ours = certificates_of(folder, "hq-1");
	struct tls_files theirs = certificates_of(folder, CERTIFICATES_HOST);

	(void)state;
	begin_with(&ours, &theirs, ALPN, "other.example.test");
	settle(4096);
	assert_int_equal(tls_state(client), TLS_FAILED);
	assert_non_null(strstr(tls_error(client), "ostname mismatch"));
	teardown(NULL);
	/* A node is no witness. */
	theirs = certificates_of(folder, "hq-0");
	begin_with(&ours, &theirs, ALPN, CERTIFICATES_HOST);
	settle(4096);
	assert_int_equal(tls_state(client), TLS_FAILED);
}

static void
a_client_without_a_certificate_is_refused(void **state)
{
	struct tls_files theirs = certificates_of(folder, CERTIFICATES_HOST);
	SSL_CTX *bare = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(bare);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	uint8_t bytes[8192];

	(void)state;
	assert_int_equal(tls_context_open(&theirs, TLS_SERVER, ALPN, &server_context, error), 0);
	server = tls_open(server_context, NULL);
	SSL_set_bio(ssl, in, out);
	SSL_set_alpn_protos(ssl, (const unsigned char *)"\2h2", 3);
	for (int i = 0; i < 4; i++) {
		int count;

		SSL_connect(ssl);
		count = BIO_read(out, bytes, sizeof(bytes));
		if (count > 0)
			tls_feed_wire(server, slice_from(bytes, (size_t)count));
		count = (int)tls_take_wire(server, bytes, sizeof(bytes));
		BIO_write(in, bytes, count);
	}
	assert_int_equal(tls_state(server), TLS_FAILED);
	assert_non_null(strstr(tls_error(server), "did not return a certificate"));
	SSL_free(ssl);
	SSL_CTX_free(bare);
}

static void
another_protocol_is_refused(void **state)
{
	struct tls_files ours = certificates_of(folder, "hq-1");
	struct tls_files theirs = certificates_of(folder, CERTIFICATES_HOST);

	(void)state;
	begin_with(&ours, &theirs, "smtp", CERTIFICATES_HOST);
	assert_both_fail("TLS failed");
}

static void
tls_1_2_is_refused(void **state)
{
	struct tls_files theirs = certificates_of(folder, CERTIFICATES_HOST);
	SSL_CTX *old = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	uint8_t bytes[8192];
	int count;

	(void)state;
	assert_int_equal(tls_context_open(&theirs, TLS_SERVER, ALPN, &server_context, error), 0);
	server = tls_open(server_context, NULL);
	SSL_CTX_set_max_proto_version(old, TLS1_2_VERSION);
	ssl = SSL_new(old);
	SSL_set_bio(ssl, in, out);
	SSL_connect(ssl);
	count = BIO_read(out, bytes, sizeof(bytes));
	assert_true(count > 0);
	tls_feed_wire(server, slice_from(bytes, (size_t)count));
	assert_int_equal(tls_state(server), TLS_FAILED);
	SSL_free(ssl);
	SSL_CTX_free(old);
}

/* Sign the certificate of hq-0 again: with another end, or with these names. */
static void
sign_anew(const char *path, long ends_in_s, const char *names)
{
	struct tls_files files = certificates_of(folder, "hq-0");
	struct tls_files authority = certificates_of(folder, "ca");
	FILE *file = fopen(files.certificate, "r");
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	EVP_PKEY *key;
	int at;

	fclose(file);
	file = fopen(authority.key, "r");
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	assert_non_null(certificate);
	assert_non_null(key);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
	X509_gmtime_adj(X509_getm_notAfter(certificate), ends_in_s);
	if (names) {
		X509_EXTENSION *extension =
		    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

		at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
		X509_EXTENSION_free(X509_delete_ext(certificate, at));
		X509_add_ext(certificate, extension, -1);
		X509_EXTENSION_free(extension);
	}
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	file = fopen(path, "w");
	PEM_write_X509(file, certificate);
	fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void
begin_signed_anew(long ends_in_s, const char *names)
{
	struct tls_files ours = certificates_of(folder, "hq-0");
	struct tls_files theirs = certificates_of(folder, CERTIFICATES_HOST);
	char path[256];

	snprintf(path, sizeof(path), "%s/anew.pem", folder);
	sign_anew(path, ends_in_s, names);
	ours.certificate = path;
	begin_with(&ours, &theirs, ALPN, CERTIFICATES_HOST);
	settle(4096);
}

static void
an_expired_certificate_is_refused(void **state)
{
	(void)state;
	begin_signed_anew(-3600, NULL);
	assert_both_fail("expired");
}

static void
only_one_name_of_ours_is_a_name(void **state)
{
	(void)state;
	begin_signed_anew(3600, "URI:gemel:pair/hq/node/0,DNS:a.example,URI:http://x");
	assert_string_equal(tls_peer_uri(server), "gemel:pair/hq/node/0");
	teardown(NULL);
	begin_signed_anew(3600, "URI:gemel:pair/hq/node/0,URI:gemel:pair/b/node/0");
	assert_int_equal(tls_state(server), TLS_OPEN);
	assert_string_equal(tls_peer_uri(server), "");
	teardown(NULL);
	begin_signed_anew(3600, "DNS:a.example");
	assert_string_equal(tls_peer_uri(server), "");
}

static void
a_damaged_or_cut_record_brings_nothing(void **state)
{
	uint8_t bytes[256];
	char got[64];
	size_t count;

	(void)state;
	begin();
	settle(4096);
	tls_feed_plain(client, slice_of("question"));
	count = tls_take_wire(client, bytes, sizeof(bytes));
	/* All but its last byte: it waits. */
	assert_int_equal(tls_feed_wire(server, slice_from(bytes, count - 1)), count - 1);
	assert_int_equal(tls_take_plain(server, got, sizeof(got)), 0);
	assert_int_equal(tls_state(server), TLS_OPEN);
	bytes[count - 1] ^= 1;
	tls_feed_wire(server, slice_from(bytes + count - 1, 1));
	assert_int_equal(tls_take_plain(server, got, sizeof(got)), 0);
	assert_int_equal(tls_state(server), TLS_FAILED);
}

static void
an_end_that_was_said_is_told_from_a_cut(void **state)
{
	char got[64];

	(void)state;
	begin();
	settle(4096);
	tls_feed_plain(client, slice_of("last"));
	tls_end(client);
	while (carry(client, server, 4096))
		;
	/* What was said before it comes first. */
	assert_int_equal(tls_take_plain(server, got, sizeof(got)), 4);
	assert_int_equal(tls_state(server), TLS_OPEN);
	assert_int_equal(tls_take_plain(server, got, sizeof(got)), 0);
	assert_int_equal(tls_state(server), TLS_ENDED);
}

static void
what_is_no_tls_fails(void **state)
{
	(void)state;
	begin();
	tls_feed_wire(server, slice_of("GET / HTTP/1.1\r\n\r\n"));
	assert_int_equal(tls_state(server), TLS_FAILED);
	assert_string_not_equal(tls_error(server), "");
}

static void
nothing_waits_without_bound(void **state)
{
	static uint8_t bytes[16384];
	size_t taken = 0, count;

	(void)state;
	begin();
	settle(4096);
	do {
		count = tls_feed_plain(client, slice_from(bytes, sizeof(bytes)));
		taken += count;
	} while (count);
	assert_in_range(taken, TLS_WAITING_MAX / 2, 2 * TLS_WAITING_MAX);
	/* Nor on the other side, where nobody reads. */
	taken = 0;
	for (;;) {
		count = tls_take_wire(client, bytes, sizeof(bytes));
		if (count == 0 && tls_feed_plain(client, slice_from(bytes, sizeof(bytes))) == 0)
			break;
		if (count && tls_feed_wire(server, slice_from(bytes, count)) < count)
			break;
		taken += count;
		assert_in_range(taken, 0, 3 * TLS_WAITING_MAX);
	}
}

static void
a_key_that_others_may_read_is_refused(void **state)
{
	struct tls_files files = certificates_of(folder, "b-0");

	(void)state;
	chmod(files.key, 0604);
	assert_int_equal(
	    tls_context_open(&files, TLS_SERVER, ALPN, &server_context, error), -EACCES);
	assert_non_null(strstr(error, files.key));
	assert_null(server_context);
	chmod(files.key, 0660);
	assert_int_equal(
	    tls_context_open(&files, TLS_SERVER, ALPN, &server_context, error), -EACCES);
	chmod(files.key, 0640);
	assert_int_equal(tls_context_open(&files, TLS_SERVER, ALPN, &server_context, error), 0);
}

static void
files_that_do_not_fit_are_named(void **state)
{
	const struct tls_files good = certificates_of(folder, "b-1");
	struct tls_files files = good;

	(void)state;
	files.key = certificates_of(folder, "hq-1").key;
	assert_int_equal(
	    tls_context_open(&files, TLS_CLIENT, ALPN, &client_context, error), -EINVAL);
	assert_non_null(strstr(error, "is not the key of the certificate"));
	files = good;
	files.key = "/nonexistent/key";
	assert_int_equal(
	    tls_context_open(&files, TLS_CLIENT, ALPN, &client_context, error), -ENOENT);
	files = good;
	files.certificate = good.key;
	assert_int_equal(
	    tls_context_open(&files, TLS_CLIENT, ALPN, &client_context, error), -EINVAL);
	files = good;
	files.authority = "/dev/null";
	assert_int_equal(
	    tls_context_open(&files, TLS_CLIENT, ALPN, &client_context, error), -EINVAL);
	assert_non_null(strstr(error, "/dev/null"));
	assert_null(strchr(error, '\n'));
}

static void
what_is_read_again_counts_from_then_on_and_only_if_it_is_right(void **state)
{
	struct tls_files ours = certificates_of(folder, "hq-1");
	struct tls_files theirs = certificates_of(folder, CERTIFICATES_HOST);
	struct tls_files copy = theirs;
	char path[256], command[1024];

	(void)state;
	snprintf(path, sizeof(path), "%s/copy.pem", folder);
	copy.certificate = path;
	snprintf(command, sizeof(command), "cp %s %s", theirs.certificate, path);
	assert_int_equal(system(command), 0);
	begin_with(&ours, &copy, ALPN, CERTIFICATES_HOST);
	settle(4096);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(tls_context_reload(server_context, error), -EINVAL);
	tls_close(&client);
	tls_close(&server);
	client = tls_open(client_context, CERTIFICATES_HOST);
	server = tls_open(server_context, NULL);
	settle(4096);
	assert_int_equal(tls_state(server), TLS_OPEN);
	assert_int_equal(system(command), 0);
	assert_int_equal(tls_context_reload(server_context, error), 0);
	/* A connection lives on, also without its context. */
	tls_context_close(&server_context);
	assert_crosses(server, client, "still here");
}

int
main(void)
{
#define LAW(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
	    LAW(what_goes_in_comes_out),
	    LAW(byte_by_byte_is_the_same),
	    LAW(a_client_of_another_authority_is_refused),
	    LAW(a_server_of_another_authority_is_refused),
	    LAW(a_server_of_another_name_is_refused),
	    LAW(a_client_without_a_certificate_is_refused),
	    LAW(another_protocol_is_refused),
	    LAW(tls_1_2_is_refused),
	    LAW(an_expired_certificate_is_refused),
	    LAW(only_one_name_of_ours_is_a_name),
	    LAW(a_damaged_or_cut_record_brings_nothing),
	    LAW(an_end_that_was_said_is_told_from_a_cut),
	    LAW(what_is_no_tls_fails),
	    LAW(nothing_waits_without_bound),
	    LAW(a_key_that_others_may_read_is_refused),
	    LAW(files_that_do_not_fit_are_named),
	    LAW(what_is_read_again_counts_from_then_on_and_only_if_it_is_right),
	};

	return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
