/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "settings.h"
#include "suggest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MAX = 1024 * 1024,
    LINE_LENGTH_MAX = 16 * 1024,
    NAME_LENGTH_MAX = 64,
    SECTIONS_MAX = 64,
    SETTINGS_MAX = 1024,
};

/* One pass over one file. */
typedef struct {
    const char *file;
    guint line;
    Settings *settings;
    SettingsSection *section; /* the one being filled */
} Parser;

static void
setting_free(gpointer data)
{
    Setting *setting = data;

    g_free(setting->key);
    g_free(setting->value);
    g_free(setting);
}

static void
section_free(gpointer data)
{
    SettingsSection *section = data;

    g_free(section->name);
    g_ptr_array_unref(section->settings);
    g_free(section);
}

void
settings_free(Settings *settings)
{
    if (settings == NULL)
        return;
    g_free(settings->file);
    g_ptr_array_unref(settings->sections);
    g_free(settings);
}

static gboolean refuse(const Parser *parser, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static gboolean
refuse(const Parser *parser, GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *valid = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    valid = g_utf8_make_valid(text, -1); /* what is shown of a line may be cut within a character */
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "%s:%u: %s",
                parser->file,
                parser->line,
                valid);
    return FALSE;
}

/* ---- lines ---- */

static gboolean
is_name(const char *text)
{
    gsize length = strlen(text);

    if (length == 0 || length > NAME_LENGTH_MAX || !g_ascii_islower(text[0]))
        return FALSE;
    for (; *text != '\0'; text++)
        if (!g_ascii_islower(*text) && !g_ascii_isdigit(*text) && *text != '-')
            return FALSE;
    return TRUE;
}

static gboolean
is_comment(const char *text)
{
    return *text == '\0' || *text == '#' || *text == ';';
}

static const char *
skip_space(const char *text)
{
    while (g_ascii_isspace(*text))
        text++;
    return text;
}

static const SettingsSection *
find_section(const Settings *settings, const char *name)
{
    for (guint i = 0; i < settings->sections->len; i++) {
        const SettingsSection *section = settings->sections->pdata[i];

        if (strcmp(section->name, name) == 0)
            return section;
    }
    return NULL;
}

static const Setting *
find_setting(const SettingsSection *section, const char *key)
{
    for (guint i = 0; i < section->settings->len; i++) {
        const Setting *setting = section->settings->pdata[i];

        if (strcmp(setting->key, key) == 0)
            return setting;
    }
    return NULL;
}

static gboolean
parse_section(Parser *parser, const char *text, GError **error)
{
    const char *end = strchr(text, ']');
    g_autofree char *name = NULL;
    const SettingsSection *before;

    if (end == NULL)
        return refuse(parser, error, "a section is written [name], the ] is missing");
    name = g_strstrip(g_strndup(text + 1, (gsize)(end - text - 1)));
    if (!is_name(name))
        return refuse(parser,
                      error,
                      "'%.64s' is no name of a section: lower-case letters, digits and '-'",
                      name);
    if (!is_comment(skip_space(end + 1)))
        return refuse(parser, error, "unexpected text behind [%s]", name);
    before = find_section(parser->settings, name);
    if (before != NULL)
        return refuse(
            parser, error, "section [%s] is there already, in line %u", name, before->line);
    if (parser->settings->sections->len == SECTIONS_MAX)
        return refuse(parser, error, "more than %d sections", SECTIONS_MAX);
    parser->section = g_new0(SettingsSection, 1);
    parser->section->name = g_steal_pointer(&name);
    parser->section->line = parser->line;
    parser->section->settings = g_ptr_array_new_with_free_func(setting_free);
    g_ptr_array_add(parser->settings->sections, parser->section);
    return TRUE;
}

/* ---- values ---- */

