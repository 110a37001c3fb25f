/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.ider: lend a machine a CD or a floppy out of a file here, and have it start from it.
 *
 * The machine must see the drives before it starts, so the session comes first and the boot second, as a child run beside the
 * conversation: an unanswered command would hold up the very start that was asked for.
 */
#include "amt-ider.h"

#include <string.h>

enum { STEP_MS = 1000, ROW_MS = 5000, US = G_USEC_PER_SEC };

#define BOOT_TASK "amt.boot.set"

typedef struct {
    IderServer server;
    GVariant *params;
    gint64 begun, last_row;
    guint64 last_bytes; /* when the last row was told */
    guint32 last_commands;
    gint64 idle_us, seconds_us; /* 0: never */
    PosternStrand *boot;        /* NULL: none, or it has ended well */
    gboolean booted;            /* it has ended, one way or the other */
    const char *ended;
} Job;

/* ---- images ---- */

static gboolean
open_image(Job *job, const char *name, IderKind kind, gboolean writable, GError **error)
{
    const char *path = params_string(job->params, name);
    IderDrive *drive = &job->server.drives[kind];

    drive->kind = kind;
    if (path == NULL)
        return TRUE;
    job->server.images[kind] = ider_image_open(path, kind, writable, error);
    if (job->server.images[kind] == NULL)
        return FALSE;
    drive->size = ider_image_size(job->server.images[kind]);
    drive->writable = writable;
    drive->changed = TRUE;
    return TRUE;
}

/* Everything that can be known to be wrong before the device hears of it. */
static gboolean
open_images(Job *job, GError **error)
{
    const char *boot = params_string(job->params, "boot");
    gboolean writable = params_bool(job->params, "writable", FALSE);
    gboolean any =
        params_string(job->params, "cd") != NULL || params_string(job->params, "floppy") != NULL;
    IderKind from = g_str_equal(boot, "cd") ? IDER_CD : IDER_FLOPPY;

    if (!any || (writable && params_string(job->params, "floppy") == NULL))
        return postern_fail(
            error,
            POSTERN_ERROR_BAD_PARAM,
            any ? "only a floppy can be written to: give one, or leave out writable"
                : "there is nothing to lend: give cd or floppy, the path of an image");
    if (!open_image(job, "cd", IDER_CD, FALSE, error) ||
        !open_image(job, "floppy", IDER_FLOPPY, writable, error))
        return FALSE;
    if (g_str_equal(boot, "none"))
        return TRUE;
    if (job->server.images[from] == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "boot=%s needs %s, the path of an image to start from",
                            boot,
                            boot);
    return ider_image_boots(job->server.images[from], error);
}

/* ---- booting ---- */

static gboolean
boot_machine(PosternRun *run, gpointer data, GError **error)
{
    Job *job = data;
    g_autofree char *device = g_strconcat("ider-", params_string(job->params, "boot"), NULL);
    g_autoptr(GVariant) result = NULL;
    PosternResult params;

    result_begin(&params);
    result_string(&params, "device", device);
    result_string(&params, "power", params_string(job->params, "power"));
    result_string(&params, "tls", params_string(job->params, "tls"));
    result_string(&params, "tls-pin", params_string(job->params, "tls-pin"));
    result_string(&params, "tls-ca-file", params_string(job->params, "tls-ca-file"));
    result = job->server.amt->svc.tasks->run(run, BOOT_TASK, NULL, result_end(&params), error);
    job->booted = TRUE;
    return result != NULL;
}

static gboolean
begin_boot(Job *job, GError **error)
{
    const Amt *amt = job->server.amt;

    if (g_str_equal(params_string(job->params, "boot"), "none"))
        return TRUE;
    if (amt->svc.tasks == NULL)
        return postern_fail(
            error, POSTERN_ERROR_NOT_SUPPORTED, "this host cannot run " BOOT_TASK " for boot=...");
    job->boot = amt->svc.run->spawn(job->server.run, boot_machine, job, error);
    return job->boot != NULL;
}

/* FALSE: the boot could not be asked for, so that waiting for the machine makes no sense. */
static gboolean
check_boot(Job *job, GError **error)
{
    if (!job->booted || job->boot == NULL)
        return TRUE;
    if (job->server.amt->svc.run->join(g_steal_pointer(&job->boot), error))
        return TRUE;
    g_prefix_error(error, "the drives were there, the boot was not: ");
    return FALSE;
}

/* ---- telling ---- */

static guint64
rate_of(guint64 bytes, gint64 us)
{
    return us > 0 ? (guint64)((double)bytes * US / (double)us) : 0;
}

static guint64
bytes_of(const IderCounts *counts)
{
    return counts->read + counts->written;
}

