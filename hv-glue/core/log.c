/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The ring log: lines "[seconds.microseconds] text" behind a byte with their level. Whoever writes
 * a line also prints what the console has not had, unless another CPU is at it: none waits for the
 * UART but the one that prints. A line's number is its place in all that was ever written.
 */
#include "boot.h"

#define RING 65536u
#define LINE 320u

/* What one guest may say in so many seconds. Its console gets less than a UART does in that time,
 * and half of the ring: it drowns neither its neighbours nor what the core has to say of it. */
enum { LINES, CONSOLE, KINDS };
static const struct {
	unsigned int seconds, limit;
} rates[KINDS] = {[LINES] = {1, 8}, [CONSOLE] = {8, RING / 2 /* bytes */}};

static struct {
	struct spin lock;
	uint64_t first, next; /* places of the oldest line, and of the next one */
	uint64_t shown;	      /* the console's */
	bool printing;	      /* atomic */
	char ring[RING];
	struct {
		uint64_t since;
		unsigned int said, held, starts;
	} guest[GUESTS][KINDS];
} l;

static uint64_t line_end(uint64_t at)
{
	while (l.ring[at++ % RING] != '\n')
		;
	return at;
}

/* Copies the line at @at without its level, at most @len bytes. */
static size_t line_copy(uint64_t at, char *buf, size_t len)
{
	size_t n = 0;

	while (n < len && (!n || buf[n - 1] != '\n'))
		buf[n++] = l.ring[++at % RING];
	return n;
}

static void append(const char *s, size_t len)
{
	spin_lock(&l.lock);
	while (l.next + len - l.first > RING)
		l.first = line_end(l.first);
	for (size_t i = 0; i < len; i++)
		l.ring[(l.next + i) % RING] = s[i];
	l.next += len;
	spin_unlock(&l.lock);
}

/* The console's next line into @buf; 0: it has had all. */
static size_t next_line(char *buf)
{
	size_t n = 0;

	spin_lock(&l.lock);
	if (l.shown < l.first)
		l.shown = l.first;
	for (; !n && l.shown < l.next; l.shown = line_end(l.shown))
		if (l.ring[l.shown % RING] <= 'a' + OS_LOG_INFO)
			n = line_copy(l.shown, buf, LINE);
	spin_unlock(&l.lock);
	return n;
}

void log_drain(unsigned int lines)
{
	char buf[LINE + 1];
	size_t n = 1;

	/* A line that comes after the last look and before the flag is down would stay. */
	while (n && lines && !__atomic_exchange_n(&l.printing, true, __ATOMIC_ACQUIRE)) {
		while (lines && (n = next_line(buf))) {
			buf[n - 1] = '\r';
			buf[n] = '\n';
			serial_write(buf, n + 1);
			lines--;
		}
		__atomic_store_n(&l.printing, false, __ATOMIC_RELEASE);
		n = __atomic_load_n(&l.next, __ATOMIC_RELAXED) - l.shown;
	}
}

void log_break(void)
{
	l.lock.serving = l.lock.next;
	l.printing = false;
}

static void record(enum os_log_level level, const char *f, va_list ap)
{
	uint64_t us = core.tsc_hz ? core_now() / (core.tsc_hz / 1000000) : 0;
	char s[LINE];
	size_t n =
		fmt(s, sizeof(s), "%c[%5lu.%06lu] ", 'a' + (int)level, us / 1000000, us % 1000000);
	size_t text = n;

	n += fmt_v(s + n, sizeof(s) - n, f, ap);
	/* Guests' words are among it: no line of their making, no escape sequence. */
	for (; text < n; text++)
		if (s[text] < ' ' || s[text] > '~')
			s[text] = s[text] == '\t' ? ' ' : '?';
	s[n] = '\n';
	append(s, n + 1);
}

void core_log(enum os_log_level level, const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	record(level, f, ap);
	va_end(ap);
	/* The console is slow, and guests wait for the lock: CPU 0 shows it in its next rounds. */
	if (!core_locked())
		log_drain(16);
}

/* Whether @g may say @cost more; what it may not is counted in *@held, until it may again. A start
 * begins anew. */
static bool may_say(const struct guest *g, unsigned int kind, unsigned int cost, unsigned int *held)
{
	size_t i = (size_t)(g - core.guest) % GUESTS;
	uint64_t now = core_now();
	bool ok;

	spin_lock(&l.lock);
	*held = 0;
	if (now - l.guest[i][kind].since >= rates[kind].seconds * core.tsc_hz ||
	    l.guest[i][kind].starts != g->starts) {
		*held = l.guest[i][kind].held;
		l.guest[i][kind].since = now;
		l.guest[i][kind].starts = g->starts;
		l.guest[i][kind].said = l.guest[i][kind].held = 0;
	}
	ok = l.guest[i][kind].said + cost <= rates[kind].limit;
	l.guest[i][kind].said += ok ? cost : 0;
	l.guest[i][kind].held += !ok;
	*held = ok ? *held : l.guest[i][kind].held;
	spin_unlock(&l.lock);
	return ok;
}

void guest_log(struct guest *g, const char *f, ...)
{
	char s[LINE - 64];
	unsigned int held;
	va_list ap;

	if (!may_say(g, LINES, 1, &held))
		return;
	if (held)
		core_log(OS_LOG_WARN, "guest %s: %u more lines were held back", g->cfg.name, held);
	va_start(ap, f);
	fmt_v(s, sizeof(s), f, ap);
	va_end(ap);
	core_log(OS_LOG_WARN, "guest %s: %s", g->cfg.name, s);
}

static void record_f(enum os_log_level level, const char *f, ...) printf_like(2, 3);
static void record_f(enum os_log_level level, const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	record(level, f, ap);
	va_end(ap);
}

void guest_console(struct guest *g, const char *text, size_t len)
{
	unsigned int held;

	/* With the time and the name in front of it. */
	if (may_say(g, CONSOLE, (unsigned int)len + NAME_LEN, &held))
		record_f(OS_LOG_INFO, "[%s] %s", g->cfg.name, text);
	else if (held == 1)
		core_log(OS_LOG_WARN,
			 "guest %s: its console is held back: more than %u bytes in %u seconds",
			 g->cfg.name, rates[CONSOLE].limit, rates[CONSOLE].seconds);
}

size_t log_read(uint64_t *seq, char *buf, size_t len)
{
	size_t n = 0;

	spin_lock(&l.lock);
	if (*seq < l.first)
		*seq = l.first;
	if (*seq > l.next)
		*seq = l.next;
	/* A number that nobody gave out may point into a line. */
	if (*seq > l.first && l.ring[(*seq - 1) % RING] != '\n')
		*seq = line_end(*seq);
	while (*seq < l.next) {
		uint64_t end = line_end(*seq);

		if (end - *seq - 1 > len - n)
			break;
		n += line_copy(*seq, buf + n, len - n);
		*seq = end;
	}
	spin_unlock(&l.lock);
	return n;
}
