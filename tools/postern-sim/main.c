/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "ider-machine.h"
#include "server.h"
#include "statefile.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* For tests without a password file; the README names it. */
#define TEST_PASSWORD "P@ssw0rd"

enum {
    EXIT_USAGE = 2,
    RMCP_PORT = 623,
    REDIRECTION_PORT = 16994,
    REDIRECTION_TLS_PORT = 16995,
    VNC_PORT = 5900
};

typedef struct {
    gint64 count, seed;
    int port, tls_port, pong_port, host_port, redirection_port, redirection_tls_port, vnc_port;
    int ider_block;
    gint64 ider_read;
    char *first, *model, *user, *password_file, *tls, *listen, *state_file;
    char **faults;
    gboolean list_models, list_faults;
} Options;

static Options options = {.count = 1, .seed = 1, .port = 16992, .tls_port = 16993};

/* clang-format off */
static const GOptionEntry entries[] = {
    {"count", 'n', 0, G_OPTION_ARG_INT64, &options.count, "How many devices (default 1)", "N"},
    {"first", 0, 0, G_OPTION_ARG_STRING, &options.first, "Address of the first; the others follow (default 127.16.0.1)", "ADDRESS"},
    {"model", 'm', 0, G_OPTION_ARG_STRING, &options.model, "Which firmware, with shares, e.g. amt12:3,amt16:1 (default amt12)", "NAME[:SHARE],..."},
    {"user", 'u', 0, G_OPTION_ARG_STRING, &options.user, "Account (default admin)", "USER"},
    {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &options.password_file, "File whose first line is the password (default: the test password of the README)", "FILE"},
    {"tls", 0, 0, G_OPTION_ARG_STRING, &options.tls, "on: both ports, off: plain only, only: TLS only, legacy: both with TLS 1.0 and 1.1 (default: as the model has it)", "HOW"},
    {"fault", 'f', 0, G_OPTION_ARG_STRING_ARRAY, &options.faults, "Something that goes wrong; ADDRESS is one, a range A-B, or *; may be given up to 64 times", "ADDRESS=KIND[:ARGUMENT]"},
    {"state-file", 0, 0, G_OPTION_ARG_FILENAME, &options.state_file, "Write a JSON line for each device at the end", "FILE"},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "Another fleet for another number (default 1)", "N"},
    {"port", 0, 0, G_OPTION_ARG_INT, &options.port, "Plain port (default 16992)", "PORT"},
    {"tls-port", 0, 0, G_OPTION_ARG_INT, &options.tls_port, "TLS port (default 16993)", "PORT"},
    {"redirection-port", 0, 0, G_OPTION_ARG_INT, &options.redirection_port, "Plain port of serial console, storage and KVM (default 16994, left out where it cannot be had)", "PORT"},
    {"redirection-tls-port", 0, 0, G_OPTION_ARG_INT, &options.redirection_tls_port, "The same over TLS (default 16995, the same)", "PORT"},
    {"ider-read", 0, 0, G_OPTION_ARG_INT64, &options.ider_read, "How much a machine reads of storage that it starts from over the network (default all)", "BYTES"},
    {"ider-block", 0, 0, G_OPTION_ARG_INT, &options.ider_block, "How much of it at once, whole sectors, at most 131072 (default 65536)", "BYTES"},
    {"pong-port", 0, 0, G_OPTION_ARG_INT, &options.pong_port, "UDP port of RMCP presence pings (default 623, left out where it cannot be had)", "PORT"},
    {"host-port", 0, 0, G_OPTION_ARG_INT, &options.host_port, "TCP port of each device's operating system, which accepts and closes (default none)", "PORT"},
    {"vnc-port", 0, 0, G_OPTION_ARG_INT, &options.vnc_port, "Port of KVM for any VNC viewer, on devices that have it switched on (default 5900, left out where it cannot be had)", "PORT"},
    {"listen", 0, 0, G_OPTION_ARG_STRING, &options.listen, "wildcard: one listener for each port, each: listeners for each device, auto: each up to 64 devices (default)", "HOW"},
    {"list-models", 0, 0, G_OPTION_ARG_NONE, &options.list_models, "Show the models and end", NULL},
    {"list-faults", 0, 0, G_OPTION_ARG_NONE, &options.list_faults, "Show the faults and end", NULL},
    {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
};
/* clang-format on */

