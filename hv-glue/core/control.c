/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The control line: COM2, polled by CPU 0; a request at a time, checked whole, answered in frames.
 */
#include "control.h"

#include "glue/cpu.h"
#include "guest.h"
#include "host.h"
#include "nic.h"

#define COM2	    0x2f8
#define LSR	    (COM2 + 5)
#define LSR_DATA    0x01
#define LSR_THRE    0x20
#define FIFO	    16
#define PATIENCE_US 2000000 /* with a line that takes nothing: an emulator's may be held up */
#define ROUND	    2048    /* bytes read in a round at most */

static struct {
	struct frame_rx rx;
	uint64_t next; /* TSC of the next look */
	bool there;    /* a UART answers */
	uint8_t out[CORE_PAYLOAD_MAX];
	size_t len; /* of what is gathered in out */
	bool lost;  /* the line took nothing: the rest of this answer goes nowhere */
	bool keep;  /* the lock: what is told must stand still until all is told */
} ctl;

/* A request as its handler sees it. */
struct request {
	uint8_t type;
	uint16_t seq;
	const uint8_t *p;
	size_t len;
	struct guest *g; /* the one that it names, where the table says that it does */
};

/* ---- sending --------------------------------------------------------------------------------- */

/* A line that takes nothing for long loses its answer. */
static bool put(const void *p, size_t len)
{
	const uint8_t *b = p;

	while (len) {
		uint64_t end = core_now() + us_to_tsc(PATIENCE_US);
		size_t n = len < FIFO ? len : FIFO;

		while (!(cpu_inb(LSR) & LSR_THRE))
			if (core_now() > end)
				return false;
		len -= n;
		while (n--)
			cpu_outb(COM2, *b++);
	}
	return true;
}

static void send(const struct request *r, uint8_t flags, const void *p, size_t len)
{
	struct core_frame f;

	if (ctl.lost)
		return;
	frame_seal(&f, r->type, CORE_F_ANSWER | flags, r->seq, p, len);
	/* A serial line is slow, and guests need the lock; their memory is freed by this CPU alone.
	 */
	if (!ctl.keep) {
		core_unlock();
		log_drain(64); /* what was done is told before it is answered */
	}
	ctl.lost = !put(&f, sizeof(f)) || !put(p, len);
	if (!ctl.keep)
		core_lock();
}

/* Gathers records; what is full goes out with MORE, finish() sends the rest. */
static void gather(const struct request *r, const void *p, size_t len)
{
	const uint8_t *b = p;

	if (ctl.len + len > sizeof(ctl.out)) {
		send(r, CORE_F_MORE, ctl.out, ctl.len);
		ctl.len = 0;
	}
	for (size_t i = 0; i < len; i++)
		ctl.out[ctl.len++] = b[i];
}

static void finish(const struct request *r)
{
	send(r, 0, ctl.out, ctl.len);
	ctl.len = 0;
}

static int refuse(const struct request *r, int err, const char *f, ...) printf_like(3, 4);
static int refuse(const struct request *r, int err, const char *f, ...)
{
	uint32_t e = (uint32_t)-err;
	va_list ap;
	size_t n;

	for (unsigned int i = 0; i < 4; i++)
		ctl.out[i] = (uint8_t)(e >> 8 * i);
	va_start(ap, f);
	n = fmt_v((char *)ctl.out + 4, WHY_LEN * 2, f, ap);
	va_end(ap);
	send(r, CORE_F_ERROR, ctl.out, n + 4);
	ctl.len = 0;
	return err;
}

/* ---- requests: 0, which sends what was gathered, or what refuse() returned ------------------- */

static void copy_name(char to[CORE_NAME], const char *from)
{
	unsigned int i = 0;

	for (; from[i] && i + 1 < CORE_NAME; i++)
		to[i] = from[i];
	for (; i < CORE_NAME; i++)
		to[i] = 0;
}

/* The guest that the payload begins with; refused when there is none. */
static int named(struct request *r)
{
	char name[CORE_NAME];

	if (r->len < CORE_NAME)
		return refuse(r, -EINVAL, "the request is too short for a guest's name");
	for (unsigned int i = 0; i < CORE_NAME; i++)
		name[i] = (char)r->p[i];
	name[CORE_NAME - 1] = 0;
	r->g = guest_find(name);
	return r->g ? 0
		    : refuse(r, -ENOENT, "there is no guest %s; the configuration names them",
			     name);
}

