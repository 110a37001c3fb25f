/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "csv.h"
#include "error.h"
#include "fleet-open.h"
#include "journal.h"
#include "json.h"
#include "out.h"
#include "text.h"
#include "verbs.h"

#include <glib-unix.h>
#include <string.h>

enum { CELLS = 8, POLL_MS = 500 };

static const char *const titles[] = {
    "TIME", "USER", "TASK", "TARGET", "PROFILE", "OUTCOME", "MS", "MESSAGE", NULL};
/* Rows are shown as they are read: columns are as wide as most of them need. */
static const char *const usual[] = {"2026-11-25T14:00:00Z",
                                    "operator",
                                    "amt.power.get",
                                    "lab-7.example.org",
                                    "profile lab",
                                    "cancelled",
                                    "10000",
                                    NULL};

typedef struct {
    Store *store;
    JournalFilter filter;
    Format format;
    Columns *columns;
    gint64 last; /* row that was shown */
    gboolean some, broken;
    GMainLoop *loop;
    GError *error;
} Shown;

/* ---- one entry ---- */

static char *
time_text(gint64 at)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(at / (gint64)G_USEC_PER_SEC);

    return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("?");
}

static void
add_member(GString *line, const char *name, const char *text)
{
    if (text != NULL)
        json_member(line, name, text);
}

static void
add_json(GString *line, const JournalEntry *entry)
{
    g_autofree char *time = time_text(entry->at);

    g_string_append_c(line, '{');
    json_number(line, "seq", entry->seq);
    json_member(line, "time", time);
    json_member(line, "kind", strcmp(entry->kind, "begin") == 0 ? "run" : entry->kind);
    json_member(line, "user", entry->actor);
    add_member(line, "task", entry->task);
    add_member(line, "target", entry->target);
    if (entry->machine != 0)
        json_number(line, "machine", entry->machine);
    if (entry->parent != 0)
        json_number(line, "parent", entry->parent);
    add_member(line, "technology", entry->technology);
    add_member(line, "params", entry->params);
    add_member(line, "profile", entry->profile);
    add_member(line, "outcome", entry->outcome);
    add_member(line, "error", entry->error);
    add_member(line, "message", entry->message);
    if (entry->elapsed_us >= 0)
        json_number(line, "elapsed_ms", entry->elapsed_us / 1000);
    g_string_append_c(line, '}');
}

static void
add_cells(const Shown *shown, GString *line, const JournalEntry *entry)
{
    g_autofree char *time = time_text(entry->at);
    g_autofree char *ms = entry->elapsed_us >= 0
                              ? g_strdup_printf("%" G_GINT64_FORMAT, entry->elapsed_us / 1000)
                              : g_strdup("");
    const char *cells[CELLS] = {time,
                                entry->actor,
                                entry->task,
                                entry->target,
                                entry->profile,
                                entry->outcome,
                                ms,
                                entry->message};
    char *clean[CELLS];

    for (guint i = 0; i < CELLS; i++) {
        if (shown->format == FORMAT_CSV)
            csv_text(line, cells[i]);
        clean[i] = text_clean(cells[i] != NULL ? cells[i] : "");
    }
    if (shown->format == FORMAT_TABLE)
        columns_line(shown->columns, (const char *const *)clean, line);
    for (guint i = 0; i < CELLS; i++)
        g_free(clean[i]);
}

static gboolean
show_entry(const JournalEntry *entry, gpointer data)
{
    Shown *shown = data;
    g_autoptr(GString) line = g_string_new(NULL);

    shown->last = MAX(shown->last, entry->last_seq);
    if (shown->format == FORMAT_TABLE || shown->format == FORMAT_CSV) {
        add_cells(shown, line, entry);
    } else {
        if (shown->format == FORMAT_JSON && shown->some)
            g_string_append_c(line, ',');
        add_json(line, entry);
    }
    shown->some = TRUE;
    out_line(line);
    return TRUE;
}

static void
show_head(Shown *shown)
{
    g_autoptr(GString) line = g_string_new(shown->format == FORMAT_JSON ? "[" : NULL);

    if (shown->format == FORMAT_JSONL)
        return;
    if (shown->format == FORMAT_TABLE) {
        columns_measure(shown->columns, usual);
        columns_line(shown->columns, titles, line);
    }
    for (guint i = 0; shown->format == FORMAT_CSV && i < CELLS; i++) {
        g_autofree char *title = g_ascii_strdown(titles[i], -1);
        csv_text(line, title);
    }
    out_line(line);
}

/* ---- what is asked for ---- */

/* 30s, 30m, 2h, 7d: how long ago. */
static gboolean
parse_ago(const char *text, gint64 *since)
{
    static const char units[] = "smhd";
    static const gint64 seconds[] = {1, 60, 3600, 86400};
    gsize length = strlen(text);
    const char *unit = length > 1 ? strchr(units, text[length - 1]) : NULL;
    g_autofree char *digits = unit != NULL ? g_strndup(text, length - 1) : NULL;
    guint64 count;

    if (unit == NULL || !g_ascii_string_to_unsigned(digits, 10, 0, 100000000, &count, NULL))
        return FALSE;
    *since = store_now() - (gint64)count * seconds[unit - units] * (gint64)G_USEC_PER_SEC;
    *since = MAX(*since, 1);
    return TRUE;
}