static void
add_counts(PosternResult *result, const IderCounts *counts)
{
    result_uint64(result, "bytes-read", counts->read);
    result_uint64(result, "bytes-written", counts->written);
    result_uint(result, "commands", counts->commands);
    result_uint(result, "errors", counts->errors);
}

static gboolean
tell_row(Job *job, gint64 now, GError **error)
{
    const IderServer *server = &job->server;
    const IderCounts *counts = &server->counts;
    PosternResult row;
    guint64 bytes = bytes_of(counts);

    if (now - job->last_row < (gint64)ROW_MS * 1000 || counts->commands == job->last_commands)
        return TRUE;
    result_begin(&row);
    add_counts(&row, counts);
    result_uint64(&row, "rate", rate_of(bytes - job->last_bytes, now - job->last_row));
    if (bytes > 0) {
        result_string(&row, "drive", counts->last_drive == IDER_CD ? "cd" : "floppy");
        result_uint(&row, "block", counts->last_block);
    }
    job->last_row = now;
    job->last_bytes = bytes;
    job->last_commands = counts->commands;
    return server->amt->svc.run->row(server->run, result_end(&row), error);
}

static void
tell_progress(Job *job, gint64 now)
{
    const IderServer *server = &job->server;
    const IderCounts *counts = &server->counts;
    guint64 size = server->drives[counts->last_drive].size;
    guint64 rate = rate_of(bytes_of(counts), now - job->begun);
    g_autofree char *words = NULL;

    if (counts->read == 0)
        words = g_strdup("the drives are there, the machine has not read yet");
    else
        words = g_strdup_printf("%s: %.1f of %.1f MiB, %.2f MiB/s, block %u",
                                counts->last_drive == IDER_CD ? "cd" : "floppy",
                                (double)counts->read / 1048576.0,
                                (double)size / 1048576.0,
                                (double)rate / 1048576.0,
                                counts->last_block);
    server->amt->svc.run->progress(
        server->run, size > 0 ? MIN(1.0, (double)counts->read / (double)size) : -1, words);
}

static GVariant *
describe(const Job *job)
{
    const IderServer *server = &job->server;
    gint64 took = server->amt->svc.clock->monotonic(server->run) - job->begun;
    PosternResult result;

    result_begin(&result);
    add_counts(&result, &server->counts);
    result_uint(&result, "resets", server->counts.resets);
    result_value(&result, "seconds", g_variant_new_double((double)took / US));
    result_uint64(&result, "rate", rate_of(bytes_of(&server->counts), took));
    result_string(&result, "ended", job->ended);
    return result_end(&result);
}

/* ---- serving ---- */

static gint64
limit_of(GVariant *params, const char *name)
{
    return (gint64)params_uint(params, name, 0) * US;
}

/* Why it is time to end; NULL: it is not. */
static const char *
time_to_end(const Job *job, gint64 now)
{
    if (job->seconds_us > 0 && now - job->begun >= job->seconds_us)
        return "seconds";
    if (job->idle_us > 0 && job->boot == NULL && now - job->server.served >= job->idle_us)
        return "idle";
    return NULL;
}

static gboolean
serve(Job *job, GError **error)
{
    const PosternClockSvc *clock = job->server.amt->svc.clock;
    gint64 told = 0;

    job->begun = job->last_row = clock->monotonic(job->server.run);
    while (job->ended == NULL) {
        gint64 now;
        if (!amt_ider_step(&job->server, STEP_MS, error) || !check_boot(job, error))
            return FALSE;
        now = clock->monotonic(job->server.run);
        if (now - told < (gint64)STEP_MS * 1000)
            continue;
        told = now;
        tell_progress(job, now);
        if (!tell_row(job, now, error))
            return FALSE;
        job->ended = time_to_end(job, now);
    }
    return TRUE;
}

static IderStart
start_of(GVariant *params)
{
    const char *word = params_string(params, "start");

    return g_str_equal(word, "on-reboot")  ? IDER_ON_REBOOT
           : g_str_equal(word, "graceful") ? IDER_GRACEFUL
                                           : IDER_NOW;
}

/* The boot uses the job, too, so it ends first; and half of its settings would be worse than all or none. */
static void
finish(Job *job)
{
    if (job->boot != NULL)
        job->server.amt->svc.run->join(g_steal_pointer(&job->boot), NULL);
    amt_ider_end(&job->server);
    ider_image_close(job->server.images[IDER_CD]);
    ider_image_close(job->server.images[IDER_FLOPPY]);
}

static GVariant *
run_ider(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Job job = {.server = {.amt = self, .run = run}, .params = params};
    GVariant *result = NULL;

    job.idle_us = limit_of(params, "idle");
    job.seconds_us = limit_of(params, "seconds");
    if (open_images(&job, error) && amt_ider_begin(&job.server, params, start_of(params), error) &&
        begin_boot(&job, error) && serve(&job, error))
        result = describe(&job);
    finish(&job);
    return result;
}

