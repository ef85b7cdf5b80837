/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the configuration names is there, or the core says what is not; then the guests. */
#include "control.h"
#include "guest.h"
#include "host.h"

static struct config config;

static const struct module *conf_module(void)
{
	const struct module *m;

	for (unsigned int i = 0; (m = module_at(i)); i++) {
		size_t n = 0;

		while (m->name[n])
			n++;
		if (n > 5 && text_equal(m->name + n - 5, ".conf"))
			return m;
	}
	return NULL;
}

/* What the lines name has to be there before a guest is started. */
static void check(const char *file, const struct guest_config *g)
{
	if (!module_find(g->image))
		core_refuse("%s: guest %s: there is no module %s; give it to the boot loader", file,
			    g->name, g->image);
	if (g->initrd[0] && !module_find(g->initrd))
		core_refuse("%s: guest %s: there is no module %s; give it to the boot loader", file,
			    g->name, g->initrd);
	if (g->cpu >= (int)core.cpus)
		core_refuse("%s: guest %s: cpu=%d, and the last CPU is %u", file, g->name, g->cpu,
			    core.cpus - 1);
	for (unsigned int i = 0; i < GUEST_NICS; i++)
		if (g->nic[i].tier == NIC_VF && (!config.vfs || g->nic[i].vf >= (int)config.vfs))
			core_refuse("%s: guest %s: nic=vf:%d, yet there are %u VFs (vfs N)", file,
				    g->name, g->nic[i].vf, config.vfs);
}

void config_load(void)
{
	const struct module *m = conf_module();
	char why[WHY_LEN];

	if (!m)
		core_refuse("no configuration: give the boot loader a module NAME.conf with a line "
			    "for each guest");
	else if (config_parse((const char *)m->data, m->len, &config, why, sizeof(why)))
		core_refuse("%s: %s", m->name, why);
	for (unsigned int i = 0; i < config.guests; i++)
		check(m->name, &config.guest[i]);
	core_log(OS_LOG_INFO, "%s: %u VFs, %u guests", m->name, config.vfs, config.guests);
}

unsigned int config_vfs(void)
{
	return config.vfs;
}

void config_start(void)
{
	core_lock();
	for (unsigned int i = 0; i < config.guests; i++) {
		struct guest *g;
		int err = guest_add(&config.guest[i], &g);

		if (err) {
			core_log(OS_LOG_ERR, "guest %s: no place (%d)", config.guest[i].name, err);
			continue;
		}
		if (config.guest[i].autostart && guest_start(g, NULL))
			core_log(OS_LOG_ERR, "guest %s: %s", g->cfg.name, g->why);
	}
	core_unlock();
}
