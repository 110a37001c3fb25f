/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "net-run.h"
#include "stream.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

gpointer net_data;

static Host *host;
static GPtrArray *workers;
static char *config_file, *cache_file, *config_dir;
static PluginInfo plugin = {.name = (char[]){"test"}};
static CredentialTypeInfo digest_type, basic_type;

GVariant *
net_done(void)
{
    return g_variant_new("a{sv}", NULL);
}

/* ---- a host without plugins ---- */

static FieldInfo *
field(const char *name, guint32 flags)
{
    FieldInfo *info = g_new0(FieldInfo, 1);

    info->name = g_strdup(name);
    info->type = g_strdup("s");
    info->summary = g_strdup("a field of the test");
    info->flags = flags;
    return info;
}

static void
make_type(CredentialTypeInfo *type, const char *id, const char *login)
{
    type->plugin = &plugin;
    type->id = g_strdup(id);
    type->login = g_strdup(login);
    type->fields = g_ptr_array_new();
    g_ptr_array_add(type->fields, field("user", POSTERN_FIELD_REQUIRED));
    g_ptr_array_add(type->fields, field("password", POSTERN_FIELD_REQUIRED | POSTERN_FIELD_SECRET));
}

const CredentialTypeInfo *
net_type(const char *id)
{
    return strcmp(id, digest_type.id) == 0 ? &digest_type : &basic_type;
}

void
net_setup(void)
{
    g_autoptr(GError) error = NULL;
    HostOptions options = {0};

    stream_prepare_process();
    config_dir = g_dir_make_tmp("postern-net-XXXXXX", &error);
    g_assert_no_error(error);
    config_file = g_build_filename(config_dir, "postern.conf", NULL);
    cache_file = g_build_filename(config_dir, "cache", NULL);
    g_file_set_contents_full(config_file, "[host]\n", -1, G_FILE_SET_CONTENTS_NONE, 0644, &error);
    g_assert_no_error(error);
    options.config_file = config_file;
    options.cache_file = cache_file;
    host = host_new(&options, &error);
    g_assert_no_error(error);
    workers = workers_start(1, &error);
    g_assert_no_error(error);
    make_type(&digest_type, "test.digest", "digest");
    make_type(&basic_type, "test.basic", "basic");
}

Host *
net_host(void)
{
    return host;
}

static void
free_type(CredentialTypeInfo *type)
{
    for (guint i = 0; i < type->fields->len; i++) {
        FieldInfo *info = type->fields->pdata[i];
        g_free(info->name);
        g_free(info->type);
        g_free(info->summary);
        g_free(info);
    }
    g_ptr_array_unref(type->fields);
    g_free(type->id);
    g_free(type->login);
}

void
net_teardown(void)
{
    g_assert_true(workers_stop(workers));
    host_free(host);
    free_type(&digest_type);
    free_type(&basic_type);
    g_remove(config_file);
    g_remove(cache_file);
    g_rmdir(config_dir);
    g_free(config_file);
    g_free(cache_file);
    g_free(config_dir);
}

/* ---- one run ---- */

typedef struct {
    RunPlan plan;
    TaskInfo task;
    Target *target;
    Outcome *outcome;
    GMutex lock;
    GCond ended;
} Job;

static void
job_done(PosternRun *run, Outcome *outcome, gpointer data)
{
    Job *job = data;

    g_mutex_lock(&job->lock);
    job->outcome = outcome;
    g_cond_signal(&job->ended);
    g_mutex_unlock(&job->lock);
}

static void
job_start(gpointer data)
{
    Job *job = data;

    run_start(&job->plan, job->target, job_done, job);
}

static CredentialSource *
make_logins(const char *const *logins)
{
    CredentialSource *source = credential_source_new();

    for (; logins != NULL && *logins != NULL; logins += 2) {
        gboolean basic = g_str_has_prefix(*logins, "basic");
        PosternCredential *one = credential_new(basic ? &basic_type : &digest_type, logins[0]);
        g_assert_true(credential_set(one, "user", logins[0], NULL));
        g_assert_true(credential_set(one, "password", logins[1], NULL));
        g_ptr_array_add(source->given, one);
    }
    return source;
}

static Target *
make_target(const char *text)
{
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GError) error = NULL;
    Target *target;

    target_source_add(source, text, &error);
    g_assert_no_error(error);
    target = target_source_next(source, &error);
    g_assert_no_error(error);
    return target;
}

