/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Sends and counts the numbered test frames on a VF that our VF driver drives over VFIO. */
#include "pkt_frame.h"

#include <errno.h>
#include <getopt.h>
#include <time.h>

#include "drv/vf.h"
#include "os/vfio.h"

#define RING	 1024 /* holds a whole run of a test: polling late loses nothing */
#define BUFFERS	 4096
#define BURST	 32
#define PAUSE_US 200   /* between two polls of a queue: leaves the CPU to the other end */
#define LOOK_MS	 10    /* between two looks at link and mailbox */
#define READY_MS 10000 /* for the link, at start and after a reset of the PF */

struct opts {
	struct pkt_spec spec;
	bool has_src, has_dst, has_until, has_token;
	unsigned int count, wait_ms, expect, vlan_add, resets;
	uint32_t until;
	struct vfio_token token;
	const char *bdf, *what;
};

struct run {
	const struct opts *o;
	struct os_dev *dev;
	struct vf *vf;
	struct mac mac;
	unsigned int resets; /* of the PF, that were recovered from */
	struct pkt_count count;
	unsigned int other;
	const char *stop;
};

static _Noreturn void usage(void)
{
	fputs("usage: vf_pkt send BDF --dst MAC [--vlan VID] [--size BYTES] [--count N] [--tag T]\n"
	      "       vf_pkt recv BDF [--tag T] [--expect N] [--until T] [--wait MS] [--vlan-add "
	      "VID]\n"
	      "       both: [--token UUID] [--src MAC]; recv --resets N: also waits for N resets "
	      "of the PF\n",
	      stderr);
	exit(2);
}

static unsigned int now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned int)(ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* Resets the VF, asks for what the options want, waits for the link. A PF in its own reset is asked
 * again. */
static bool bring_up(struct run *r)
{
	unsigned int t0 = now_ms();
	int ret = -ETIMEDOUT;

	while (now_ms() - t0 < READY_MS) {
		ret = vf_reset(r->vf);
		if (!ret && r->o->vlan_add)
			ret = vf_vlan_add(r->vf, r->o->vlan_add);
		while (!ret && now_ms() - t0 < READY_MS) {
			enum vf_link_state link = vf_link(r->vf);

			if (link == VF_LINK_UP) {
				vf_mac(r->vf, &r->mac);
				return true;
			}
			if (link == VF_LINK_RESET)
				break;
			os_delay_us(r->dev, PAUSE_US);
		}
	}
	fprintf(stderr, "vf_pkt: %s: not up within %u ms (%d)\n", r->o->bdf, READY_MS, ret);
	return false;
}

static void print_ready(const struct run *r)
{
	const uint8_t *b = r->mac.b;

	printf("ready {\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"mbps\":%u,\"resets\":%u}\n",
	       b[0], b[1], b[2], b[3], b[4], b[5], vf_link_mbps(r->vf), r->resets);
	fflush(stdout);
}

/* One received frame; true when it ends the count. */
static bool take(struct run *r, struct vfq_buf *buf)
{
	const struct opts *o = r->o;
	struct pkt_body body;
	unsigned int vlan = buf->flags & VFQ_RX_VLAN ? buf->vlan & 0xfffu : 0;
	bool good;

	if (buf->nsegs != 1 || !pkt_parse(buf->data, buf->len, &vlan, &body, &good)) {
		r->other++;
		return false;
	}
	if (o->has_until && body.tag == o->until) {
		r->stop = "until";
		return true;
	}
	if (body.tag == o->spec.tag)
		pkt_count_one(&r->count, &body, vlan, good);
	if (o->expect && !o->has_until && r->count.distinct >= o->expect &&
	    r->resets >= o->resets) {
		r->stop = "expect";
		return true;
	}
	return false;
}

static bool poll_queues(struct run *r)
{
	struct vfq_buf *bufs[BURST];
	unsigned int q, i, n;
	bool end = false;

	for (q = 0; q < VF_QUEUES; q++) {
		n = vf_rx_burst(r->vf, q, bufs, BURST);
		for (i = 0; i < n; i++) {
			end = end || take(r, bufs[i]);
			vfq_buf_put(bufs[i]);
		}
	}
	return end;
}

static int do_recv(struct run *r)
{
	unsigned int t0 = now_ms(), looked = t0;

	r->stop = "wait";
	while (now_ms() - t0 < r->o->wait_ms && !poll_queues(r)) {
		os_delay_us(r->dev, PAUSE_US);
		if (now_ms() - looked < LOOK_MS)
			continue;
		looked = now_ms();
		if (vf_link(r->vf) != VF_LINK_RESET)
			continue;
		if (!bring_up(r))
			return 1;
		r->resets++;
		print_ready(r);
	}
	pkt_report(&r->count, r->other, r->stop);
	return 0;
}

/* A burst of the next frames; how many the queue took. */
static unsigned int send_burst(struct run *r, unsigned int from, unsigned int n)
{
	struct vfq_buf *bufs[BURST];
	unsigned int i, taken;

	for (i = 0; i < n; i++) {
		bufs[i] = vf_buf_get(r->vf);
		if (!bufs[i])
			break;
		bufs[i]->flags = 0;
		bufs[i]->nsegs = 1;
		bufs[i]->len = (uint16_t)pkt_build(&r->o->spec, from + i, bufs[i]->data);
		bufs[i]->frame_len = bufs[i]->len;
	}
	taken = i ? vf_tx_burst(r->vf, 0, bufs, i) : 0;
	while (i > taken)
		vfq_buf_put(bufs[--i]);
	return taken;
}

static int do_send(struct run *r)
{
	unsigned int sent = 0, t0 = now_ms(), left = 1, n;

	while (sent < r->o->count && now_ms() - t0 < r->o->wait_ms) {
		n = r->o->count - sent;
		sent += send_burst(r, sent, n < BURST ? n : BURST);
		os_delay_us(r->dev,
			    PAUSE_US); /* paces: the receiver may be a guest with a ring of 256 */
	}
	/* Sent is what the device says it has sent. */
	while (now_ms() - t0 < r->o->wait_ms) {
		left = vfq_tx_reclaim(vf_txq(r->vf, 0));
		if (!left)
			break;
		os_delay_us(r->dev, PAUSE_US);
	}
	printf("{\"tag\":%u,\"sent\":%u,\"drained\":%s}\n", r->o->spec.tag, sent - left,
	       left ? "false" : "true");
	return sent == r->o->count && !left ? 0 : 1;
}

static void parse(int argc, char **argv, struct opts *o)
{
	static const struct option longs[] = {{"dst", 1, 0, 'd'},
					      {"src", 1, 0, 's'},
					      {"vlan", 1, 0, 'v'},
					      {"size", 1, 0, 'z'},
					      {"count", 1, 0, 'n'},
					      {"tag", 1, 0, 't'},
					      {"expect", 1, 0, 'e'},
					      {"until", 1, 0, 'u'},
					      {"wait", 1, 0, 'w'},
					      {"token", 1, 0, 'k'},
					      {"vlan-add", 1, 0, 'a'},
					      {"resets", 1, 0, 'r'},
					      {0}};
	struct os_err err;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			o->has_dst = pkt_mac(optarg, o->spec.dst);
			break;
		case 's':
			o->has_src = pkt_mac(optarg, o->spec.src);
			break;
		case 'v':
			o->spec.vlan = pkt_num("--vlan", optarg, 0, 4095);
			break;
		case 'a':
			o->vlan_add = pkt_num("--vlan-add", optarg, 1, 4094);
			break;
		case 'z':
			o->spec.size = pkt_num("--size", optarg, PKT_MIN, PKT_MAX);
			break;
		case 'n':
			o->count = pkt_num("--count", optarg, 1, PKT_SEQ_MAX);
			break;
		case 't':
			o->spec.tag = pkt_num("--tag", optarg, 0, UINT32_MAX);
			break;
		case 'e':
			o->expect = pkt_num("--expect", optarg, 1, PKT_SEQ_MAX);
			break;
		case 'r':
			o->resets = pkt_num("--resets", optarg, 0, 100);
			break;
		case 'w':
			o->wait_ms = pkt_num("--wait", optarg, 1, 600000);
			break;
		case 'u':
			o->until = pkt_num("--until", optarg, 0, UINT32_MAX);
			o->has_until = true;
			break;
		case 'k':
			if (vfio_token_parse(optarg, &o->token, &err))
				usage();
			o->has_token = true;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 2)
		usage();
	o->what = argv[optind];
	o->bdf = argv[optind + 1];
}

