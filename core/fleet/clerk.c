/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "clerk.h"
#include "error.h"
#include "journal.h"
#include "machine.h"
#include "run.h"

#include <string.h>
#include <time.h>

/* Errands in one transaction. While many come, the clerk gathers them for a moment: a wake-up and a commit for each few
 * would cost more than what is to be done for them. */
enum { GROUP_MAX = 2048, NAP_FROM = 8, NAP_US = 3000, PURGE_EVERY_US = 60 * 1000 * 1000 };

typedef enum {
    ERRAND_BEGIN,
    ERRAND_END,
    ERRAND_KNOWN,
    ERRAND_LOGIN,
    ERRAND_OBSERVE,
    ERRAND_PREPARE,
    ERRAND_SETTLE
} ErrandKind;

/* What the clerk knows of a run from its beginning to its end. */
typedef struct {
    gint refs;
    gint64 seq; /* of its row in the journal */
    gint64 machine;
    char *subject; /* of its logins; NULL: it has no target */
} Ticket;          /* the clerk's thread only, but for `refs` */

typedef struct {
    ErrandKind kind;
    Ticket *ticket; /* a reference */
    /* BEGIN, END, KNOWN, PREPARE and SETTLE: on the stack of the run's fiber, which waits */
    PosternRun *run;
    Wait wait;
    gboolean done;
    GError *error;
    GVariant *result; /* END: borrowed */
    const GError *why;
    GPtrArray *candidates; /* BEGIN: of ProfileCandidate */
    GPtrArray *barred;     /* BEGIN: of char * or NULL, one for each login given with the command */
    GVariant *known;       /* KNOWN */
    gboolean keep;         /* SETTLE */
    /* LOGIN and OBSERVE: owned; PREPARE and SETTLE: the run's */
    PosternCredential *credential;
    char *text;
    GVariant *facts;
    char *host, *task;
} Errand;

struct Clerk {
    ClerkSettings settings;
    RunHooks hooks;
    Store *store;
    ProfileCache *profiles;
    GThread *thread;
    GMutex lock;
    GCond news;
    GQueue errands; /* of Errand */
    gboolean ending;
    gint64 purged;
    GHashTable *prints; /* PosternCredential given with a command -> char * */
    gint64 journal_ns;  /* of processor time */
    guint64 rows;       /* in the journal */
    GVariant *params;   /* of the last begin: a batch has the same for all */
    char *params_text;
};

/* ---- tickets ---- */

static Ticket *
ticket_ref(Ticket *ticket)
{
    g_atomic_int_inc(&ticket->refs);
    return ticket;
}

static void
ticket_unref(gpointer data)
{
    Ticket *ticket = data;

    if (!g_atomic_int_dec_and_test(&ticket->refs))
        return;
    g_free(ticket->subject);
    g_free(ticket);
}

/* ---- from the runs ---- */

static void
hand_in(Clerk *clerk, Errand *errand)
{
    g_mutex_lock(&clerk->lock);
    g_queue_push_tail(&clerk->errands, errand);
    if (clerk->errands.length == 1)
        g_cond_signal(&clerk->news);
    g_mutex_unlock(&clerk->lock);
}

static void
errand_answered(gpointer data)
{
    Errand *errand = data;

    errand->done = TRUE;
    wait_wake(&errand->wait);
}

/* A run that is cancelled meanwhile waits all the same: the clerk writes to its stack. */
static gboolean
wait_for_answer(Clerk *clerk, Errand *errand, GError **error)
{
    errand->wait.ignores_cancel = TRUE;
    hand_in(clerk, errand);
    while (!errand->done)
        wait_for(&errand->wait, errand->run, -1);
    if (errand->error == NULL)
        return TRUE;
    g_propagate_error(error, errand->error);
    return FALSE;
}

static void
take_candidates(PosternRun *run, const Errand *errand)
{
    CredentialSession *session = run_credentials(run);
    const CredentialSource *source = run_plan(run)->credentials;

    for (guint i = 0; errand->barred != NULL && i < errand->barred->len; i++)
        if (errand->barred->pdata[i] != NULL)
            credential_session_bar(session, source->given->pdata[i], errand->barred->pdata[i]);
    for (guint i = 0; errand->candidates != NULL && i < errand->candidates->len; i++) {
        const ProfileCandidate *one = errand->candidates->pdata[i];
        credential_session_add(session, one->credential, one->barred);
    }
}

