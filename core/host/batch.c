/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "batch.h"
#include "error.h"

#include <pthread.h>
#include <sys/epoll.h>

/*
 * The batch's thread draws targets and hands out what comes back; workers only run. News from the workers come
 * as letters in one locked list, taken in one go, so that 10,000 outcomes a second cost a few wake-ups.
 */

/* How long a run may go on after it was told to end before its worker is given up; and how often that is looked
 * at. A worker held that long has a task on it that blocks, which no time-out can reach. */
enum { GRACE_US = 10 * 1000 * 1000, LOOK_US = 500 * 1000 };

/* Waits before a further attempt: doubled each time, with as much again by chance. */
enum { BACKOFF_US = 250 * 1000, BACKOFF_MAX_US = 10 * 1000 * 1000 };

/* News not yet heard at which tasks that hand out rows have to wait, and how long between two looks. */
enum { NEWS_MAX = 4096, BEHIND_US = 2000 };

/* With much in flight, outcomes are gathered for a moment: otherwise this thread and the workers would wake each
 * other up for each single one, which costs more than what they have to say. */
enum { NAP_FROM = 32, NAP_US = 500 };

typedef enum { NEWS_OUTCOME, NEWS_ROW, NEWS_PROGRESS, NEWS_LOG } NewsKind;

typedef struct Slot Slot;

typedef struct {
    NewsKind kind;
    Slot *slot; /* NEWS_OUTCOME */
    Outcome *outcome;
    char *target, *text, *task;
    GVariant *row;
    double part;
    GLogLevelFlags level;
} News;

/* One target in flight. The batch's thread owns it; `run` is its worker's. */
struct Slot {
    gint refs; /* the batch's, and one for each letter to the worker that may come late */
    Batch *batch;
    Target *target;
    Worker *worker;
    PosternRun *run;
    guint attempts;
    gint64 first_start;
    ReactorTimer again;
    gboolean given_up; /* has its outcome already; freed when the worker comes back, if ever */
    GList link;
};

struct Batch {
    RunPlan plan;
    TargetSource *targets;
    BatchLimits limits;
    BatchSink sink;
    BatchCounts counts;
    gboolean retries_allowed;

    GMainContext *context;
    Reactor *reactor;
    GPtrArray *workers;
    GList *slots;       /* of Slot */
    gboolean drawn;     /* the source is at its end */
    ReactorWatch input; /* a source that has nothing yet */
    ReactorTimer next_start, total_timeout, look;
    gint64 may_start; /* by the rate */
    char *cancelled;  /* why; NULL: it is not */
    PosternError cancel_code;
    gboolean left_behind;

    pthread_mutex_t lock;
    GArray *news; /* of News */
};

/* ---- from the workers ---- */

static void
batch_tell(Batch *batch, News *news)
{
    gboolean first;

    pthread_mutex_lock(&batch->lock);
    first = batch->news->len == 0;
    g_array_append_vals(batch->news, news, 1);
    pthread_mutex_unlock(&batch->lock);
    if (first)
        g_main_context_wakeup(batch->context);
}

static void
news_clear(News *news)
{
    outcome_free(news->outcome);
    g_free(news->target);
    g_free(news->task);
    g_free(news->text);
    g_clear_pointer(&news->row, g_variant_unref);
}

static void
tell_outcome(PosternRun *run, Outcome *outcome, gpointer data)
{
    Slot *slot = data;
    News news = {.kind = NEWS_OUTCOME, .slot = slot, .outcome = outcome};

    slot->run = NULL;
    batch_tell(slot->batch, &news);
}

static gboolean
batch_is_behind(Batch *batch)
{
    gboolean behind;

    pthread_mutex_lock(&batch->lock);
    behind = batch->news->len >= NEWS_MAX;
    pthread_mutex_unlock(&batch->lock);
    return behind;
}

