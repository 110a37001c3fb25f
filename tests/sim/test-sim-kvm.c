/* SPDX-License-Identifier: Apache-2.0 */
/* KVM in the simulator: what its settings refuse and write down, and what its screen shows. */
#include "config.h"

#include "kvm.h"
#include "one-device.h"
#include "power.h"
#include "rules.h"
#include "screen.h"
#include "sim.h"

#include <string.h>

#define FIRST 0x7F550501U /* 127.85.5.1 */

static Sim *
make(const char *model, const char *fault)
{
    return one_device(model, FIRST, fault);
}

/* Put of "NAME=VALUE" pairs, up to NULL: TRUE when it was taken. */
static gboolean
put(Device *device, const char *const *pairs)
{
    const Rule *rule = rules_find("IPS_KVMRedirectionSettingData");
    const SimInstance *settings = device_first(device, "IPS_KVMRedirectionSettingData");
    g_autoptr(GPtrArray) values =
        g_ptr_array_new_with_free_func((GDestroyNotify)device_stored_free);

    for (; *pairs != NULL; pairs++) {
        DeviceStored *one = g_new0(DeviceStored, 1);
        const char *equals = strchr(*pairs, '=');
        one->name = g_strndup(*pairs, (gsize)(equals - *pairs));
        one->xml = g_strdup(equals + 1);
        g_ptr_array_add(values, one);
    }
    if (rule->put(device, settings, values) != NULL)
        return FALSE;
    g_assert_null(rules_value(values, "RFBPassword"));
    device_replace(device, settings, g_steal_pointer(&values));
    rule->stored(device, settings);
    return TRUE;
}

#define PUT(device, ...) put(device, (const char *const[]){__VA_ARGS__, NULL})

/* Applications and events of the audit log, "29/2 18/12". */
static char *
audit(const Device *device)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; device->extra->audit != NULL && i < device->extra->audit->records->len; i++) {
        const guint8 *record = g_bytes_get_data(device->extra->audit->records->pdata[i], NULL);
        g_string_append_printf(text, "%s%u/%u", i > 0 ? " " : "", record[1], record[3]);
    }
    return g_string_free(text, FALSE);
}

static void
test_settings(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Device *device = sim->devices;
    g_autofree char *records = NULL;

    g_assert_false(kvm_listens(device));
    g_assert_false(PUT(device, "Is5900PortEnabled=true"));
    g_assert_false(PUT(device, "RFBPassword=Short1!"));
    g_assert_false(PUT(device, "RFBPassword=Toolong1!"));
    g_assert_false(PUT(device, "RFBPassword=nocaps1!"));
    g_assert_false(PUT(device, "RFBPassword=NoDigit!"));
    g_assert_false(PUT(device, "SessionTimeout=256"));
    g_assert_false(PUT(device, "DefaultScreen=4"));
    g_assert_null(kvm_password(device));
    g_assert_true(PUT(device, "RFBPassword=A&amp;b&lt;1234", "Is5900PortEnabled=true"));
    g_assert_cmpstr(kvm_password(device), ==, "A&b<1234");
    g_assert_true(kvm_listens(device));
    g_assert_true(PUT(device, "OptInPolicy=true", "Is5900PortEnabled=true", "SessionTimeout=2"));
    g_assert_cmpint(kvm_idle_ms(device), ==, 120000);
    g_assert_true(PUT(device, "OptInPolicy=false", "SessionTimeout=0"));
    g_assert_cmpint(kvm_idle_ms(device), ==, 0);
    g_assert_false(kvm_listens(device));
    for (guint i = 0; i < 3; i++)
        kvm_login(device, FALSE);
    records = audit(device);
    g_assert_cmpstr(records, ==, "29/2 29/0 29/1 18/12");
}

static void
test_order(void)
{
    g_autoptr(Sim) lenient = make("amt12", NULL);
    g_autoptr(Sim) strict = make("amt12", "*=strict-put-order");

    g_assert_true(PUT(lenient->devices, "SessionTimeout=1", "BackToBackFbMode=true"));
    g_assert_false(PUT(strict->devices, "SessionTimeout=1", "BackToBackFbMode=true"));
    g_assert_true(PUT(strict->devices, "BackToBackFbMode=true", "SessionTimeout=1"));
}

static void
test_screen(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Device *device = sim->devices;
    Screen screen = {0};

    device->power = POWER_OFF;
    g_assert_false(screen_draw(device, &screen));
    device->power = POWER_ON;
    g_assert_true(screen_draw(device, &screen));
    g_assert_cmpuint(screen.width, ==, SCREEN_WIDTH);
    g_assert_cmphex(screen.pixels[160 * SCREEN_WIDTH + 32], ==, 0xF800);
    g_assert_cmphex(screen.pixels[0], ==, 0xFFE0); /* the frame of a session */
    g_assert_cmphex(screen.pixels[345 * SCREEN_WIDTH + 80], ==, 0);
    screen_key(device, 'e');
    screen_pointer(device, 1023, 767, 1);
    g_assert_true(screen_draw(device, &screen));
    g_assert_cmphex(screen.pixels[345 * SCREEN_WIDTH + 80], ==, 0xFFFF);
    screen_boot(device);
    g_assert_true(screen_draw(device, &screen));
    g_assert_cmpuint(screen.width, ==, SCREEN_BIOS_WIDTH);
    g_assert_cmpstr(screen_input(device)->typed, ==, "");
    screen_clear(&screen);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim/kvm/settings", test_settings);
    g_test_add_func("/sim/kvm/order", test_order);
    g_test_add_func("/sim/kvm/screen", test_screen);
    return g_test_run();
}