/* The whole value in double quotes: what is in them. NULL with `error`. */
static char *
parse_quoted(const Parser *parser, const char *text, GError **error)
{
    g_autoptr(GString) value = g_string_new(NULL);

    for (text++; *text != '"'; text++) {
        char c = *text;

        if (c == '\\') {
            c = *++text;
            if (c != '\0' && strchr("\"\\nt", c) == NULL) {
                refuse(
                    parser, error, "'\\%c' is not known in quotes; known are \\\" \\\\ \\n \\t", c);
                return NULL;
            }
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        if (c == '\0') {
            refuse(parser, error, "the closing quote is missing");
            return NULL;
        }
        g_string_append_c(value, c);
    }
    if (!is_comment(skip_space(text + 1))) {
        refuse(parser, error, "unexpected text behind the closing quote");
        return NULL;
    }
    return g_string_free(g_steal_pointer(&value), FALSE);
}

/* A quote opens where a value of GVariant text may begin, so that the one in "don't" is a letter.
 */
static gboolean
opens_quote(const char *start, const char *at)
{
    return (*at == '\'' || *at == '"') && (at == start || strchr(" \t[({<,:", at[-1]) != NULL);
}

static const char *
skip_quoted(const char *at)
{
    char quote = *at;

    for (at++; *at != '\0' && *at != quote; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return at;
}

static char *
parse_plain(const Parser *parser, const char *text, GError **error)
{
    const char *at;

    for (at = text; *at != '\0'; at++) {
        if (opens_quote(text, at))
            at = skip_quoted(at);
        else if ((*at == '#' || *at == ';') && (at == text || g_ascii_isspace(at[-1])))
            break;
        if (*at == '\0') {
            refuse(parser, error, "the closing quote is missing");
            return NULL;
        }
    }
    return g_strchomp(g_strndup(text, (gsize)(at - text)));
}

static gboolean
parse_setting(Parser *parser, const char *text, GError **error)
{
    const char *equals = strchr(text, '=');
    g_autofree char *key = NULL;
    const char *start;
    const Setting *before;
    Setting *setting;
    char *value;

    if (equals == NULL)
        return refuse(
            parser, error, "expected [section], key = value or a comment, got '%.40s'", text);
    key = g_strchomp(g_strndup(text, (gsize)(equals - text)));
    if (!is_name(key))
        return refuse(parser,
                      error,
                      "'%.64s' is no key: lower-case letters, digits and '-', a letter first",
                      key);
    if (parser->section == NULL)
        return refuse(parser, error, "%s stands before the first [section]", key);
    before = find_setting(parser->section, key);
    if (before != NULL)
        return refuse(parser, error, "%s is there already, in line %u", key, before->line);
    if (parser->section->settings->len == SETTINGS_MAX)
        return refuse(
            parser, error, "more than %d settings in [%s]", SETTINGS_MAX, parser->section->name);
    start = skip_space(equals + 1);
    value = *start == '"' ? parse_quoted(parser, start, error) : parse_plain(parser, start, error);
    if (value == NULL)
        return FALSE;
    setting = g_new0(Setting, 1);
    setting->key = g_steal_pointer(&key);
    setting->value = value;
    setting->line = parser->line;
    g_ptr_array_add(parser->section->settings, setting);
    return TRUE;
}

static gboolean
parse_line(Parser *parser, const char *line, gsize length, GError **error)
{
    g_autofree char *text = NULL;
    const char *start;

    if (length > LINE_LENGTH_MAX)
        return refuse(parser,
                      error,
                      "the line has %" G_GSIZE_FORMAT " bytes, %d are allowed",
                      length,
                      LINE_LENGTH_MAX);
    if (memchr(line, '\0', length) != NULL)
        return refuse(parser, error, "there is a NUL byte: this is no text file");
    if (!g_utf8_validate(line, (gssize)length, NULL))
        return refuse(parser, error, "not valid UTF-8: save the file in that encoding");
    text = g_strchomp(g_strndup(line, length));
    start = skip_space(text);
    if (is_comment(start))
        return TRUE;
    return *start == '[' ? parse_section(parser, start, error)
                         : parse_setting(parser, start, error);
}

Settings *
settings_parse(const guint8 *data, gsize length, const char *file, GError **error)
{
    g_autoptr(Settings) settings = g_new0(Settings, 1);
    Parser parser = {.file = file, .settings = settings};
    const char *at = (const char *)data, *end = at + length;

    settings->file = g_strdup(file);
    settings->sections = g_ptr_array_new_with_free_func(section_free);
    if (length > FILE_MAX) {
        refuse(&parser,
               error,
               "the file has %" G_GSIZE_FORMAT " bytes, %d are allowed",
               length,
               FILE_MAX);
        return NULL;
    }
    while (at < end) {
        const char *newline = memchr(at, '\n', (gsize)(end - at));
        const char *line_end = newline != NULL ? newline : end;

        parser.line++;
        if (!parse_line(&parser, at, (gsize)(line_end - at), error))
            return NULL;
        at = newline != NULL ? newline + 1 : end;
    }
    return g_steal_pointer(&settings);
}

/* ---- files ---- */

static GByteArray *
read_all(int fd, const char *file, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 buffer[16 * 1024];

    for (;;) {
        gssize got = read(fd, buffer, sizeof buffer);

        if (got == 0)
            return g_steal_pointer(&bytes);
        if (got < 0 && errno != EINTR) {
            g_set_error(error,
                        POSTERN_ERROR,
                        POSTERN_ERROR_BAD_PARAM,
                        "cannot read %s: %s",
                        file,
                        g_strerror(errno));
            return NULL;
        }
        if (got > 0)
            g_byte_array_append(bytes, buffer, (guint)got);
        if (bytes->len > FILE_MAX) /* one byte more is enough to know: it may be endless */
            return g_steal_pointer(&bytes);
    }
}

Settings *
settings_read(const char *file, GError **error)
{
    g_autoptr(GByteArray) bytes = NULL;
    struct stat about;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "cannot open %s: %s",
                    file,
                    g_strerror(errno));
        return NULL;
    }
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
        bytes = read_all(fd, file, error);
    else
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "cannot read %s: it is not a regular file",
                    file);
    close(fd);
    return bytes != NULL ? settings_parse(bytes->data, bytes->len, file, error) : NULL;
}

