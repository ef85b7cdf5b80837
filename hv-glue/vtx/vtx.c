/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The VT-x back end put together: a virtual CPU made and unmade, and its table of operations. */
#include "vtx_priv.h"

#include "base/errno.h"

#define PAGES 5u /* VMCS, MSR bitmap, FPU area, two I/O bitmaps */

static void vcpu_fini(struct vcpu *v)
{
	struct vtx_vcpu *x = vtx_of(v);
	void *pages[] = {x->vmcs, x->msrs, x->fpu.area, x->io[0], x->io[1]};

	if (x->loaded)
		vtx_put(v);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (pages[i])
			x->mem->free(x->mem->ctx, pages[i]);
	}
}

static int alloc_pages(struct vtx_vcpu *x, bool io)
{
	void **pages[PAGES] = {&x->vmcs, &x->msrs, &x->fpu.area, &x->io[0], &x->io[1]};

	for (size_t i = 0; i < (io ? PAGES : PAGES - 2); i++) {
		*pages[i] = x->mem->alloc(x->mem->ctx);
		if (!*pages[i])
			return -ENOMEM;
	}
	return 0;
}

static void probe(struct vtx_vcpu *x)
{
	x->tsc_aux = x->fit.ctl[VTX_PROC2] & VMX_PROC2_RDTSCP;
	x->ibpb = cpu_cpuid(0, 0).eax >= 7 && (cpu_cpuid(7, 0).edx & X86_CPUID_7_EDX_IBPB);
	x->timer_rate = (uint8_t)field_get(VMX_MISC_TIMER_RATE, (uint32_t)x->caps.misc);
	x->timer_most = (uint64_t)(UINT32_MAX - 1) << x->timer_rate;
	x->eptp = (uint64_t)(uintptr_t)x->v.space->root | VMX_EPTP_WB | VMX_EPTP_WALK4;
	if (x->v.space->caps & x->fit.caps & VCPU_CAP_AD)
		x->eptp |= VMX_EPTP_AD;
}

static int vcpu_init(void *mem, const struct vcpu_config *cfg, const struct vcpu_host *host,
		     struct vcpu **out)
{
	struct vtx_vcpu *x = mem;
	const char *why;
	int ret;

	x->v.ops = &vtx_ops;
	x->v.space = cfg->space;
	x->mem = cfg->mem;
	x->vpid = cfg->id;
	x->apic = cfg->apic_page;
	x->cpu = VTX_NO_CPU;
	vtx_caps_read(&x->caps, cpu_rdmsr);
	ret = vtx_fit(&x->caps, &x->fit, &why);
	if (ret)
		return ret;
	if ((host->caps & ~x->fit.caps) || !cfg->id)
		return -EOPNOTSUPP;
	vtx_limit(&x->fit, host->caps);
	ret = alloc_pages(x, cfg->io_allow);
	if (ret)
		goto err_free;
	probe(x);
	cpu_fpu_init(&x->fpu, x->fpu.area);
	ret = vtx_setup(x, cfg);
	if (ret)
		goto err_free;
	vtx_start(&x->v, &(struct vcpu_start){.real = true, .vector = 0x100});
	*out = &x->v;
	return 0;

err_free:
	vcpu_fini(&x->v);
	return ret;
}

const struct vcpu_ops vtx_ops = {
	.name = "VT-x",
	.size = (sizeof(struct vtx_vcpu) + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1),
	.vcpu_pages = PAGES,
	.format = &vtx_format,
	.present = vtx_present,
	.cpu_on = vtx_cpu_on,
	.cpu_off = vtx_cpu_off,
	.init = vcpu_init,
	.fini = vcpu_fini,
	.start = vtx_start,
	.put = vtx_put,
	.run = vtx_run,
	.get = vtx_get,
	.set = vtx_set,
	.inject = vtx_inject,
	.inject_nmi = vtx_inject_nmi,
	.can_irq = vtx_can_irq,
	.inject_irq = vtx_inject_irq,
	.want_window = vtx_want_window,
	.irq_sync = vtx_irq_sync,
	.share = vtx_share,
	.set_timer = vtx_set_timer,
	.skip = vtx_skip,
	.reason_name = vtx_reason_name,
	.dump = vtx_dump,
};