/* Rows may come faster than they can be written: the task then waits, so that memory stays bounded. */
static void
tell_row(PosternRun *run, GVariant *row, gpointer data)
{
    News news = {
        .kind = NEWS_ROW, .target = g_strdup(run_target(run)->text), .row = g_variant_ref(row)};
    Wait wait = {0};

    while (batch_is_behind(data) && !run_is_cancelled(run))
        wait_for(&wait, run, g_get_monotonic_time() + BEHIND_US);
    batch_tell(data, &news);
}

static void
tell_progress(PosternRun *run, double part, const char *words, gpointer data)
{
    News news = {.kind = NEWS_PROGRESS,
                 .target = g_strdup(run_target(run)->text),
                 .part = part,
                 .text = g_strdup(words)};

    if (batch_is_behind(data))
        news_clear(&news); /* only the latest is shown anyway */
    else
        batch_tell(data, &news);
}

static void
tell_log(
    const char *target, const char *task, GLogLevelFlags level, const char *text, gpointer data)
{
    News news = {.kind = NEWS_LOG,
                 .target = g_strdup(target),
                 .task = g_strdup(task),
                 .level = level,
                 .text = g_strdup(text)};

    batch_tell(data, &news);
}

/* ---- on the workers ---- */

static void
slot_start(gpointer data)
{
    Slot *slot = data;

    slot->run = run_start(&slot->batch->plan, target_copy(slot->target), tell_outcome, slot);
}

static void
slot_unref(Slot *slot)
{
    if (!g_atomic_int_dec_and_test(&slot->refs))
        return;
    target_free(slot->target);
    g_free(slot);
}

static void
slot_cancel(gpointer data)
{
    Slot *slot = data;

    if (slot->run != NULL)
        run_cancel(slot->run, slot->batch->cancel_code, slot->batch->cancelled);
    slot_unref(slot);
}

/* ---- slots ---- */

static void
batch_count(Batch *batch, const Outcome *outcome)
{
    guint64 *const counts[] = {
        &batch->counts.ok, &batch->counts.failed, &batch->counts.cancelled, &batch->counts.skipped};

    batch->counts.done++;
    (*counts[outcome->kind])++;
    if (batch->sink.outcome != NULL)
        batch->sink.outcome(outcome, batch->sink.data);
}

/* The one place where a target gets its outcome. */
static void
slot_end(Slot *slot, Outcome *outcome)
{
    Batch *batch = slot->batch;

    outcome->attempts = slot->attempts;
    if (slot->first_start != 0)
        outcome->elapsed_us = g_get_monotonic_time() - slot->first_start;
    batch->slots = g_list_remove_link(batch->slots, &slot->link);
    batch->counts.in_flight--;
    batch_count(batch, outcome);
    outcome_free(outcome);
}

static Outcome *
outcome_failed(const Target *target, OutcomeKind kind, PosternError code, const char *text)
{
    Outcome *outcome = g_new0(Outcome, 1);

    outcome->kind = kind;
    outcome->target = g_strdup(target->text);
    outcome->error = g_error_new_literal(POSTERN_ERROR, (gint)code, text);
    return outcome;
}

static void
slot_launch(Slot *slot)
{
    if (slot->attempts++ == 0)
        slot->first_start = g_get_monotonic_time();
    worker_post(slot->worker, slot_start, slot);
}

static void
slot_again(ReactorTimer *timer)
{
    slot_launch((Slot *)((char *)timer - offsetof(Slot, again)));
}

static gboolean
worth_another(const Slot *slot, const Outcome *outcome)
{
    const Batch *batch = slot->batch;

    return outcome->kind == OUTCOME_FAILED && batch->retries_allowed && batch->cancelled == NULL &&
           slot->attempts <= (guint)batch->limits.retries &&
           error_word(outcome->error->code)->transport;
}

static void
slot_wait(Slot *slot)
{
    gint64 wait = MIN((gint64)BACKOFF_US << MIN(slot->attempts - 1, 16), BACKOFF_MAX_US);

    slot->again.fire = slot_again;
    reactor_timer_start(slot->batch->reactor,
                        &slot->again,
                        g_get_monotonic_time() + wait + g_random_int_range(0, (gint32)wait));
}

