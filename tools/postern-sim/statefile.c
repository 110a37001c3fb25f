/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "accounts.h"
#include "audit.h"
#include "boot.h"
#include "ider-machine.h"
#include "logs.h"
#include "power.h"
#include "screen.h"
#include "statefile.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

static void
add_number(JsonBuilder *builder, const char *name, gint64 value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, value);
}

static void
add_text(JsonBuilder *builder, const char *name, const char *value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_string_value(builder, value);
}

/* The UUID as people write it: its first three groups are little-endian on the wire. */
static char *
uuid_text(const Device *device)
{
    static const guint8 order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    GString *text = g_string_new(NULL);
    guint8 uuid[16];

    device_uuid(device, uuid);
    for (guint i = 0; i < sizeof uuid; i++)
        g_string_append_printf(
            text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[order[i]]);
    return g_string_free(text, FALSE);
}

static void
add_request(JsonBuilder *builder, const DeviceRequest *request)
{
    json_builder_begin_object(builder);
    add_text(builder, "action", request->action);
    add_text(builder, "target", request->target);
    add_number(builder, "status", request->status);
    add_number(builder, "at_ms", request->at / 1000);
    json_builder_end_object(builder);
}

/* What came in from viewers, if there ever was one. */
static void
add_screen(JsonBuilder *builder, const ScreenInput *input)
{
    if (input == NULL)
        return;
    add_text(builder, "typed", input->typed);
    add_number(builder, "keys", input->keys);
    add_number(builder, "pointers", input->pointers);
}

/* Oldest first. */
static void
add_log(JsonBuilder *builder, const Device *device)
{
    const DeviceExtra *extra = device->extra;

    json_builder_set_member_name(builder, "log");
    json_builder_begin_array(builder);
    for (guint i = 0; extra != NULL && i < extra->log->len; i++) {
        guint at = (extra->log_next + i) % extra->log->len;
        add_request(builder, &g_array_index(extra->log, DeviceRequest, at));
    }
    json_builder_end_array(builder);
}

