/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * settings.h - configuration files: sections, `key = value`, comments; values checked against
 * fields.
 *
 *     [section]
 *     key = value            # a comment begins with # or ; at the start of a line or behind white
 * space other = "a # b \" c"   # quotes protect; \" \\ \n \t are known inside them
 *
 * A value is what field_parse() takes. Every error names file and line. (The name config.h is
 * Autoconf's.)
 */
#include "field.h"

typedef struct {
    char *key;
    char *value; /* without quotes and comment */
    guint line;
} Setting;

typedef struct {
    char *name;
    guint line;
    GPtrArray *settings; /* of Setting, in order */
} SettingsSection;

typedef struct {
    char *file;          /* for messages */
    GPtrArray *sections; /* of SettingsSection, in order */
} Settings;

void settings_free(Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_free)

/* Parse `length` bytes. `file` is only for messages. BAD_PARAM with file and line. */
Settings *settings_parse(const guint8 *data, gsize length, const char *file, GError **error);

/* Read and parse a file of at most 1 MiB. BAD_PARAM also when it cannot be read. */
Settings *settings_read(const char *file, GError **error);

/* The section called `name`, or NULL. */
const SettingsSection *settings_section(const Settings *settings, const char *name);

/* FALSE with BAD_PARAM for the first section that is none of `known` (NULL-ended). */
gboolean
settings_check_sections(const Settings *settings, const char *const *known, GError **error);

/* The section `name` as a{sv}, checked against `fields` and complete with fallbacks; a missing
 * section is an empty one. A full reference. */
GVariant *
settings_values(const Settings *settings, const char *name, GPtrArray *fields, GError **error);

/* Set BAD_PARAM with file and the line of `key` in `section` (of the section where it is not there)
 * before `text`. */
void settings_refuse(const Settings *settings,
                     const char *section,
                     const char *key,
                     const char *text,
                     GError **error);
