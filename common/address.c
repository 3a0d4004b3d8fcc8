/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/address.h"

static size_t
address_at(struct slice address)
{
	for (size_t i = address.length; i > 0; i--)
		if (address.data[i - 1] == '@')
			return i - 1;
	return address.length;
}

struct slice
address_domain(struct slice address)
{
	size_t at = address_at(address);

	if (at == address.length)
		return slice_from(address.data, 0);
	return slice_from(address.data + at + 1, address.length - at - 1);
}

struct slice
address_local(struct slice address)
{
	return slice_from(address.data, address_at(address));
}

bool
address_canonical(struct slice address, char out[ADDRESS_MAX + 1])
{
	size_t at = address_at(address);

	if (at == 0 || at > ADDRESS_LOCAL_MAX || at + 1 >= address.length ||
	    address.length - at - 1 > ADDRESS_DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < address.length; i++) {
		uint8_t c = address.data[i];

		if (c < ' ' || c == 127)
			return false;
		out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	out[address.length] = '\0';
	return true;
}