static void
news_outcome(Slot *slot, Outcome *outcome)
{
    if (slot->given_up) {
        outcome_free(outcome);
        slot_unref(slot);
        return;
    }
    if (worth_another(slot, outcome)) {
        outcome_free(outcome);
        slot_wait(slot);
        return;
    }
    slot_end(slot, outcome);
    slot_unref(slot);
}

static void
batch_hear(Batch *batch, News *news)
{
    const BatchSink *sink = &batch->sink;

    if (news->kind == NEWS_OUTCOME)
        news_outcome(news->slot, g_steal_pointer(&news->outcome));
    else if (news->kind == NEWS_ROW && sink->row != NULL)
        sink->row(news->target, news->row, sink->data);
    else if (news->kind == NEWS_PROGRESS && sink->progress != NULL)
        sink->progress(news->target, news->part, news->text, sink->data);
    else if (news->kind == NEWS_LOG && sink->log != NULL)
        sink->log(news->target, news->task, news->level, news->text, sink->data);
    news_clear(news);
}

static gboolean
batch_read_news(Batch *batch)
{
    g_autoptr(GArray) news = NULL;

    pthread_mutex_lock(&batch->lock);
    if (batch->news->len > 0) {
        news = batch->news;
        batch->news = g_array_new(FALSE, FALSE, sizeof(News));
    }
    pthread_mutex_unlock(&batch->lock);
    if (news == NULL)
        return FALSE;
    for (guint i = 0; i < news->len; i++)
        batch_hear(batch, &g_array_index(news, News, i));
    return TRUE;
}

/* ---- drawing targets ---- */

/* Only there to end the wait for it: the loop then looks again. */
static void
input_ready(ReactorWatch *watch, guint32 events)
{
    reactor_unwatch(watch);
}

static void
start_due(ReactorTimer *timer)
{
}

/* NULL: none at hand now (see `drawn`). A line that is no target is reported, and the next one tried. */
static Target *
batch_draw(Batch *batch)
{
    for (;;) {
        g_autoptr(GError) error = NULL;
        Target *target = target_source_next(batch->targets, &error);
        int fd;

        if (target != NULL)
            return target;
        if (error != NULL) {
            batch->counts.bad_targets++;
            if (batch->sink.bad_target != NULL)
                batch->sink.bad_target(error, batch->sink.data);
            continue;
        }
        fd = target_source_waits_for(batch->targets);
        batch->drawn = fd < 0;
        if (fd >= 0 && batch->input.reactor == NULL) {
            batch->input = (ReactorWatch){.fd = fd, .ready = input_ready};
            reactor_watch(batch->reactor, &batch->input, EPOLLIN, NULL);
        }
        return NULL;
    }
}

/* TRUE if one may start now; otherwise the timer is set for when it may. */
static gboolean
rate_allows(Batch *batch)
{
    gint64 now = g_get_monotonic_time();

    if (batch->limits.rate <= 0)
        return TRUE;
    if (now >= batch->may_start) {
        batch->may_start = MAX(batch->may_start, now - G_USEC_PER_SEC / 10) +
                           (gint64)(G_USEC_PER_SEC / batch->limits.rate);
        return TRUE;
    }
    batch->next_start.fire = start_due;
    reactor_timer_start(batch->reactor, &batch->next_start, batch->may_start);
    return FALSE;
}

static void
batch_admit_one(Batch *batch, Target *target)
{
    Slot *slot = g_new0(Slot, 1);

    slot->refs = 1;
    slot->batch = batch;
    slot->target = target;
    slot->worker = worker_for(batch->workers->pdata[0], target->host);
    slot->link.data = slot;
    batch->slots = g_list_concat(&slot->link, batch->slots);
    batch->counts.started++;
    batch->counts.in_flight++;
    slot_launch(slot);
}

static void
batch_admit(Batch *batch)
{
    while (!batch->drawn && batch->cancelled == NULL &&
           batch->counts.in_flight < batch->limits.max_parallel) {
        Target *target;
        if (batch->next_start.reactor != NULL || batch->input.reactor != NULL ||
            !rate_allows(batch))
            return;
        target = batch_draw(batch);
        if (target == NULL) {
            batch->may_start = 0; /* nothing started: the turn is not used up */
            return;
        }
        batch_admit_one(batch, target);
    }
}