static void
add_account(JsonBuilder *builder, const Account *account)
{
    json_builder_begin_object(builder);
    add_number(builder, "handle", account->handle);
    if (*account->name != '\0') {
        add_text(builder, "name", account->name);
    } else {
        g_autofree char *sid = g_base64_encode(account->sid, account->sid_length);
        add_text(builder, "sid", sid);
    }
    add_number(builder, "access", account->access);
    json_builder_set_member_name(builder, "enabled");
    json_builder_add_boolean_value(builder, account->enabled);
    json_builder_set_member_name(builder, "realms");
    json_builder_begin_array(builder);
    for (guint i = 0; i < 32; i++)
        if ((account->realms >> i & 1) != 0)
            json_builder_add_int_value(builder, i);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

/* Who may log in, without any secret; nothing while nobody has looked. */
static void
add_accounts(JsonBuilder *builder, Device *device)
{
    const DeviceExtra *extra = device->extra;

    if (extra == NULL)
        return;
    if (extra->admin != NULL)
        add_text(builder, "admin", extra->admin);
    if (extra->accounts == NULL)
        return;
    json_builder_set_member_name(builder, "accounts");
    json_builder_begin_array(builder);
    for (guint i = 0; i < extra->accounts->len; i++)
        add_account(builder, &g_array_index(extra->accounts, Account, i));
    json_builder_end_array(builder);
}

/* What the machine started last, and whether that took AMT's settings along. */
static void
add_boot(JsonBuilder *builder, const Device *device)
{
    const DeviceBoot *boot = device->extra != NULL ? device->extra->boot : NULL;

    if (boot != NULL && boot->last != NULL)
        add_text(builder, "boot", boot->last);
    if (boot != NULL && boot->unconfigured)
        add_text(builder, "erased", "amt");
}

/* What the machine did with drives that a client lent it. */
static void
add_ider(JsonBuilder *builder, const DeviceIder *ider)
{
    json_builder_set_member_name(builder, "ider");
    json_builder_begin_object(builder);
    add_number(builder, "sessions", ider->sessions);
    add_number(builder, "closed", ider->closed);
    add_number(builder, "cd_sectors", ider->sectors[MACHINE_CD]);
    add_number(builder, "floppy_sectors", ider->sectors[MACHINE_FLOPPY]);
    add_text(builder, "booted", ider->booted != NULL ? ider->booted : "");
    add_number(builder, "boot_sectors", ider->boot_sectors);
    add_number(builder, "read", (gint64)ider->read);
    add_number(builder, "from_us", ider->from_us);
    add_number(builder, "until_us", ider->until_us);
    add_text(builder, "sha256", ider->sha256);
    add_number(builder, "written", (gint64)ider->written);
    add_number(builder, "commands", ider->commands);
    add_number(builder, "errors", ider->errors);
    add_text(builder, "problem", ider->problem);
    json_builder_end_object(builder);
}

static void
add_base64(JsonBuilder *builder, gconstpointer bytes, gsize length)
{
    g_autofree char *text = g_base64_encode(bytes, length);

    json_builder_add_string_value(builder, text);
}

/* Both logs as they are, oldest record first, of a device where they matter. */
static void
add_records(JsonBuilder *builder, const DeviceExtra *extra)
{
    if (extra->events != NULL) {
        json_builder_set_member_name(builder, "events");
        json_builder_begin_array(builder);
        for (guint i = 0; i < extra->events->len; i++)
            add_base64(builder, extra->events->data + i * LOGS_RECORD_SIZE, LOGS_RECORD_SIZE);
        json_builder_end_array(builder);
    }
    if (extra->audit != NULL) {
        json_builder_set_member_name(builder, "audit");
        json_builder_begin_array(builder);
        for (guint i = 0; i < extra->audit->records->len; i++) {
            gsize length;
            gconstpointer bytes = g_bytes_get_data(extra->audit->records->pdata[i], &length);
            add_base64(builder, bytes, length);
        }
        json_builder_end_array(builder);
    }
}

char *
statefile_line(Device *device)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *uuid = uuid_text(device);
    char address[16];

    device_address_text(device->address, address);
    json_builder_begin_object(builder);
    add_text(builder, "address", address);
    add_text(builder, "model", device->model->name);
    add_text(builder, "uuid", uuid);
    add_number(builder, "power", power_state(device, g_get_monotonic_time()));
    add_number(builder, "boots", device->boots);
    add_number(builder, "connections", device->connections);
    add_number(builder, "challenges", device->challenges);
    add_number(builder, "logins", device->logins);
    add_number(builder, "logins_failed", device->logins_failed);
    add_number(builder, "requests", device->requests);
    if (device->extra != NULL && device->extra->boot_source != NULL)
        add_text(builder, "boot_source", device->extra->boot_source);
    add_accounts(builder, device);
    add_screen(builder, device->extra != NULL ? device->extra->screen : NULL);
    add_boot(builder, device);
    if (device->extra != NULL && device->extra->ider != NULL)
        add_ider(builder, device->extra->ider);
    if (device->unprovisioned) {
        json_builder_set_member_name(builder, "provisioned");
        json_builder_add_boolean_value(builder, FALSE);
    }
    add_log(builder, device);
    if (device->extra != NULL)
        add_records(builder, device->extra);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

static gboolean
write_all(Sim *sim, FILE *file)
{
    for (guint i = 0; i < sim->count; i++) {
        g_autofree char *line = statefile_line(&sim->devices[i]);
        if (fputs(line, file) == EOF || fputc('\n', file) == EOF)
            return FALSE;
    }
    return TRUE;
}

static gboolean
cannot_write(const char *path, GError **error)
{
    g_set_error(error,
                G_IO_ERROR,
                g_io_error_from_errno(errno),
                "cannot write the state file %s: %s",
                path,
                g_strerror(errno));
    return FALSE;
}

gboolean
statefile_check(const char *path, GError **error)
{
    FILE *file = g_fopen(path, "ae");

    return (file != NULL && fclose(file) == 0) || cannot_write(path, error);
}

gboolean
statefile_write(Sim *sim, const char *path, GError **error)
{
    FILE *file = g_fopen(path, "we");
    gboolean good = file != NULL && write_all(sim, file);

    if (file != NULL && fclose(file) != 0)
        good = FALSE;
    return good || cannot_write(path, error);
}
