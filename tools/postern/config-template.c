/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config-template.c - configuration files to begin with, made from the tables that read them.
 *
 * Text begins with "# ", a key with "#" alone: what is to be set loses that one character.
 */
#include "config.h"

#include "fleet.h"
#include "help.h"
#include "host-open.h"
#include "out.h"
#include "suggest.h"
#include "text.h"
#include "verbs.h"

#include <string.h>

enum { WIDTH = 98 };

static void
print_comment(const char *text)
{
    g_autoptr(GString) wrapped = g_string_new(NULL);
    g_auto(GStrv) lines = NULL;

    text_wrap(wrapped, text, 0, WIDTH);
    lines = g_strsplit(wrapped->str, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        g_autofree char *line = g_strconcat("# ", lines[i], NULL);

        if (*lines[i] != '\0')
            out_text(line);
    }
}

/* Text as settings.h reads it: in quotes where it would not stay what it is. */
static char *
quoted(const char *text)
{
    g_autoptr(GString) out = g_string_new("\"");

    if (strpbrk(text, "#;\"'\\\n\t") == NULL && !g_ascii_isspace(text[0]) &&
        (*text == '\0' || !g_ascii_isspace(text[strlen(text) - 1])))
        return g_strdup(text);
    for (; *text != '\0'; text++) {
        if (strchr("\"\\\n\t", *text) != NULL)
            g_string_append_c(out, '\\');
        g_string_append_c(out, *text == '\n' ? 'n' : *text == '\t' ? 't' : *text);
    }
    g_string_append_c(out, '"');
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *
value_text(GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return quoted(g_variant_get_string(value, NULL));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN))
        return g_strdup(g_variant_get_boolean(value) ? "yes" : "no");
    return g_variant_print(value, FALSE);
}

/* What a key without a default looks like; no two files are the same. */
static char *
sample(const FieldInfo *field)
{
    static const struct {
        const char *word, *text; /* a format, or else a type */
    } samples[] = {
        {"host", "host.example.org"},
        {"ipaddr", "192.0.2.1"},
        {"mac", "00:11:22:33:44:55"},
        {"guid", "01234567-89ab-cdef-0123-456789abcdef"},
        {"datetime", "2026-01-31T12:00:00Z"},
        {"s", "NAME"},
        {"b", "no"},
        {"as", ""},
        {"ay", "[]"},
        {"a{sv}", "{}"},
    };

    if (field->choices != NULL && field->choices[0] != NULL)
        return g_strdup(field->choices[0]);
    if (g_strcmp0(field->format, "file") == 0)
        return g_strconcat("/path/to/", field->name, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(samples); i++)
        if (g_strcmp0(samples[i].word, field->format) == 0 ||
            strcmp(samples[i].word, field->type) == 0)
            return g_strdup(samples[i].text);
    return g_strdup(field->type[0] == 'a' ? "[]" : "0");
}

static void
print_field(const FieldInfo *field)
{
    g_autofree char *choices = field->choices != NULL ? g_strjoinv(", ", field->choices) : NULL;
    g_autofree char *notes = g_strdup_printf("%s (%s%s%s%s)",
                                             field->summary,
                                             field_type_words(field),
                                             choices != NULL ? ": " : "",
                                             choices != NULL ? choices : "",
                                             field->fallback == NULL ? "; not set" : "");
    g_autofree char *value = field->fallback != NULL ? value_text(field->fallback) : sample(field);
    g_autofree char *line =
        g_strdup_printf("#%s =%s%s", field->name, *value != '\0' ? " " : "", value);

    out_text("");
    print_comment(notes);
    out_text(line);
}

static void
print_section(const char *name, GPtrArray *fields)
{
    g_autofree char *head = g_strdup_printf("\n[%s]", name);

    out_text(head);
    for (guint i = 0; i < fields->len; i++)
        print_field(fields->pdata[i]);
}

static void
print_main(void)
{
    print_comment(
        "postern.conf - settings of the host and of the fleet's memory. All have defaults, "
        "which are shown. To set a key, take away the # before it.");
    print_section("host", host_schema()->config);
    print_section("fleet", fleet_schema()->config);
}

static void
print_plugin(const Plugin *plugin)
{
    g_autofree char *head = g_strdup_printf("%s.conf - %s. This file in plugins.d enables the "
                                            "plugin. To set a key, take away the # before it.",
                                            plugin->name,
                                            plugin->info->summary);

    print_comment(head);
    print_section("plugin", host_plugin_schema()->config);
    print_section("config", plugin->info->config);
}

/* NULL having complained. */
static const Plugin *
find_plugin(Host *host, const char *name)
{
    GPtrArray *plugins = registry_plugins(host_registry(host));
    Suggest suggest = {.typed = name};
    g_autofree char *hint = NULL;

    for (guint i = 0; i < plugins->len; i++) {
        const Plugin *plugin = plugins->pdata[i];

        suggest_offer(&suggest, plugin->name);
        if (strcmp(plugin->name, name) != 0)
            continue;
        if (plugin->info == NULL)
            complain("plugin %s cannot say which keys it has: %s", name, plugin->reason);
        return plugin->info != NULL ? plugin : NULL;
    }
    hint = suggest_text(&suggest);
    complain("no plugin '%s'%s; `postern plugins` lists all there are", name, hint);
    return NULL;
}

Status
verb_config_template(const Args *args)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Host) host = NULL;
    const Plugin *plugin;

    if (args->words->len == 0) {
        print_main();
        return STATUS_GOOD;
    }
    host = host_open_leniently(args, problems);
    if (host == NULL) {
        complain("%s", (const char *)problems->pdata[problems->len - 1]);
        return STATUS_CONFIG;
    }
    plugin = find_plugin(host, args_word(args, 0));
    if (plugin == NULL)
        return STATUS_USAGE;
    print_plugin(plugin);
    return STATUS_GOOD;
}