static gboolean
on_begin(PosternRun *run, gpointer data, GError **error)
{
    Errand errand = {.kind = ERRAND_BEGIN, .run = run};
    gboolean good;

    errand.ticket = g_new0(Ticket, 1);
    errand.ticket->refs = 1;
    run_set_ticket(run, errand.ticket, ticket_unref);
    good = wait_for_answer(data, &errand, error);
    if (good && run_owns_credentials(run))
        take_candidates(run, &errand);
    g_clear_pointer(&errand.candidates, g_ptr_array_unref);
    g_clear_pointer(&errand.barred, g_ptr_array_unref);
    return good;
}

static gboolean
on_end(PosternRun *run, GVariant *result, const GError *why, gpointer data, GError **error)
{
    Errand errand = {.kind = ERRAND_END, .run = run, .result = result, .why = why};

    errand.ticket = run_ticket(run);
    return wait_for_answer(data, &errand, error);
}

static void
on_login(PosternRun *run, PosternCredential *credential, const GError *why, gpointer data)
{
    Errand *errand;

    if (run_ticket(run) == NULL || run_target(run)->host == NULL)
        return;
    errand = g_new0(Errand, 1);
    errand->kind = ERRAND_LOGIN;
    errand->ticket = ticket_ref(run_ticket(run));
    errand->credential = credential_ref(credential);
    errand->text = why != NULL ? g_strdup(why->message) : NULL;
    hand_in(data, errand);
}

static void
on_observe(PosternRun *run, GVariant *facts, gpointer data)
{
    Errand *errand;

    if (run_ticket(run) == NULL || run_target(run)->host == NULL)
        return;
    errand = g_new0(Errand, 1);
    errand->kind = ERRAND_OBSERVE;
    errand->ticket = ticket_ref(run_ticket(run));
    errand->facts = g_variant_ref(facts);
    errand->host = g_strdup(run_target(run)->host);
    errand->task = g_strdup(run_task(run)->id);
    hand_in(data, errand);
}

static GVariant *
on_known(PosternRun *run, gpointer data)
{
    Errand errand = {.kind = ERRAND_KNOWN, .run = run, .ticket = run_ticket(run)};
    g_autoptr(GError) error = NULL;

    if (errand.ticket != NULL && !wait_for_answer(data, &errand, &error))
        run_log(run, G_LOG_LEVEL_WARNING, "%s", error->message);
    return errand.known != NULL ? errand.known : g_variant_ref_sink(g_variant_new("a{sv}", NULL));
}

static gboolean
change_login(Clerk *clerk, Errand *errand, GError **error)
{
    errand->ticket = run_ticket(errand->run);
    if (errand->ticket != NULL && run_target(errand->run)->host != NULL)
        return wait_for_answer(clerk, errand, error);
    g_set_error_literal(error,
                        POSTERN_ERROR,
                        POSTERN_ERROR_NOT_SUPPORTED,
                        "a login is changed of a machine, and this run has none");
    return FALSE;
}

static gboolean
on_prepare(PosternRun *run, PosternCredential *credential, gpointer data, GError **error)
{
    Errand errand = {.kind = ERRAND_PREPARE, .run = run, .credential = credential};

    return change_login(data, &errand, error);
}

static gboolean
on_settle(
    PosternRun *run, PosternCredential *credential, gboolean keep, gpointer data, GError **error)
{
    Errand errand = {.kind = ERRAND_SETTLE, .run = run, .credential = credential, .keep = keep};

    return change_login(data, &errand, error);
}

/* ---- the clerk's own thread: beginnings ---- */

static const char *
print_of(Clerk *clerk, PosternCredential *credential)
{
    char *print = g_hash_table_lookup(clerk->prints, credential);

    if (print == NULL) {
        print = profile_print(clerk->settings.vault, credential);
        g_hash_table_insert(clerk->prints, credential_ref(credential), print);
    }
    return print;
}

