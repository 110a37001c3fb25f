/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "args.h"
#include "suggest.h"

#include <gio/gio.h>
#include <string.h>

#define complaint(error, ...)                                                                      \
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, __VA_ARGS__)

Args *
args_new(void)
{
    Args *args = g_new0(Args, 1);

    args->words = g_ptr_array_new_with_free_func(g_free);
    args->files = g_ptr_array_new_with_free_func(g_free);
    args->credentials = g_ptr_array_new_with_free_func(g_free);
    args->retries = -1;
    return args;
}

void
args_free(Args *args)
{
    g_ptr_array_unref(args->words);
    g_ptr_array_unref(args->files);
    g_ptr_array_unref(args->credentials);
    g_free(args->group);
    g_free(args->config);
    g_free(args->record);
    g_free(args->replay);
    g_free(args->profile);
    g_free(args->machine);
    g_free(args->task);
    g_free(args->outcome);
    g_free(args->actor);
    g_free(args->since);
    g_free(args);
}

const Verb *
verb_find(const char *name)
{
    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0)
            return verb;
    }
    return NULL;
}

/* A number with one of `units` behind it, scaled by the unit; negative when it is none of that. */
typedef struct {
    const char *unit;
    double factor;
} Unit;

static double
number_with_unit(const char *text, const Unit *units)
{
    gsize length = strspn(text, "0123456789.");
    double number;

    if (!g_ascii_isdigit(*text) || strlen(text) > 24)
        return -1;
    number = g_ascii_strtod(text, NULL);
    for (; units->unit != NULL; units++) {
        if (strcmp(text + length, units->unit) == 0)
            return number * units->factor;
    }
    return -1;
}

gboolean
parse_duration(const char *text, guint *ms, GError **error)
{
    static const Unit units[] = {
        {"", 1e3}, {"s", 1e3}, {"ms", 1}, {"m", 6e4}, {"h", 3.6e6}, {NULL, 0}};
    double value = number_with_unit(text, units);

    if (value < 1 || value > 7 * 24 * 3.6e6) {
        complaint(error,
                  "'%s' is no duration: expected a number from 1ms to 168h with unit ms, s, m or "
                  "h, such as 30s",
                  text);
        return FALSE;
    }
    *ms = (guint)value;
    return TRUE;
}

gboolean
parse_rate(const char *text, double *per_second, GError **error)
{
    static const Unit units[] = {
        {"", 1}, {"/s", 1}, {"/m", 1.0 / 60}, {"/h", 1.0 / 3600}, {NULL, 0}};
    double value = number_with_unit(text, units);

    if (value <= 0 || value > 1e6) {
        complaint(error,
                  "'%s' is no rate: expected a number with /s, /m or /h behind it, such as 20/s",
                  text);
        return FALSE;
    }
    *per_second = value;
    return TRUE;
}

static gboolean
parse_number(const Option *option, const char *text, guint *number, GError **error)
{
    guint64 value = 0;

    if (!g_ascii_string_to_unsigned(text, 10, option->minimum, option->maximum, &value, NULL)) {
        complaint(error,
                  "'%s' does not fit: expected a number from %u to %u",
                  text,
                  option->minimum,
                  option->maximum);
        return FALSE;
    }
    *number = (guint)value;
    return TRUE;
}

static gboolean
parse_choice(const Option *option, const char *text, guint *index, GError **error)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (guint i = 0; option->choices[i] != NULL; i++) {
        g_string_append_printf(all, "%s%s", i > 0 ? ", " : "", option->choices[i]);
        if (strcmp(option->choices[i], text) == 0) {
            *index = i;
            return TRUE;
        }
    }
    complaint(error, "'%s' is none of %s", text, all->str);
    return FALSE;
}

/* The last one counts, so that what an alias says can be overridden. */
static gboolean
store_text(char **place, const char *text)
{
    g_free(*place);
    *place = g_strdup(text);
    return TRUE;
}

/* Put the option's value where the table says. */
static gboolean
store(Args *args, const Option *option, const char *text, GError **error)
{
    gpointer place = (char *)args + option->offset;

    switch (option->kind) {
    case OPTION_FLAG:
        *(gboolean *)place = TRUE;
        return TRUE;
    case OPTION_COUNT:
        ++*(guint *)place;
        return TRUE;
    case OPTION_TEXT:
        return store_text(place, text);
    case OPTION_LIST:
        g_ptr_array_add(*(GPtrArray **)place, g_strdup(text));
        return TRUE;
    case OPTION_NUMBER:
        return parse_number(option, text, place, error);
    case OPTION_DURATION:
        return parse_duration(text, place, error);
    case OPTION_RATE:
        return parse_rate(text, place, error);
    case OPTION_CHOICE:
        return parse_choice(option, text, place, error);
    }
    return FALSE;
}

static gboolean
store_named(Args *args, const Option *option, const char *text, GError **error)
{
    if (store(args, option, text, error))
        return TRUE;
    g_prefix_error(error, "--%s: ", option->name);
    return FALSE;
}

static const Option *
find_in(const Option *const *options, const char *name, gsize length, char letter)
{
    for (; options != NULL && *options != NULL; options++) {
        if (letter != 0 ? (*options)->letter == letter
                        : strlen((*options)->name) == length &&
                              strncmp((*options)->name, name, length) == 0)
            return *options;
    }
    return NULL;
}

static const Option *
find_option(const Args *args, const char *name, gsize length, char letter)
{
    const Option *option = find_in(common_options, name, length, letter);

    if (option == NULL && args->verb != NULL)
        option = find_in(args->verb->options, name, length, letter);
    return option;
}

