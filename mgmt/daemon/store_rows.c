/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Intent on disk: the rows. What a row says is checked before it is believed. */
#include "store_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/mgmt_msg.h"
#include "text.h"

static int prepare_text(struct mgmt_store *s, const char *sql, const char *key, sqlite3_stmt **st,
			struct os_err *err)
{
	int rc = sqlite3_prepare_v2(s->db, sql, -1, st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(*st, 1, key, -1, SQLITE_TRANSIENT);
	if (rc == SQLITE_OK)
		return 0;
	sqlite3_finalize(*st);
	return mgmt_store_error(s, rc, err);
}

/* A statement whose ?1 is the VF. */
static int prepare(struct mgmt_store *s, const char *sql, unsigned int vf, sqlite3_stmt **st,
		   struct os_err *err)
{
	int rc = sqlite3_prepare_v2(s->db, sql, -1, st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(*st, 1, vf);
	if (rc == SQLITE_OK)
		return 0;
	sqlite3_finalize(*st);
	return mgmt_store_error(s, rc, err);
}

/* Runs a statement without rows and ends it. */
static int finish(struct mgmt_store *s, sqlite3_stmt *st, struct os_err *err)
{
	int rc = sqlite3_step(st), ret = 0;

	if (rc != SQLITE_DONE)
		ret = mgmt_store_error(s, rc, err);
	sqlite3_finalize(st);
	return ret;
}

/* 0 with a row, -ENOENT without (then the statement is ended), or an error (too). */
static int row(struct mgmt_store *s, sqlite3_stmt *st, struct os_err *err)
{
	int rc = sqlite3_step(st), ret;

	if (rc == SQLITE_ROW)
		return 0;
	ret = rc == SQLITE_DONE ? -ENOENT : mgmt_store_error(s, rc, err);
	sqlite3_finalize(st);
	return ret;
}

static void column(sqlite3_stmt *st, int i, char *out, size_t size)
{
	const unsigned char *t = sqlite3_column_text(st, i);

	mgmt_text(out, size, "%s", t ? (const char *)t : "");
}

static int damaged(struct mgmt_store *s, unsigned int vf, const char *table, struct os_err *err)
{
	return os_err_set(err, -EIO, "a value in it is out of range",
			  "correct or delete the row (sqlite3 sluice.db), or use another --state",
			  "%s/sluice.db: table %s is damaged for VF %u", s->dir, table, vf);
}

int mgmt_store_meta_put(struct mgmt_store *s, const char *key, const char *value,
			struct os_err *err)
{
	sqlite3_stmt *st;
	int ret;

	ret = prepare_text(s, "INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)", key, &st,
			   err);
	if (ret)
		return ret;
	sqlite3_bind_text(st, 2, value, -1, SQLITE_TRANSIENT);
	return finish(s, st, err);
}

int mgmt_store_meta_get(struct mgmt_store *s, const char *key, char *value, size_t size,
			struct os_err *err)
{
	sqlite3_stmt *st;
	int ret;

	value[0] = '\0';
	ret = prepare_text(s, "SELECT value FROM meta WHERE key = ?1", key, &st, err);
	if (!ret)
		ret = row(s, st, err);
	if (ret)
		return ret;
	column(st, 0, value, size);
	sqlite3_finalize(st);
	return 0;
}

int mgmt_store_policy_put(struct mgmt_store *s, unsigned int vf, const struct pf_vf_policy *pol,
			  struct os_err *err)
{
	const uint8_t *m = pol->mac.b;
	sqlite3_stmt *st;
	char mac[18];
	int ret;