/* clang-format off */
static const char *const start_choices[] = {"now", "on-reboot", "graceful", NULL};
static const char *const boot_choices[] = {"none", "cd", "floppy", NULL};
static const char *const power_choices[] = {"none", "on-or-reset", "cycle", NULL};

static const PosternField *const task_params[] = {
    POSTERN_FIELD_ITEM(.name = "cd", .type = "s", .format = "file", .summary = "image of a CD or DVD, here: ISO 9660 or UDF"),
    POSTERN_FIELD_ITEM(.name = "floppy", .type = "s", .format = "file",
                       .summary = "image of a floppy, here: 720, 1200, 1440 or 2880 KiB, or an LS-120 of up to 123264 KiB"),
    POSTERN_FIELD_ITEM(.name = "writable", .type = "b", .fallback = "false",
                       .summary = "the machine may write to the floppy's image; nobody else can use it meanwhile"),
    POSTERN_FIELD_ITEM(.name = "start", .type = "s", .fallback = "'now'", .choices = start_choices,
                       .summary = "when the drives appear: at once, when the machine next starts, or when nothing of it is disturbed"),
    POSTERN_FIELD_ITEM(.name = "boot", .type = "s", .fallback = "'none'", .choices = boot_choices,
                       .summary = "have the machine start from this drive once the drives are there, with amt.boot.set"),
    POSTERN_FIELD_ITEM(.name = "power", .type = "s", .fallback = "'on-or-reset'", .choices = power_choices,
                       .summary = "with boot: what amt.boot.set does with the power"),
    POSTERN_FIELD_ITEM(.name = "idle", .type = "u", .fallback = "600",
                       .summary = "end when the machine has read and written nothing for so many seconds; 0: never"),
    POSTERN_FIELD_ITEM(.name = "seconds", .type = "u", .fallback = "0", .summary = "end after so many seconds; 0: never"),
    AMT_SESSION_PARAMS,
    NULL,
};

#define COUNT_FIELDS                                                                                          \
    POSTERN_FIELD_ITEM(.name = "bytes-read", .type = "t", .flags = POSTERN_FIELD_REQUIRED, .format = "bytes", \
                       .summary = "of the images, by the machine"),                                           \
    POSTERN_FIELD_ITEM(.name = "bytes-written", .type = "t", .flags = POSTERN_FIELD_REQUIRED, .format = "bytes", \
                       .summary = "to the floppy's image"),                                                   \
    POSTERN_FIELD_ITEM(.name = "commands", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "that the machine gave the drives"), \
    POSTERN_FIELD_ITEM(.name = "errors", .type = "u", .flags = POSTERN_FIELD_REQUIRED,                        \
                       .summary = "commands that failed for another reason than a missing or changed medium")

static const PosternField *const outputs[] = {
    COUNT_FIELDS,
    POSTERN_FIELD_ITEM(.name = "resets", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how often the machine began anew"),
    POSTERN_FIELD_ITEM(.name = "seconds", .type = "d", .flags = POSTERN_FIELD_REQUIRED, .summary = "how long the drives were there"),
    POSTERN_FIELD_ITEM(.name = "rate", .type = "t", .flags = POSTERN_FIELD_REQUIRED, .summary = "bytes a second, over all that time"),
    POSTERN_FIELD_ITEM(.name = "ended", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "which limit ended it: idle or seconds"),
    NULL,
};

static const PosternField *const rows[] = {
    COUNT_FIELDS,
    POSTERN_FIELD_ITEM(.name = "rate", .type = "t", .flags = POSTERN_FIELD_REQUIRED, .summary = "bytes a second since the last row"),
    POSTERN_FIELD_ITEM(.name = "drive", .type = "s", .summary = "cd or floppy, whichever was read or written last"),
    POSTERN_FIELD_ITEM(.name = "block", .type = "u", .summary = "the last block of that"),
    NULL,
};

const PosternTask amt_ider_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .timeout_ms = 7u * 24 * 3600 * 1000,
    .id = "amt.ider",
    .summary = "lend the machine a CD or a floppy out of a file here, and have it start from it",
    .details = "Storage redirection (IDER, USB-R from AMT 11) over ports 16994 and 16995. The images are checked before the device hears of "
               "them. Any number of machines can read one image at the same time; who writes has it alone. A row every few seconds "
               "says how far the machine is. The session ends when the machine has read nothing for \"idle\" seconds, after \"seconds\", or "
               "when it is cancelled; the drives are taken away each time. AMT_RedirectionService and, with boot, what amt.boot.set "
               "needs. Least realm: Redirection.",
    .params = task_params,
    .outputs = outputs,
    .rows = rows,
    .credentials = amt_credentials,
    .run = run_ider,
};
/* clang-format on */
