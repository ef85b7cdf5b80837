// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
// The bridge: a Bochs device plugin that makes one machine of a Bochs CPU and a QEMU chipset.
//
// RAM is a file that both map. MMIO and ports go to QEMU over its qtest socket and wait for the
// answer, so that what a device does at once (DMA by a doorbell) is done when the instruction ends.
// MSIs come back as bytes, one a vector, on a socket a CPU (relay.S) and are raised in Bochs' local
// APICs.
//
// Runs in Bochs' one thread. The working directory holds the sockets. Environment:
//	BRIDGE_RAM	the RAM file, unlinked when both sides have it
//	BRIDGE_CPUS	number of CPUs, that is of sockets msi0, msi1...
//	BRIDGE_ALONE	set: no QEMU; RAM, the exit port, and COM1 into console.log
#include "bochs.hh"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace
{
constexpr unsigned max_cpus = 8;
constexpr uint8_t relay_ready = 0xff;
constexpr unsigned connect_ms = 20000;

/* Every so often (virtual us) the sockets are looked at: an MSI waits at most that long. */
constexpr uint32_t poll_us = 10;
/* How far virtual time may be ahead of real time until Bochs sleeps; how much it may catch up. */
constexpr int64_t ahead_max_ns = 500000;
constexpr int64_t behind_max_ns = 1000000;
constexpr int64_t sleep_max_ns = 10000000;

struct span {
	uint64_t first, last;
};
/* Bochs has handlers by 64 KiB. Its own: VGA at a0000-bffff, APICs at fec00000 and fee00000. */
constexpr span mmio[] = {{0xb0000000, 0xfebfffff}, {0xfed10000, 0xfedfffff}};
/* PCI configuration and reset; fw_cfg; PM base of the ICH9; APM; COM1 and COM2. */
constexpr span com1 = {0x3f8, 0x3ff}, com2 = {0x2f8, 0x2ff};
constexpr span ports[] = {{0xcf8, 0xcff}, {0x510, 0x51b}, {0x600, 0x67f}, {0xb2, 0xb3}, com1, com2};
constexpr unsigned exit_port = 0xf4;
constexpr unsigned fw_cfg_dma = 0x514, fw_cfg_dma_end = 0x51b;

uint8_t *ram;
uint64_t ram_size;
unsigned cpus;

/* [0] is qtest, the rest one a CPU. */
pollfd fds[1 + max_cpus];
char answer[4096];
size_t answer_len;
/* Vectors that came and are not raised yet, by CPU. */
uint64_t pending[max_cpus][4];
bool any_pending;

struct {
	uint64_t accesses, access_ns, msis, sleeps, slept_ns;
} stats;

uint64_t now_ns()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return uint64_t(t.tv_sec) * 1000000000 + uint64_t(t.tv_nsec);
}

/* Bochs' own teardown is not used: it may crash, and its status says nothing. */
[[noreturn]] void leave(int status)
{
	fprintf(stderr,
		"bridge: %llu accesses of %.1f us, %llu MSIs, slept %llu times, %.3f s; virtual "
		"%.3f s\n",
		(unsigned long long)stats.accesses,
		stats.accesses ? double(stats.access_ns) / 1e3 / double(stats.accesses) : 0.0,
		(unsigned long long)stats.msis, (unsigned long long)stats.sleeps,
		double(stats.slept_ns) / 1e9, double(bx_pc_system.time_nsec()) / 1e9);
	fflush(nullptr);
	_exit(status);
}