Outcome *
net_run(NetTask task, const char *target, const char *const *logins, Tap *tap)
{
    char *types[] = {(char[]){"test.digest"}, (char[]){"test.basic"}, NULL};
    CredentialSource *source = make_logins(logins);
    Job job = {0};

    job.task = (TaskInfo){.plugin = &plugin,
                          .id = (char[]){"test.net.check"},
                          .summary = (char[]){"a task of the test"},
                          .params = g_ptr_array_new(),
                          .outputs = g_ptr_array_new(),
                          .credentials = types,
                          .run = task};
    job.plan = (RunPlan){.host = host,
                         .task = &job.task,
                         .params = g_variant_ref_sink(g_variant_new("a{sv}", NULL)),
                         .credentials = source,
                         .tap = tap,
                         .timeout_ms = 20000,
                         .connect_timeout_ms = 3000,
                         .step_timeout_ms = 1000};
    job.target = make_target(target);
    worker_post(workers->pdata[0], job_start, &job);
    g_mutex_lock(&job.lock);
    while (job.outcome == NULL)
        g_cond_wait(&job.ended, &job.lock);
    g_mutex_unlock(&job.lock);
    g_variant_unref(job.plan.params);
    g_ptr_array_unref(job.task.params);
    g_ptr_array_unref(job.task.outputs);
    credential_source_free(source);
    return job.outcome;
}

/* ---- the server ---- */

/* One request with its body into a new string; NULL: the client left. */
static char *
read_request(int fd)
{
    GString *text = g_string_new(NULL);
    char byte;

    while (recv(fd, &byte, 1, 0) == 1) {
        g_string_append_c(text, byte);
        if (text->len >= 4 && strcmp(text->str + text->len - 4, "\r\n\r\n") == 0) {
            const char *length = strstr(text->str, "Content-Length: ");
            guint64 left = length ? g_ascii_strtoull(length + 16, NULL, 10) : 0;
            for (; left > 0 && recv(fd, &byte, 1, 0) == 1; left--)
                g_string_append_c(text, byte);
            return g_string_free(text, FALSE);
        }
    }
    g_string_free(text, TRUE);
    return NULL;
}

static void
send_all(int fd, const char *text, gsize piece)
{
    gsize length = strlen(text);

    for (gsize at = 0; at < length; at += piece) {
        if (send(fd, text + at, MIN(piece, length - at), MSG_NOSIGNAL) < 0)
            return;
        if (piece == 1)
            g_usleep(20000);
    }
}

static void
wait_for_end(int fd)
{
    char bytes[512];

    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
}

static void
reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* FALSE: the connection is at its end. */
static gboolean
play(NetServer *server, int fd, const char *answer)
{
    if (*answer != '!') {
        char *request = read_request(fd);
        if (request == NULL)
            return FALSE;
        g_ptr_array_add(server->requests, request);
    } else {
        answer++;
    }
    if (strcmp(answer, "@reset") == 0) {
        reset(fd);
        return FALSE;
    }
    if (strcmp(answer, "@close") == 0)
        return FALSE;
    if (strcmp(answer, "@hang") == 0)
        wait_for_end(fd);
    else if (g_str_has_prefix(answer, "@drip "))
        send_all(fd, answer + 6, 1);
    else
        send_all(fd, answer + (*answer == '+'), 100000);
    return *answer != '+';
}

static gpointer
serve(gpointer data)
{
    NetServer *server = data;

    for (guint c = 0; server->script[c] != NULL; c++) {
        int fd = accept(server->fd, NULL, NULL);
        gboolean open = TRUE;
        if (fd < 0)
            break;
        server->connections++;
        for (guint i = 0; open && server->script[c][i] != NULL; i++)
            open = play(server, fd, server->script[c][i]);
        if (open)
            wait_for_end(fd);
        close(fd);
    }
    return NULL;
}

NetServer *
net_server(const char *const *const *script)
{
    NetServer *server = g_new0(NetServer, 1);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 5};
    socklen_t length = sizeof address;
    int on = 1;

    server->script = script;
    server->requests = g_ptr_array_new_with_free_func(g_free);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(server->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    g_assert_cmpint(bind(server->fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(server->fd, 16), ==, 0);
    g_assert_cmpint(getsockname(server->fd, (struct sockaddr *)&address, &length), ==, 0);
    server->port = ntohs(address.sin_port);
    server->thread = g_thread_new("server", serve, server);
    return server;
}

void
net_server_stop(NetServer *server)
{
    if (server->thread == NULL)
        return;
    shutdown(server->fd, SHUT_RDWR);
    g_thread_join(g_steal_pointer(&server->thread));
    close(server->fd);
}

void
net_server_free(NetServer *server)
{
    net_server_stop(server);
    g_ptr_array_unref(server->requests);
    g_free(server);
}

const char *
net_request(NetServer *server, guint i)
{
    return i < server->requests->len ? server->requests->pdata[i] : "";
}

char *
net_target(NetServer *server)
{
    return g_strdup_printf("127.0.0.1:%u", server->port);
}
