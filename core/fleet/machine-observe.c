/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine-observe.c - from what was seen to the record of the machine that it was.
 */
#include "config.h"

#include "error.h"
#include "machine-private.h"
#include "query.h"

#include <string.h>

/* What is seen again as it was is written down this often. */
enum { AGAIN_US = 60 * G_USEC_PER_SEC };

enum { FACTS_MOST = 256, FACT_NAME_MOST = 64, FACT_TEXT_MOST = 1024, MACS_MOST = 16 };

/* An observation in the one spelling. */
typedef struct {
    const Observation *as_given;
    char *uuid, *fqdn, *address, *name;
    GPtrArray *macs;
    gint64 machine;
    gboolean is_new; /* the machine: nothing is known of it, and its history begins with itself */
} Sighting;

static void
sighting_clear(Sighting *sighting)
{
    g_free(sighting->uuid);
    g_free(sighting->fqdn);
    g_free(sighting->address);
    g_free(sighting->name);
    g_clear_pointer(&sighting->macs, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sighting, sighting_clear)

/* ---- reading it ---- */

void
observation_read(Observation *observation, GVariant *seen)
{
    const char **macs = NULL;

    g_variant_lookup(seen, "uuid", "&s", &observation->uuid);
    g_variant_lookup(seen, "fqdn", "&s", &observation->fqdn);
    g_variant_lookup(seen, "address", "&s", &observation->address);
    if (g_variant_lookup(seen, "mac", "^a&s", &macs))
        observation->macs = macs;
    observation->facts = seen;
}

void
observation_clear(Observation *observation)
{
    g_free((gpointer)(gsize)observation->macs);
    observation->macs = NULL;
}

static gboolean
spell(char **to,
      const char *text,
      char *(*spelling)(const char *text, GError **error),
      GError **error)
{
    if (text == NULL)
        return TRUE;
    *to = spelling(text, error);
    return *to != NULL;
}

static gboolean
spell_macs(Sighting *sighting, const char *const *macs, GError **error)
{
    sighting->macs = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; macs != NULL && macs[i] != NULL; i++) {
        char *mac = machine_mac_text(macs[i], error);
        if (mac == NULL)
            return FALSE;
        g_ptr_array_add(sighting->macs, mac);
    }
    if (sighting->macs->len <= MACS_MOST)
        return TRUE;
    error_set_bad(error,
                  "%u MAC addresses for one machine, expected at most %d",
                  sighting->macs->len,
                  MACS_MOST);
    return FALSE;
}

static gboolean
sighting_read(Sighting *sighting, const Observation *given, GError **error)
{
    sighting->as_given = given;
    if (!spell(&sighting->uuid, given->uuid, machine_uuid_text, error) ||
        !spell(&sighting->fqdn, given->fqdn, machine_fqdn_text, error) ||
        !spell(&sighting->address, given->address, machine_address_text, error) ||
        !spell(&sighting->name, given->name, machine_name_text, error) ||
        !spell_macs(sighting, given->macs, error))
        return FALSE;
    if (sighting->uuid != NULL && machine_uuid_is_bogus(sighting->uuid))
        g_clear_pointer(&sighting->uuid, g_free);
    return TRUE;
}

/* ---- whose it is ---- */

/* A record that has another UUID is another machine, whatever else fits. */
static gboolean
take_if_fits(Store *store, Sighting *sighting, gint64 candidate, GError **error)
{
    gint64 fits = 0;

    if (candidate == 0 || sighting->machine != 0)
        return TRUE;
    if (!store_number(
            store,
            &fits,
            0,
            error,
            "SELECT 1 FROM machine WHERE id = $1 AND (uuid IS NULL OR $2 IS NULL OR uuid = $2)",
            "is",
            candidate,
            sighting->uuid))
        return FALSE;
    if (fits)
        sighting->machine = candidate;
    return TRUE;
}

static gboolean
try_key(Store *store,
        Sighting *sighting,
        const char *kind,
        const char *value,
        gint64 since,
        GError **error)
{
    gint64 candidate = 0;

    if (value == NULL || sighting->machine != 0)
        return TRUE;
    return machine_of_key(store, kind, value, since, &candidate, error) &&
           take_if_fits(store, sighting, candidate, error);
}

