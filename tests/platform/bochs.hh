/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What a device plugin needs of Bochs, declared as its binary has it: Debian ships Bochs without
 * headers. Taken from the interfaces of Bochs 2.7 (logio.h, iodev/iodev.h, memory/memory-bochs.h,
 * pc_system.h, plugin.h, cpu/apic.h, cpu/icache.h) and checked against Debian's 2.7+dfsg-4; every
 * name that another Bochs lacks shows when the plugin is loaded. Sizes and the order of virtual
 * functions matter, the rest of each class does not.
 */
#ifndef PLATFORM_BOCHS_HH
#define PLATFORM_BOCHS_HH

#include <cstdint>

/* Bochs' own is smaller; room is left for another build's. */
class logfunctions
{
	char state[512];

      public:
	logfunctions();
	virtual ~logfunctions();
	void put(const char *name, const char *prefix);
	void info(const char *fmt, ...);
};

/* debug_dump() exists where Bochs has its debugger, as Debian's has; nothing else calls past it. */
class bx_devmodel_c : public logfunctions
{
      public:
	virtual ~bx_devmodel_c()
	{
	}
	virtual void init()
	{
	}
	virtual void reset(unsigned)
	{
	}
	virtual void register_state()
	{
	}
	virtual void after_restore_state()
	{
	}
	virtual void debug_dump(int, char **)
	{
	}
};

/* Physical memory: a handler's answer is true when it took the access. A direct-access handler
 * gives the host's address of the byte, or NULL: use the other handlers. Granularity is 64 KiB. */
enum { BX_READ, BX_WRITE, BX_EXECUTE, BX_RW };
typedef bool (*memory_handler_t)(uint64_t addr, unsigned len, void *data, void *param);
typedef uint8_t *(*memory_direct_access_handler_t)(uint64_t addr, unsigned rw, void *param);
class BX_MEM_C
{
      public:
	static bool registerMemoryHandlers(void *param, memory_handler_t read,
					   memory_handler_t write,
					   memory_direct_access_handler_t direct, uint64_t first,
					   uint64_t last);
};

/* Virtual time: ticks are instructions on one CPU, microseconds are ticks over `ips`. */
class bx_pc_system_c
{
      public:
	int register_timer(void *self, void (*fn)(void *), uint32_t usec, bool continuous,
			   bool active, const char *name);
	uint64_t time_nsec();
};
extern bx_pc_system_c bx_pc_system;

/* Ports: @mask allows accesses of 1, 2 and 4 bytes by its bits 0 to 2. */
extern int (*pluginRegisterIOReadHandlerRange)(void *self,
					       uint32_t (*fn)(void *, uint32_t port, unsigned len),
					       unsigned first, unsigned last, const char *name,
					       uint8_t mask);
extern int (*pluginRegisterIOWriteHandlerRange)(
	void *self, void (*fn)(void *, uint32_t port, uint32_t value, unsigned len), unsigned first,
	unsigned last, const char *name, uint8_t mask);

extern "C" {
struct _plugin_t;
void pluginRegisterDeviceDevmodel(struct _plugin_t *plugin, uint16_t type, bx_devmodel_c *dev,
				  const char *name);
}

/* What the entry point is asked for, and its answer to PROBE: an optional plugin. */
enum plugin_mode { PLUGIN_FINI, PLUGIN_INIT, PLUGIN_PROBE };
enum { PLUGTYPE_OPTIONAL = 4 };

enum apic_delivery { APIC_DM_FIXED = 0, APIC_DM_NMI = 4 };
int apic_bus_deliver_interrupt(uint8_t vector, unsigned dest, uint8_t mode, bool logical,
			       bool level, bool trigger);

/* Decoded instructions: those of one page (by 128-byte blocks in @mask), or all of them. */
void handleSMC(uint64_t addr, uint32_t mask);
void flushICaches();

#endif
