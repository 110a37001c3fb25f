/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "csv.h"
#include "field.h"
#include "help.h"
#include "host-open.h"
#include "json.h"
#include "out.h"
#include "show.h"
#include "text.h"
#include "verbs.h"

#include <string.h>

static const struct {
    guint32 flag;
    const char *word, *meaning;
} flag_words[] = {
    {POSTERN_TASK_READ_ONLY, "read-only", "changes nothing on the target"},
    {POSTERN_TASK_DISRUPTIVE,
     "disruptive",
     "may cut power, network or access: needs --yes or an answer"},
    {POSTERN_TASK_IDEMPOTENT, "idempotent", "doing it twice is doing it once"},
    {POSTERN_TASK_PROBE, "probe", "tells what is there, needs no login"},
    {POSTERN_TASK_SERVICE, "service", "runs until it is cancelled"},
    {POSTERN_TASK_NO_TARGET, "no-target", "works on the host itself"},
};

/* What else there is to say of a field: required, default, choices. */
static char *
field_notes(const FieldInfo *field, gboolean given)
{
    g_autofree char *fallback = field->fallback != NULL ? text_value(field->fallback) : NULL;
    g_autofree char *choices = field->choices != NULL ? g_strjoinv(", ", field->choices) : NULL;
    GString *out = g_string_new(field->summary);

    if (given && (field->flags & POSTERN_FIELD_REQUIRED))
        g_string_append(out, "; must be given");
    if (field->flags & POSTERN_FIELD_SECRET)
        g_string_append(out, "; secret");
    if (fallback != NULL)
        g_string_append_printf(out, "; default: %s", *fallback != '\0' ? fallback : "empty");
    if (choices != NULL)
        g_string_append_printf(out, "; one of: %s", choices);
    return g_string_free(out, FALSE);
}

static void
print_fields(const char *title, GPtrArray *fields, gboolean given)
{
    if (fields == NULL || fields->len == 0)
        return;
    out_text("");
    out_text(title);
    for (guint i = 0; i < fields->len; i++) {
        const FieldInfo *field = g_ptr_array_index(fields, i);
        g_autofree char *notes = field_notes(field, given);
        g_autoptr(GString) text = g_string_new(NULL);

        g_string_append_printf(text, "  %s  (%s)\n", field->name, field_type_words(field));
        text_wrap(text, notes, 6, HELP_WIDTH);
        g_string_truncate(text, text->len - 1);
        out_line(text);
    }
}

static void
print_wrapped(const char *before, const char *text)
{
    g_autoptr(GString) out = g_string_new(before);

    text_wrap(out, text, 0, HELP_WIDTH);
    g_string_truncate(out, out->len - 1);
    out_line(out);
}

static void
print_flags(const TaskInfo *task)
{
    for (guint i = 0; i < G_N_ELEMENTS(flag_words); i++) {
        g_autofree char *line = NULL;

        if ((task->flags & flag_words[i].flag) == 0)
            continue;
        line = g_strdup_printf("  %-12s%s", flag_words[i].word, flag_words[i].meaning);
        out_text(line);
    }
}

/* A value that shows what a field looks like. */
static const char *
sample(const FieldInfo *field)
{
    if (field->flags & POSTERN_FIELD_SECRET)
        return "@FILE";
    if (field->choices != NULL && field->choices[0] != NULL)
        return field->choices[0];
    return "VALUE";
}

static char *
example(const TaskInfo *task, Registry *registry)
{
    GString *out = g_string_new("  postern run ");
    const CredentialTypeInfo *type = NULL;

    g_string_append(out, task->id);
    for (guint i = 0; i < task->params->len; i++) {
        const FieldInfo *field = g_ptr_array_index(task->params, i);
        if (field->flags & POSTERN_FIELD_REQUIRED)
            g_string_append_printf(out, " %s=%s", field->name, sample(field));
    }
    if (task->credentials[0] != NULL)
        type = registry_credential_type(registry, task->credentials[0], NULL);
    for (guint i = 0; type != NULL && i < type->fields->len; i++) {
        const FieldInfo *field = g_ptr_array_index(type->fields, i);
        const char *value = field->flags & POSTERN_FIELD_SECRET ? "@FILE" : "VALUE";

        if (i == 0)
            g_string_append_printf(out, " --credential %s:", type->id);
        if (i == 0 || (field->flags & POSTERN_FIELD_REQUIRED))
            g_string_append_printf(out, "%s%s=%s", i > 0 ? "," : "", field->name, value);
    }
    if (task->flags & POSTERN_TASK_DISRUPTIVE)
        g_string_append(out, " --yes");
    if ((task->flags & POSTERN_TASK_NO_TARGET) == 0)
        g_string_append(out, " 10.0.0.0/24");
    return g_string_free(out, FALSE);
}