/* After a cancel: what is at hand still gets its outcome, what would have to be waited for does not. */
static void
batch_skip_rest(Batch *batch)
{
    while (!batch->drawn) {
        g_autoptr(Target) target = batch_draw(batch);
        g_autoptr(Outcome) outcome = NULL;

        if (target == NULL) {
            reactor_unwatch(&batch->input);
            target_source_stop_waiting(batch->targets);
            continue;
        }
        outcome =
            outcome_failed(target, OUTCOME_SKIPPED, POSTERN_ERROR_CANCELLED, batch->cancelled);
        batch_count(batch, outcome);
    }
}

/* ---- ending ---- */

static void
batch_end(Batch *batch, PosternError code, const char *why)
{
    if (batch->cancelled != NULL)
        return;
    batch->cancelled = g_strdup(why);
    batch->cancel_code = code;
    reactor_timer_stop(&batch->next_start);
    for (GList *at = batch->slots, *next; at != NULL; at = next) {
        Slot *slot = at->data;
        next = at->next;
        if (slot->again.reactor != NULL) {
            reactor_timer_stop(&slot->again);
            slot_end(slot, outcome_failed(slot->target, OUTCOME_CANCELLED, code, why));
            slot_unref(slot);
        } else {
            g_atomic_int_inc(&slot->refs);
            worker_post(slot->worker, slot_cancel, slot);
        }
    }
}

void
batch_cancel(Batch *batch, const char *why)
{
    batch_end(batch, POSTERN_ERROR_CANCELLED, why);
}

static void
total_timed_out(ReactorTimer *timer)
{
    Batch *batch = (Batch *)((char *)timer - offsetof(Batch, total_timeout));
    g_autofree char *why =
        g_strdup_printf("the time for all targets, %u ms, is over", batch->limits.total_timeout_ms);

    batch_end(batch, POSTERN_ERROR_TIMEOUT, why);
}

static void
batch_give_up(Batch *batch, Worker *worker)
{
    g_autofree char *holder = worker_held_text(worker);
    g_autofree char *why = g_strdup_printf("given up: worker %u is held by %s, which blocks and "
                                           "does not come back; what this run did is not known",
                                           worker_index(worker),
                                           holder != NULL ? holder : "a task");

    for (GList *at = batch->slots, *next; at != NULL; at = next) {
        Slot *slot = at->data;
        next = at->next;
        if (slot->worker != worker)
            continue;
        slot->given_up = TRUE;
        slot_end(slot, outcome_failed(slot->target, OUTCOME_FAILED, POSTERN_ERROR_INTERNAL, why));
    }
}

static gboolean
held_too_long(const Batch *batch, Worker *worker)
{
    gint64 held = worker_held_for(worker);
    gint64 allowed = (gint64)batch->plan.timeout_ms * 1000 + GRACE_US;

    if (batch->cancelled != NULL)
        allowed = GRACE_US;
    return held > allowed && allowed > 0;
}

static void
look_at_workers(ReactorTimer *timer)
{
    Batch *batch = (Batch *)((char *)timer - offsetof(Batch, look));

    for (guint i = 0; i < batch->workers->len; i++)
        if (held_too_long(batch, batch->workers->pdata[i]))
            batch_give_up(batch, batch->workers->pdata[i]);
    reactor_timer_start(batch->reactor, timer, g_get_monotonic_time() + LOOK_US);
}

/* ---- life ---- */

static guint
first_set(guint a, guint b, guint c)
{
    return a != 0 ? a : b != 0 ? b : c;
}

