/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The words behind `sluice vf set VF`. */
#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_link.h>

#include "cli.h"

bool mgmt_cli_number(const char *text, uint32_t *out)
{
	unsigned long long v;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	*out = (uint32_t)v;
	return !errno && !*end && v <= UINT32_MAX;
}

static bool to_switch(const char *text, bool *out)
{
	*out = !strcmp(text, "on");
	return *out || !strcmp(text, "off");
}

static bool to_mac(const char *text, struct mac *out)
{
	uint8_t *b = out->b;
	int end = -1;

	if (strlen(text) != 17)
		return false;
	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &b[0], &b[1], &b[2], &b[3], &b[4],
		   &b[5], &end) != 6)
		return false;
	return end == 17;
}

static bool to_link(const char *text, uint32_t *out)
{
	static const char *const names[] = {
		[IFLA_VF_LINK_STATE_AUTO] = "auto",
		[IFLA_VF_LINK_STATE_ENABLE] = "enable",
		[IFLA_VF_LINK_STATE_DISABLE] = "disable",
	};

	for (*out = 0; *out < ARRAY_SIZE(names); (*out)++)
		if (!strcmp(names[*out], text))
			return true;
	return false;
}

/* The word's value into @w; false when it does not suit. */
static bool take_mac(struct mgmt_words *w, const char *v)
{
	bool free_it = !strcmp(v, "auto");

	w->set.has |= free_it ? MGMT_SET_MAC_FREE : MGMT_SET_MAC;
	return free_it || to_mac(v, &w->set.mac);
}

static bool take_vlan(struct mgmt_words *w, const char *v)
{
	w->set.has |= MGMT_SET_VLAN;
	return mgmt_cli_number(v, &w->set.vlan);
}

static bool take_rate(struct mgmt_words *w, const char *v)
{
	w->set.has |= MGMT_SET_TX_RATE;
	return mgmt_cli_number(v, &w->set.rate_max);
}

static bool take_max(struct mgmt_words *w, const char *v)
{
	w->set.has |= MGMT_SET_RATE;
	w->max = true;
	return mgmt_cli_number(v, &w->set.rate_max);
}

static bool take_min(struct mgmt_words *w, const char *v)
{
	w->set.has |= MGMT_SET_RATE;
	w->min = true;
	return mgmt_cli_number(v, &w->set.rate_min);
}

static bool take_spoofchk(struct mgmt_words *w, const char *v)
{
	w->set.has |= MGMT_SET_SPOOFCHK;
	return to_switch(v, &w->set.spoofchk);
}

static bool take_state(struct mgmt_words *w, const char *v)
{
	w->set.has |= MGMT_SET_LINK;
	return to_link(v, &w->set.link);
}

static bool take_trust(struct mgmt_words *w, const char *v)
{
	w->set.has |= MGMT_SET_TRUST;
	return to_switch(v, &w->set.trust);
}

struct word {
	const char *name;
	bool (*take)(struct mgmt_words *w, const char *value);
	const char *wants;
};

static const struct word words_known[] = {
	{"mac", take_mac, "an address like 02:00:00:00:00:10, or auto"},
	{"vlan", take_vlan, "a VLAN's number, 0 for none"},
	{"rate", take_rate, "Mb/s, 0 for no limit"},
	{"max_tx_rate", take_max, "Mb/s, 0 for no limit"},
	{"min_tx_rate", take_min, "Mb/s, 0 for none"},
	{"spoofchk", take_spoofchk, "on or off"},
	{"state", take_state, "auto, enable or disable"},
	{"trust", take_trust, "on or off"},
};

static const struct word *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words_known); i++)
		if (!strcmp(words_known[i].name, name))
			return &words_known[i];
	return NULL;
}

/* A word and its value; how many were used, or -EINVAL. */
static int take(int n, char **words, uint32_t *seen, struct mgmt_words *out, char *why)
{
	const struct word *w = find(words[0]);

	if (!w) {
		snprintf(why, MGMT_WHY_LEN, "'%.60s' cannot be set%s", words[0],
			 !strcmp(words[0], "qos") ? ": it stands behind vlan VID" : "");
		return -EINVAL;
	}
	if (*seen & BIT(w - words_known)) {
		snprintf(why, MGMT_WHY_LEN, "%s is said twice", w->name);
		return -EINVAL;
	}
	*seen |= BIT(w - words_known);
	if (n < 2 || !w->take(out, words[1])) {
		snprintf(why, MGMT_WHY_LEN, "%s takes %s, not '%.60s'", w->name, w->wants,
			 n < 2 ? "" : words[1]);
		return -EINVAL;
	}
	if (w->take != take_vlan || n < 3 || strcmp(words[2], "qos"))
		return 2;
	if (n < 4 || !mgmt_cli_number(words[3], &out->set.qos)) {
		snprintf(why, MGMT_WHY_LEN, "qos takes a priority from 0 to 7, not '%.60s'",
			 n < 4 ? "" : words[3]);
		return -EINVAL;
	}
	return 4;
}

int mgmt_words_parse(int n, char **words, struct mgmt_words *out, char *why)
{
	uint32_t seen = 0;
	int used;

	memset(out, 0, sizeof(*out));
	if (n < 1) {
		snprintf(why, MGMT_WHY_LEN, "nothing is to be set");
		return -EINVAL;
	}
	for (; n > 0; n -= used, words += used) {
		used = take(n, words, &seen, out, why);
		if (used < 0)
			return used;
	}
	if ((out->set.has & MGMT_SET_TX_RATE) && (out->set.has & MGMT_SET_RATE)) {
		snprintf(why, MGMT_WHY_LEN, "rate is the same as max_tx_rate: say one of them");
		return -EINVAL;
	}
	return 0;
}