static void
print_credentials(const TaskInfo *task, Registry *registry)
{
    g_autoptr(Columns) columns = columns_new(2);

    if (task->credentials[0] == NULL)
        return;
    out_text("\nCredentials it can use, best first:");
    for (guint i = 0; task->credentials[i] != NULL; i++) {
        const CredentialTypeInfo *type =
            registry_credential_type(registry, task->credentials[i], NULL);
        const char *cells[] = {task->credentials[i],
                               type != NULL ? type->summary : "not available here"};

        columns_add(columns, cells);
    }
    columns_print(columns, 2);
}

void
show_task(const TaskInfo *task, Registry *registry)
{
    g_autofree char *head = g_strdup_printf("%s - %s", task->id, task->summary);
    g_autofree char *origin = g_strdup_printf("\nOf plugin %s %s, task version %u.",
                                              task->plugin->name,
                                              task->plugin->version,
                                              task->version);
    g_autofree char *shown = example(task, registry);

    out_text(head);
    if (task->details != NULL)
        print_wrapped("\n", task->details);
    out_text(origin);
    print_flags(task);
    print_fields("Parameters:", task->params, TRUE);
    print_fields("Result:", task->outputs, FALSE);
    print_fields("Partial results, each:", task->rows, FALSE);
    print_credentials(task, registry);
    out_text("\nExample:");
    out_text(shown);
}

/* ---- as data ---- */

static void
strings_member(GString *out, const char *name, const char *const *strings)
{
    json_name(out, name);
    g_string_append_c(out, '[');
    for (guint i = 0; strings[i] != NULL; i++) {
        if (i > 0)
            g_string_append_c(out, ',');
        json_string(out, strings[i]);
    }
    g_string_append_c(out, ']');
}

static void
field_object(GString *out, const FieldInfo *field)
{
    g_string_append_c(out, '{');
    json_member(out, "name", field->name);
    json_member(out, "type", field->type);
    json_member(out, "format", field->format);
    json_flag(out, "required", (field->flags & POSTERN_FIELD_REQUIRED) != 0);
    json_flag(out, "secret", (field->flags & POSTERN_FIELD_SECRET) != 0);
    if (field->fallback != NULL) {
        json_name(out, "default");
        json_value(out, field->fallback);
    }
    if (field->choices != NULL)
        strings_member(out, "choices", (const char *const *)field->choices);
    json_member(out, "summary", field->summary);
    g_string_append_c(out, '}');
}

static void
fields_member(GString *out, const char *name, GPtrArray *fields)
{
    json_name(out, name);
    g_string_append_c(out, '[');
    for (guint i = 0; fields != NULL && i < fields->len; i++) {
        if (i > 0)
            g_string_append_c(out, ',');
        field_object(out, g_ptr_array_index(fields, i));
    }
    g_string_append_c(out, ']');
}

static void
show_task_json(const TaskInfo *task)
{
    g_autoptr(GString) out = g_string_new("{");
    const char *flags[G_N_ELEMENTS(flag_words) + 1] = {NULL};
    guint count = 0;

    json_member(out, "id", task->id);
    json_number(out, "version", task->version);
    json_member(out, "plugin", task->plugin->name);
    json_member(out, "summary", task->summary);
    json_member(out, "details", task->details);
    for (guint i = 0; i < G_N_ELEMENTS(flag_words); i++) {
        if (task->flags & flag_words[i].flag)
            flags[count++] = flag_words[i].word;
    }
    strings_member(out, "flags", flags);
    json_number(out, "timeout_ms", task->timeout_ms);
    strings_member(out, "credentials", (const char *const *)task->credentials);
    fields_member(out, "parameters", task->params);
    fields_member(out, "outputs", task->outputs);
    fields_member(out, "rows", task->rows);
    g_string_append_c(out, '}');
    out_line(out);
}

static void
csv_fields(const char *kind, GPtrArray *fields)
{
    for (guint i = 0; fields != NULL && i < fields->len; i++) {
        const FieldInfo *field = g_ptr_array_index(fields, i);
        g_autoptr(GString) line = g_string_new(kind);

        csv_text(line, field->name);
        csv_text(line, field->type);
        csv_text(line, field->flags & POSTERN_FIELD_REQUIRED ? "yes" : "no");
        csv_text(line, field->summary);
        out_line(line);
    }
}

Status
verb_task_show(const Args *args)
{
    g_autoptr(Host) host = host_open(args);
    g_autoptr(GError) error = NULL;
    const TaskInfo *task;

    if (host == NULL)
        return STATUS_CONFIG;
    task = registry_task(host_registry(host), args_word(args, 0), &error);
    if (task == NULL) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    if (args->output == FORMAT_TABLE) {
        show_task(task, host_registry(host));
    } else if (args->output == FORMAT_CSV) {
        out_text("kind,name,type,required,summary");
        csv_fields("parameter", task->params);
        csv_fields("output", task->outputs);
        csv_fields("row", task->rows);
    } else {
        show_task_json(task);
    }
    return STATUS_GOOD;
}
