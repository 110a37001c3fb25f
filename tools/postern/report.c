/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "csv.h"
#include "error.h"
#include "json.h"
#include "out.h"
#include "report.h"
#include "text.h"

#include <string.h>

/* A terminal line holds no more; the other formats show everything. */
enum { TABLE_FIELDS = 8, TARGET_WIDTH = 15, STATE_WIDTH = 9, CELLS = TABLE_FIELDS + 3 };

/* The first lines of a table wait this long, or until there are so many, so that widths fit what
 * comes. */
enum { HOLD_MS = 200, HELD = 100 };

struct Report {
    const TaskInfo *task;
    Format format;
    GPtrArray *fields; /* of FieldInfo: the columns of table and csv */
    Columns *columns;
    GString *line; /* used again for each */
    gboolean first;
    guint holding; /* timer; 0: lines go out as they come */
};

/* ---- which columns ---- */

static gboolean
is_known(GPtrArray *fields, const char *name)
{
    for (guint i = 0; i < fields->len; i++) {
        const FieldInfo *field = g_ptr_array_index(fields, i);
        if (strcmp(field->name, name) == 0)
            return TRUE;
    }
    return FALSE;
}

static void
add_fields(GPtrArray *to, GPtrArray *fields)
{
    for (guint i = 0; fields != NULL && i < fields->len; i++) {
        const FieldInfo *field = g_ptr_array_index(fields, i);
        if (!is_known(to, field->name))
            g_ptr_array_add(to, g_ptr_array_index(fields, i));
    }
}

static gboolean
is_single(const FieldInfo *field)
{
    return g_variant_type_is_basic((const GVariantType *)field->type);
}

static gboolean
is_text_list(const FieldInfo *field)
{
    return strcmp(field->type, "as") == 0;
}

static void
add_if(GPtrArray *to, GPtrArray *fields, gboolean (*fits)(const FieldInfo *field))
{
    for (guint i = 0; i < fields->len; i++) {
        if (fits(g_ptr_array_index(fields, i)))
            g_ptr_array_add(to, g_ptr_array_index(fields, i));
    }
}

/* For people: single values, then lists of text; others only if there is nothing else. */
static void
choose_short(GPtrArray *fields)
{
    g_autoptr(GPtrArray) all = g_ptr_array_copy(fields, NULL, NULL);

    g_ptr_array_set_size(fields, 0);
    add_if(fields, all, is_single);
    add_if(fields, all, is_text_list);
    if (fields->len == 0)
        g_ptr_array_extend(fields, all, NULL, NULL);
    g_ptr_array_set_size(fields, (gint)MIN(fields->len, TABLE_FIELDS));
}

Report *
report_new(const TaskInfo *task, Format format)
{
    Report *report = g_new0(Report, 1);

    report->task = task;
    report->format = format;
    report->first = TRUE;
    report->line = g_string_sized_new(512);
    report->fields = g_ptr_array_new();
    add_fields(report->fields, task->outputs);
    if (format == FORMAT_CSV)
        add_fields(report->fields, task->rows);
    if (format == FORMAT_TABLE)
        choose_short(report->fields);
    report->columns = columns_new(MAX(report->fields->len, 1) + 2);
    return report;
}

void
report_free(Report *report)
{
    columns_free(report->columns);
    g_ptr_array_unref(report->fields);
    g_string_free(report->line, TRUE);
    g_free(report);
}

/* ---- JSON ---- */

static void
error_member(GString *out, const Outcome *outcome)
{
    const ErrorWord *word = error_word(outcome->error->code);
    GVariantIter iter;
    const char *name;
    GVariant *value;

    json_name(out, "error");
    g_string_append_c(out, '{');
    json_member(out, "code", word->word);
    json_member(out, "message", outcome->error->message);
    json_member(out, "hint", word->hint);
    if (outcome->notes != NULL) {
        g_variant_iter_init(&iter, outcome->notes);
        while (g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
            if (strcmp(name, "code") != 0 && strcmp(name, "message") != 0 &&
                strcmp(name, "hint") != 0) {
                json_name(out, name);
                json_value(out, value);
            }
            g_variant_unref(value);
        }
    }
    g_string_append_c(out, '}');
}

