/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "console.h"
#include "power.h"

#include <string.h>

/* The account of the machine's system; the README names it. */
#define HOST_USER     "root"
#define HOST_PASSWORD "sim-host"

enum { LINE_MS = 30 /* between two lines of the BIOS */, LINE_MOST = 256, FLOOD_MOST = 100000 };

typedef enum { MODE_OFF, MODE_BIOS, MODE_USER, MODE_PASSWORD, MODE_SHELL } Mode;

struct Console {
    Device *device;
    Mode mode;
    guint boots, starts, line;
    gint64 next; /* line of the BIOS */
    GString *typed, *out;
    gboolean right_user;
};

static char *
host_name(Device *device)
{
    const SimInstance *general = device_first(device, "AMT_GeneralSettings");
    char *name = general != NULL ? device_property(device, general, "HostName") : NULL;

    if (name != NULL && *name != '\0')
        return name;
    g_free(name);
    return g_strdup("machine");
}

/* ---- starting ---- */

/* Line `n` of what is written before the login prompt, newly allocated; NULL: there are no more. */
static char *
bios_line(const Console *console, guint n)
{
    const Device *device = console->device;
    guint8 uuid[16];

    switch (n) {
    case 0:
        return g_strdup_printf("\033[2J\033[1;1HSimulated BIOS 2.14 for Intel AMT %s\r\n",
                               device->model->firmware);
    case 1:
        device_uuid(device, uuid);
        return g_strdup_printf("Machine %02X%02X%02X%02X, start number %u\r\n",
                               uuid[3],
                               uuid[2],
                               uuid[1],
                               uuid[0],
                               device->boots);
    case 2:
        return g_strdup("Memory test: 16384 MB ok\r\n");
    case 3:
        return g_strdup("Press F2 for setup, F12 for the boot menu\r\n");
    case 4:
        return g_strdup("Booting from hard drive\r\n");
    default:
        return NULL;
    }
}

static void
ask_user(Console *console)
{
    g_autofree char *name = host_name(console->device);

    console->mode = MODE_USER;
    g_string_append_printf(console->out, "%s login: ", name);
}

static void
ask_command(Console *console)
{
    g_autofree char *name = host_name(console->device);

    console->mode = MODE_SHELL;
    g_string_append_printf(console->out, HOST_USER "@%s:~# ", name);
}

static void
greet(Console *console)
{
    g_autofree char *name = host_name(console->device);

    g_string_append_printf(console->out, "\r\nSimulated GNU/Linux 12 %s ttyS4\r\n\r\n", name);
    ask_user(console);
}

static void
start(Console *console, gint64 now)
{
    console->mode = MODE_BIOS;
    console->boots = console->device->boots;
    console->line = 0;
    console->next = now;
    g_string_truncate(console->typed, 0);
}

static gboolean
is_on(guint state)
{
    return state == POWER_ON || state == POWER_SLEEP_LIGHT;
}

static void
follow_power(Console *console, gint64 now)
{
    gboolean on = is_on(power_state(console->device, now));

    if (!on)
        console->mode = MODE_OFF;
    else if (console->boots != console->device->boots) {
        console->starts++;
        start(console, now);
    } else if (console->mode == MODE_OFF) {
        greet(console); /* it slept */
    }
}

static void
write_bios(Console *console, gint64 now)
{
    while (console->mode == MODE_BIOS && console->next <= now) {
        g_autofree char *line = bios_line(console, console->line);
        if (line == NULL) {
            greet(console);
            return;
        }
        g_string_append(console->out, line);
        console->line++;
        console->next += LINE_MS * 1000;
    }
}

/* ---- the shell ---- */

static void
flood(Console *console, const char *count)
{
    guint64 lines = MIN(g_ascii_strtoull(count, NULL, 10), FLOOD_MOST);

    for (guint64 i = 1; i <= lines; i++)
        g_string_append_printf(
            console->out, "line %06" G_GUINT64_FORMAT " of a lot of text\r\n", i);
}

static void
run_command(Console *console, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 2);
    const char *word = words[0] != NULL ? words[0] : "";
    const char *rest = *word != '\0' && words[1] != NULL ? words[1] : "";
    g_autofree char *name = host_name(console->device);

    if (g_str_equal(word, "exit")) {
        greet(console);
        return;
    }
    if (g_str_equal(word, "echo"))
        g_string_append_printf(console->out, "%s\r\n", rest);
    else if (g_str_equal(word, "uname"))
        g_string_append(console->out, "Linux\r\n");
    else if (g_str_equal(word, "hostname"))
        g_string_append_printf(console->out, "%s\r\n", name);
    else if (g_str_equal(word, "flood"))
        flood(console, rest);
    else if (g_str_equal(word, "reboot") || g_str_equal(word, "poweroff"))
        power_by_host(console->device, g_str_equal(word, "poweroff"), g_get_monotonic_time());
    else if (*word != '\0')
        g_string_append_printf(console->out, "sh: %s: not found\r\n", word);
    ask_command(console);
}

static void
take_line(Console *console)
{
    g_autofree char *line = g_strdup(console->typed->str);

    g_string_truncate(console->typed, 0);
    g_string_append(console->out, "\r\n");
    switch (console->mode) {
    case MODE_USER:
        if (*line == '\0') {
            ask_user(console);
            return;
        }
        console->right_user = g_str_equal(line, HOST_USER);
        console->mode = MODE_PASSWORD;
        g_string_append(console->out, "Password: ");
        return;
    case MODE_PASSWORD:
        if (console->right_user && g_str_equal(line, HOST_PASSWORD)) {
            ask_command(console);
            return;
        }
        g_string_append(console->out, "\r\nLogin incorrect\r\n");
        ask_user(console);
        return;
    case MODE_SHELL:
        run_command(console, line);
        return;
    case MODE_OFF:
    case MODE_BIOS:
        return;
    }
}

static void
take_key(Console *console, guint8 key)
{
    gboolean shown = console->mode != MODE_PASSWORD;

    if (key == '\r') {
        take_line(console);
    } else if ((key == 0x7F || key == '\b') && console->typed->len > 0) {
        g_string_truncate(console->typed, console->typed->len - 1);
        if (shown)
            g_string_append(console->out, "\b \b");
    } else if (key >= ' ' && key != 0x7F && console->typed->len < LINE_MOST) {
        g_string_append_c(console->typed, (char)key);
        if (shown)
            g_string_append_c(console->out, (char)key);
    }
}

gboolean
console_input(Console *console, const guint8 *bytes, gsize length)
{
    follow_power(console, g_get_monotonic_time());
    if (console->mode == MODE_OFF)
        return FALSE;
    for (gsize i = 0; i < length && console->mode > MODE_BIOS; i++)
        take_key(console, bytes[i]);
    return TRUE;
}

/* ---- both ways ---- */

void
console_output(Console *console, GString *out)
{
    gint64 now = g_get_monotonic_time();

    follow_power(console, now);
    write_bios(console, now);
    g_string_append_len(out, console->out->str, (gssize)console->out->len);
    g_string_truncate(console->out, 0);
}

gboolean
console_is_on(const Console *console)
{
    return console->mode != MODE_OFF;
}

guint
console_starts(const Console *console)
{
    return console->starts;
}

Console *
console_new(Device *device)
{
    Console *console = g_new0(Console, 1);

    console->device = device;
    console->boots = device->boots;
    console->typed = g_string_new(NULL);
    console->out = g_string_new(NULL);
    return console;
}

void
console_free(Console *console)
{
    g_string_free(console->typed, TRUE);
    g_string_free(console->out, TRUE);
    g_free(console);
}