static int do_hello(const struct request *r)
{
	struct core_hello h = {.protocol = cpu_to_le32(CORE_PROTOCOL)};

	for (unsigned int i = 0; core.ops->name[i] && i + 1 < sizeof(h.backend); i++)
		h.backend[i] = core.ops->name[i];
	h.cpus = cpu_to_le32(core.cpus);
	h.guests = cpu_to_le32(core.guests);
	h.vfs = cpu_to_le32(core.nic ? core.nic->num_vfs : 0);
	h.tsc_hz = cpu_to_le64(core.tsc_hz);
	h.uptime_us = cpu_to_le64(core_now() / (core.tsc_hz / 1000000));
	h.mem_free = cpu_to_le64((uint64_t)mem_free_pages() * VCPU_PAGE);
	h.mem_total = cpu_to_le64((uint64_t)mem_total_pages() * VCPU_PAGE);
	h.boot_ticks = cpu_to_le64(core.boot_tsc);
	h.first_packet = cpu_to_le64(core.nic ? core.nic->first_packet : 0);
	gather(r, &h, sizeof(h));
	return 0;
}

static int do_guests(const struct request *r)
{
	for (unsigned int i = 0; i < core.guests; i++) {
		const struct guest *g = &core.guest[i];
		struct core_guest a = {.state = cpu_to_le32(g->state)};
		uint64_t exits = 0, root = 0, ticks = 0;

		copy_name(a.name, g->cfg.name);
		for (unsigned int c = 0; c < g->cfg.cpus; c++) {
			root += g->cpu[c].tsc_root;
			ticks += g->cpu[c].tsc_guest;
			for (unsigned int k = 0; k < VCPU_REASONS; k++)
				exits += g->cpu[c].exits[k];
		}
		a.cpus = cpu_to_le32(g->cfg.cpus);
		a.mem_mib = cpu_to_le32(g->cfg.mem_mib);
		a.starts = cpu_to_le32(g->starts);
		a.beats = cpu_to_le64(g->beats);
		a.beat_value = cpu_to_le64(g->beat_value);
		a.exits = cpu_to_le64(exits);
		a.refused = cpu_to_le64(g->refused);
		a.ticks_guest = cpu_to_le64(ticks);
		a.ticks_root = cpu_to_le64(root);
		fmt(a.why, sizeof(a.why), "%s", g->why);
		gather(r, &a, sizeof(a));
	}
	return 0;
}

static int do_vfs(const struct request *r)
{
	for (unsigned int i = 0; core.nic && i < core.nic->num_vfs; i++) {
		const struct nic_vf *v = &core.nic->vf[i];
		struct core_vf a = {.vf = cpu_to_le32(i), .source = cpu_to_le32(v->source)};
		struct pf_vf_info info;
		struct pf_stats st;

		if (pf_vf_info(core.nic->pf, i, &info) || pf_vf_stats(core.nic->pf, i, &st))
			continue;
		copy_name(a.owner, v->owner ? v->owner->cfg.name : "");
		for (unsigned int k = 0; k < ETH_MAC_LEN; k++)
			a.mac[k] = info.mac.b[k];
		a.state = cpu_to_le32(info.state);
		a.handovers = cpu_to_le32(v->handovers);
		a.faults = cpu_to_le64(v->faults);
		a.rx_packets = cpu_to_le64(st.rx_packets);
		a.tx_packets = cpu_to_le64(st.tx_packets);
		a.rx_bytes = cpu_to_le64(st.rx_bytes);
		a.tx_bytes = cpu_to_le64(st.tx_bytes);
		gather(r, &a, sizeof(a));
	}
	return 0;
}

static int do_start(const struct request *r)
{
	size_t n = r->len - CORE_NAME;
	struct guest *g = r->g;
	char args[ARGS_LEN];
	int err;

	if (n >= sizeof(args))
		return refuse(r, -EMSGSIZE, "arguments of more than %u characters", ARGS_LEN - 1);
	for (size_t i = 0; i < n; i++) {
		args[i] = (char)r->p[CORE_NAME + i];
		if (args[i] < ' ' || args[i] > '~')
			return refuse(r, -EINVAL, "an argument that is no printable ASCII");
	}
	args[n] = 0;
	err = guest_start(g, n ? args : NULL);
	if (err == -EBUSY)
		return refuse(r, err, "guest %s runs; stop it first", g->cfg.name);
	return err ? refuse(r, err, "guest %s: %s", g->cfg.name, g->why) : 0;
}

