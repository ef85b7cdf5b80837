/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The VF token: a UUID, made, printed and read. */
#include "vfio_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Bytes 6 and 8 hold version and variant, RFC 4122 4.4. */
#define UUID_VERSION_BYTE 6
#define UUID_VARIANT_BYTE 8

int vfio_token_make(struct vfio_token *t, struct os_err *err)
{
	/* Up to 256 bytes come whole once the kernel's pool is seeded, which it is after boot. */
	if (getrandom(t->b, sizeof(t->b), GRND_NONBLOCK) != (ssize_t)sizeof(t->b)) {
		memset(t, 0, sizeof(*t));
		return os_err_set(err, -EAGAIN, "the kernel's random generator is not ready",
				  "wait until the machine has booted and try again",
				  "no VF token was made");
	}
	t->b[UUID_VERSION_BYTE] = (uint8_t)((t->b[UUID_VERSION_BYTE] & 0x0f) | 0x40);
	t->b[UUID_VARIANT_BYTE] = (uint8_t)((t->b[UUID_VARIANT_BYTE] & 0x3f) | 0x80);
	return 0;
}

/* Does a dash stand before byte @i of the text form? */
static bool dash_before(unsigned int i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

void vfio_token_format(const struct vfio_token *t, char text[37])
{
	static const char hex[] = "0123456789abcdef";
	char *p = text;

	for (unsigned int i = 0; i < VFIO_TOKEN_LEN; i++) {
		if (dash_before(i))
			*p++ = '-';
		*p++ = hex[t->b[i] >> 4];
		*p++ = hex[t->b[i] & 15];
	}
	*p = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int vfio_token_parse(const char *text, struct vfio_token *t, struct os_err *err)
{
	struct vfio_token out;
	const char *p = text;

	for (unsigned int i = 0; i < VFIO_TOKEN_LEN; i++) {
		int hi, lo;

		if (dash_before(i) && *p++ != '-')
			goto err_form;
		hi = hex_digit(p[0]);
		if (hi < 0)
			goto err_form;
		lo = hex_digit(p[1]);
		if (lo < 0)
			goto err_form;
		out.b[i] = (uint8_t)(hi << 4 | lo);
		p += 2;
	}
	if (*p)
		goto err_form;
	*t = out;
	return 0;

err_form:
	return os_err_set(err, -EINVAL, "a VF token is a UUID of 36 characters",
			  "give one like bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3",
			  "'%.40s' is no VF token", text);
}