static void
json_begin(Report *report, const char *target)
{
    const char *before = "";

    if (report->format == FORMAT_JSON)
        before = report->first ? " " : ",";
    report->first = FALSE;
    g_string_assign(report->line, before);
    g_string_append_c(report->line, '{');
    json_member(report->line, "target", target);
    json_member(report->line, "task", report->task->id);
}

static void
json_end(Report *report)
{
    g_string_append_c(report->line, '}');
    out_line(report->line);
}

/* In the order of the task's table: a plugin's dictionary may come in any. */
static void
result_member(GString *out, const TaskInfo *task, GVariant *result)
{
    json_name(out, "result");
    g_string_append_c(out, '{');
    for (guint i = 0; i < task->outputs->len; i++) {
        const FieldInfo *field = g_ptr_array_index(task->outputs, i);
        g_autoptr(GVariant) value = g_variant_lookup_value(result, field->name, NULL);

        if (value != NULL) {
            json_name(out, field->name);
            json_value(out, value);
        }
    }
    g_string_append_c(out, '}');
}

static void
json_outcome(Report *report, const Outcome *outcome)
{
    json_begin(report, outcome->target);
    json_member(report->line, "outcome", outcome_word(outcome->kind));
    if (outcome->error != NULL) {
        error_member(report->line, outcome);
    } else {
        result_member(report->line, report->task, outcome->result);
    }
    json_number(report->line, "attempts", outcome->attempts);
    json_number(report->line, "elapsed_ms", outcome->elapsed_us / 1000);
    json_end(report);
}

/* ---- csv ---- */

static void
csv_header(Report *report)
{
    g_string_assign(report->line, "target,task,outcome");
    for (guint i = 0; i < report->fields->len; i++)
        csv_text(report->line, ((const FieldInfo *)g_ptr_array_index(report->fields, i))->name);
    g_string_append(report->line, ",error_code,error_message,error_hint,attempts,elapsed_ms");
    out_line(report->line);
}

static void
csv_begin(Report *report, const char *target, const char *word, GVariant *values)
{
    g_string_truncate(report->line, 0);
    csv_text(report->line, target);
    csv_text(report->line, report->task->id);
    csv_text(report->line, word);
    for (guint i = 0; i < report->fields->len; i++) {
        const FieldInfo *field = g_ptr_array_index(report->fields, i);
        g_autoptr(GVariant) value = NULL;

        if (values != NULL)
            value = g_variant_lookup_value(values, field->name, NULL);
        csv_value(report->line, value);
    }
}

static void
csv_outcome(Report *report, const Outcome *outcome)
{
    const ErrorWord *word = outcome->error != NULL ? error_word(outcome->error->code) : NULL;

    csv_begin(report, outcome->target, outcome_word(outcome->kind), outcome->result);
    csv_text(report->line, word != NULL ? word->word : NULL);
    csv_text(report->line, word != NULL ? outcome->error->message : NULL);
    csv_text(report->line, word != NULL ? word->hint : NULL);
    g_string_append_printf(
        report->line, ",%u,%" G_GINT64_FORMAT, outcome->attempts, outcome->elapsed_us / 1000);
    out_line(report->line);
}

/* ---- table ---- */

static void
table_line(Report *report, const char *const *cells)
{
    g_string_truncate(report->line, 0);
    columns_line(report->columns, cells, report->line);
    out_line(report->line);
}

static void
table_header(Report *report)
{
    g_autoptr(GPtrArray) titles = g_ptr_array_new_with_free_func(g_free);
    const char *cells[CELLS] = {"TARGET", "OUTCOME"};

    for (guint i = 0; i < report->fields->len; i++) {
        const FieldInfo *field = g_ptr_array_index(report->fields, i);
        char *title = g_ascii_strup(field->name, -1);

        g_ptr_array_add(titles, title);
        cells[i + 2] = title;
    }
    columns_measure(report->columns, cells);
    table_line(report, cells);
}