static int do_stop(const struct request *r)
{
	guest_stop(r->g);
	return 0;
}

static uint32_t word_at(const struct request *r, size_t off)
{
	return (uint32_t)r->p[off] | (uint32_t)r->p[off + 1] << 8 | (uint32_t)r->p[off + 2] << 16 |
	       (uint32_t)r->p[off + 3] << 24;
}

static int do_attach(const struct request *r)
{
	uint32_t tier = word_at(r, offsetof(struct core_attach, tier));
	uint32_t vf = word_at(r, offsetof(struct core_attach, vf));
	struct guest *g = r->g;
	const char *why = "";
	int err;

	if (g->state != GUEST_RUNNING)
		return refuse(r, -EAGAIN, "guest %s does not run; start it first", g->cfg.name);
	if (tier == NIC_VF) {
		err = vf_attach(g, vf == UINT32_MAX ? -1 : (int)(vf & 0xff), -1, &why);
	} else if (tier == NIC_VMDQ || tier == NIC_BRIDGE) {
		err = virtio_attach(g, (enum nic_tier)tier, -1, &why);
	} else {
		err = -EINVAL;
		why = "there is no such tier; vf, vmdq, bridge";
	}
	return err ? refuse(r, err, "guest %s: %s", g->cfg.name, why) : 0;
}

static int do_detach(const struct request *r)
{
	uint32_t vf = word_at(r, offsetof(struct core_attach, vf));
	const char *why = "";
	int err;

	if (!core.nic || vf >= core.nic->num_vfs)
		return refuse(r, -ENODEV, "there is no VF %u", vf);
	err = vf_detach(vf, &why);
	return err ? refuse(r, err, "VF %u: %s", vf, why) : 0;
}

static int do_exits(const struct request *r)
{
	const struct guest *g = r->g;

	for (unsigned int k = 0; k < VCPU_REASONS; k++) {
		struct core_exit a = {.reason = cpu_to_le32(k)};
		uint64_t n = 0;

		for (unsigned int c = 0; c < g->cfg.cpus; c++)
			n += g->cpu[c].exits[k];
		if (!n)
			continue;
		a.count = cpu_to_le64(n);
		copy_name(a.name, core.ops->reason_name(k));
		gather(r, &a, sizeof(a));
	}
	return 0;
}

static int do_audit(const struct request *r)
{
	const struct guest *g = r->g;

	for (unsigned int c = 0; c < g->cfg.cpus; c++)
		for (unsigned int i = 0; i < EXIT_RING; i++) {
			const struct exit_record *e =
				&g->cpu[c].ring[(g->cpu[c].ring_next + i) % EXIT_RING];
			struct core_audit a = {
				.tsc = cpu_to_le64(e->tsc),
				.rip = cpu_to_le64(e->rip),
				.qualification = cpu_to_le64(e->qualification),
				.reason = cpu_to_le32((uint32_t)e->reason),
				.seq = cpu_to_le32(g->cpu[c].ring_next - EXIT_RING + i),
			};

			if (e->tsc)
				gather(r, &a, sizeof(a));
		}
	return 0;
}

static int do_log(const struct request *r)
{
	uint64_t seq;

	if (r->len != 8)
		return refuse(r, -EINVAL, "a sequence number of 8 bytes is wanted");
	seq = word_at(r, 0) | (uint64_t)word_at(r, 4) << 32;
	ctl.len = 8 + log_read(&seq, (char *)ctl.out + 8, sizeof(ctl.out) - 8);
	for (unsigned int i = 0; i < 8; i++)
		ctl.out[i] = (uint8_t)(seq >> 8 * i);
	return 0;
}

static void dump_line(void *ctx, const char *name, uint64_t val)
{
	char line[96];
	size_t n = fmt(line, sizeof(line), "%s %lx\n", name, val);

	gather(ctx, line, n);
}

static int do_dump(const struct request *r)
{
	uint32_t c = r->len >= CORE_NAME + 4 ? word_at(r, CORE_NAME) : 0;
	struct request copy = *r;
	struct guest *g = r->g;

	if (c >= g->cfg.cpus || !g->cpu[c].v)
		return refuse(r, -ENODEV, "guest %s has no virtual CPU %u that was started",
			      g->cfg.name, c);
	/* What halted may be in its CPU's registers still; of them this CPU knows nothing. */
	if (g->cpu[c].state == GCPU_RUNNING || sched_release(&g->cpu[c]))
		return refuse(r, -EBUSY, "it is running on another CPU just now; try again");
	ctl.keep = true; /* no other CPU loads it meanwhile */
	core.ops->dump(g->cpu[c].v, dump_line, &copy);
	sched_resume(&g->cpu[c]);
	return 0;
}

