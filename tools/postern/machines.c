/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machines.c - the verbs about machines.
 */
#include "config.h"

#include "csv.h"
#include "fleet-open.h"
#include "json.h"
#include "machine-csv.h"
#include "machine-list.h"
#include "name.h"
#include "out.h"
#include "prompt.h"
#include "text.h"
#include "verbs.h"
#include "when.h"

#include <gio/gunixinputstream.h>
#include <string.h>
#include <unistd.h>

enum { HISTORY = 20 };

/* ---- list and export ---- */

Status
verb_machine_list(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GString) condition = g_string_new(NULL);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GError) error = NULL;

    if (opened == NULL)
        return STATUS_CONFIG;
    if (!machine_condition(opened->store, args_word(args, 0), condition, values, &error) ||
        !machine_list_print(opened->store, condition->str, values, args->output, NULL, &error))
        return status_of_error(error);
    return STATUS_GOOD;
}

static void
export_line(const char *const *cells, gpointer data)
{
    g_autoptr(GString) line = g_string_new(NULL);

    for (guint i = 0; cells[i] != NULL; i++)
        csv_text(line, cells[i]);
    out_line(line);
}

Status
verb_machine_export(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GString) condition = g_string_new(NULL);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GError) error = NULL;

    if (opened == NULL)
        return STATUS_CONFIG;
    if (!machine_condition(opened->store, args_word(args, 0), condition, values, &error) ||
        !machine_csv_export(opened->store, condition->str, values, export_line, NULL, &error))
        return status_of_error(error);
    return STATUS_GOOD;
}

/* ---- one machine ---- */

static gboolean
find(Store *store, const char *text, gint64 *machine, GError **error)
{
    if (!machine_find(store, text, machine, error))
        return FALSE;
    if (*machine != 0)
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "no machine '%s' is known, by name, UUID, MAC, FQDN, address or #number; postern "
                "machine list "
                "shows those that are",
                text);
    return FALSE;
}

static void
show_line(const char *name, const char *text, gint64 seen, const char *source)
{
    g_autofree char *when = when_text(seen);
    g_autofree char *clean = text_clean(text);
    g_autoptr(GString) line = g_string_new(NULL);

    g_string_printf(line, "%-20s %-44s %s  %s", name, clean, when, source);
    out_line(line);
}

static void
show_history(const char *when, StoreRows *rows)
{
    const char *old = store_text(rows, 3), *new = store_text(rows, 4);
    g_autofree char *change = old == NULL   ? g_strdup_printf("= %s", new != NULL ? new : "")
                              : new == NULL ? g_strdup_printf("- %s", old)
                                            : g_strdup_printf("%s -> %s", old, new);
    g_autofree char *clean = text_clean(change);
    g_autoptr(GString) line = g_string_new(NULL);

    g_string_printf(
        line, "  %s  %-18s %-20s %s", when, store_text(rows, 1), store_text(rows, 2), clean);
    out_line(line);
}

