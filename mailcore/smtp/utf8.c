/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/smtp/utf8.h"

size_t
utf8_character(struct slice text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = text.length ? text.data[0] : 0;
	size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
	uint32_t code;

	if (length == 0 || first > 0xf4 || text.length < length)
		return 0;
	code = first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((text.data[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text.data[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	if (code < 0xa0 || code == 0x2028 || code == 0x2029)
		return 0;
	return length;
}