	ret = prepare(s,
		      "INSERT OR REPLACE INTO policy(vf, mac, vlan, qos, spoofchk, trust, link, "
		      "rate_max, rate_min) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		      vf, &st, err);
	if (ret)
		return ret;
	mgmt_text(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		  m[5]);
	sqlite3_bind_text(st, 2, mac, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int(st, 3, pol->vlan);
	sqlite3_bind_int(st, 4, pol->qos);
	sqlite3_bind_int(st, 5, pol->spoofchk);
	sqlite3_bind_int(st, 6, pol->trust);
	sqlite3_bind_int(st, 7, (int)pol->link);
	sqlite3_bind_int64(st, 8, pol->rate_max);
	sqlite3_bind_int64(st, 9, pol->rate_min);
	return finish(s, st, err);
}

static bool take_policy(sqlite3_stmt *st, struct pf_vf_policy *pol)
{
	uint8_t *m = pol->mac.b;
	char mac[20];
	int vlan = sqlite3_column_int(st, 1), qos = sqlite3_column_int(st, 2);
	int link = sqlite3_column_int(st, 5);
	int64_t max = sqlite3_column_int64(st, 6), min = sqlite3_column_int64(st, 7);

	column(st, 0, mac, sizeof(mac));
	if (strlen(mac) != 17 || sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0], &m[1], &m[2],
					&m[3], &m[4], &m[5]) != 6)
		return false;
	if (vlan < 0 || vlan > ETH_VLAN_MAX || qos < 0 || qos > ETH_QOS_MAX || link < 0 ||
	    link > PF_VF_LINK_DISABLE || max < 0 || max > UINT32_MAX || min < 0 || min > UINT32_MAX)
		return false;
	pol->vlan = (uint16_t)vlan;
	pol->qos = (uint8_t)qos;
	pol->spoofchk = sqlite3_column_int(st, 3);
	pol->trust = sqlite3_column_int(st, 4);
	pol->link = (enum pf_vf_link)link;
	pol->rate_max = (uint32_t)max;
	pol->rate_min = (uint32_t)min;
	return true;
}

int mgmt_store_policy_get(struct mgmt_store *s, unsigned int vf, struct pf_vf_policy *pol,
			  struct os_err *err)
{
	sqlite3_stmt *st;
	int ret;

	pf_vf_policy_default(pol);
	ret = prepare(
		s,
		"SELECT mac, vlan, qos, spoofchk, trust, link, rate_max, rate_min FROM policy "
		"WHERE vf = ?1",
		vf, &st, err);
	if (!ret)
		ret = row(s, st, err);
	if (ret)
		return ret;
	if (!take_policy(st, pol))
		ret = damaged(s, vf, "policy", err);
	sqlite3_finalize(st);
	return ret;
}

int mgmt_store_lease_put(struct mgmt_store *s, unsigned int vf, const struct mgmt_lease *l,
			 struct os_err *err)
{
	sqlite3_stmt *st;
	int ret;

	if (!l->vm[0] || l->state == MGMT_FREE || l->state == MGMT_BROKEN) {
		ret = prepare(s, "DELETE FROM lease WHERE vf = ?1", vf, &st, err);
		return ret ? ret : finish(s, st, err);
	}
	ret = prepare(s,
		      "INSERT OR REPLACE INTO lease(vf, state, vm, qmp, cold, pid, pid_start) "
		      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		      vf, &st, err);
	if (ret)
		return ret;
	sqlite3_bind_text(st, 2, mgmt_state_name(l->state), -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, l->vm, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(st, 4, l->qmp, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int(st, 5, l->cold);
	sqlite3_bind_int64(st, 6, l->pid);
	sqlite3_bind_int64(st, 7, (sqlite3_int64)l->pid_start);
	return finish(s, st, err);
}

static bool take_lease(sqlite3_stmt *st, struct mgmt_lease *l)
{
	char state[16];
	unsigned int i;

	column(st, 0, state, sizeof(state));
	column(st, 1, l->vm, sizeof(l->vm));
	column(st, 2, l->qmp, sizeof(l->qmp));
	l->cold = sqlite3_column_int(st, 3);
	l->pid = (pid_t)sqlite3_column_int64(st, 4);
	l->pid_start = (uint64_t)sqlite3_column_int64(st, 5);
	for (i = 0; i < MGMT_STATES && strcmp(state, mgmt_state_name((enum mgmt_state)i)); i++)
		;
	l->state = (enum mgmt_state)i;
	return i < MGMT_STATES && mgmt_vm_name_ok(l->vm) && l->qmp[0] == '/' && l->pid >= 0;
}

int mgmt_store_lease_get(struct mgmt_store *s, unsigned int vf, struct mgmt_lease *l,
			 struct os_err *err)
{
	sqlite3_stmt *st;
	int ret;

	ret = prepare(s, "SELECT state, vm, qmp, cold, pid, pid_start FROM lease WHERE vf = ?1", vf,
		      &st, err);
	if (!ret)
		ret = row(s, st, err);
	if (ret)
		return ret;
	if (!take_lease(st, l))
		ret = damaged(s, vf, "lease", err);
	sqlite3_finalize(st);
	return ret;
}

int mgmt_store_lease_count(struct mgmt_store *s, unsigned int vf, unsigned int *n,
			   struct os_err *err)
{
	sqlite3_stmt *st;
	int ret;

	ret = prepare(s, "SELECT count(*) FROM lease WHERE vf >= ?1", vf, &st, err);
	if (!ret)
		ret = row(s, st, err);
	if (ret)
		return ret;
	*n = (unsigned int)sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return 0;
}
