/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Sends and counts numbered test frames on a Linux interface; static, runs in guests and on the
 * wire. */
#include "pkt_frame.h"

#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_MS 30000 /* for the interface to send what it was given */
#define BURST	 32    /* frames between two looks at the queue: far below a guest's ring of 256 */
#define WINDOW	 128   /* frames of a loop that are out at a time, also below every ring of 256 */

struct opts {
	const char *ifname;
	struct pkt_spec spec;
	bool has_src, has_dst, promisc, has_join, has_until;
	uint8_t join[6];
	unsigned int count, wait_ms, expect;
	uint32_t until;
};

static _Noreturn void usage(void)
{
	fputs("usage: pkt send IF --dst MAC [--src MAC] [--vlan VID] [--size BYTES] [--count N] "
	      "[--tag T]\n"
	      "       pkt recv IF [--tag T] [--expect N] [--until T] [--wait MS] [--promisc] "
	      "[--join MAC]\n"
	      "       pkt loop IF --dst MAC [as send]: sends, and counts the frames that come "
	      "back\n"
	      "recv prints \"ready\", then counts frames of the tag till N came, a frame tagged as "
	      "--until\n"
	      "says came, or MS passed. All print a line of JSON.\n",
	      stderr);
	exit(2);
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "pkt: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned int now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned int)(ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static int open_socket(const char *ifname, int *ifindex, uint8_t mac[6])
{
	struct ifreq ifr = {0};
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int one = 1, rcvbuf = 4 << 20, fd;

	fd = socket(AF_PACKET, SOCK_RAW, 0); /* protocol 0: nothing is queued before it is bound */
	if (fd < 0)
		die("socket");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCGIFINDEX, &ifr))
		die(ifname);
	ll.sll_ifindex = *ifindex = ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		die(ifname);
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)))
		die("setsockopt");
	if (bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die(ifname);
	return fd;
}

static void join(int fd, int ifindex, int type, const uint8_t *mac)
{
	struct packet_mreq mr = {.mr_ifindex = ifindex, .mr_type = (unsigned short)type};

	if (mac) {
		mr.mr_alen = 6;
		memcpy(mr.mr_address, mac, 6);
	}
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mr, sizeof(mr)))
		die("membership");
}

/* Waits till the interface has sent all of it: only then is "sent" true. */
static bool drained(int fd)
{
	unsigned int t0 = now_ms();
	int left = 1;

	while (now_ms() - t0 < DRAIN_MS) {
		if (ioctl(fd, SIOCOUTQ, &left))
			die("SIOCOUTQ");
		if (!left)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

static int do_send(const struct opts *o, int fd)
{
	static uint8_t buf[PKT_MAX];
	unsigned int i = 0, t0 = now_ms();
	bool all;

	while (i < o->count && now_ms() - t0 < o->wait_ms) {
		unsigned int len = pkt_build(&o->spec, i, buf);

		if (send(fd, buf, len, 0) == (ssize_t)len) {
			i++;
			if (i % BURST == 0 && !drained(fd))
				break;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			poll(NULL, 0, 1);
		} else {
			die("send");
		}
	}
	all = drained(fd) && i == o->count;
	printf("{\"tag\":%u,\"sent\":%u,\"drained\":%s}\n", o->spec.tag, i, all ? "true" : "false");
	return all ? 0 : 1;
}

/* The VLAN that hardware or the kernel took off, 0 when there was none. */
static unsigned int aux_vlan(struct msghdr *msg)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			return aux.tp_vlan_tci & 0xfff;
	}
	return 0;
}

/* One frame off the socket; true when it ends the count. */
static bool take(const struct opts *o, int fd, struct pkt_count *c, unsigned int *other,
		 const char **stop)
{
	static uint8_t buf[9216];
	char ctl[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = ctl,
			     .msg_controllen = sizeof(ctl)};
	struct pkt_body body;
	unsigned int vlan;
	ssize_t len;
	bool good;

	len = recvmsg(fd, &msg, MSG_DONTWAIT);
	if (len < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ENETDOWN)
			return false;
		die("recvmsg");
	}
	vlan = aux_vlan(&msg);
	if (!pkt_parse(buf, (unsigned int)len, &vlan, &body, &good)) {
		(*other)++;
		return false;
	}
	if (o->has_until && body.tag == o->until) {
		*stop = "until";
		return true;
	}
	if (body.tag != o->spec.tag)
		return false;
	pkt_count_one(c, &body, vlan, good);
	if (o->expect && c->distinct >= o->expect && !o->has_until) {
		*stop = "expect";
		return true;
	}
	return false;
}

