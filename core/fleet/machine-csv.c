/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "csv-read.h"
#include "error.h"
#include "machine-csv.h"
#include "name.h"

#include <postern-plugin.h>

#include <string.h>

static const char *const identity[] = {"name", "uuid", "fqdn", "mac", "address", "tag", NULL};

/* ---- in ---- */

typedef struct {
    GPtrArray *columns; /* of char *: their names */
    const char *name;
    gint64 at, fresh_us;
} Import;

static gboolean
read_columns(Import *import, GPtrArray *cells, GError **error)
{
    import->columns = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; cells != NULL && i < cells->len; i++) {
        char *column = g_strstrip(g_ascii_strdown(cells->pdata[i], -1));

        g_ptr_array_add(import->columns, column);
        for (guint j = 0; j < i; j++) {
            if (strcmp(import->columns->pdata[j], column) != 0)
                continue;
            error_set_bad(error, "%s, line 1: column '%s' is there twice", import->name, column);
            return FALSE;
        }
    }
    for (guint i = 0; i < import->columns->len; i++)
        if (g_strv_contains(identity, import->columns->pdata[i]) &&
            strcmp(import->columns->pdata[i], "tag") != 0)
            return TRUE;
    error_set_bad(
        error,
        "%s, line 1: no column tells which machine is meant: expected name, uuid, fqdn, mac or "
        "address among "
        "them, as postern machine export writes it",
        import->name);
    return FALSE;
}

static char **
split(const char *text)
{
    g_autoptr(GStrvBuilder) parts = g_strv_builder_new();
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);

    for (guint i = 0; words[i] != NULL; i++)
        if (words[i][0] != '\0')
            g_strv_builder_add(parts, words[i]);
    return g_strv_builder_end(parts);
}

static gboolean
check_tags(char **tags, GError **error)
{
    for (guint i = 0; tags[i] != NULL; i++)
        if (!name_check("tag", tags[i], error))
            return FALSE;
    return TRUE;
}

/* One record as an observation. */
static gboolean
import_record(Store *store, const Import *import, GPtrArray *cells, GError **error)
{
    Observation seen = {.source = "import", .at = import->at, .fresh_us = import->fresh_us};
    g_auto(GStrv) macs = NULL, tags = NULL;
    g_autoptr(GVariant) facts = NULL;
    GVariantDict dict;
    gint64 machine = 0;

    g_variant_dict_init(&dict, NULL);
    for (guint i = 0; i < cells->len; i++) {
        const char *column = import->columns->pdata[i], *cell = cells->pdata[i];

        if (*cell == '\0' || strcmp(column, "id") == 0 || strcmp(column, "seen") == 0)
            continue;
        if (strcmp(column, "name") == 0)
            seen.name = cell;
        else if (strcmp(column, "uuid") == 0)
            seen.uuid = cell;
        else if (strcmp(column, "fqdn") == 0)
            seen.fqdn = cell;
        else if (strcmp(column, "address") == 0)
            seen.address = cell;
        else if (strcmp(column, "mac") == 0)
            seen.macs = (const char *const *)(macs = split(cell));
        else if (strcmp(column, "tag") == 0)
            seen.tags = (const char *const *)(tags = split(cell));
        else
            g_variant_dict_insert(&dict, column, "s", cell);
    }
    seen.facts = facts = g_variant_ref_sink(g_variant_dict_end(&dict));
    return (tags == NULL || check_tags(tags, error)) &&
           machine_observe(store, &seen, 0, &machine, error);
}

