/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A path that is taken, in brackets, is a path again and the same one; and its parts keep their
 * limits. The first byte chooses the kind.
 */
#include "mailcore/smtp/parameters.h"
#include "mailcore/smtp/path.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_parameters parameters;
	struct smtp_path path, again;
	enum smtp_path_kind kind;
	uint8_t text[SMTP_PATH_MAX + 2];
	struct slice rest, address;
	bool is_utf8;

	if (size == 0)
		return 0;
	kind = data[0] & 1 ? PATH_FORWARD : PATH_REVERSE;
	is_utf8 = data[0] & 2;
	rest = slice_from(data + 1, size - 1);
	if (smtp_path_parse(rest, kind, is_utf8, &path) != PATH_OK) {
		require(path.length <= SMTP_PATH_MAX);
		return 0;
	}
	require(path.used <= rest.length && path.length + 2 <= SMTP_PATH_MAX);
	text[0] = '<';
	memcpy(text + 1, path.text, path.length);
	text[path.length + 1] = '>';
	require(
	    smtp_path_parse(slice_from(text, path.length + 2), kind, is_utf8, &again) == PATH_OK);
	address = slice_from(path.text, path.length);
	require(slice_is_equal(slice_from(again.text, again.length), address));
	for (size_t i = 0; i < address.length; i++)
		require(address.data[i] >= ' ' && address.data[i] != 127 &&
			(is_utf8 || address.data[i] < 0x80));
	require(address_local(address).length <= ADDRESS_LOCAL_MAX);
	smtp_parameters_parse(slice_from(rest.data + path.used, rest.length - path.used),
	    kind == PATH_FORWARD ? PARAMETERS_OF_RCPT : PARAMETERS_OF_MAIL, is_utf8, &parameters);
	return 0;
}