/* The target's own record was only an address until now: it is this machine's, then. */
static gboolean
adopt(Store *store, const Sighting *sighting, gint64 subject, GError **error)
{
    gint64 nameless = 0;

    if (subject == 0 || subject == sighting->machine)
        return TRUE;
    if (!store_number(store,
                      &nameless,
                      0,
                      error,
                      "SELECT 1 FROM machine WHERE id = $1 AND uuid IS NULL",
                      "i",
                      subject))
        return FALSE;
    return !nameless || machine_merge(store, sighting->machine, subject, FALSE, error);
}

static gboolean
identify(Store *store, Sighting *sighting, gint64 subject, GError **error)
{
    const Observation *given = sighting->as_given;

    if (sighting->uuid != NULL) {
        if (!store_number(store,
                          &sighting->machine,
                          0,
                          error,
                          "SELECT id FROM machine WHERE uuid = $1",
                          "s",
                          sighting->uuid))
            return FALSE;
        if (sighting->machine != 0)
            return adopt(store, sighting, subject, error);
    }
    if (!take_if_fits(store, sighting, subject, error))
        return FALSE;
    for (guint i = 0; i < sighting->macs->len; i++)
        if (!try_key(store, sighting, "mac", sighting->macs->pdata[i], 0, error))
            return FALSE;
    return try_key(store, sighting, "fqdn", sighting->fqdn, 0, error) &&
           try_key(
               store, sighting, "address", sighting->address, given->at - given->fresh_us, error);
}

/* ---- writing it down ---- */

static char *
first_label(const char *fqdn)
{
    return fqdn != NULL ? g_strndup(fqdn, strcspn(fqdn, ".")) : NULL;
}

/* As it is called when nobody gave it a name. */
static char *
usual_name(const Sighting *sighting)
{
    if (sighting->name != NULL)
        return g_strdup(sighting->name);
    if (sighting->fqdn != NULL)
        return first_label(sighting->fqdn);
    if (sighting->address != NULL)
        return g_strdup(sighting->address);
    if (sighting->macs->len > 0)
        return g_strdup(sighting->macs->pdata[0]);
    return g_strdup(sighting->uuid);
}

static gboolean
create(Store *store, Sighting *sighting, GError **error)
{
    const Observation *given = sighting->as_given;
    g_autofree char *name = usual_name(sighting);

    if (name == NULL) {
        error_set_bad(
            error, "nothing identifies the machine: expected a UUID, MAC, FQDN, address or name");
        return FALSE;
    }
    if (!store_run(store,
                   error,
                   "INSERT INTO machine (uuid, name, created, seen) VALUES ($1, $2, $3, $3)",
                   "ssi",
                   sighting->uuid,
                   name,
                   given->at))
        return FALSE;
    sighting->machine = store_last_id(store);
    return machine_note(
        store, sighting->machine, given->at, given->source, "machine", NULL, name, error);
}

static gboolean
set_uuid(Store *store, const Sighting *sighting, GError **error)
{
    const Observation *given = sighting->as_given;

    if (sighting->uuid == NULL)
        return TRUE;
    if (!store_run(store,
                   error,
                   "UPDATE machine SET uuid = $1 WHERE id = $2 AND uuid IS NULL",
                   "si",
                   sighting->uuid,
                   sighting->machine))
        return FALSE;
    return store_changes(store) == 0 || machine_note(store,
                                                     sighting->machine,
                                                     given->at,
                                                     given->source,
                                                     "uuid",
                                                     NULL,
                                                     sighting->uuid,
                                                     error);
}

/* A name that somebody gave stays until somebody gives another; what stood in for one gives way to a better one. */
static gboolean
set_name(Store *store, const Sighting *sighting, const char *now, GError **error)
{
    g_autofree char *better = sighting->name != NULL ? g_strdup(sighting->name) : NULL;
    gboolean stands_in =
        g_hostname_is_ip_address(now) || machine_is_uuid(now) || strchr(now, ':') != NULL;

    if (better == NULL && stands_in)
        better = first_label(sighting->fqdn);
    if (better == NULL || strcmp(better, now) == 0)
        return TRUE;
    return store_run(store,
                     error,
                     "UPDATE machine SET name = $1 WHERE id = $2",
                     "si",
                     better,
                     sighting->machine) &&
           machine_note(store,
                        sighting->machine,
                        sighting->as_given->at,
                        sighting->as_given->source,
                        "name",
                        now,
                        better,
                        error);
}

