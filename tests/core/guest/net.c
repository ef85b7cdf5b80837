/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare guest's network roles: echo, ping, source, sink; test frames as the packet tools have
 * them. */
#include "net_frame.h"

struct net *net_open(void)
{
	const char *want = arg("nic", "any");
	struct net *n = NULL;

	if (same(want, "vf") || same(want, "any"))
		n = net_vf();
	if (!n && !same(want, "vf"))
		n = net_virtio();
	if (!n) {
		say("no NIC");
		return NULL;
	}
	say("%s up, mac %x:%x:%x:%x:%x:%x", n->ops->name, n->mac.b[0], n->mac.b[1], n->mac.b[2],
	    n->mac.b[3], n->mac.b[4], n->mac.b[5]);
	return n;
}

/* Goes on until it is stopped, and says so to the core each millisecond. */
void role_beat(void)
{
	for (uint64_t i = 0;; i++) {
		uint64_t end = tsc() + ms(1);

		call(GUEST_CALL_BEAT, i);
		while (tsc() < end)
			relax();
	}
}

/* An answer to ARP or an ICMP echo for @ip, written over the request: its length, or 0. */
static uint16_t answer_ip(const struct net *n, uint8_t *f, uint16_t len, uint32_t ip)
{
	if (len >= 42 && be16(f + 12) == 0x0806 && be16(f + 20) == 1 && be32(f + 38) == ip) {
		memcpy(f + 32, f + 22, 10); /* target: the one who asks */
		memcpy(f + 22, n->mac.b, 6);
		put32(f + 28, ip);
		f[21] = 2;
	} else if (len >= 42 && be16(f + 12) == 0x0800 && f[14] == 0x45 && f[23] == 1 &&
		   be32(f + 30) == ip && f[34] == 8) {
		uint32_t sum;

		memmove(f + 30, f + 26, 4);
		put32(f + 26, ip);
		f[34] = 0;
		sum = be16(f + 36) + 0x0800u; /* RFC 1624: type 8 became 0 */
		put16(f + 36, (uint16_t)(sum + (sum >> 16)));
	} else {
		return 0;
	}
	memcpy(f, f + 6, 6);
	memcpy(f + 6, n->mac.b, 6);
	return len;
}

static void echo_burst(struct net *n, uint8_t **data, uint16_t *len, unsigned int k, uint32_t ip,
		       uint64_t *seen)
{
	uint16_t out[NET_BURST];
	unsigned int m = 0;

	for (unsigned int i = 0; i < k; i++) {
		uint16_t l = frame_is(data[i], len[i]) ? len[i] : 0;
		uint8_t *b;

		if (l) {
			(*seen)++;
			if (!frame_wants_echo(data[i]))
				continue;
			memcpy(data[i], data[i] + 6, 6);
			memcpy(data[i] + 6, n->mac.b, 6);
			data[i][FRAME_KIND] = FRAME_REPLY;
		} else {
			l = answer_ip(n, data[i], len[i], ip);
		}
		b = l ? n->ops->tx_buf(n) : NULL;
		if (!b)
			continue;
		memcpy(b, data[i], l);
		out[m++] = l;
	}
	if (m)
		n->ops->tx(n, out, m);
}

/* Sends back what asks for it, answers ARP and ping for ip=, until it is stopped. */
void role_echo(void)
{
	struct net *n = net_open();
	uint32_t ip = (uint32_t)arg_num("ip", 0x0a090015); /* 10.9.0.21 */
	uint64_t seen = 0, next = 0;

	if (!n)
		done(92);
	say("echo ready");
	for (;;) {
		uint8_t *data[NET_BURST];
		uint16_t len[NET_BURST];
		unsigned int k = n->ops->rx(n, data, len, NET_BURST);

		if (k)
			echo_burst(n, data, len, k, ip, &seen);
		n->ops->rx_done(n);
		if (tsc() >= next) {
			call(GUEST_CALL_BEAT, seen);
			next = tsc() + ms(1);
		}
		if (!k)
			relax();
	}
}

/* Up to @want replies of the tag until the time is up. */
static unsigned int collect(struct net *n, uint32_t tag, unsigned int want, uint64_t wait)
{
	uint64_t end = tsc() + wait;
	unsigned int got = 0;

	while (got < want && tsc() < end) {
		uint8_t *data[NET_BURST];
		uint16_t len[NET_BURST];
		unsigned int k = n->ops->rx(n, data, len, NET_BURST);

		for (unsigned int i = 0; i < k; i++)
			got += frame_is(data[i], len[i]) && frame_tag(data[i]) == tag &&
			       data[i][FRAME_KIND] == FRAME_REPLY;
		n->ops->rx_done(n);
		if (!k)
			relax();
	}
	return got;
}

