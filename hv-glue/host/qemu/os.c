/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The seam on the QEMU host: registers, configuration space, time, log. */
#include "qemu_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "os/barrier.h"

uint32_t os_rd32(struct os_dev *dev, uint32_t reg)
{
	uint32_t val;

	dev->count.mmio_reads++;
	val = qemu_conn_read(dev->q, "readl", dev->bar + reg);
	os_dma_rmb();
	return val;
}

void os_wr32(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	dev->count.mmio_writes++;
	qemu_conn_post(dev->q, "writel", dev->bar + reg, val);
}

void os_doorbell(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	os_dma_wmb();
	os_wr32(dev, reg, val);
	qemu_conn_send(dev->q);
}

void os_flush(struct os_dev *dev)
{
	dev->count.flushes++;
	qemu_conn_drain(dev->q);
	os_dma_rmb();
}

uint16_t os_cfg_rd16(struct os_dev *dev, uint32_t off)
{
	dev->count.cfg_ops++;
	return (uint16_t)qemu_conn_read(dev->q, "readw", dev->cfg + off);
}

uint32_t os_cfg_rd32(struct os_dev *dev, uint32_t off)
{
	dev->count.cfg_ops++;
	return qemu_conn_read(dev->q, "readl", dev->cfg + off);
}

/* Configuration writes are not posted on PCI Express: the answer is waited for. */
void os_cfg_wr16(struct os_dev *dev, uint32_t off, uint16_t val)
{
	dev->count.cfg_ops++;
	qemu_conn_post(dev->q, "writew", dev->cfg + off, val);
	qemu_conn_drain(dev->q);
}

void os_cfg_wr32(struct os_dev *dev, uint32_t off, uint32_t val)
{
	dev->count.cfg_ops++;
	qemu_conn_post(dev->q, "writel", dev->cfg + off, val);
	qemu_conn_drain(dev->q);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t os_now_us(struct os_dev *dev)
{
	(void)dev;
	return now_us();
}

void os_delay_us(struct os_dev *dev, uint32_t us)
{
	uint64_t end = now_us() + us;
	struct qemu *q = dev->q;
	uint64_t now;

	/* Posted writes are on their way before anybody waits for their effect. */
	qemu_conn_send(q);
	if (q->idle && !q->in_idle) {
		q->in_idle = true;
		q->idle(q->idle_ctx);
		q->in_idle = false;
	}
	now = now_us();
	if (now < end) {
		struct timespec left = {
			.tv_sec = (time_t)((end - now) / 1000000),
			.tv_nsec = (long)((end - now) % 1000000) * 1000,
		};

		while (nanosleep(&left, &left) && errno == EINTR)
			;
	}
}

/* Warnings and worse, unless $SLUICE_LOG has another enum os_log_level. */
static bool log_wanted(enum os_log_level level)
{
	const char *env = getenv("SLUICE_LOG");

	return (int)level <= (env && *env ? atoi(env) : OS_LOG_WARN);
}

void os_log(struct os_dev *dev, enum os_log_level level, const char *fmt, ...)
{
	static const char *const word[] = {"error", "warning", "info", "debug"};
	char line[256];
	va_list ap;

	if (!log_wanted(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: %s: %s\n", dev->name, word[level], line);
}

void qemu_func_counts(const struct os_dev *dev, struct qemu_count *c)
{
	*c = dev->count;
}

void qemu_counts(const struct qemu *q, struct qemu_count *c)
{
	*c = (struct qemu_count){0};
	for (unsigned int i = 0; i < QEMU_FUNCS; i++) {
		c->mmio_reads += q->func[i].count.mmio_reads;
		c->mmio_writes += q->func[i].count.mmio_writes;
		c->cfg_ops += q->func[i].count.cfg_ops;
		c->flushes += q->func[i].count.flushes;
	}
}

void qemu_on_idle(struct qemu *q, void (*fn)(void *ctx), void *ctx)
{
	q->idle = fn;
	q->idle_ctx = ctx;
}