/* Parameters as the journal keeps them, without those that are secret. */
static const char *
params_text(Clerk *clerk, PosternRun *run)
{
    GVariant *params = run_plan(run)->params;
    const GPtrArray *fields = run_task(run)->params;
    GVariantDict shown;

    if (params == clerk->params)
        return clerk->params_text;
    g_variant_dict_init(&shown, params);
    for (guint i = 0; i < fields->len; i++) {
        const FieldInfo *field = fields->pdata[i];
        if ((field->flags & POSTERN_FIELD_SECRET) && g_variant_dict_contains(&shown, field->name))
            g_variant_dict_insert(&shown, field->name, "s", "******");
    }
    g_clear_pointer(&clerk->params, g_variant_unref);
    clerk->params = g_variant_ref(params);
    g_free(clerk->params_text);
    {
        g_autoptr(GVariant) dict = g_variant_ref_sink(g_variant_dict_end(&shown));
        clerk->params_text = g_variant_print(dict, FALSE);
    }
    return clerk->params_text;
}

static JournalRow
row_of(const Clerk *clerk, PosternRun *run, const char *kind)
{
    const Target *target = run_target(run);
    const Ticket *ticket = run_ticket(run);
    const PosternRun *parent = run_parent(run);

    return (JournalRow){
        .at = store_now(),
        .kind = kind,
        .actor = clerk->settings.actor->name,
        .task = run_task(run)->id,
        .target = target->text,
        .host = target->host,
        .machine = ticket->machine,
        .parent = parent != NULL && run_ticket(parent) != NULL
                      ? ((const Ticket *)run_ticket(parent))->seq
                      : 0,
        .technology = run_task(run)->plugin->name,
    };
}

static gint64
processor_ns(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * G_GINT64_CONSTANT(1000000000) + now.tv_nsec;
}

static gboolean
add_row(Clerk *clerk, JournalRow *row, GError **error)
{
    gint64 began = processor_ns();
    gboolean good = journal_add(clerk->store, row, error);

    clerk->journal_ns += processor_ns() - began;
    clerk->rows++;
    return good;
}

/* What a commit costs is the journal's, too: without it there would be few. */
static gboolean
commit(Clerk *clerk, GError **error)
{
    gint64 began = processor_ns();
    gboolean good = store_commit(clerk->store, error);

    clerk->journal_ns += processor_ns() - began;
    return good;
}

static gboolean
find_subject(Clerk *clerk, PosternRun *run, Ticket *ticket, GError **error)
{
    const char *host = run_target(run)->host;
    g_autoptr(Machine) machine = NULL;

    if (host == NULL)
        return TRUE;
    if (!machine_at(
            clerk->store, host, store_now() - clerk->settings.fresh_us, &ticket->machine, error))
        return FALSE;
    ticket->subject = ticket->machine != 0
                          ? g_strdup_printf("machine:%" G_GINT64_FORMAT, ticket->machine)
                          : g_strconcat("host:", host, NULL);
    return TRUE;
}

/* A login that was given with the command, too, is not tried a second time. */
static void
leave_out(GPtrArray *candidates, const char *print)
{
    for (guint i = candidates->len; i > 0; i--)
        if (strcmp(((const ProfileCandidate *)candidates->pdata[i - 1])->print, print) == 0)
            g_ptr_array_remove_index(candidates, i - 1);
}