Batch *
batch_new(Host *host,
          const TaskInfo *task,
          GVariant *params,
          TargetSource *targets,
          CredentialSource *credentials,
          struct Tap *tap,
          const BatchLimits *limits,
          const BatchSink *sink)
{
    const HostLimits *defaults = host_limits(host);
    Batch *batch = g_new0(Batch, 1);

    batch->targets = targets;
    batch->limits = *limits;
    batch->sink = *sink;
    if (batch->limits.max_parallel == 0)
        batch->limits.max_parallel = defaults->max_parallel;
    if (batch->limits.retries < 0)
        batch->limits.retries = (gint)defaults->retries;
    if (batch->limits.rate <= 0)
        batch->limits.rate = defaults->rate;
    batch->retries_allowed =
        (task->flags & (POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_READ_ONLY)) != 0;
    batch->counts.total = target_source_total(targets);
    batch->plan = (RunPlan){
        .host = host,
        .task = task,
        .params = params,
        .credentials = credentials,
        .tap = tap,
        .timeout_ms = first_set(limits->timeout_ms, task->timeout_ms, defaults->timeout_ms),
        .connect_timeout_ms = defaults->connect_timeout_ms,
        .step_timeout_ms = defaults->step_timeout_ms,
        .row = sink->row != NULL ? tell_row : NULL,
        .progress = sink->progress != NULL ? tell_progress : NULL,
        .log = sink->log != NULL ? tell_log : NULL,
        .data = batch,
    };
    if ((task->flags & POSTERN_TASK_SERVICE) && limits->timeout_ms == 0)
        batch->plan.timeout_ms = 0;
    batch->context = g_main_context_ref_thread_default();
    batch->news = g_array_new(FALSE, FALSE, sizeof(News));
    pthread_mutex_init(&batch->lock, NULL);
    return batch;
}

/* A task for the host itself has one run, whatever the list of targets. */
static void
admit_targetless(Batch *batch)
{
    Target *target = g_new0(Target, 1);

    target->text = g_strdup("local");
    batch->drawn = TRUE;
    batch->counts.total = 1;
    batch_admit_one(batch, target);
}

static void
batch_start_timers(Batch *batch)
{
    batch->look.fire = look_at_workers;
    reactor_timer_start(batch->reactor, &batch->look, g_get_monotonic_time() + LOOK_US);
    batch->total_timeout.fire = total_timed_out;
    if (batch->limits.total_timeout_ms > 0)
        reactor_timer_start(batch->reactor,
                            &batch->total_timeout,
                            g_get_monotonic_time() + (gint64)batch->limits.total_timeout_ms * 1000);
}

static gboolean
batch_goes_on(Batch *batch)
{
    batch_admit(batch);
    if (batch->cancelled != NULL)
        batch_skip_rest(batch);
    return batch->counts.in_flight > 0 || !batch->drawn;
}

gboolean
batch_run(Batch *batch, GError **error)
{
    batch->reactor = reactor_new(batch->context, error);
    if (batch->reactor == NULL)
        return FALSE;
    batch->workers = workers_start(host_limits(batch->plan.host)->workers, error);
    if (batch->workers == NULL)
        return FALSE;
    batch_start_timers(batch);
    if (batch->plan.task->flags & POSTERN_TASK_NO_TARGET)
        admit_targetless(batch);
    while (batch_goes_on(batch)) {
        if (!batch_read_news(batch))
            g_main_context_iteration(batch->context, TRUE);
        else if (batch->counts.in_flight >= NAP_FROM)
            g_usleep(NAP_US);
    }
    batch->left_behind = !workers_stop(g_steal_pointer(&batch->workers));
    batch_read_news(batch);
    return TRUE;
}

gboolean
batch_left_behind(const Batch *batch)
{
    return batch->left_behind;
}

void
batch_counts(const Batch *batch, BatchCounts *counts)
{
    *counts = batch->counts;
}

void
batch_free(Batch *batch)
{
    if (batch == NULL || batch->left_behind)
        return; /* a task that still runs may yet report here */
    if (batch->reactor != NULL)
        reactor_unwatch(&batch->input);
    reactor_free(batch->reactor);
    for (guint i = 0; i < batch->news->len; i++)
        news_clear(&g_array_index(batch->news, News, i));
    g_array_unref(batch->news);
    g_main_context_unref(batch->context);
    pthread_mutex_destroy(&batch->lock);
    g_free(batch->cancelled);
    g_free(batch);
}