static void
unknown_option(const Args *args, const char *text, GError **error)
{
    Suggest suggest = {.typed = text + strspn(text, "-")};
    g_autofree char *meant = NULL;

    for (guint i = 0; common_options[i] != NULL; i++)
        suggest_offer(&suggest, common_options[i]->name);
    for (guint i = 0; args->verb != NULL && args->verb->options[i] != NULL; i++)
        suggest_offer(&suggest, args->verb->options[i]->name);
    meant = suggest_text(&suggest);
    complaint(error,
              "unknown option %s%s%s%s",
              text,
              args->verb != NULL ? " of " : " before the verb",
              args->verb != NULL ? args->verb->name : "",
              meant);
}

/* "--name", "--name=value" or "--name value"; moves `at` over what it used. */
static gboolean
parse_long(Args *args, int argc, char **argv, int *at, GError **error)
{
    const char *name = argv[*at] + 2;
    gsize length = strcspn(name, "=");
    const char *text = name[length] == '=' ? name + length + 1 : NULL;
    const Option *option = find_option(args, name, length, 0);

    if (option == NULL) {
        g_autofree char *plain = g_strndup(argv[*at], length + 2);
        unknown_option(args, plain, error);
        return FALSE;
    }
    if (option->value == NULL && text != NULL) {
        complaint(error, "--%s takes no value", option->name);
        return FALSE;
    }
    if (option->value != NULL && text == NULL && ++*at >= argc) {
        complaint(error, "--%s needs a value: --%s %s", option->name, option->name, option->value);
        return FALSE;
    }
    return store_named(args, option, text != NULL ? text : argv[MIN(*at, argc - 1)], error);
}

/* "-v", "-qv", "-fFILE" or "-f FILE". */
static gboolean
parse_short(Args *args, int argc, char **argv, int *at, GError **error)
{
    for (const char *letter = argv[*at] + 1; *letter != '\0'; letter++) {
        const Option *option = find_option(args, NULL, 0, *letter);

        if (option == NULL) {
            char text[] = {'-', *letter, '\0'};
            unknown_option(args, text, error);
            return FALSE;
        }
        if (option->value == NULL) {
            if (!store_named(args, option, NULL, error))
                return FALSE;
            continue;
        }
        if (letter[1] == '\0' && ++*at >= argc) {
            complaint(error, "-%c needs a value: -%c %s", *letter, *letter, option->value);
            return FALSE;
        }
        return store_named(args, option, letter[1] != '\0' ? letter + 1 : argv[*at], error);
    }
    return TRUE;
}

static gboolean
is_group(const char *word)
{
    g_autofree char *prefix = g_strconcat(word, " ", NULL);

    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        if (g_str_has_prefix(verb->name, prefix))
            return TRUE;
    }
    return FALSE;
}

static gboolean
unknown_verb(const char *name, GError **error)
{
    Suggest suggest = {.typed = name};
    g_autofree char *meant = NULL;

    for (const Verb *verb = verbs; verb->name != NULL; verb++)
        suggest_offer(&suggest, verb->name);
    meant = suggest_text(&suggest);
    complaint(error, "unknown verb '%s'%s", name, meant);
    return FALSE;
}

/* "log" is a verb, and "log verify" another. */
static gboolean
take_second(Args *args, const char *word)
{
    g_autofree char *name = g_strconcat(args->verb->name, " ", word, NULL);
    const Verb *verb = verb_find(name);

    if (verb != NULL)
        args->verb = verb;
    return verb != NULL;
}

/* A word: the verb, its second half, or one of its words. */
static gboolean
parse_word(Args *args, const char *word, GError **error)
{
    g_autofree char *name = NULL;

    if (args->verb != NULL) {
        if (args->words->len > 0 || !take_second(args, word))
            g_ptr_array_add(args->words, g_strdup(word));
        return TRUE;
    }
    name = args->group != NULL ? g_strconcat(args->group, " ", word, NULL) : g_strdup(word);
    args->verb = verb_find(name);
    if (args->verb != NULL) {
        g_clear_pointer(&args->group, g_free);
        return TRUE;
    }
    if (args->group == NULL && is_group(word)) {
        args->group = g_strdup(word);
        return TRUE;
    }
    return unknown_verb(name, error);
}

const char *
args_word(const Args *args, guint at)
{
    return at < args->words->len ? g_ptr_array_index(args->words, at) : NULL;
}

static gboolean
check_word_count(const Args *args, GError **error)
{
    const Verb *verb = args->verb;

    if (verb == NULL || args->help)
        return TRUE;
    if (args->words->len < verb->least) {
        complaint(error, "%s needs more: postern %s %s", verb->name, verb->name, verb->words);
        return FALSE;
    }
    if (args->words->len > verb->most) {
        complaint(error,
                  "%s: '%s' is one word too many",
                  verb->name,
                  (const char *)g_ptr_array_index(args->words, verb->most));
        return FALSE;
    }
    return TRUE;
}

gboolean
args_parse(Args *args, int argc, char **argv, GError **error)
{
    gboolean only_words = FALSE;

    for (int at = 1; at < argc; at++) {
        const char *text = argv[at];
        gboolean good;

        if (!only_words && strcmp(text, "--") == 0) {
            only_words = TRUE;
            continue;
        }
        if (only_words || text[0] != '-' || text[1] == '\0')
            good = parse_word(args, text, error);
        else if (text[1] == '-')
            good = parse_long(args, argc, argv, &at, error);
        else
            good = parse_short(args, argc, argv, &at, error);
        if (!good)
            return FALSE;
    }
    return check_word_count(args, error);
}

gboolean
word_is_parameter(const char *word)
{
    gsize length = strcspn(word, "=/");

    if (word[length] != '=' || !g_ascii_islower(word[0]))
        return FALSE;
    return strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}