static int run_vf(const struct opts *opts, struct os_dev *dev, void *mem)
{
	static struct run r = {.count = {.vlan_min = -1, .vlan_max = -1}};
	const struct vf_config cfg = {.queues = VF_QUEUES,
				      .rx_size = RING,
				      .tx_size = RING,
				      .buffers = BUFFERS,
				      .features = VFQ_F_OFFLOAD | VFQ_F_MULTISEG};
	struct opts o = *opts;
	int ret;

	r.o = &o;
	r.dev = dev;
	r.count.tag = o.spec.tag;
	ret = vf_init(mem, dev, &cfg, &r.vf);
	if (ret) {
		fprintf(stderr, "vf_pkt: vf_init: %d\n", ret);
		return 1;
	}
	ret = 1;
	if (bring_up(&r)) {
		if (!o.has_src)
			memcpy(o.spec.src, r.mac.b, 6);
		print_ready(&r);
		ret = strcmp(o.what, "send") ? do_recv(&r) : do_send(&r);
		vf_stop(r.vf);
	}
	vf_fini(r.vf);
	return ret;
}

int main(int argc, char **argv)
{
	struct opts o = {.count = 1, .wait_ms = 10000, .spec = {.size = PKT_MIN}};
	struct vfio_args args = {0};
	size_t len = (vf_size() + 63) & ~(size_t)63;
	struct os_dev *dev;
	struct os_err err;
	void *mem;
	int ret;

	parse(argc, argv, &o);
	if (strcmp(o.what, "send") ? strcmp(o.what, "recv") : !o.has_dst)
		usage();
	args.bdf = o.bdf;
	args.token = o.has_token ? &o.token : NULL;
	mem = aligned_alloc(64, len);
	if (!mem)
		return 1;
	memset(mem, 0, len);
	if (vfio_open(&args, &dev, &err)) {
		fprintf(stderr, "vf_pkt: %s\n  rule: %s\n  mend: %s\n", err.what, err.rule,
			err.mend);
		free(mem);
		return 1;
	}
	ret = run_vf(&o, dev, mem);
	vfio_close(dev);
	free(mem);
	return ret;
}
