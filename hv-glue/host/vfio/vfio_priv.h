/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the files of the VFIO host share: where Linux keeps things, sysfs helpers, the device. */
#ifndef SLUICE_VFIO_PRIV_H
#define SLUICE_VFIO_PRIV_H

#include "os/err.h"
#include "os/os.h"
#include "os/vfio.h"

#define VFIO_PATH_LEN 512
#define VFIO_PAGE     4096u

/*
 * Where the kernel is spoken to. One for the process; unit tests put a fabricated tree in its
 * place before anything else is called.
 */
struct vfio_paths {
	const char *sysfs;    /* "/sys" */
	const char *dev;      /* "/dev/vfio" */
	const char *modprobe; /* program that loads a module, or NULL to look in the usual places */
	unsigned int wait_ms; /* longest wait for a driver or a VF to appear */
	int (*open_group)(const char *path); /* opens a group's file: a descriptor or -errno */
	int (*write)(const char *path, const char *text); /* writes an attribute: 0 or -errno */
};
extern struct vfio_paths vfio_paths;

/* sysfs.c: @bdf with domain, @attr below its directory; values are trimmed of their newline. */
int vfio_attr_read(const char *bdf, const char *attr, char *buf, size_t len) must_check;
int vfio_attr_write(const char *bdf, const char *attr, const char *text) must_check;
/* The same for a path below the sysfs root. */
int vfio_sysfs_read(const char *rel, char *buf, size_t len) must_check;
int vfio_sysfs_write(const char *rel, const char *text) must_check;
bool vfio_sysfs_exists(const char *rel);
/* Fills @out with the normalised address. -EINVAL when @bdf is no address. */
int vfio_bdf_parse(const char *bdf, char out[VFIO_BDF_LEN], struct os_err *err) must_check;
/*
 * Keeps others from opening @bdf through VFIO until *@fd is closed; *@fd is -1 when VFIO has not
 * got it. 0, -EBUSY: somebody has it open, or an error.
 */
int vfio_hold(const char *bdf, int *fd, struct os_err *err) must_check;
/* The name of the driver bound to @bdf, "" for none. */
void vfio_driver_name(const char *bdf, char out[VFIO_NAME_LEN]);

/* module.c: calls @done every few ms until it is true, at most @ms: 0 or -ETIMEDOUT. */
int vfio_wait(unsigned int ms, bool (*done)(const void *arg), const void *arg) must_check;
/* Loads @module when sysfs entry @rel is missing. 0 when it is there afterwards. */
int vfio_module_need(const char *module, const char *rel, struct os_err *err) must_check;
/* bind.c: an error of a write to sysfs as a text with a remedy; returns @no. */
int vfio_write_failed(struct os_err *err, int no, const char *bdf, const char *attr);

/* iova.c: the device's address space. */
struct vfio_range {
	uint64_t start, last; /* both inclusive */
};

/* One mapping; the list of a device is sorted by iova. Made by dma.c, freed by it. */
struct vfio_map {
	struct vfio_map *next;
	void *va;
	uint64_t iova;
	size_t len; /* a multiple of VFIO_PAGE */
};

/* The lowest free address for @len bytes (a multiple of VFIO_PAGE) in @ranges, 0: none. */
uint64_t vfio_iova_find(const struct vfio_range *ranges, unsigned int nr,
			const struct vfio_map *maps, size_t len);

/* Made by vfio_open(), freed by vfio_close(). One thread at a time uses it. */
struct os_dev {
	volatile uint8_t *bar; /* BAR 0 */
	size_t bar_len;
	int container, group, device; /* descriptors, -1: not open */
	uint64_t cfg_off, cfg_len;    /* configuration space within the device's descriptor */
	struct vfio_range *ranges;    /* usable IOVAs, ascending */
	unsigned int nranges;
	struct vfio_map *maps;
	unsigned int irq_max; /* MSI-X vectors it has */
	bool irq_on;
	char bdf[VFIO_BDF_LEN];
};

/* dma.c */
int vfio_dma_init(struct os_dev *dev, struct os_err *err) must_check;
int vfio_dma_alloc(struct os_dev *dev, size_t len, size_t align, struct os_dma *dma) must_check;
void vfio_dma_free(struct os_dev *dev, struct os_dma *dma);
void vfio_dma_fini(struct os_dev *dev);

/* dev.c: the highest level that os_log() shows. */
enum os_log_level vfio_log_max(void);
/* irq.c: what vfio_close() needs of it. */
void vfio_irq_off(struct os_dev *dev);

#endif