/* Those given with the command that this device refused a moment ago. */
static gboolean
bar_given(Clerk *clerk, Errand *errand, const CredentialSource *source, GError **error)
{
    errand->barred = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < source->given->len; i++) {
        g_autoptr(GError) problem = NULL;
        char *why = profile_barred(clerk->store,
                                   errand->ticket->subject,
                                   print_of(clerk, source->given->pdata[i]),
                                   store_now(),
                                   &problem);

        g_ptr_array_add(errand->barred, why);
        if (problem != NULL) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
find_candidates(Clerk *clerk, Errand *errand, GError **error)
{
    const CredentialSource *source = run_plan(errand->run)->credentials;

    if (errand->ticket->subject == NULL || !run_owns_credentials(errand->run))
        return TRUE;
    if (source != NULL && !source->again && !bar_given(clerk, errand, source, error))
        return FALSE;
    if (source != NULL && source->alone)
        return TRUE;
    errand->candidates = profile_candidates(
        clerk->profiles, errand->ticket->subject, clerk->settings.profile, store_now(), error);
    if (errand->candidates == NULL)
        return FALSE;
    for (guint i = 0; source != NULL && i < source->given->len; i++)
        leave_out(errand->candidates, print_of(clerk, source->given->pdata[i]));
    return TRUE;
}

/* What a role grants is the task that somebody runs; what that runs in its turn is its own business, on machines of the same
 * scope. */
static const char *
granted_task(const PosternRun *run)
{
    while (run_parent(run) != NULL)
        run = run_parent(run);
    return run_task(run)->id;
}

/* A refusal is on record, too. It ends the run, not the transaction. */
static gboolean
may_run(Clerk *clerk, Errand *errand, gboolean *may, GError **error)
{
    PosternRun *run = errand->run;
    JournalRow row = row_of(clerk, run, "denied");

    *may = access_check(clerk->settings.access,
                        clerk->store,
                        clerk->settings.actor,
                        granted_task(run),
                        errand->ticket->machine,
                        run_target(run)->host,
                        NULL,
                        &errand->error);
    if (*may)
        return TRUE;
    if (!g_error_matches(errand->error, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN)) {
        g_propagate_error(error, g_steal_pointer(&errand->error));
        return FALSE;
    }
    row.params = params_text(clerk, run);
    row.outcome = "denied";
    row.error = error_word(errand->error->code)->word;
    row.message = errand->error->message;
    return add_row(clerk, &row, error);
}

static gboolean
do_begin(Clerk *clerk, Errand *errand, GError **error)
{
    Ticket *ticket = errand->ticket;
    gboolean may = FALSE;
    JournalRow row;

    if (!find_subject(clerk, errand->run, ticket, error) || !may_run(clerk, errand, &may, error))
        return FALSE;
    if (!may)
        return TRUE;
    row = row_of(clerk, errand->run, "begin");
    row.params = params_text(clerk, errand->run);
    if (!add_row(clerk, &row, error))
        return FALSE;
    ticket->seq = row.seq;
    return find_candidates(clerk, errand, error);
}

/* ---- ends, logins, sightings ---- */

static const char *
outcome_of(const Errand *errand)
{
    if (errand->result != NULL)
        return "ok";
    return errand->why->code == POSTERN_ERROR_CANCELLED ? "cancelled" : "failed";
}

static gboolean
do_end(Clerk *clerk, Errand *errand, GError **error)
{
    JournalRow row = row_of(clerk, errand->run, "end");
    const PosternCredential *used = credential_session_used(run_credentials(errand->run));

    row.run = errand->ticket->seq;
    row.profile = used != NULL ? used->label : NULL;
    row.outcome = outcome_of(errand);
    row.elapsed_us = run_elapsed_us(errand->run);
    if (errand->why != NULL) {
        row.error = error_word(errand->why->code)->word;
        row.message = errand->why->message;
    }
    return add_row(clerk, &row, error);
}

static gboolean
do_login(Clerk *clerk, const Errand *errand, GError **error)
{
    const char *label = errand->credential->label;
    const char *profile = g_str_has_prefix(label, "profile ") ? label + strlen("profile ") : NULL;

    return profile_learn(clerk->store,
                         errand->ticket->subject,
                         print_of(clerk, errand->credential),
                         errand->credential->type->id,
                         profile,
                         errand->text,
                         store_now(),
                         error);
}

/* The logins that worked while it was only an address go on working now that it has a record. */
static gboolean
move_logins(Clerk *clerk, Ticket *ticket, gint64 machine, GError **error)
{
    g_autofree char *subject = g_strdup_printf("machine:%" G_GINT64_FORMAT, machine);

    if (ticket->subject == NULL || strcmp(ticket->subject, subject) == 0)
        return TRUE;
    if (g_str_has_prefix(ticket->subject, "host:") &&
        (!store_run(clerk->store,
                    error,
                    "UPDATE OR REPLACE login SET subject = $1 WHERE subject = $2",
                    "ss",
                    subject,
                    ticket->subject)))
        return FALSE;
    g_free(ticket->subject);
    ticket->subject = g_steal_pointer(&subject);
    ticket->machine = machine;
    return TRUE;
}

static gboolean
do_observe(Clerk *clerk, const Errand *errand, GError **error)
{
    g_autoptr(GError) problem = NULL;
    Observation observation = {
        .source = errand->task, .at = store_now(), .fresh_us = clerk->settings.fresh_us};
    gint64 machine = 0;
    gboolean good;

    observation_read(&observation, errand->facts);
    if (observation.address == NULL && g_hostname_is_ip_address(errand->host))
        observation.address = errand->host;
    else if (observation.fqdn == NULL && strchr(errand->host, '.') != NULL &&
             !g_hostname_is_ip_address(errand->host))
        observation.fqdn = errand->host;
    good = machine_observe(clerk->store, &observation, errand->ticket->machine, &machine, &problem);
    observation_clear(&observation);
    if (good)
        return move_logins(clerk, errand->ticket, machine, error);
    /* what a device says of itself may be nonsense: that is no reason to stop writing */
    if (g_error_matches(problem, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM)) {
        g_info(
            "%s on %s reported what cannot be: %s", errand->task, errand->host, problem->message);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* The latest of each kind of identity, and all facts. */
static void
describe(const Machine *machine, GVariantDict *known)
{
    GVariantBuilder seen;

    g_variant_dict_insert(known, "id", "x", machine->id);
    g_variant_dict_insert(known, "name", "s", machine->name);
    if (machine->uuid != NULL)
        g_variant_dict_insert(known, "uuid", "s", machine->uuid);
    for (guint i = machine->keys->len; i > 0; i--) {
        const MachineKey *key = machine->keys->pdata[i - 1];
        const char *const macs[] = {key->value, NULL};

        if (strcmp(key->kind, "mac") == 0)
            g_variant_dict_insert(known, "mac", "^as", macs);
        else
            g_variant_dict_insert(known, key->kind, "s", key->value);
    }
    g_variant_builder_init(&seen, G_VARIANT_TYPE("a{sx}"));
    for (guint i = 0; i < machine->facts->len; i++) {
        const MachineFact *fact = machine->facts->pdata[i];
        g_variant_dict_insert(known, fact->name, "s", fact->text);
        g_variant_builder_add(&seen, "{sx}", fact->name, fact->seen);
    }
    g_variant_dict_insert_value(known, "seen", g_variant_builder_end(&seen));
}

static gboolean
do_known(Clerk *clerk, Errand *errand, GError **error)
{
    g_autoptr(Machine) machine = NULL;
    GVariantDict known;

    if (errand->ticket->machine == 0)
        return TRUE;
    machine = machine_read(clerk->store, errand->ticket->machine, error);
    if (machine == NULL)
        return FALSE;
    g_variant_dict_init(&known, NULL);
    describe(machine, &known);
    errand->known = g_variant_ref_sink(g_variant_dict_end(&known));
    return TRUE;
}

/* ---- a login is changed ---- */

/* What the run has done wrong is the run's own error, and no reason to take back what others wrote. */
static gboolean
do_prepare(Clerk *clerk, Errand *errand, GError **error)
{
    union {
        const PosternCredential *constant;
        PosternCredential *plain;
    } used = {credential_session_used(run_credentials(errand->run))};
    GError *problem = NULL;

    if (profile_prepare(clerk->store,
                        clerk->settings.vault,
                        errand->ticket->subject,
                        errand->credential,
                        used.constant != NULL ? print_of(clerk, used.plain) : NULL,
                        store_now(),
                        &problem))
        return TRUE;
    if (g_error_matches(problem, POSTERN_ERROR, POSTERN_ERROR_CONFLICT)) {
        errand->error = problem;
        return TRUE;
    }
    g_propagate_error(error, problem);
    return FALSE;
}

static gboolean
do_settle(Clerk *clerk, Errand *errand, GError **error)
{
    return profile_settle(clerk->store,
                          clerk->settings.vault,
                          errand->ticket->subject,
                          errand->credential,
                          errand->keep,
                          store_now(),
                          error);
}

/* ---- one group after another ---- */

static gboolean
do_errand(Clerk *clerk, Errand *errand, GError **error)
{
    switch (errand->kind) {
    case ERRAND_BEGIN:
        return do_begin(clerk, errand, error);
    case ERRAND_END:
        return do_end(clerk, errand, error);
    case ERRAND_KNOWN:
        return do_known(clerk, errand, error);
    case ERRAND_LOGIN:
        return do_login(clerk, errand, error);
    case ERRAND_PREPARE:
        return do_prepare(clerk, errand, error);
    case ERRAND_SETTLE:
        return do_settle(clerk, errand, error);
    case ERRAND_OBSERVE:
    default:
        return do_observe(clerk, errand, error);
    }
}

static void
errand_finish(Errand *errand, const GError *failed)
{
    if (errand->run != NULL) { /* which waits */
        if (failed != NULL) {
            g_clear_error(&errand->error);
            errand->error = g_error_copy(failed);
            g_prefix_error(&errand->error,
                           "%s: the journal cannot be written, and nothing runs off the record: ",
                           run_task(errand->run)->id);
        }
        worker_post(run_worker(errand->run), errand_answered, errand);
        return;
    }
    if (failed != NULL)
        g_warning("not remembered: %s", failed->message);
    ticket_unref(errand->ticket);
    credential_unref(errand->credential);
    g_clear_pointer(&errand->facts, g_variant_unref);
    g_free(errand->text);
    g_free(errand->host);
    g_free(errand->task);
    g_free(errand);
}

static void
purge_now_and_then(Clerk *clerk)
{
    const ClerkSettings *settings = &clerk->settings;
    g_autoptr(GError) error = NULL;
    guint64 removed = 0;
    gint64 now = g_get_monotonic_time();

    if (clerk->purged != 0 && now - clerk->purged < PURGE_EVERY_US)
        return;
    clerk->purged = now;
    if (!journal_purge(clerk->store,
                       settings->keep_days,
                       settings->max_bytes,
                       settings->actor->name,
                       &removed,
                       &error))
        g_warning("the journal was not purged: %s", error->message);
}

static void
do_group(Clerk *clerk, GQueue *group)
{
    g_autoptr(GError) error = NULL;
    gboolean good = store_begin(clerk->store, &error);
    Errand *errand;

    for (GList *at = group->head; good && at != NULL; at = at->next)
        good = do_errand(clerk, at->data, &error);
    if (good)
        purge_now_and_then(clerk);
    if (good)
        commit(clerk, &error);
    else
        store_rollback(clerk->store);
    while ((errand = g_queue_pop_head(group)) != NULL)
        errand_finish(errand, error);
}

static gboolean
take_group(Clerk *clerk, GQueue *group)
{
    g_mutex_lock(&clerk->lock);
    while (clerk->errands.length == 0 && !clerk->ending)
        g_cond_wait(&clerk->news, &clerk->lock);
    for (guint i = 0; i < GROUP_MAX && clerk->errands.length > 0; i++)
        g_queue_push_tail(group, g_queue_pop_head(&clerk->errands));
    g_mutex_unlock(&clerk->lock);
    return group->length > 0;
}

static gpointer
clerk_work(gpointer data)
{
    Clerk *clerk = data;
    GQueue group = G_QUEUE_INIT;

    while (take_group(clerk, &group)) {
        gboolean busy = group.length >= NAP_FROM;

        do_group(clerk, &group);
        if (busy)
            g_usleep(NAP_US);
    }
    return NULL;
}

/* ---- life ---- */

Clerk *
clerk_new(const ClerkSettings *settings, GError **error)
{
    g_autoptr(Store) store = store_open(settings->store, error);
    Clerk *clerk;

    if (store == NULL)
        return NULL;
    clerk = g_new0(Clerk, 1);
    clerk->settings = *settings;
    clerk->hooks =
        (RunHooks){clerk, on_begin, on_end, on_login, on_observe, on_known, on_prepare, on_settle};
    clerk->store = g_steal_pointer(&store);
    clerk->prints = g_hash_table_new_full(NULL, NULL, (GDestroyNotify)credential_unref, g_free);
    clerk->profiles = profile_cache_new(clerk->store, settings->vault, settings->registry);
    g_mutex_init(&clerk->lock);
    g_cond_init(&clerk->news);
    clerk->thread = g_thread_new("clerk", clerk_work, clerk);
    return clerk;
}

void
clerk_free(Clerk *clerk)
{
    if (clerk == NULL)
        return;
    g_mutex_lock(&clerk->lock);
    clerk->ending = TRUE;
    g_cond_signal(&clerk->news);
    g_mutex_unlock(&clerk->lock);
    g_thread_join(clerk->thread);
    g_debug("the journal took %" G_GUINT64_FORMAT " rows in %" G_GINT64_FORMAT
            " us of processor time, commits included",
            clerk->rows,
            clerk->journal_ns / 1000);
    profile_cache_free(clerk->profiles);
    store_free(clerk->store);
    g_hash_table_unref(clerk->prints);
    g_clear_pointer(&clerk->params, g_variant_unref);
    g_free(clerk->params_text);
    g_mutex_clear(&clerk->lock);
    g_cond_clear(&clerk->news);
    g_free(clerk);
}

const RunHooks *
clerk_hooks(Clerk *clerk)
{
    return &clerk->hooks;
}
