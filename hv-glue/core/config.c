/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The configuration module: guests, memory, CPUs, NICs, a line a guest. */
#include "control.h"
#include "host.h"

/* A cursor on one line; the words are cut out of it. */
struct line {
	const char *p, *end;
	unsigned int number;
	char *why;
	size_t why_len;
};

#define refuse(l, ...) (fmt((l)->why, (l)->why_len, __VA_ARGS__), -EINVAL)

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word into @w: up to a blank, quotes hold blanks and are taken off. 1; 0: end; -EINVAL.
 */
static int word(struct line *l, char *w, size_t len)
{
	size_t n = 0;
	bool quoted = false;

	while (l->p < l->end && blank(*l->p))
		l->p++;
	if (l->p == l->end || *l->p == '#')
		return 0;
	for (; l->p < l->end && (quoted || !blank(*l->p)); l->p++) {
		if (*l->p == '"') {
			quoted = !quoted;
			continue;
		}
		if (*l->p < ' ' || *l->p > '~')
			return refuse(l, "line %u: a character that is no printable ASCII",
				      l->number);
		if (n + 1 == len)
			return refuse(l, "line %u: a word of more than %u characters", l->number,
				      (unsigned int)(len - 1));
		w[n++] = *l->p;
	}
	w[n] = 0;
	return quoted ? refuse(l, "line %u: a quote that is not closed", l->number) : 1;
}

/* If @w is KEY=value, the value. */
static const char *value_of(const char *w, const char *key)
{
	while (*key && *w == *key)
		w++, key++;
	return *key || *w != '=' ? NULL : w + 1;
}

/* Digits up to @end, at most @max. */
static bool number(const char *s, char end, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9' && v <= max; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	*out = (uint32_t)v;
	return v <= max && *s == end;
}

static int copy(struct line *l, const char *key, const char *v, char *to, size_t len)
{
	size_t n = 0;

	while (v[n] && n + 1 < len) {
		to[n] = v[n];
		n++;
	}
	to[n] = 0;
	if (v[n])
		return refuse(l, "line %u: %s has more than %u characters", l->number, key,
			      (unsigned int)(len - 1));
	return 0;
}

static int nic(struct line *l, const char *v, struct guest_config *g, unsigned int *nics)
{
	uint32_t vf;

	if (*nics == GUEST_NICS)
		return refuse(l, "line %u: more than %u NICs", l->number, GUEST_NICS);
	g->nic[*nics].vf = -1;
	if (text_equal(v, "vf")) {
		g->nic[*nics].tier = NIC_VF;
	} else if (v[0] == 'v' && v[1] == 'f' && v[2] == ':' && number(v + 3, 0, 6, &vf)) {
		g->nic[*nics].tier = NIC_VF;
		g->nic[*nics].vf = (int)vf;
	} else if (text_equal(v, "vmdq")) {
		g->nic[*nics].tier = NIC_VMDQ;
	} else if (text_equal(v, "bridge")) {
		g->nic[*nics].tier = NIC_BRIDGE;
	} else {
		return refuse(l, "line %u: nic=%s is none of vf, vf:0..vf:6, vmdq, bridge",
			      l->number, v);
	}
	++*nics;
	return 0;
}

static int guest_word(struct line *l, const char *w, struct guest_config *g, unsigned int *nics)
{
	const char *v;
	uint32_t n;

	if ((v = value_of(w, "image")))
		return copy(l, "image", v, g->image, sizeof(g->image));
	if ((v = value_of(w, "initrd")))
		return copy(l, "initrd", v, g->initrd, sizeof(g->initrd));
	if ((v = value_of(w, "args")))
		return copy(l, "args", v, g->args, sizeof(g->args));
	if ((v = value_of(w, "nic")))
		return nic(l, v, g, nics);
	if ((v = value_of(w, "mem"))) {
		if (!number(v, 'M', 2048, &n) || n < 4 || n % 2)
			return refuse(l, "line %u: mem=%s is no even number from 4M to 2048M",
				      l->number, v);
		g->mem_mib = n;
		return 0;
	}
	if ((v = value_of(w, "cpus"))) {
		if (!number(v, 0, GUEST_CPUS, &g->cpus) || !g->cpus)
			return refuse(l, "line %u: cpus=%s is not 1 to %u", l->number, v,
				      GUEST_CPUS);
		return 0;
	}
	if ((v = value_of(w, "cpu"))) {
		if (!number(v, 0, CORE_CPUS - 1, &n))
			return refuse(l, "line %u: cpu=%s is not 0 to %u", l->number, v,
				      CORE_CPUS - 1);
		g->cpu = (int)n;
		return 0;
	}
	if (text_equal(w, "manual")) {
		g->autostart = false;
		return 0;
	}
	if (text_equal(w, "learn")) {
		g->learn = true;
		return 0;
	}
	return refuse(l,
		      "line %u: %s is not a word of a guest (image= initrd= args= mem= cpus= cpu= "
		      "nic= learn manual)",
		      l->number, w);
}

static int guest_line(struct line *l, struct config *c)
{
	struct guest_config *g = &c->guest[c->guests];
	char w[ARGS_LEN + 8];
	unsigned int nics = 0;
	int rc;

	if (c->guests == GUESTS)
		return refuse(l, "line %u: more than %u guests", l->number, GUESTS);
	*g = (struct guest_config){.mem_mib = 32, .cpus = 1, .cpu = -1, .autostart = true};
	rc = word(l, w, sizeof(w));
	if (rc <= 0)
		return rc ? rc : refuse(l, "line %u: a guest without a name", l->number);
	rc = copy(l, "the name", w, g->name, sizeof(g->name));
	for (unsigned int i = 0; !rc && i < c->guests; i++)
		if (text_equal(c->guest[i].name, g->name))
			return refuse(l, "line %u: a second guest %s", l->number, g->name);
	while (!rc && (rc = word(l, w, sizeof(w))) > 0)
		rc = guest_word(l, w, g, &nics);
	if (!rc && !g->image[0])
		return refuse(l, "line %u: guest %s has no image=", l->number, g->name);
	c->guests += !rc;
	return rc;
}

int config_parse(const char *text, size_t len, struct config *c, char *why, size_t why_len)
{
	struct line l = {.p = text, .why = why, .why_len = why_len};
	const char *end = text + len;

	*c = (struct config){.vfs = 0};
	while (l.p < end) {
		char w[ARGS_LEN];
		uint32_t n;
		int rc;

		for (l.end = l.p; l.end < end && *l.end != '\n';)
			l.end++;
		l.number++;
		rc = word(&l, w, sizeof(w));
		if (rc > 0 && text_equal(w, "guest")) {
			rc = guest_line(&l, c);
		} else if (rc > 0 && text_equal(w, "vfs")) {
			rc = word(&l, w, sizeof(w));
			if (rc <= 0 || !number(w, 0, 7, &n))
				return rc < 0 ? rc
					      : refuse(&l, "line %u: vfs wants 0 to 7", l.number);
			c->vfs = n;
			rc = word(&l, w, sizeof(w));
			if (rc > 0)
				return refuse(&l, "line %u: %s behind vfs", l.number, w);
		} else if (rc > 0) {
			return refuse(&l, "line %u: %s is not a line's first word (vfs, guest)",
				      l.number, w);
		}
		if (rc < 0)
			return rc;
		l.p = l.end + (l.end < end);
	}
	return 0;
}