static int do_type(const struct request *r)
{
	struct guest *g = r->g;

	if (g->state != GUEST_RUNNING || !g->uart)
		return refuse(r, -EAGAIN, "guest %s does not run", g->cfg.name);
	uart_type(g->uart, (const char *)r->p + CORE_NAME, r->len - CORE_NAME);
	return 0;
}

static int do_shutdown(const struct request *r)
{
	for (unsigned int i = 0; i < core.guests; i++)
		guest_stop(&core.guest[i]);
	nic_fini();
	finish(r);
	core_unlock();
	core_log(OS_LOG_INFO, "shut down by request");
	core_end(0);
}

static const struct {
	int (*fn)(const struct request *r);
	bool named;  /* begins with a guest's name */
	uint8_t len; /* bytes that it has; 0: any number */
} handlers[] = {
	[CORE_HELLO] = {do_hello, false, 0},
	[CORE_GUESTS] = {do_guests, false, 0},
	[CORE_VFS] = {do_vfs, false, 0},
	[CORE_START] = {do_start, true, 0},
	[CORE_STOP] = {do_stop, true, 0},
	[CORE_ATTACH] = {do_attach, true, sizeof(struct core_attach)},
	[CORE_DETACH] = {do_detach, false, sizeof(struct core_attach)},
	[CORE_EXITS] = {do_exits, true, 0},
	[CORE_AUDIT] = {do_audit, true, 0},
	[CORE_LOG] = {do_log, false, 0},
	[CORE_DUMP] = {do_dump, true, 0},
	[CORE_TYPE] = {do_type, true, 0},
	[CORE_SHUTDOWN] = {do_shutdown, false, 0},
};

static int handle(struct request *r)
{
	if (r->type >= ARRAY_SIZE(handlers) || !handlers[r->type].fn)
		return refuse(r, -EOPNOTSUPP, "this core does not know request %u", r->type);
	if (handlers[r->type].len && r->len != handlers[r->type].len)
		return refuse(r, -EINVAL, "the request has %u bytes, not %u", (unsigned int)r->len,
			      handlers[r->type].len);
	if (handlers[r->type].named && named(r))
		return -EINVAL;
	return handlers[r->type].fn(r);
}

static void serve(void)
{
	const struct core_frame *f = (const void *)ctl.rx.buf;
	struct request r = {
		.type = f->type,
		.seq = le16_to_cpu(f->seq),
		.p = ctl.rx.buf + sizeof(*f),
		.len = le16_to_cpu(f->len),
	};

	if (f->flags & CORE_F_ANSWER)
		return;
	ctl.len = 0;
	ctl.lost = ctl.keep = false;
	core_lock();
	if (!handle(&r))
		finish(&r);
	core_unlock();
}

/* ---- the UART -------------------------------------------------------------------------------- */

void control_init(void)
{
	cpu_outb(COM2 + 7, 0x5a);
	ctl.there = cpu_inb(COM2 + 7) == 0x5a;
	if (!ctl.there) {
		core_log(OS_LOG_WARN, "no second serial port: no control line");
		return;
	}
	cpu_outb(COM2 + 1, 0);	  /* no interrupts */
	cpu_outb(COM2 + 3, 0x80); /* divisor: 115200 */
	cpu_outb(COM2, 1);
	cpu_outb(COM2 + 1, 0);
	cpu_outb(COM2 + 3, 3);	  /* 8n1 */
	cpu_outb(COM2 + 2, 0xc7); /* FIFOs on and empty */
	cpu_outb(COM2 + 4, 3);
}

bool control_poll(void)
{
	uint64_t now = core_now();

	if (!ctl.there || now < ctl.next)
		return false;
	ctl.next = now + us_to_tsc(SLICE_US);
	for (unsigned int i = 0; i < ROUND && (cpu_inb(LSR) & LSR_DATA); i++)
		if (frame_byte(&ctl.rx, cpu_inb(COM2))) {
			serve();
			ctl.next = 0; /* a peer that asks may ask on */
			return true;
		}
	return false;
}