static gboolean
each_change(Store *store, gint64 id, GString *json, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = machine_history(store, id, &problem);

    for (guint i = 0; i < HISTORY && rows != NULL && store_next(rows, &problem); i++) {
        g_autofree char *when = when_text(store_integer(rows, 0));

        if (json == NULL) {
            show_history(when, rows);
            continue;
        }
        g_string_append(json, i > 0 ? ",{" : "{");
        json_member(json, "at", when);
        json_member(json, "source", store_text(rows, 1));
        json_member(json, "name", store_text(rows, 2));
        json_member(json, "old", store_text(rows, 3));
        json_member(json, "new", store_text(rows, 4));
        g_string_append_c(json, '}');
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static void
show_people(const Machine *machine)
{
    g_autofree char *title = g_strdup_printf("%s  #%" G_GINT64_FORMAT, machine->name, machine->id);
    g_autoptr(GString) tags = g_string_new("tags:");

    out_text(title);
    if (machine->uuid != NULL)
        show_line("uuid", machine->uuid, machine->seen, "");
    for (guint i = 0; i < machine->keys->len; i++) {
        const MachineKey *key = machine->keys->pdata[i];
        show_line(key->kind, key->value, key->seen, key->source);
    }
    for (guint i = 0; i < machine->facts->len; i++) {
        const MachineFact *fact = machine->facts->pdata[i];
        show_line(fact->name, fact->text, fact->seen, fact->source);
    }
    for (guint i = 0; i < machine->tags->len; i++)
        g_string_append_printf(tags, " %s", (const char *)machine->tags->pdata[i]);
    if (machine->tags->len > 0)
        out_line(tags);
    out_text("history, latest first:");
}

static void
json_keys(GString *out, const Machine *machine)
{
    json_name(out, "keys");
    g_string_append_c(out, '[');
    for (guint i = 0; i < machine->keys->len; i++) {
        const MachineKey *key = machine->keys->pdata[i];
        g_autofree char *first = when_text(key->first_seen);
        g_autofree char *seen = when_text(key->seen);

        g_string_append(out, i > 0 ? ",{" : "{");
        json_member(out, "kind", key->kind);
        json_member(out, "value", key->value);
        json_member(out, "first_seen", first);
        json_member(out, "seen", seen);
        json_member(out, "source", key->source);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

static void
json_facts(GString *out, const Machine *machine)
{
    json_name(out, "facts");
    g_string_append_c(out, '{');
    for (guint i = 0; i < machine->facts->len; i++) {
        const MachineFact *fact = machine->facts->pdata[i];
        g_autofree char *seen = when_text(fact->seen);

        json_name(out, fact->name);
        g_string_append_c(out, '{');
        json_member(out, "value", fact->text);
        json_member(out, "seen", seen);
        json_member(out, "source", fact->source);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, '}');
}

static gboolean
show_script(Store *store, const Machine *machine, Format format, GError **error)
{
    g_autofree char *created = when_text(machine->created);
    g_autofree char *seen = when_text(machine->seen);
    g_autoptr(GString) out = g_string_new(format == FORMAT_JSON ? "[{" : "{");

    json_number(out, "id", machine->id);
    json_member(out, "name", machine->name);
    json_member(out, "uuid", machine->uuid);
    json_member(out, "created", created);
    json_member(out, "seen", seen);
    json_keys(out, machine);
    json_facts(out, machine);
    json_name(out, "tags");
    g_string_append_c(out, '[');
    for (guint i = 0; i < machine->tags->len; i++) {
        g_string_append(out, i > 0 ? "," : "");
        json_string(out, machine->tags->pdata[i]);
    }
    g_string_append(out, "]");
    json_name(out, "history");
    g_string_append_c(out, '[');
    if (!each_change(store, machine->id, out, error))
        return FALSE;
    g_string_append(out, format == FORMAT_JSON ? "]}]" : "]}");
    out_line(out);
    return TRUE;
}

Status
verb_machine_show(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(Machine) machine = NULL;
    g_autoptr(GError) error = NULL;
    gint64 id = 0;
    gboolean good;

    if (opened == NULL)
        return STATUS_CONFIG;
    if (find(opened->store, args_word(args, 0), &id, &error))
        machine = machine_read(opened->store, id, &error);
    if (machine == NULL)
        return status_of_error(error);
    if (args->output == FORMAT_TABLE || args->output == FORMAT_CSV) {
        show_people(machine);
        good = each_change(opened->store, id, NULL, &error);
    } else {
        good = show_script(opened->store, machine, args->output, &error);
    }
    return good ? STATUS_GOOD : status_of_error(error);
}

/* ---- add and import ---- */

typedef struct {
    Observation seen;
    GPtrArray *macs, *tags; /* of borrowed strings, NULL-ended */
} Addition;

static gboolean
take_word(Addition *addition, const char *text, GError **error)
{
    static const char *const names[] = {"uuid", "fqdn", "address", "mac", "tag", NULL};
    const char *equals = strchr(text, '=');
    gsize length = equals != NULL ? (gsize)(equals - text) : 0;
    const char *value = equals != NULL ? equals + 1 : "";
    guint i = 0;

    while (names[i] != NULL && (strncmp(names[i], text, length) != 0 || names[i][length] != '\0'))
        i++;
    if (length == 0 || *value == '\0' || names[i] == NULL) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "'%s' says nothing of a machine: expected uuid=, fqdn=, address=, mac= or tag= "
                    "with a value",
                    text);
        return FALSE;
    }
    if (i < 3)
        *(const char **[]){&addition->seen.uuid, &addition->seen.fqdn, &addition->seen.address}[i] =
            value;
    else
        g_ptr_array_add(i == 3 ? addition->macs : addition->tags, (gpointer)(gsize)value);
    return i != 4 || name_check("tag", value, error);
}

static gboolean
take_words(Addition *addition, const Args *args, GError **error)
{
    addition->macs = g_ptr_array_new();
    addition->tags = g_ptr_array_new();
    addition->seen.name = args_word(args, 0);
    for (guint i = 1; i < args->words->len; i++)
        if (!take_word(addition, args_word(args, i), error))
            return FALSE;
    g_ptr_array_add(addition->macs, NULL);
    g_ptr_array_add(addition->tags, NULL);
    addition->seen.macs = (const char *const *)addition->macs->pdata;
    addition->seen.tags = (const char *const *)addition->tags->pdata;
    return TRUE;
}

/* A name that is known alone means that machine, whatever else is said of it. */
static gboolean
add(Opened *opened, gpointer data, GError **error)
{
    Addition *addition = data;
    gint64 subject = 0, machine = 0;

    addition->seen.source = "add";
    addition->seen.at = store_now();
    addition->seen.fresh_us = fleet_fresh_us(opened->fleet);
    return machine_find(opened->store, addition->seen.name, &subject, error) &&
           machine_observe(opened->store, &addition->seen, subject, &machine, error);
}

Status
verb_machine_add(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;
    Addition addition = {0};
    Status status;

    if (opened == NULL)
        return STATUS_CONFIG;
    status = take_words(&addition, args, &error)
                 ? opened_change(opened, args, args_word(args, 0), add, &addition)
                 : status_of_error(error);
    g_ptr_array_unref(addition.macs);
    g_ptr_array_unref(addition.tags);
    return status;
}

typedef struct {
    GInputStream *stream;
    const char *name;
    guint64 count;
} Import;

static gboolean
import(Opened *opened, gpointer data, GError **error)
{
    Import *job = data;

    return machine_csv_import(opened->store,
                              job->stream,
                              job->name,
                              store_now(),
                              fleet_fresh_us(opened->fleet),
                              &job->count,
                              error);
}

static GInputStream *
open_file(const char *path, GError **error)
{
    g_autoptr(GFile) file = NULL;

    if (strcmp(path, "-") == 0)
        return g_unix_input_stream_new(STDIN_FILENO, FALSE);
    file = g_file_new_for_path(path);
    return G_INPUT_STREAM(g_file_read(file, NULL, error));
}

Status
verb_machine_import(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;
    g_autoptr(GInputStream) stream = NULL;
    const char *path = args_word(args, 0);
    Import job = {.name = strcmp(path, "-") == 0 ? "standard input" : path};
    Status status;

    if (opened == NULL)
        return STATUS_CONFIG;
    stream = open_file(path, &error);
    if (stream == NULL) {
        complain("cannot read machines: %s", error->message);
        return STATUS_USAGE;
    }
    job.stream = stream;
    status = opened_change(opened, args, path, import, &job);
    if (status == STATUS_GOOD && !args->quiet)
        remark("%" G_GUINT64_FORMAT " machines were taken in", job.count);
    else if (status != STATUS_GOOD)
        complain("nothing was taken in");
    return status;
}

/* ---- tags ---- */

typedef struct {
    const Args *args;
    gboolean set;
} Tagging;

static gboolean
tag(Opened *opened, gpointer data, GError **error)
{
    const Tagging *tagging = data;

    if (!name_check("tag", args_word(tagging->args, 0), error))
        return FALSE;
    for (guint i = 1; i < tagging->args->words->len; i++) {
        gint64 machine = 0;
        if (!find(opened->store, args_word(tagging->args, i), &machine, error) ||
            !machine_set_tag(
                opened->store, machine, args_word(tagging->args, 0), tagging->set, error))
            return FALSE;
    }
    return TRUE;
}

static Status
tag_all(const Args *args, gboolean set)
{
    g_autoptr(Opened) opened = opened_new(args);
    Tagging tagging = {args, set};

    return opened == NULL ? STATUS_CONFIG
                          : opened_change(opened, args, args_word(args, 0), tag, &tagging);
}

Status
verb_machine_tag(const Args *args)
{
    return tag_all(args, TRUE);
}

Status
verb_machine_untag(const Args *args)
{
    return tag_all(args, FALSE);
}

/* ---- merge and forget ---- */

static gboolean
is_sure(const Args *args, const char *question)
{
    if (args->yes)
        return TRUE;
    if (!prompt_possible())
        complain("there is no terminal to ask on; add --yes to confirm");
    else if (prompt_yes(question))
        return TRUE;
    complain("nothing was changed");
    return FALSE;
}

static gboolean
merge(Opened *opened, gpointer data, GError **error)
{
    const Args *args = data;
    gint64 keep = 0, other = 0;

    return find(opened->store, args_word(args, 0), &keep, error) &&
           find(opened->store, args_word(args, 1), &other, error) &&
           machine_merge(opened->store, keep, other, args->yes, error);
}

Status
verb_machine_merge(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autofree char *question =
        g_strdup_printf("Make one record of %s and %s? It cannot be undone. [y/N] ",
                        args_word(args, 0),
                        args_word(args, 1));

    if (opened == NULL)
        return STATUS_CONFIG;
    if (!is_sure(args, question))
        return STATUS_REFUSED;
    return opened_change(opened, args, args_word(args, 0), merge, (gpointer)(gsize)args);
}

static gboolean
forget(Opened *opened, gpointer data, GError **error)
{
    const Args *args = data;

    for (guint i = 0; i < args->words->len; i++) {
        gint64 machine = 0;
        if (!find(opened->store, args_word(args, i), &machine, error) ||
            !machine_forget(opened->store, machine, error))
            return FALSE;
    }
    return TRUE;
}

Status
verb_machine_forget(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autofree char *question = g_strdup_printf("Remove %s%s and what is known of %s? [y/N] ",
                                                args_word(args, 0),
                                                args->words->len > 1 ? " and others" : "",
                                                args->words->len > 1 ? "them" : "it");

    if (opened == NULL)
        return STATUS_CONFIG;
    if (!is_sure(args, question))
        return STATUS_REFUSED;
    return opened_change(opened, args, args_word(args, 0), forget, (gpointer)(gsize)args);
}
