/* SPDX-License-Identifier: Apache-2.0 */
/* amt.alarm.list, amt.alarm.add and amt.alarm.remove: times at which the firmware switches the machine on. */
#include "amt-interval.h"
#include "amt.h"

#include <string.h>

static const char class_name[] = "IPS_AlarmClockOccurrence";
static const char service[] = "AMT_AlarmClockService";

enum { ALARMS_MOST = 5, NAME_MOST = 32 };

typedef struct {
    const char *name;
    gint64 time;      /* seconds since 1970, a full minute */
    guint32 interval; /* minutes; 0: once */
    gboolean delete_when_done;
} Alarm;

/* ---- reading ---- */

/* NULL with NOT_SUPPORTED where the release has no such alarms: an empty list would say something else. */
static GPtrArray *
read_alarms(WsMan *ws, GError **error)
{
    g_autoptr(GPtrArray) alarms = amt_read_all(ws, class_name, error);

    if (alarms == NULL || !wsman_absent(ws))
        return g_steal_pointer(&alarms);
    postern_fail(error,
                 POSTERN_ERROR_NOT_SUPPORTED,
                 "this firmware has no alarm clock of this kind (%s): AMT 8 was the first with it",
                 class_name);
    return NULL;
}

static gint64
time_of(GVariant *alarm)
{
    const char *text = params_string(alarm, "StartTime");
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, utc) : NULL;

    return time != NULL ? g_date_time_to_unix(time) : 0;
}

static char *
iso_of(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

    return g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
}

static GVariant *
describe_alarm(GVariant *alarm)
{
    guint32 minutes = amt_interval_read(params_string(alarm, "Interval"));
    g_autofree char *words = minutes != 0 ? amt_interval_words(minutes) : NULL;
    g_autofree char *time = time_of(alarm) != 0 ? iso_of(time_of(alarm)) : NULL;
    const char *label = params_string(alarm, "ElementName");
    const char *name = params_string(alarm, "InstanceID");
    PosternResult result;

    result_begin(&result);
    result_string(&result, "name", name);
    if (g_strcmp0(label, name) != 0)
        result_string(&result, "label", label);
    result_string(&result, "time", time != NULL ? time : params_string(alarm, "StartTime"));
    result_string(&result, "every", words);
    result_bool(&result, "delete-when-done", params_bool(alarm, "DeleteOnCompletion", FALSE));
    return result_end(&result);
}

static void
add_alarms(PosternResult *result, GPtrArray *alarms)
{
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < alarms->len; i++)
        g_variant_builder_add_value(&list, describe_alarm(alarms->pdata[i]));
    result_value(result, "alarms", g_variant_builder_end(&list));
}

static GVariant *
run_list(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GPtrArray) alarms = ws != NULL ? read_alarms(ws, error) : NULL;
    PosternResult result;

    if (alarms == NULL)
        return NULL;
    result_begin(&result);
    add_alarms(&result, alarms);
    return result_end(&result);
}

/* ---- adding ---- */

static gboolean
read_time(Alarm *alarm, const char *text, GError **error)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);

    if (time == NULL || g_date_time_get_seconds(time) != 0)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "time is %s, expected a full minute, as in 2027-01-31T06:30:00Z",
                            text);
    alarm->time = g_date_time_to_unix(time);
    return TRUE;
}

static gboolean
read_wish(Alarm *alarm, GVariant *params, GError **error)
{
    const char *every = params_string(params, "every");
    gsize length;

    alarm->name = params_string(params, "name");
    alarm->delete_when_done = params_bool(params, "delete-when-done", TRUE);
    length = strlen(alarm->name);
    if (length < 1 || length > NAME_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "name has %" G_GSIZE_FORMAT " bytes, expected 1 to %d",
                            length,
                            NAME_MOST);
    if (every != NULL && !amt_interval_parse(every, &alarm->interval))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "every is '%s', expected a span of whole minutes up to 999 days, as in "
                            "'day', '1 day 12 hours' or P1DT12H",
                            every);
    return read_time(alarm, params_string(params, "time"), error);
}

static gboolean
check_future(WsMan *ws, const Alarm *alarm, GError **error)
{
    gint64 now = amt_device_clock(ws, error);
    g_autofree char *theirs = now > 0 ? iso_of(now) : NULL;

    return now > 0 && (alarm->time > now ||
                       postern_fail(error,
                                    POSTERN_ERROR_BAD_PARAM,
                                    "that time is past: it is %s by the device's clock; if that "
                                    "is wrong, set it first with amt.time.set",
                                    theirs));
}

static gboolean
is_same(GVariant *found, const Alarm *alarm)
{
    return time_of(found) == alarm->time &&
           amt_interval_read(params_string(found, "Interval")) == alarm->interval &&
           params_bool(found, "DeleteOnCompletion", FALSE) == alarm->delete_when_done;
}

static gboolean
check_room(GPtrArray *alarms, const Alarm *alarm, GError **error)
{
    GVariant *other = amt_find(alarms, "InstanceID", alarm->name);

    if (other != NULL)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "there is another alarm called %s, at %s: remove it first, or take "
                            "another name",
                            alarm->name,
                            params_string(other, "StartTime"));
    return alarms->len < ALARMS_MOST ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "the device holds %u alarms already, and no more than %d: remove one first",
                        alarms->len,
                        ALARMS_MOST);
}