static gboolean
invalid(GError **error, const char *what, const char *found)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s, found \"%s\"", what, found);
    return FALSE;
}

/* Which of `words` is `text`; 0 for NULL, -1 for none. */
static int
word_of(const char *text, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (text == NULL || g_str_equal(words[i], text))
            return i;
    return -1;
}

static gboolean
list_models(GError **error)
{
    g_auto(GStrv) names = model_names();

    for (guint i = 0; names[i] != NULL; i++) {
        g_autoptr(Model) model = model_load(names[i], error);
        if (model == NULL)
            return FALSE;
        g_print("%-18s %-10s %s\n", model->name, model->firmware, model->title);
    }
    return TRUE;
}

static char *
read_password(GError **error)
{
    g_autofree char *content = NULL;
    gsize length;

    if (options.password_file == NULL)
        return g_strdup(TEST_PASSWORD);
    if (!g_file_get_contents(options.password_file, &content, &length, error)) {
        g_prefix_error(error, "cannot read the password: ");
        return NULL;
    }
    content[strcspn(content, "\r\n")] = '\0';
    if (*content == '\0') {
        invalid(error, "the password file's first line is empty", options.password_file);
        return NULL;
    }
    return g_steal_pointer(&content);
}

static gboolean
add_faults(Sim *sim, GError **error)
{
    for (guint i = 0; options.faults != NULL && options.faults[i] != NULL; i++) {
        Fault *fault = fault_parse(options.faults[i], error);
        if (fault == NULL) {
            g_prefix_error(error, "--fault %s: ", options.faults[i]);
            return FALSE;
        }
        g_ptr_array_add(sim->faults, fault);
    }
    if (sim->faults->len > FAULTS_MAX)
        return invalid(error, "at most 64 --fault options fit", "more");
    return TRUE;
}

/* 0 stands for an option that was not given, here and below. */
static gboolean
set_redirection_ports(Sim *sim, GError **error)
{
    int plain = options.redirection_port, tls = options.redirection_tls_port;

    if (options.vnc_port < 0 || options.vnc_port > 65535)
        return invalid(error, "--vnc-port is a number from 1 to 65535", "another");
    if (plain < 0 || plain > 65535 || tls < 0 || tls > 65535 || (plain != 0 && plain == tls))
        return invalid(error,
                       "--redirection-port and --redirection-tls-port are two numbers from 1 to "
                       "65535",
                       "others");
    sim->redirection_optional = plain == 0 && tls == 0;
    sim->redirection_port = (guint16)(plain != 0 ? plain : REDIRECTION_PORT);
    sim->redirection_tls_port = (guint16)(tls != 0 ? tls : REDIRECTION_TLS_PORT);
    sim->vnc_optional = options.vnc_port == 0;
    sim->vnc_port = (guint16)(sim->vnc_optional ? VNC_PORT : options.vnc_port);
    return TRUE;
}

static gboolean
set_ider(Sim *sim, GError **error)
{
    if (options.ider_read < 0 || options.ider_block < 0 || options.ider_block > MACHINE_ROOM)
        return invalid(error, "--ider-read and --ider-block are numbers of bytes", "others");
    sim->ider_read = (guint64)options.ider_read;
    sim->ider_block = (guint32)options.ider_block;
    return TRUE;
}

static gboolean
set_further_ports(Sim *sim, GError **error)
{
    if (options.pong_port < 0 || options.pong_port > 65535 || options.host_port < 0 ||
        options.host_port > 65535)
        return invalid(error, "--pong-port and --host-port are numbers from 1 to 65535", "others");
    if (options.host_port == options.port || options.host_port == options.tls_port)
        return invalid(error, "--host-port is none of the management ports", "one of them");
    if (!set_redirection_ports(sim, error) || !set_ider(sim, error))
        return FALSE;
    sim->pong_optional = options.pong_port == 0;
    sim->pong_port = (guint16)(sim->pong_optional ? RMCP_PORT : options.pong_port);
    sim->host_port = (guint16)options.host_port;
    return TRUE;
}