static gboolean
parse_since(const char *text, gint64 *since)
{
    static const char *const rests[] = {"", "T00:00:00", ":00"};
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();

    if (parse_ago(text, since))
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(rests); i++) {
        gboolean zulu = i == 2 && g_str_has_suffix(text, "Z");
        g_autofree char *begin = g_strndup(text, strlen(text) - (zulu ? 1 : 0));
        g_autofree char *whole = g_strconcat(begin, rests[i], zulu ? "Z" : "", NULL);
        g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(whole, utc);

        if (time == NULL)
            continue;
        *since = MAX(g_date_time_to_unix(time) * (gint64)G_USEC_PER_SEC, 1);
        return TRUE;
    }
    return FALSE;
}

static gboolean
take_filter(const Args *args, JournalFilter *filter)
{
    static const char *const outcomes[] = {"ok", "failed", "cancelled", "denied", "running", NULL};

    *filter = (JournalFilter){.machine = args->machine,
                              .task = args->task,
                              .outcome = args->outcome,
                              .actor = args->actor};
    if (args->outcome != NULL && !g_strv_contains(outcomes, args->outcome)) {
        complain("--outcome %s: expected ok, failed, cancelled, denied or running", args->outcome);
        return FALSE;
    }
    if (args->since == NULL || parse_since(args->since, &filter->since))
        return TRUE;
    complain(
        "--since %s: expected a day (2026-11-25), a time (2026-11-25T14:00, UTC unless it has a "
        "zone) or how long ago (30m, 2h, 7d)",
        args->since);
    return FALSE;
}

/* ---- following ---- */

static gboolean
show_new(gpointer data)
{
    Shown *shown = data;
    gint64 last = 0;

    if (!journal_last(shown->store, &last, &shown->error)) {
        g_main_loop_quit(shown->loop);
        return G_SOURCE_CONTINUE;
    }
    shown->filter.after = MAX(shown->last, 1);
    if (last > shown->last) {
        if (!journal_read(shown->store, &shown->filter, show_entry, shown, &shown->error))
            g_main_loop_quit(shown->loop);
        shown->last = MAX(shown->last, last);
    }
    if (!out_flush())
        g_main_loop_quit(shown->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean
stop_following(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_CONTINUE;
}

static void
follow(Shown *shown)
{
    guint sources[3];

    shown->loop = g_main_loop_new(NULL, FALSE);
    sources[0] = g_unix_signal_add(SIGINT, stop_following, shown->loop);
    sources[1] = g_unix_signal_add(SIGTERM, stop_following, shown->loop);
    sources[2] = g_timeout_add(POLL_MS, show_new, shown);
    if (out_flush())
        g_main_loop_run(shown->loop);
    for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
        g_source_remove(sources[i]);
    g_clear_pointer(&shown->loop, g_main_loop_unref);
}

Status
verb_log(const Args *args)
{
    Shown shown = {.format = args->output};
    g_autoptr(Columns) columns = columns_new(CELLS);
    g_autoptr(Opened) opened = NULL;
    g_autoptr(GError) error = NULL;
    gint64 last = 0;

    if (!take_filter(args, &shown.filter))
        return STATUS_USAGE;
    opened = opened_new(args);
    if (opened == NULL)
        return STATUS_CONFIG;
    shown.store = opened->store;
    shown.columns = columns;
    if (!journal_last(shown.store, &last, &error))
        return status_of_error(error);
    show_head(&shown);
    if (!journal_read(shown.store, &shown.filter, show_entry, &shown, &error))
        return status_of_error(error);
    shown.last = MAX(shown.last, last);
    if (args->follow)
        follow(&shown);
    if (shown.format == FORMAT_JSON)
        out_text("]");
    error = g_steal_pointer(&shown.error);
    return error != NULL ? status_of_error(error) : STATUS_GOOD;
}

/* ---- care ---- */

Status
verb_log_verify(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *head = NULL;
    const char *expected = args_word(args, 0);
    guint64 rows = 0;

    if (opened == NULL)
        return STATUS_CONFIG;
    if (!journal_verify(opened->store, expected, &head, &rows, &error))
        return status_of_error(error);
    if (args->output == FORMAT_JSON || args->output == FORMAT_JSONL) {
        g_string_append_c(line, '{');
        json_number(line, "rows", (gint64)rows);
        json_member(line, "last", head);
        g_string_append_c(line, '}');
    } else {
        g_string_printf(line,
                        "%" G_GUINT64_FORMAT " rows, none changed or missing; last: %s",
                        rows,
                        head != NULL ? head : "none");
    }
    out_line(line);
    return STATUS_GOOD;
}

static gboolean
purge_once(const Opened *opened, guint64 *removed, GError **error)
{
    GVariant *settings = fleet_settings(opened->fleet);
    guint32 days = 0, mib = 0;

    g_variant_lookup(settings, "journal-keep-days", "u", &days);
    g_variant_lookup(settings, "journal-max-mib", "u", &mib);
    if (!store_begin(opened->store, error))
        return FALSE;
    if (journal_purge(opened->store,
                      days,
                      (guint64)mib << 20,
                      fleet_actor(opened->fleet)->name,
                      removed,
                      error))
        return store_commit(opened->store, error);
    store_rollback(opened->store);
    return FALSE;
}

Status
verb_log_purge(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    guint64 removed = 0, all = 0;

    if (opened == NULL)
        return STATUS_CONFIG;
    do {
        if (!purge_once(opened, &removed, &error))
            return status_of_error(error);
        all += removed;
    } while (removed > 0);
    text = g_strdup_printf("removed %" G_GUINT64_FORMAT " rows", all);
    out_text(text);
    return STATUS_GOOD;
}