static gboolean
send_alarm(WsMan *ws, const Alarm *alarm, GError **error)
{
    g_autofree char *time = iso_of(alarm->time);
    g_autofree char *interval = amt_interval_iso(alarm->interval);
    g_autoptr(GVariant) outputs = NULL;
    PosternResult template, args;

    result_begin(&template);
    result_string(&template, "@class", class_name);
    result_string(&template, "InstanceID", alarm->name);
    result_string(&template, "ElementName", alarm->name);
    result_string(&template, "StartTime", time);
    if (alarm->interval != 0)
        result_string(&template, "Interval", interval);
    result_bool(&template, "DeleteOnCompletion", alarm->delete_when_done);
    result_begin(&args);
    result_value(&args, "AlarmTemplate", result_end(&template));
    outputs = wsman_call(ws, service, NULL, "AddAlarm", result_end(&args), error);
    return outputs != NULL;
}

static GVariant *
tell_added(GPtrArray *alarms, gboolean changed)
{
    PosternResult result;

    result_begin(&result);
    add_alarms(&result, alarms);
    result_bool(&result, "changed", changed);
    return result_end(&result);
}

static GVariant *
run_add(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GPtrArray) before = NULL;
    g_autoptr(GPtrArray) after = NULL;
    Alarm alarm = {0};
    GVariant *found;

    if (ws == NULL || !read_wish(&alarm, params, error) ||
        (before = read_alarms(ws, error)) == NULL)
        return NULL;
    found = amt_find(before, "InstanceID", alarm.name);
    if (found != NULL && is_same(found, &alarm))
        return tell_added(before, FALSE);
    if (!check_room(before, &alarm, error) || !check_future(ws, &alarm, error) ||
        !send_alarm(ws, &alarm, error) || (after = read_alarms(ws, error)) == NULL)
        return NULL;
    found = amt_find(after, "InstanceID", alarm.name);
    if (found != NULL && is_same(found, &alarm))
        return tell_added(after, TRUE);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device took the alarm, and %s; read what it has with amt.alarm.list",
                 found == NULL ? "it is not in its list"
                               : "holds it with another time or interval");
    return NULL;
}

/* ---- removing ---- */

static GVariant *
run_remove(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GPtrArray) before = ws != NULL ? read_alarms(ws, error) : NULL;
    g_autoptr(GPtrArray) after = NULL;
    const char *name = params_string(params, "name");

    if (before == NULL)
        return NULL;
    if (amt_find(before, "InstanceID", name) == NULL)
        return tell_added(before, FALSE);
    if (!wsman_delete(ws, class_name, amt_key("InstanceID", name), error) ||
        (after = read_alarms(ws, error)) == NULL)
        return NULL;
    if (amt_find(after, "InstanceID", name) == NULL)
        return tell_added(after, TRUE);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device took the removal, and the alarm %s is still in its list",
                 name);
    return NULL;
}

/* clang-format off */
#define NAME_PARAM                                                                                                  \
    POSTERN_FIELD_ITEM(.name = "name", .type = "s", .flags = POSTERN_FIELD_REQUIRED,                               \
                       .summary = "the alarm's own name, at most 32 bytes")
#define ALARMS_OUTPUT                                                                                               \
    POSTERN_FIELD_ITEM(.name = "alarms", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,                        \
                       .summary = "name, time (UTC, the next one), every (absent: once), delete-when-done")
#define CHANGED_OUTPUT                                                                                              \
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was so already")

static const PosternField *const list_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const list_outputs[] = {ALARMS_OUTPUT, NULL};
static const PosternField *const add_params[] = {
    NAME_PARAM,
    POSTERN_FIELD_ITEM(.name = "time", .type = "s", .format = "datetime", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "when, to the minute, with its zone: 2027-01-31T06:30:00Z"),
    POSTERN_FIELD_ITEM(.name = "every", .type = "s",
                       .summary = "and again after each such span: day, weekly, '1 day 12 hours', P1DT12H; absent: once"),
    POSTERN_FIELD_ITEM(.name = "delete-when-done", .type = "b", .fallback = "true",
                       .summary = "the device forgets the alarm when it has gone off for the last time"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const remove_params[] = {NAME_PARAM, AMT_COMMON_PARAMS, NULL};
static const PosternField *const change_outputs[] = {ALARMS_OUTPUT, CHANGED_OUTPUT, NULL};

const PosternTask amt_alarm_list_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.alarm.list",
    .summary = "list the times at which the firmware switches the machine on",
    .details = "IPS_AlarmClockOccurrence. Least realm: General Info.",
    .params = list_params,
    .outputs = list_outputs,
    .credentials = amt_credentials,
    .run = run_list,
};

const PosternTask amt_alarm_add_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.alarm.add",
    .summary = "have the firmware switch the machine on at a time, once or again and again",
    .details = "AMT_AlarmClockService.AddAlarm, and the list read back. The firmware's clock counts: a time that is past by it is refused. "
               "An alarm wakes from S3 to S5, on mains power only; a device holds five. Least realm: PT Administration.",
    .params = add_params,
    .outputs = change_outputs,
    .credentials = amt_credentials,
    .run = run_add,
};

const PosternTask amt_alarm_remove_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.alarm.remove",
    .summary = "take back an alarm",
    .details = "Delete of an IPS_AlarmClockOccurrence, and the list read back. One that is not there is no error. Least realm: PT "
               "Administration.",
    .params = remove_params,
    .outputs = change_outputs,
    .credentials = amt_credentials,
    .run = run_remove,
};
/* clang-format on */