static gboolean
set_ports(Sim *sim, GError **error)
{
    int tls =
        word_of(options.tls, (const char *const[]){"model", "on", "off", "only", "legacy", NULL});

    if (tls < 0)
        return invalid(error, "--tls is one of on, off, only, legacy", options.tls);
    if (options.port < 1 || options.port > 65535 || options.tls_port < 1 ||
        options.tls_port > 65535 || options.port == options.tls_port)
        return invalid(error, "--port and --tls-port are two numbers from 1 to 65535", "others");
    sim->tls = (SimTls)tls;
    sim->port = (guint16)options.port;
    sim->tls_port = (guint16)options.tls_port;
    return set_further_ports(sim, error);
}

static Sim *
set_up(GError **error)
{
    const char *first_text = options.first != NULL ? options.first : "127.16.0.1";
    g_autofree char *password = read_password(error);
    g_autoptr(Sim) sim = NULL;
    guint32 first;

    if (password == NULL)
        return NULL;
    sim = sim_new(options.user != NULL ? options.user : "admin", password, (guint64)options.seed);
    if (!fault_parse_address(first_text, &first)) {
        invalid(error, "--first is an address 127.x.y.z", first_text);
        return NULL;
    }
    if (options.count < 1) {
        invalid(error, "--count is at least 1", "less");
        return NULL;
    }
    if (!set_ports(sim, error) || !add_faults(sim, error) ||
        !sim_populate(sim, first, (guint64)options.count, options.model, error))
        return NULL;
    return g_steal_pointer(&sim);
}

static gboolean
on_signal(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_CONTINUE;
}

/* For tests, in place of somebody who sits there. */
static void
show(const Device *device, const char *what, const char *text)
{
    char address[16];

    device_address_text(device->address, address);
    g_print("screen of %s: %s %s\n", address, what, text);
    fflush(stdout);
}

static gboolean
run(GError **error)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(Sim) sim = set_up(error);
    g_autoptr(Server) server = NULL;
    int how = word_of(options.listen, (const char *const[]){"auto", "wildcard", "each", NULL});

    if (sim == NULL)
        return FALSE;
    if (how < 0)
        return invalid(error, "--listen is one of auto, wildcard, each", options.listen);
    if (options.state_file != NULL && !statefile_check(options.state_file, error))
        return FALSE;
    sim->screen = show;
    g_unix_signal_add(SIGTERM, on_signal, loop);
    g_unix_signal_add(SIGINT, on_signal, loop);
    server = server_new(sim, NULL, (ServerListen)how, error);
    if (server == NULL)
        return FALSE;
    g_print("ready %u devices\n", sim->count);
    fflush(stdout);
    g_main_loop_run(loop);
    g_clear_pointer(&server, server_free);
    return options.state_file == NULL || statefile_write(sim, options.state_file, error);
}

static gboolean
list_faults(void)
{
    g_autofree char *text = fault_list();

    g_print("%s", text);
    return TRUE;
}

int
main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new("- play Intel AMT devices");
    g_autoptr(GError) error = NULL;
    gboolean good;

    setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_summary(
        context,
        "Plays any number of Intel AMT devices on addresses 127.x.y.z until it gets SIGTERM or "
        "SIGINT.\nPrints \"ready N devices\" when it listens. Refuses whatever comes from outside "
        "127.0.0.0/8.");
    g_option_context_set_description(
        context,
        "Examples:\n"
        "  postern-sim --count 50 --model amt9,amt12:3,amt16\n"
        "  postern-sim --count 3 --fault 127.16.0.2=delay:500 --fault 127.16.0.3=401-forever\n\n"
        "Exit status: 0 after a signal, 2 when an option is wrong or it cannot listen.\n");
    good = g_option_context_parse(context, &argc, &argv, &error);
    if (good && argc > 1)
        good = invalid(&error, "there are no arguments, only options", argv[1]);
    if (good && options.list_models)
        good = list_models(&error);
    else if (good && options.list_faults)
        good = list_faults();
    else if (good)
        good = run(&error);
    if (good)
        return EXIT_SUCCESS;
    g_printerr("postern-sim: %s\n", error->message);
    return EXIT_USAGE;
}