static gboolean
update(Store *store, const Sighting *sighting, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(
        store, &problem, "SELECT name, seen FROM machine WHERE id = $1", "i", sighting->machine);
    g_autofree char *name = NULL;
    gint64 seen;

    if (rows == NULL || !store_next(rows, &problem)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    name = g_strdup(store_text(rows, 0));
    seen = store_integer(rows, 1);
    g_clear_pointer(&rows, store_rows_free);
    if (!set_uuid(store, sighting, error) || !set_name(store, sighting, name, error))
        return FALSE;
    return sighting->as_given->at < seen + AGAIN_US ||
           store_run(store,
                     error,
                     "UPDATE machine SET seen = $1 WHERE id = $2",
                     "ii",
                     sighting->as_given->at,
                     sighting->machine);
}

/* The value of that kind seen last, and when; NULL: none. Of several-valued kinds the row of `value` itself. */
static gboolean
read_key(Store *store,
         gint64 machine,
         const char *kind,
         const char *value,
         char **latest,
         gint64 *seen,
         GError **error)
{
    gboolean several = strcmp(kind, "mac") == 0;
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(
        store,
        &problem,
        several ? "SELECT value, seen FROM machine_key WHERE kind = $1 AND machine = $2 "
                  "AND value = $3"
                : "SELECT value, seen FROM machine_key WHERE kind = $1 AND machine = $2 "
                  "ORDER BY seen DESC LIMIT 1",
        several ? "sis" : "si",
        kind,
        machine,
        value);

    if (rows != NULL && store_next(rows, &problem)) {
        *latest = g_strdup(store_text(rows, 0));
        *seen = store_integer(rows, 1);
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean
write_key(
    Store *store, const Sighting *sighting, const char *kind, const char *value, GError **error)
{
    return store_run(
        store,
        error,
        "INSERT INTO machine_key (kind, value, machine, first_seen, seen, source) "
        "VALUES ($1, $2, $3, $4, $4, $5) ON CONFLICT (kind, value, machine) DO UPDATE SET "
        "seen = excluded.seen, source = excluded.source",
        "ssiis",
        kind,
        value,
        sighting->machine,
        sighting->as_given->at,
        sighting->as_given->source);
}

static gboolean
set_key(Store *store, const Sighting *sighting, const char *kind, const char *value, GError **error)
{
    const Observation *given = sighting->as_given;
    g_autofree char *latest = NULL;
    gint64 seen = 0;
    gboolean same;

    if (value == NULL)
        return TRUE;
    if (sighting->is_new)
        return write_key(store, sighting, kind, value, error);
    if (!read_key(store, sighting->machine, kind, value, &latest, &seen, error))
        return FALSE;
    same = g_strcmp0(latest, value) == 0;
    /* what was seen before the latest is history already */
    if (same ? given->at < seen + AGAIN_US : given->at < seen)
        return TRUE;
    return write_key(store, sighting, kind, value, error) &&
           (same ||
            machine_note(
                store, sighting->machine, given->at, given->source, kind, latest, value, error));
}

static gboolean
set_keys(Store *store, const Sighting *sighting, GError **error)
{
    for (guint i = 0; i < sighting->macs->len; i++)
        if (!set_key(store, sighting, "mac", sighting->macs->pdata[i], error))
            return FALSE;
    return set_key(store, sighting, "fqdn", sighting->fqdn, error) &&
           set_key(store, sighting, "address", sighting->address, error);
}

/* ---- facts ---- */

static char *
fact_text(GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return g_variant_dup_string(value, NULL);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN))
        return g_strdup(g_variant_get_boolean(value) ? "yes" : "no");
    if (strchr("yniuxtd", g_variant_get_type_string(value)[0]) != NULL)
        return g_variant_print(value, FALSE);
    return NULL;
}

static gboolean
has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if (g_ascii_iscntrl(*text))
            return TRUE;
    return FALSE;
}

static gboolean
check_fact(const char *name, const char *text, GError **error)
{
    gsize length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-");

    if (!g_ascii_isalnum(name[0]) || name[length] != '\0' || length > FACT_NAME_MOST) {
        error_set_bad(
            error,
            "a fact cannot be called '%.80s': expected small letters, digits, '.' and '-', at most "
            "%d",
            name,
            FACT_NAME_MOST);
        return FALSE;
    }
    if (text != NULL && strlen(text) <= FACT_TEXT_MOST && !has_control(text))
        return TRUE;
    error_set_bad(
        error,
        "the fact %s is %s: expected a text of at most %d bytes without control characters, a "
        "number or "
        "yes/no",
        name,
        text == NULL ? "of another type" : "not acceptable",
        FACT_TEXT_MOST);
    return FALSE;
}