[[noreturn]] __attribute__((format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list ap;
	fputs("bridge: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	leave(1);
}

[[noreturn]] void die_gone()
{
	die("QEMU is gone: it ended (qemu.log), or the kernel reset the machine or switched it "
	    "off");
}

/* ---- interrupts ---- */

/* Takes what has come for @cpu; vectors merge as they would in the APIC's request register. */
void msi_take(unsigned cpu)
{
	uint8_t v[256];
	ssize_t n;

	while ((n = recv(fds[1 + cpu].fd, v, sizeof(v), MSG_DONTWAIT)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			pending[cpu][v[i] / 64] |= uint64_t(1) << v[i] % 64;
		stats.msis += uint64_t(n);
		any_pending = true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		die_gone();
}

/*
 * What a device wrote before its MSI is in RAM by now. Decoded instructions are not looked after
 * here, it would take half a millisecond an interrupt: code that the card wrote in place would have
 * to be executed.
 */
void msi_raise()
{
	if (!any_pending)
		return;
	any_pending = false;
	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		for (unsigned w = 0; w < 4; w++) {
			for (; pending[cpu][w]; pending[cpu][w] &= pending[cpu][w] - 1) {
				unsigned v = w * 64 + unsigned(__builtin_ctzll(pending[cpu][w]));
				apic_bus_deliver_interrupt(uint8_t(v), cpu,
							   v == 2 ? APIC_DM_NMI : APIC_DM_FIXED,
							   false, true, false);
			}
		}
	}
}

/* ---- accesses ---- */

/* Waits for bytes from QEMU. The interrupt sockets are emptied meanwhile: a full one would stop
 * QEMU. */
void answer_wait()
{
	for (;;) {
		if (poll(fds, 1 + cpus, -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		for (unsigned cpu = 0; cpu < cpus; cpu++)
			if (fds[1 + cpu].revents)
				msi_take(cpu);
		if (fds[0].revents)
			return;
	}
}

/* The value in QEMU's next answer line, 0 if it holds none. IRQ lines are qtest's, and not ours. */
uint64_t answer_get(const char *asked)
{
	for (;;) {
		char *end = static_cast<char *>(memchr(answer, '\n', answer_len));
		if (!end) {
			if (answer_len == sizeof(answer))
				die("QEMU's answer has no end");
			answer_wait();
			ssize_t n = recv(fds[0].fd, answer + answer_len,
					 sizeof(answer) - answer_len, MSG_DONTWAIT);
			if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
				die_gone();
			answer_len += n > 0 ? size_t(n) : 0;
			continue;
		}
		*end = 0;
		bool ok = !strncmp(answer, "OK", 2), irq = !strncmp(answer, "IRQ", 3);
		if (!ok && !irq)
			die("QEMU answers '%s' to '%.40s'", answer, asked);
		uint64_t value = ok && answer[2] ? strtoull(answer + 3, nullptr, 16) : 0;
		size_t used = size_t(end - answer) + 1;
		memmove(answer, end + 1, answer_len - used);
		answer_len -= used;
		if (ok)
			return value;
	}
}

/* One command, one answer. */
__attribute__((format(printf, 1, 2))) uint64_t ask(const char *fmt, ...)
{
	char line[96];
	va_list ap;
	uint64_t start = now_ns();

	va_start(ap, fmt);
	int len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (int done = 0; done < len;) {
		ssize_t n = send(fds[0].fd, line + done, size_t(len - done), MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			die_gone();
		done += n > 0 ? int(n) : 0;
	}
	uint64_t value = answer_get(line);
	stats.accesses++;
	stats.access_ns += now_ns() - start;
	msi_raise();
	return value;
}

/* qtest's letter for an access of @len bytes; 0: it has none, go by bytes. */
char width(unsigned len)
{
	return len == 1 ? 'b' : len == 2 ? 'w' : len == 4 ? 'l' : len == 8 ? 'q' : 0;
}

bool mmio_read(uint64_t addr, unsigned len, void *data, void *)
{
	uint8_t *to = static_cast<uint8_t *>(data);

	for (unsigned step = width(len) ? len : 1, i = 0; i < len; i += step) {
		uint64_t v = ask("read%c 0x%llx\n", width(step), (unsigned long long)(addr + i));
		memcpy(to + i, &v, step);
	}
	return true;
}

bool mmio_write(uint64_t addr, unsigned len, void *data, void *)
{
	const uint8_t *from = static_cast<const uint8_t *>(data);

	for (unsigned step = width(len) ? len : 1, i = 0; i < len; i += step) {
		uint64_t v = 0;
		memcpy(&v, from + i, step);
		ask("write%c 0x%llx 0x%llx\n", width(step), (unsigned long long)(addr + i),
		    (unsigned long long)v);
	}
	return true;
}

/* No instructions come from devices, and Bochs ends when it gets none: these are #UD. */
uint8_t *mmio_direct(uint64_t addr, unsigned rw, void *)
{
	static uint8_t page[4096];

	memset(page, 0xff, sizeof(page));
	return rw == BX_EXECUTE ? page + addr % sizeof(page) : nullptr;
}

uint32_t port_read(void *, uint32_t port, unsigned len)
{
	return uint32_t(ask("in%c 0x%x\n", width(len), port));
}

void port_write(void *, uint32_t port, uint32_t value, unsigned len)
{
	ask("out%c 0x%x 0x%x\n", width(len), port, value);
	/* fw_cfg's DMA is how images are loaded, perhaps over code that has run. */
	if (port >= fw_cfg_dma && port <= fw_cfg_dma_end)
		flushICaches();
}

/* ---- memory ---- */

bool ram_read(uint64_t addr, unsigned len, void *data, void *)
{
	memcpy(data, ram + addr, len);
	return true;
}

bool ram_write(uint64_t addr, unsigned len, void *data, void *)
{
	handleSMC(addr, ~0u);
	memcpy(ram + addr, data, len);
	return true;
}

uint8_t *ram_direct(uint64_t addr, unsigned, void *)
{
	return ram + addr;
}

/* ---- time ---- */

/*
 * Called every poll_us of virtual time. A halted CPU makes virtual time run as fast as Bochs can
 * count; here it is held back to real time, which is what QEMU's devices go by. A busy one is
 * slower than real time, and what it is behind is forgotten, or a later halt would run fast to make
 * up for it.
 */
void tick(void *)
{
	static uint64_t virt_last, real_last;
	static int64_t ahead;
	uint64_t virt = bx_pc_system.time_nsec(), real = now_ns();

	for (unsigned cpu = 0; cpu < cpus; cpu++)
		msi_take(cpu);
	msi_raise();
	if (real_last)
		ahead += int64_t(virt - virt_last) - int64_t(real - real_last);
	virt_last = virt;
	real_last = real;
	if (ahead < -behind_max_ns)
		ahead = -behind_max_ns;
	if (ahead <= ahead_max_ns || !cpus)
		return;
	timespec t = {0, ahead < sleep_max_ns ? ahead : sleep_max_ns};
	/* An MSI ends the sleep; it is taken at the next tick, poll_us later. */
	ppoll(fds + 1, cpus, &t, nullptr);
	stats.sleeps++;
	stats.slept_ns += now_ns() - real;
}

/* ---- start and end ---- */

/* The core's status, where the script that started us finds it whole or not at all. */
void port_exit(void *, uint32_t, uint32_t value, unsigned)
{
	FILE *f = fopen("exit.new", "w");

	if (!f || fprintf(f, "%u\n", value & 0xff) < 0 || fclose(f) || rename("exit.new", "exit"))
		die("exit status %u: %s", value & 0xff, strerror(errno));
	leave(0);
}

/*
 * COM1 of the machine without QEMU: as quick as the code that drives it, where Bochs' own takes a
 * character's time at its baud rate. Registers read back what was written, but for these.
 */
uint8_t uart[8];
FILE *console;
enum { UART_DATA, UART_IER, UART_IIR, UART_LCR, UART_MCR, UART_LSR, UART_MSR };
constexpr uint8_t uart_dlab = 0x80, uart_idle = 0x60, uart_fifo = 0xc1, uart_ready = 0xb0;

uint32_t uart_read(void *, uint32_t port, unsigned)
{
	switch (port & 7) {
	case UART_DATA:
		return 0;
	case UART_IIR:
		return uart_fifo;
	case UART_LSR:
		return uart_idle;
	case UART_MSR:
		return uart_ready;
	default:
		return uart[port & 7];
	}
}

void uart_write(void *, uint32_t port, uint32_t value, unsigned)
{
	uart[port & 7] = uint8_t(value);
	if ((port & 7) == UART_DATA && !(uart[UART_LCR] & uart_dlab))
		fputc(int(value & 0xff), console);
}

int connect_to(const char *name)
{
	sockaddr_un a = {};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sun_family = AF_UNIX;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", name);
	for (unsigned ms = 0; fd >= 0 && ms < connect_ms; ms += 5) {
		if (!connect(fd, reinterpret_cast<sockaddr *>(&a), sizeof(a)))
			return fd;
		if (errno != ENOENT && errno != ECONNREFUSED && errno != EINTR)
			break;
		usleep(5000);
	}
	die("socket %s: %s", name, strerror(errno));
}

/* QEMU waits for the interrupt sockets, one by one, before it makes the rest of its machine. */
void join_qemu()
{
	char name[16];
	uint8_t mark;

	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		snprintf(name, sizeof(name), "msi%u", cpu);
		fds[1 + cpu] = {connect_to(name), POLLIN, 0};
	}
	fds[0] = {connect_to("qtest"), POLLIN, 0};
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		if (recv(fds[1 + cpu].fd, &mark, 1, 0) != 1 || mark != relay_ready)
			die("QEMU's CPU %u did not start its relay", cpu);
}

void map_ram(const char *path)
{
	struct stat st;
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0 || fstat(fd, &st))
		die("RAM file %s: %s", path ? path : "(none)", strerror(errno));
	ram_size = uint64_t(st.st_size);
	void *p = mmap(nullptr, ram_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("RAM file %s: %s", path, strerror(errno));
	ram = static_cast<uint8_t *>(p);
	close(fd);
	unlink(path);
}

class bridge_c : public bx_devmodel_c
{
      public:
	bridge_c()
	{
		put("bridge", "BRIDG");
	}
	void init() override;

      private:
	void add_memory(const span &s, memory_handler_t rd, memory_handler_t wr,
			memory_direct_access_handler_t direct)
	{
		if (!BX_MEM_C::registerMemoryHandlers(this, rd, wr, direct, s.first, s.last))
			die("memory at %llx is another device's", (unsigned long long)s.first);
	}
	void add_ports(const span &s, uint32_t (*rd)(void *, uint32_t, unsigned),
		       void (*wr)(void *, uint32_t, uint32_t, unsigned))
	{
		unsigned first = unsigned(s.first), last = unsigned(s.last);
		pluginRegisterIOReadHandlerRange(this, rd, first, last, "bridge", 7);
		pluginRegisterIOWriteHandlerRange(this, wr, first, last, "bridge", 7);
	}
	void join();
	void alone();
};

void bridge_c::alone()
{
	console = fopen("console.log", "w");
	if (!console)
		die("console.log: %s", strerror(errno));
	setvbuf(console, nullptr, _IOLBF, BUFSIZ);
	add_ports(com1, uart_read, uart_write);
}

void bridge_c::join()
{
	join_qemu();
	for (const span &s : mmio)
		add_memory(s, mmio_read, mmio_write, mmio_direct);
	for (const span &s : ports)
		add_ports(s, port_read, port_write);
	bx_pc_system.register_timer(this, tick, poll_us, true, true, "bridge");
}

void bridge_c::init()
{
	const char *n = getenv("BRIDGE_CPUS");

	if (getenv("BRIDGE_ALONE")) {
		alone();
	} else {
		cpus = n ? unsigned(atoi(n)) : 1;
		if (cpus < 1 || cpus > max_cpus)
			die("BRIDGE_CPUS: 1 to %u", max_cpus);
		join();
	}
	map_ram(getenv("BRIDGE_RAM"));
	add_memory({0, 0x9ffff}, ram_read, ram_write, ram_direct);
	add_memory({0xc0000, ram_size - 1}, ram_read, ram_write, ram_direct);
	pluginRegisterIOWriteHandlerRange(this, port_exit, exit_port, exit_port, "bridge", 7);
	info("RAM of %llu MiB, %u CPUs of QEMU", (unsigned long long)ram_size >> 20, cpus);
}

bridge_c *bridge;
} // namespace

extern "C" int libbridge_plugin_entry(struct _plugin_t *plugin, uint16_t type, uint8_t mode)
{
	if (mode == PLUGIN_PROBE)
		return PLUGTYPE_OPTIONAL;
	if (mode == PLUGIN_INIT) {
		bridge = new bridge_c;
		pluginRegisterDeviceDevmodel(plugin, type, bridge, "bridge");
	} else if (mode == PLUGIN_FINI) {
		delete bridge;
	}
	return 0;
}