/* Write what was held back; from now on lines go out as they come, and widths only grow. */
static gboolean
table_release(gpointer data)
{
    Report *report = data;

    report->holding = 0;
    table_header(report);
    columns_print(report->columns, 0);
    return G_SOURCE_REMOVE;
}

/* Nothing yet: what runs may have the terminal to itself until there is something. */
static gboolean
table_hold_over(gpointer data)
{
    const Report *report = data;

    return report->columns->rows->len == 0 ? G_SOURCE_CONTINUE : table_release(data);
}

static void
table_release_now(Report *report)
{
    if (report->holding == 0)
        return;
    g_source_remove(report->holding);
    table_release(report);
}

static void
table_begin(Report *report)
{
    report->columns->width[0] = TARGET_WIDTH;
    report->columns->width[1] = STATE_WIDTH;
    report->holding = g_timeout_add(HOLD_MS, table_hold_over, report);
}

/* One line of these cells, of which the first `measured` count for the widths. */
static void
table_add(Report *report, const char *const *cells, guint measured)
{
    const char *some[CELLS] = {NULL};

    for (guint i = 0; i < measured; i++)
        some[i] = cells[i];
    columns_measure(report->columns, some);
    if (report->holding == 0) {
        table_line(report, cells);
        return;
    }
    columns_keep(report->columns, cells);
    if (report->columns->rows->len >= HELD)
        table_release_now(report);
}

static void
table_failure(Report *report, const Outcome *outcome, const char *target)
{
    const char *word = error_word(outcome->error->code)->word;
    g_autofree char *plain = g_strdup_printf("%s: %s", word, outcome->error->message);
    g_autofree char *why = text_clean(plain);
    const char *cells[CELLS] = {target, outcome_word(outcome->kind), why};

    table_add(report, cells, 2);
}

static void
table_outcome(Report *report, const Outcome *outcome)
{
    g_autofree char *target = text_clean(outcome->target);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    const char *cells[CELLS] = {target, outcome_word(outcome->kind)};

    if (outcome->error != NULL) {
        table_failure(report, outcome, target);
        return;
    }
    for (guint i = 0; i < report->fields->len; i++) {
        const FieldInfo *field = g_ptr_array_index(report->fields, i);
        g_autoptr(GVariant) value = g_variant_lookup_value(outcome->result, field->name, NULL);
        char *text = value != NULL ? text_value(value) : g_strdup("-");

        g_ptr_array_add(texts, text);
        cells[i + 2] = text;
    }
    table_add(report, cells, report->fields->len + 2);
}

/* Rows have columns of their own, so they name them. */
static void
table_row(Report *report, const char *target, GVariant *row)
{
    g_autofree char *clean = text_clean(target);
    g_autoptr(GString) pairs = g_string_new(NULL);
    const char *cells[CELLS] = {clean, "row"};
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, row);
    while (g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
        g_autofree char *text = text_value(value);

        g_string_append_printf(pairs, "%s%s=%s", pairs->len > 0 ? "  " : "", name, text);
        g_variant_unref(value);
    }
    cells[2] = pairs->str;
    table_add(report, cells, 2);
}

/* ---- all ---- */

void
report_begin(Report *report)
{
    if (report->format == FORMAT_JSON)
        out_text("[");
    else if (report->format == FORMAT_CSV)
        csv_header(report);
    else if (report->format == FORMAT_TABLE)
        table_begin(report);
}

void
report_outcome(Report *report, const Outcome *outcome)
{
    if (report->format == FORMAT_TABLE)
        table_outcome(report, outcome);
    else if (report->format == FORMAT_CSV)
        csv_outcome(report, outcome);
    else
        json_outcome(report, outcome);
}

void
report_row(Report *report, const char *target, GVariant *row)
{
    if (report->format == FORMAT_TABLE) {
        table_row(report, target, row);
    } else if (report->format == FORMAT_CSV) {
        csv_begin(report, target, "row", row);
        g_string_append(report->line, ",,,,,");
        out_line(report->line);
    } else {
        json_begin(report, target);
        json_name(report->line, "row");
        json_value(report->line, row);
        json_end(report);
    }
}

void
report_end(Report *report)
{
    table_release_now(report);
    if (report->format == FORMAT_JSON)
        out_text("]");
}