static int do_recv(const struct opts *o, int fd)
{
	static struct pkt_count c = {.vlan_min = -1, .vlan_max = -1};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	unsigned int t0 = now_ms(), other = 0;
	const char *stop = "wait";

	c.tag = o->spec.tag;
	puts("ready");
	fflush(stdout);
	while (now_ms() - t0 < o->wait_ms)
		if (poll(&p, 1, (int)(o->wait_ms - (now_ms() - t0))) > 0 &&
		    take(o, fd, &c, &other, &stop))
			break;
	pkt_report(&c, other, stop);
	return 0;
}

/*
 * Sends frames that come back another way, with at most WINDOW of them out, so that none is lost
 * for want of a free descriptor on a machine that has been slow to poll.
 */
static int do_loop(const struct opts *o, int fd)
{
	static struct pkt_count c = {.vlan_min = -1, .vlan_max = -1};
	static uint8_t buf[PKT_MAX];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	unsigned int t0 = now_ms(), other = 0, sent = 0;
	const char *stop = "wait";
	bool done = false;

	c.tag = o->spec.tag;
	while (!done && now_ms() - t0 < o->wait_ms) {
		if (sent < o->count && sent - c.distinct < WINDOW) {
			ssize_t len = pkt_build(&o->spec, sent, buf);

			sent += send(fd, buf, (size_t)len, 0) == len;
		}
		if (poll(&p, 1, sent < o->count && sent - c.distinct < WINDOW ? 0 : 10) > 0)
			done = take(o, fd, &c, &other, &stop);
	}
	printf("{\"tag\":%u,\"sent\":%u}\n", o->spec.tag, sent);
	pkt_report(&c, other, stop);
	return done ? 0 : 1;
}

static void parse(int argc, char **argv, struct opts *o)
{
	static const struct option longs[] = {{"dst", 1, 0, 'd'},    {"src", 1, 0, 's'},
					      {"vlan", 1, 0, 'v'},   {"size", 1, 0, 'z'},
					      {"count", 1, 0, 'n'},  {"tag", 1, 0, 't'},
					      {"expect", 1, 0, 'e'}, {"until", 1, 0, 'u'},
					      {"wait", 1, 0, 'w'},   {"promisc", 0, 0, 'p'},
					      {"join", 1, 0, 'j'},   {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			o->has_dst = pkt_mac(optarg, o->spec.dst);
			break;
		case 's':
			o->has_src = pkt_mac(optarg, o->spec.src);
			break;
		case 'j':
			o->has_join = pkt_mac(optarg, o->join);
			break;
		case 'p':
			o->promisc = true;
			break;
		case 'v':
			o->spec.vlan = pkt_num("--vlan", optarg, 0, 4095);
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
		case 'w':
			o->wait_ms = pkt_num("--wait", optarg, 1, 600000);
			break;
		case 'u':
			o->until = pkt_num("--until", optarg, 0, UINT32_MAX);
			o->has_until = true;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 2)
		usage();
	o->ifname = argv[optind + 1];
}

int main(int argc, char **argv)
{
	struct opts o = {.count = 1, .wait_ms = 60000, .spec = {.size = PKT_MIN}};
	uint8_t mac[6];
	int fd, ifindex;

	parse(argc, argv, &o);
	fd = open_socket(o.ifname, &ifindex, mac);
	if (!o.has_src)
		memcpy(o.spec.src, mac, 6);
	if (o.promisc)
		join(fd, ifindex, PACKET_MR_PROMISC, NULL);
	if (o.has_join)
		join(fd, ifindex, o.join[0] & 1 ? PACKET_MR_MULTICAST : PACKET_MR_UNICAST, o.join);
	if (!strcmp(argv[optind], "send") && o.has_dst)
		return do_send(&o, fd);
	if (!strcmp(argv[optind], "loop") && o.has_dst) {
		o.expect = o.count;
		return do_loop(&o, fd);
	}
	if (!strcmp(argv[optind], "recv"))
		return do_recv(&o, fd);
	usage();
}