static unsigned int send(struct net *n, const struct frame_spec *f, uint32_t *seq,
			 unsigned int want)
{
	uint16_t len[NET_BURST];
	unsigned int m = 0, took;

	for (; m < want && m < NET_BURST; m++) {
		uint8_t *b = n->ops->tx_buf(n);

		if (!b)
			break;
		len[m] = frame_build(b, f, *seq + m);
	}
	took = m ? n->ops->tx(n, len, m) : 0;
	*seq += took;
	return took;
}

static struct frame_spec spec_of_args(struct net *n, uint8_t kind)
{
	struct frame_spec f = {.src = n->mac, .kind = kind};

	if (!arg_mac("dst", &f.dst)) {
		say("dst=MAC is missing");
		done(93);
	}
	f.tag = (uint32_t)arg_num("tag", 1);
	f.len = (uint16_t)arg_num("len", 64);
	return f;
}

/* count= frames to dst=, in batches of 8 that are waited for. */
void role_ping(void)
{
	struct net *n = net_open();
	unsigned int count = (unsigned int)arg_num("count", 100), sent = 0, back = 0;
	struct frame_spec f;
	uint32_t seq = 0;

	if (!n)
		done(92);
	f = spec_of_args(n, FRAME_ASK);
	while (sent < count) {
		unsigned int k = send(n, &f, &seq, count - sent < 8 ? count - sent : 8);

		sent += k;
		back += collect(n, f.tag, k, ms(200));
		call(GUEST_CALL_BEAT, back);
	}
	say("ping: sent %u back %u", sent, back);
	done(sent == back ? 0 : 1);
}

/* Figures of @packets: exits, and instructions (ticks) in the guest and in the core. */
static void say_spent(const char *what, const struct net *n, const struct spent *s,
		      unsigned int packets, unsigned int len)
{
	say("figure %s nic=%s len=%u packets=%u exits=%lu guest=%lu root=%lu copies=%lu", what,
	    n->ops->name, len, packets, s->exits, s->guest, s->root + s->vnic, s->copies);
}

/* count= frames to dst= as fast as the ring takes them, burst= at a time, then the figures. */
void role_source(void)
{
	struct net *n = net_open();
	unsigned int count = (unsigned int)arg_num("count", 1024), sent = 0;
	unsigned int burst = (unsigned int)arg_num("burst", NET_BURST), warm;
	struct frame_spec f;
	struct spent s;
	uint32_t seq = 0;
	uint64_t end;

	if (!n || !burst)
		done(92);
	f = spec_of_args(n, FRAME_PLAIN);
	/* As a system's driver would poll; with interrupts off the core looks after its own now and
	 * then. */
	irq_on();
	/* Once around the ring first, so that what is measured is the steady state. */
	for (warm = 0, end = tsc() + ms(2000); warm < 64 && tsc() < end;)
		warm += send(n, &f, &seq, burst);
	spent_mark(&s);
	for (end = tsc() + ms(20000); sent < count && tsc() < end;)
		sent += send(n, &f, &seq, burst);
	spent_since(&s);
	say_spent("tx", n, &s, sent, f.len);
	done(sent == count ? 0 : 1);
}

/* Up to a burst into @got; how many. */
static unsigned int take(struct net *n, unsigned int *got)
{
	uint8_t *data[NET_BURST];
	uint16_t len[NET_BURST];
	unsigned int k = n->ops->rx(n, data, len, NET_BURST);

	for (unsigned int i = 0; i < k; i++)
		*got += frame_is(data[i], len[i]);
	n->ops->rx_done(n);
	return k;
}

/* Nothing there: armed, looked once more, then asleep; interrupts are off but within the HLT. */
static unsigned int sleep_for_more(struct net *n, unsigned int *got)
{
	unsigned int k;

	n->ops->irq(n, true);
	k = take(n, got);
	if (!k)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	return k;
}

/*
 * Waits until count= frames (at most 200, less than a ring) are in the ring, then takes them: what
 * the core did for them before counts, the guest's waiting does not. With irq=1 it sleeps until an
 * interrupt, and takes what came.
 */
void role_sink(void)
{
	struct net *n = net_open();
	unsigned int count = (unsigned int)arg_num("count", 128), got = 0, batches = 0;
	bool irq = arg_num("irq", 0);
	struct spent s, before;
	uint64_t end;

	if (!n)
		done(92);
	if (irq) {
		irq_on();
		irq_off();
		n->ops->irq(n, true);
	}
	spent_mark(&before);
	say("sink ready");
	for (end = tsc() + ms(20000); !irq && n->ops->waiting(n) < count && tsc() < end;)
		relax();
	spent_mark(&s);
	s.vnic = before.vnic;
	s.copies = before.copies;
	for (end = tsc() + ms(20000); got < count && tsc() < end;) {
		unsigned int k = take(n, &got);

		if (!k && irq)
			k = sleep_for_more(n, &got);
		batches += k > 0;
	}
	spent_since(&s);
	say_spent(irq ? "rx-irq" : "rx", n, &s, got, (unsigned int)arg_num("len", 64));
	say("sink: got %u in %u batches", got, batches);
	done(got == count ? 0 : 1);
}