static gboolean
import_records(Store *store, Import *import, CsvReader *reader, guint64 *count, GError **error)
{
    g_autoptr(GError) problem = NULL;
    GPtrArray *cells;

    while ((cells = csv_reader_next(reader, &problem)) != NULL) {
        if (cells->len != import->columns->len) {
            error_set_bad(error,
                          "%s, line %u: found %u cells, expected %u as in the first line",
                          import->name,
                          csv_reader_line(reader),
                          cells->len,
                          import->columns->len);
            return FALSE;
        }
        if (!import_record(store, import, cells, &problem)) {
            g_prefix_error(&problem, "%s, line %u: ", import->name, csv_reader_line(reader));
            break;
        }
        ++*count;
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

gboolean
machine_csv_import(Store *store,
                   GInputStream *stream,
                   const char *name,
                   gint64 at,
                   gint64 fresh_us,
                   guint64 *count,
                   GError **error)
{
    g_autoptr(CsvReader) reader = csv_reader_new(stream, name);
    g_autoptr(GError) problem = NULL;
    Import import = {.name = name, .at = at, .fresh_us = fresh_us};
    GPtrArray *cells = csv_reader_next(reader, &problem);
    gboolean good;

    *count = 0;
    if (problem != NULL) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    good =
        read_columns(&import, cells, error) && import_records(store, &import, reader, count, error);
    g_ptr_array_unref(import.columns);
    return good;
}

/* ---- out ---- */

static GPtrArray *
fact_names(Store *store, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows =
        store_query(store, &problem, "SELECT DISTINCT name FROM machine_fact ORDER BY name", "");

    while (rows != NULL && store_next(rows, &problem))
        g_ptr_array_add(names, g_strdup(store_text(rows, 0)));
    if (problem == NULL)
        return g_steal_pointer(&names);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

/* All values of that kind, parted by blanks; of several-valued kinds only, else the latest. */
static char *
key_text(const Machine *machine, const char *kind, gboolean all)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < machine->keys->len; i++) {
        const MachineKey *key = machine->keys->pdata[i];

        if (strcmp(key->kind, kind) == 0 && (all || text->len == 0))
            g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", key->value);
    }
    return g_string_free(text, FALSE);
}

static const char *
fact_of(const Machine *machine, const char *name)
{
    for (guint i = 0; i < machine->facts->len; i++) {
        const MachineFact *fact = machine->facts->pdata[i];
        if (strcmp(fact->name, name) == 0)
            return fact->text;
    }
    return "";
}

static void
export_machine(const Machine *machine,
               const GPtrArray *facts,
               void (*line)(const char *const *cells, gpointer data),
               gpointer data)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new();
    g_autofree char *fqdn = key_text(machine, "fqdn", FALSE);
    g_autofree char *address = key_text(machine, "address", FALSE);
    g_autofree char *macs = key_text(machine, "mac", TRUE);
    g_autoptr(GString) tags = g_string_new(NULL);
    const char *own[] = {
        machine->name, machine->uuid != NULL ? machine->uuid : "", fqdn, macs, address};

    for (guint i = 0; i < machine->tags->len; i++)
        g_string_append_printf(
            tags, "%s%s", i > 0 ? " " : "", (const char *)machine->tags->pdata[i]);
    for (guint i = 0; i < G_N_ELEMENTS(own); i++)
        g_ptr_array_add(cells, (gpointer)(gsize)own[i]);
    g_ptr_array_add(cells, tags->str);
    for (guint i = 0; i < facts->len; i++)
        g_ptr_array_add(cells, (gpointer)(gsize)fact_of(machine, facts->pdata[i]));
    g_ptr_array_add(cells, NULL);
    line((const char *const *)cells->pdata, data);
}

gboolean
machine_csv_export(Store *store,
                   const char *condition,
                   GPtrArray *values,
                   void (*line)(const char *const *cells, gpointer data),
                   gpointer data,
                   GError **error)
{
    g_autoptr(GPtrArray) facts = fact_names(store, error);
    g_autoptr(GPtrArray) head = g_ptr_array_new();
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = NULL;

    if (facts == NULL)
        return FALSE;
    for (guint i = 0; identity[i] != NULL; i++)
        g_ptr_array_add(head, (gpointer)(gsize)identity[i]);
    g_ptr_array_extend(head, facts, NULL, NULL);
    g_ptr_array_add(head, NULL);
    line((const char *const *)head->pdata, data);
    rows = machine_rows(store, condition, values, &problem);
    while (rows != NULL && store_next(rows, &problem)) {
        g_autoptr(Machine) machine = machine_read(store, store_integer(rows, 0), &problem);
        if (machine == NULL)
            break;
        export_machine(machine, facts, line, data);
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}