static gboolean
write_fact(
    Store *store, const Sighting *sighting, const char *name, const char *text, GError **error)
{
    g_autofree char *rank = query_rank(text);

    return store_run(store,
                     error,
                     "INSERT INTO machine_fact (machine, name, text, rank, seen, source) "
                     "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (machine, name) DO UPDATE SET "
                     "text = excluded.text, rank = excluded.rank, seen = excluded.seen, "
                     "source = excluded.source",
                     "isssis",
                     sighting->machine,
                     name,
                     text,
                     rank,
                     sighting->as_given->at,
                     sighting->as_given->source);
}

static gboolean
read_fact(Store *store, gint64 machine, const char *name, char **text, gint64 *seen, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows =
        store_query(store,
                    &problem,
                    "SELECT text, seen FROM machine_fact WHERE machine = $1 AND name = $2",
                    "is",
                    machine,
                    name);

    if (rows != NULL && store_next(rows, &problem)) {
        *text = g_strdup(store_text(rows, 0));
        *seen = store_integer(rows, 1);
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean
set_fact(Store *store, const Sighting *sighting, const char *name, const char *text, GError **error)
{
    const Observation *given = sighting->as_given;
    g_autofree char *old = NULL;
    gint64 seen = G_MININT64 / 2;

    if (sighting->is_new)
        return write_fact(store, sighting, name, text, error);
    if (!read_fact(store, sighting->machine, name, &old, &seen, error))
        return FALSE;
    if (g_strcmp0(old, text) == 0)
        return given->at < seen + AGAIN_US || write_fact(store, sighting, name, text, error);
    return given->at < seen ||
           (write_fact(store, sighting, name, text, error) &&
            machine_note(
                store, sighting->machine, given->at, given->source, name, old, text, error));
}

static gboolean
is_identity(const char *name)
{
    static const char *const names[] = {
        "uuid", "mac", "fqdn", "address", "name", "id", "seen", "tag", NULL};

    return g_strv_contains(names, name);
}

/* Checked before anything is written. */
static gboolean
check_facts(const Observation *given, GError **error)
{
    GVariantIter iter;
    const char *name;
    GVariant *value;

    if (given->facts == NULL)
        return TRUE;
    if (g_variant_n_children(given->facts) > FACTS_MOST) {
        error_set_bad(error, "more than %d facts of one machine at once", FACTS_MOST);
        return FALSE;
    }
    g_variant_iter_init(&iter, given->facts);
    while (g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;
        g_autofree char *text = fact_text(owned);

        if (!is_identity(name) && !check_fact(name, text, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
set_facts(Store *store, const Sighting *sighting, GError **error)
{
    GVariantIter iter;
    const char *name;
    GVariant *value;

    if (sighting->as_given->facts == NULL)
        return TRUE;
    g_variant_iter_init(&iter, sighting->as_given->facts);
    while (g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;
        g_autofree char *text = fact_text(owned);

        if (!is_identity(name) && !set_fact(store, sighting, name, text, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- all of it ---- */

static gboolean
set_tags(Store *store, const Sighting *sighting, GError **error)
{
    const char *const *tags = sighting->as_given->tags;

    for (guint i = 0; tags != NULL && tags[i] != NULL; i++)
        if (!machine_set_tag(store, sighting->machine, tags[i], TRUE, error))
            return FALSE;
    return TRUE;
}

gboolean
machine_observe(
    Store *store, const Observation *observation, gint64 subject, gint64 *machine, GError **error)
{
    g_auto(Sighting) sighting = {0};

    if (!sighting_read(&sighting, observation, error) || !check_facts(observation, error) ||
        !identify(store, &sighting, subject, error))
        return FALSE;
    sighting.is_new = sighting.machine == 0;
    if (!(sighting.is_new ? create(store, &sighting, error) : update(store, &sighting, error)) ||
        !set_keys(store, &sighting, error) || !set_facts(store, &sighting, error) ||
        !set_tags(store, &sighting, error))
        return FALSE;
    *machine = sighting.machine;
    return TRUE;
}
