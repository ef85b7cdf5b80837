/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A bounded printf of the few conversions that messages need. */
#include "host.h"

struct out {
	char *buf;
	size_t len, n;
};

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->len)
		o->buf[o->n++] = c;
}

/* A conversion: %[-][0][width][l|ll|z]letter. */
struct spec {
	bool left, zero;
	unsigned int width, longs;
};

static void pad(struct out *o, unsigned int have, unsigned int width, char c)
{
	while (have++ < width)
		put(o, c);
}

static void put_text(struct out *o, const struct spec *s, const char *text, unsigned int len)
{
	if (!s->left)
		pad(o, len, s->width, ' ');
	for (unsigned int i = 0; i < len; i++)
		put(o, text[i]);
	if (s->left)
		pad(o, len, s->width, ' ');
}

static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned int base,
		       bool minus)
{
	char digits[24];
	unsigned int i = sizeof(digits), len;

	do
		digits[--i] = "0123456789abcdef"[v % base];
	while (v /= base);
	if (minus && !s->zero)
		digits[--i] = '-';
	len = (unsigned int)sizeof(digits) - i;
	if (!s->zero || s->left) {
		put_text(o, s, digits + i, len);
		return;
	}
	if (minus)
		put(o, '-');
	pad(o, len + minus, s->width, '0');
	while (i < sizeof(digits))
		put(o, digits[i++]);
}

static unsigned int text_len(const char *s)
{
	unsigned int n = 0;

	while (s[n])
		n++;
	return n;
}

static const char *parse(const char *f, struct spec *s)
{
	for (; *f == '-' || *f == '0'; f++) {
		s->left |= *f == '-';
		s->zero |= *f == '0';
	}
	for (; *f >= '0' && *f <= '9'; f++)
		s->width = (s->width * 10 + (unsigned int)(*f - '0')) % 1000;
	for (; *f == 'l' || *f == 'z'; f++)
		s->longs++;
	s->zero &= !s->left;
	return f;
}

size_t fmt_v(char *buf, size_t len, const char *f, va_list ap)
{
	struct out o = {.buf = buf, .len = len};

	for (; *f; f++) {
		struct spec s = {0};
		const char *text;
		int64_t d;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse(f + 1, &s);
		switch (*f) {
		case 's':
			text = va_arg(ap, const char *);
			text = text ? text : "(none)";
			put_text(&o, &s, text, text_len(text));
			break;
		case 'c':
			put_text(&o, &s, (char[]){(char)va_arg(ap, int)}, 1);
			break;
		case 'd':
			d = s.longs ? va_arg(ap, long) : va_arg(ap, int);
			put_number(&o, &s, d < 0 ? -(uint64_t)d : (uint64_t)d, 10, d < 0);
			break;
		case 'u':
		case 'x':
			put_number(&o, &s,
				   s.longs ? va_arg(ap, unsigned long) : va_arg(ap, unsigned int),
				   *f == 'x' ? 16 : 10, false);
			break;
		case 'p':
			put_number(&o, &s, (uintptr_t)va_arg(ap, void *), 16, false);
			break;
		case '%':
			put(&o, '%');
			break;
		default: /* not one of ours: the arguments behind it are lost as well */
			put(&o, '?');
			f -= !*f;
			break;
		}
	}
	if (len)
		buf[o.n] = 0;
	return o.n;
}

size_t fmt(char *buf, size_t len, const char *f, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, f);
	n = fmt_v(buf, len, f, ap);
	va_end(ap);
	return n;
}