/* ---- values against fields ---- */

const SettingsSection *
settings_section(const Settings *settings, const char *name)
{
    return find_section(settings, name);
}

static char *
join(const char *const *names)
{
    GString *all = g_string_new(names[0]);

    for (guint i = 1; names[i] != NULL; i++)
        g_string_append_printf(all, ", %s", names[i]);
    return g_string_free(all, FALSE);
}

gboolean
settings_check_sections(const Settings *settings, const char *const *known, GError **error)
{
    for (guint i = 0; i < settings->sections->len; i++) {
        const SettingsSection *section = settings->sections->pdata[i];
        Parser place = {.file = settings->file, .line = section->line};
        Suggest suggest = {.typed = section->name};
        g_autofree char *hint = NULL;
        g_autofree char *all = NULL;

        if (g_strv_contains(known, section->name))
            continue;
        for (guint k = 0; known[k] != NULL; k++)
            suggest_offer(&suggest, known[k]);
        hint = suggest_text(&suggest);
        all = join(known);
        return refuse(
            &place, error, "unknown section [%s]%s; known are: %s", section->name, hint, all);
    }
    return TRUE;
}

static gboolean
parse_values(const Settings *settings,
             const SettingsSection *section,
             GPtrArray *fields,
             GVariantBuilder *values,
             GError **error)
{
    for (guint i = 0; i < section->settings->len; i++) {
        const Setting *setting = section->settings->pdata[i];
        const FieldInfo *field = field_find(fields, setting->key);
        g_autofree char *place = g_strdup_printf("%s:%u", settings->file, setting->line);
        GVariant *value;

        if (field == NULL) {
            field_refuse_name(fields, setting->key, place, error);
            return FALSE;
        }
        value = field_parse(field, setting->value, error);
        if (value == NULL) {
            g_prefix_error(error, "%s: ", place);
            return FALSE;
        }
        g_variant_builder_add(values, "{sv}", setting->key, value);
        g_variant_unref(value);
    }
    return TRUE;
}

GVariant *
settings_values(const Settings *settings, const char *name, GPtrArray *fields, GError **error)
{
    const SettingsSection *section = find_section(settings, name);
    g_auto(GVariantBuilder) values = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    g_autofree char *what = NULL;

    if (section != NULL && !parse_values(settings, section, fields, &values, error))
        return NULL;
    what =
        g_strdup_printf("%s:%u: [%s]", settings->file, section != NULL ? section->line : 1, name);
    return fields_complete(fields, g_variant_builder_end(&values), what, error);
}

void
settings_refuse(const Settings *settings,
                const char *section,
                const char *key,
                const char *text,
                GError **error)
{
    const SettingsSection *found = find_section(settings, section);
    const Setting *setting = found != NULL ? find_setting(found, key) : NULL;
    Parser place = {.file = settings->file, .line = 1};

    if (found != NULL)
        place.line = setting != NULL ? setting->line : found->line;
    refuse(&place, error, "%s: %s", key, text);
}
