/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "accounts.h"
#include "audit.h"
#include "boot.h"
#include "device.h"
#include "pki.h"
#include "power.h"
#include "sim.h"
#include "values.h"

#include <arpa/inet.h>
#include <string.h>

/* splitmix64: well mixed, and the same on every machine, so that a seed means the same fleet
 * everywhere. */
static guint64
mix(guint64 x)
{
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

guint64
device_derive(const Device *device, guint salt)
{
    return mix(mix(device->sim->seed ^ device->address) + salt);
}

void
device_address_text(guint32 address, char text[16])
{
    struct in_addr in = {htonl(address)};

    if (inet_ntop(AF_INET, &in, text, 16) == NULL)
        text[0] = '\0';
}

void
device_uuid(const Device *device, guint8 uuid[16])
{
    guint64 halves[2] = {device_derive(device, 1), device_derive(device, 2)};

    memcpy(uuid, halves, 16);
}

char *
device_realm(const Device *device)
{
    guint64 high = device_derive(device, 3), low = device_derive(device, 4);

    if (!device->model->realm_random)
        return g_strdup_printf("Digest:%04X%028X", (guint)(high & 0xFFFF), 0U);
    return g_strdup_printf("Digest:%08X%08X%08X%08X",
                           (guint)(high >> 32),
                           (guint)(high & 0xFFFFFFFF),
                           (guint)(low >> 32),
                           (guint)(low & 0xFFFFFFFF));
}

void
device_init(Device *device, struct Sim *sim, const Model *model, guint32 address)
{
    device->sim = sim;
    device->model = model;
    device->address = address;
    device->next_message = (guint32)(device_derive(device, 5) & 0xFFF);
    device->next_context = (guint32)(device_derive(device, 6) & 0x3FF) + 1;
    /* most of a fleet is on in the daytime */
    device->power = device_derive(device, 7) % 4 != 0 ? POWER_ON : POWER_OFF;
    device->os_saving = 2;
}

const Fault *
device_fault(const Device *device, FaultKind kind)
{
    const GPtrArray *faults = device->sim->faults;

    if (device->faults == 0)
        return NULL;
    for (guint i = 0; i < faults->len; i++) {
        const Fault *fault = faults->pdata[i];
        if ((device->faults >> i & 1) != 0 && fault->kind == kind)
            return fault;
    }
    return NULL;
}

gboolean
device_lacks(const Device *device, const char *class_name)
{
    const GPtrArray *faults = device->sim->faults;

    for (guint i = 0; device->faults != 0 && i < faults->len; i++) {
        const Fault *fault = faults->pdata[i];
        if ((device->faults >> i & 1) != 0 && fault->kind == FAULT_LACKS &&
            g_str_equal(fault->text, class_name))
            return TRUE;
    }
    return FALSE;
}

gboolean
device_provisioned(const Device *device)
{
    return !device->unprovisioned && device_fault(device, FAULT_NOT_PROVISIONED) == NULL;
}

gint64
device_clock(Device *device)
{
    const Fault *fault = device_fault(device, FAULT_CLOCK);
    const Fault *drift = device_fault(device, FAULT_CLOCK_DRIFT);
    gint64 skew = fault != NULL ? fault->number : 0;
    gint64 offset = device->extra != NULL ? device->extra->clock_offset : 0;
    gint64 now = g_get_real_time(), running = (now - device->sim->started) / G_USEC_PER_SEC;

    if (drift != NULL)
        skew += running * drift->number / 1000000;
    return now / G_USEC_PER_SEC + offset + skew;
}

/* ---- late parts ---- */

void
device_stored_free(DeviceStored *stored)
{
    g_free(stored->name);
    g_free(stored->xml);
    g_free(stored);
}

void
device_created_free(DeviceCreated *created)
{
    g_ptr_array_unref(created->properties);
    g_free(created);
}

DeviceExtra *
device_extra(Device *device)
{
    if (device->extra == NULL) {
        device->extra = g_new0(DeviceExtra, 1);
        device->extra->log = g_array_new(FALSE, FALSE, sizeof(DeviceRequest));
    }
    return device->extra;
}

void
device_clear(Device *device)
{
    DeviceExtra *extra = g_steal_pointer(&device->extra);

    if (extra == NULL)
        return;
    g_clear_pointer(&extra->stored, g_hash_table_unref);
    g_clear_pointer(&extra->created, g_ptr_array_unref);
    g_clear_pointer(&extra->contexts, g_array_unref);
    g_clear_pointer(&extra->log, g_array_unref);
    g_clear_pointer(&extra->ider, g_free);
    g_clear_pointer(&extra->events, g_array_unref);
    accounts_clear(extra);
    pki_free(extra->pki);
    g_clear_pointer(&extra->audit, audit_free);
    g_clear_pointer(&extra->destinations, g_ptr_array_unref);
    g_free(extra->boot_source);
    g_free(extra->kvm);
    g_free(extra->screen);
    boot_free(extra->boot);
    g_free(extra->consent);
    g_free(extra);
}

void
device_note(Device *device, const char *action, const char *target, guint status)
{
    DeviceExtra *extra = device_extra(device);
    DeviceRequest request = {g_get_real_time(), action, target, (guint16)status};

    device->requests++;
    if (extra->log->len < DEVICE_LOG_KEEP) {
        g_array_append_val(extra->log, request);
        return;
    }
    g_array_index(extra->log, DeviceRequest, extra->log_next) = request;
    extra->log_next = (extra->log_next + 1) % DEVICE_LOG_KEEP;
}

/* ---- instances ---- */

gboolean
device_has(const Device *device, const SimInstance *instance)
{
    if (instance->with_tls && !sim_comes_with(device->sim, device, TRUE))
        return FALSE;
    return instance->chance >= 100 ||
           device_derive(device, 1000 + instance->salt) % 100 < instance->chance;
}

const SimInstance *
device_first(Device *device, const char *class_name)
{
    SimClass *class = classes_find(device->model, class_name);

    for (guint i = 0; class != NULL && i < class->instances->len; i++)
        if (device_has(device, class->instances->pdata[i]))
            return class->instances->pdata[i];
    return NULL;
}

static GPtrArray *
stored_of(Device *device, const SimInstance *instance)
{
    if (device->extra == NULL || device->extra->stored == NULL)
        return NULL;
    return g_hash_table_lookup(device->extra->stored, GUINT_TO_POINTER(instance->index));
}

/* Appends the inner XML of a stored value, putting in the letter that the common namespace has
 * here. */
static void
append_stored(GString *out, const char *xml, char common)
{
    for (; *xml != '\0'; xml++)
        g_string_append_c(out, *xml == '\1' ? common : *xml);
}

static void
append_element(GString *out, char prefix, const char *name, const char *xml, char common)
{
    g_string_append_printf(out, "<%c:%s>", prefix, name);
    append_stored(out, xml, common);
    g_string_append_printf(out, "</%c:%s>", prefix, name);
}

/* The value in text; FALSE when the device has none. */
static gboolean
expand(Device *device, const SimProperty *property, GString *out)
{
    for (guint i = 0; i < property->segments->len; i++) {
        const SimSegment *segment = &g_array_index(property->segments, SimSegment, i);
        if (segment->text != NULL)
            g_string_append(out, segment->text);
        else if (!segment->value->append(device, segment->arguments, out))
            return FALSE;
    }
    return TRUE;
}

static void
render_array(Device *device, const SimProperty *property, char prefix, GString *out, gsize start)
{
    g_autofree char *values = g_strdup(out->str + start);
    g_auto(GStrv) words = g_strsplit(values, " ", -1);

    g_string_truncate(out, start);
    for (guint i = 0; words[i] != NULL; i++)
        if (*words[i] != '\0')
            append_element(out, prefix, property->name, words[i], 'h');
}

static void
render_property(Device *device, const SimProperty *property, char prefix, char common, GString *out)
{
    static const char *const wrappers[] = {
        [SIM_DATETIME] = "Datetime", [SIM_INTERVAL] = "Interval"};
    gboolean wrapped = property->kind == SIM_DATETIME || property->kind == SIM_INTERVAL;
    gsize start = out->len;
    gboolean present;

    if (property->kind != SIM_EACH)
        g_string_append_printf(out, "<%c:%s>", prefix, property->name);
    if (wrapped)
        g_string_append_printf(out, "<%c:%s>", common, wrappers[property->kind]);
    present = expand(device, property, out);
    if (!present) {
        g_string_truncate(out, start);
        return;
    }
    if (property->kind == SIM_EACH) {
        render_array(device, property, prefix, out, start);
        return;
    }
    if (wrapped)
        g_string_append_printf(out, "</%c:%s>", common, wrappers[property->kind]);
    g_string_append_printf(out, "</%c:%s>", prefix, property->name);
}

static gboolean
is_stored(const GPtrArray *stored, const char *name)
{
    for (guint i = 0; stored != NULL && i < stored->len; i++)
        if (g_str_equal(((const DeviceStored *)stored->pdata[i])->name, name))
            return TRUE;
    return FALSE;
}

/* All stored values of this name: an array has several. */
static void
render_stored(const GPtrArray *stored, const char *name, char prefix, char common, GString *out)
{
    for (guint i = 0; i < stored->len; i++) {
        const DeviceStored *one = stored->pdata[i];
        if (one->xml != NULL && g_str_equal(one->name, name))
            append_element(out, prefix, name, one->xml, common);
    }
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean
in_template(const SimInstance *instance, const char *name)
{
    for (guint i = 0; i < instance->properties->len; i++)
        if (g_str_equal(((const SimProperty *)instance->properties->pdata[i])->name, name))
            return TRUE;
    return FALSE;
}

/* Names that were stored and that the template has not, sorted; NULL: none, as nearly always. */
static GPtrArray *
further_names(const SimInstance *instance, const GPtrArray *stored)
{
    GPtrArray *names = NULL;

    for (guint i = 0; stored != NULL && i < stored->len; i++) {
        char *name = ((const DeviceStored *)stored->pdata[i])->name;
        if (in_template(instance, name))
            continue;
        if (names == NULL)
            names = g_ptr_array_new();
        if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_ptr_array_add(names, name);
    }
    if (names != NULL)
        g_ptr_array_sort(names, compare_names);
    return names;
}

void
device_render(Device *device, const SimInstance *instance, char prefix, char common, GString *out)
{
    const GPtrArray *stored = stored_of(device, instance);
    g_autoptr(GPtrArray) further = further_names(instance, stored);
    const char *last = "";
    guint next = 0;

    g_string_append_printf(out, "<%c:%s>", prefix, instance->class->name);
    for (guint i = 0; i <= instance->properties->len; i++) {
        const SimProperty *property =
            i < instance->properties->len ? instance->properties->pdata[i] : NULL;
        for (; further != NULL && next < further->len &&
               (property == NULL || strcmp(further->pdata[next], property->name) < 0);
             next++)
            render_stored(stored, further->pdata[next], prefix, common, out);
        if (property == NULL)
            break;
        if (!is_stored(stored, property->name))
            render_property(device, property, prefix, common, out);
        else if (!g_str_equal(last, property->name))
            render_stored(stored, property->name, prefix, common, out);
        last = property->name;
    }
    g_string_append_printf(out, "</%c:%s>", prefix, instance->class->name);
}

void
device_render_created(const DeviceCreated *created, char prefix, char common, GString *out)
{
    g_string_append_printf(out, "<%c:%s>", prefix, created->class->name);
    for (guint i = 0; i < created->properties->len; i++) {
        const DeviceStored *one = created->properties->pdata[i];
        append_element(out, prefix, one->name, one->xml, common);
    }
    g_string_append_printf(out, "</%c:%s>", prefix, created->class->name);
}

char *
device_property(Device *device, const SimInstance *instance, const char *name)
{
    const GPtrArray *stored = stored_of(device, instance);

    for (guint i = 0; stored != NULL && i < stored->len; i++) {
        const DeviceStored *one = stored->pdata[i];
        if (g_str_equal(one->name, name))
            return g_strdup(one->xml);
    }
    for (guint i = 0; i < instance->properties->len; i++) {
        const SimProperty *property = instance->properties->pdata[i];
        if (g_str_equal(property->name, name)) {
            GString *out = g_string_new(NULL);
            gboolean present = expand(device, property, out);
            return g_string_free(out, !present);
        }
    }
    return NULL;
}

char **
device_values(Device *device, const SimInstance *instance, const char *name)
{
    const GPtrArray *stored = stored_of(device, instance);
    g_autofree char *words = NULL;
    GPtrArray *found;

    if (!is_stored(stored, name)) {
        words = device_property(device, instance, name);
        return words != NULL ? g_strsplit(words, " ", -1) : NULL;
    }
    found = g_ptr_array_new();
    for (guint i = 0; i < stored->len; i++) {
        const DeviceStored *one = stored->pdata[i];
        if (g_str_equal(one->name, name) && one->xml != NULL && *one->xml != '\0')
            g_ptr_array_add(found, g_strdup(one->xml));
    }
    if (found->len > 0)
        g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, found->len == 0);
}

static void
unref_stored(gpointer data)
{
    g_ptr_array_unref(data);
}

static GHashTable *
new_store(void)
{
    return g_hash_table_new_full(NULL, NULL, NULL, unref_stored);
}

static void
drop_stored(GPtrArray *stored, const char *name)
{
    for (guint i = stored->len; i > 0; i--)
        if (g_str_equal(((const DeviceStored *)stored->pdata[i - 1])->name, name))
            g_ptr_array_remove_index(stored, i - 1);
}

void
device_store(Device *device, const SimInstance *instance, const char *name, const char *xml)
{
    DeviceExtra *extra = device_extra(device);
    GPtrArray *stored;
    DeviceStored *one;

    if (extra->stored == NULL)
        extra->stored = new_store();
    stored = stored_of(device, instance);
    if (stored == NULL) {
        stored = g_ptr_array_new_with_free_func((GDestroyNotify)device_stored_free);
        g_hash_table_insert(extra->stored, GUINT_TO_POINTER(instance->index), stored);
    }
    drop_stored(stored, name);
    one = g_new0(DeviceStored, 1);
    one->name = g_strdup(name);
    one->xml = g_strdup(xml);
    g_ptr_array_add(stored, one);
}

void
device_replace(Device *device, const SimInstance *instance, GPtrArray *stored)
{
    DeviceExtra *extra = device_extra(device);

    if (extra->stored == NULL)
        extra->stored = new_store();
    g_hash_table_insert(extra->stored, GUINT_TO_POINTER(instance->index), stored);
}

void
device_forget(Device *device, const SimInstance *instance)
{
    if (device->extra != NULL && device->extra->stored != NULL)
        g_hash_table_remove(device->extra->stored, GUINT_TO_POINTER(instance->index));
}

void
device_begin(Device *device)
{
    static const struct {
        FaultKind fault;
        const char *class, *property, *value;
    } settings[] = {
        {FAULT_REDIRECTION_OFF, "AMT_RedirectionService", "EnabledState", "32768"},
        {FAULT_REDIRECTION_OFF, "AMT_RedirectionService", "ListenerEnabled", "false"},
        {FAULT_KVM_OFF, "CIM_KVMRedirectionSAP", "EnabledState", "3"},
        {FAULT_CONSENT, "IPS_OptInService", "OptInRequired", "4294967295"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        const SimInstance *instance = NULL;
        if (device_fault(device, settings[i].fault) != NULL)
            instance = device_first(device, settings[i].class);
        if (instance != NULL)
            device_store(device, instance, settings[i].property, settings[i].value);
    }
}
