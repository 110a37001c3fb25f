/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about booting share: what a machine offers, and the one sequence in which a boot is set. */
#ifndef AMT_BOOT_H
#define AMT_BOOT_H

#include "amt-tlv.h"
#include "amt.h"

#define BOOT_SETTINGS     "AMT_BootSettingData"
#define BOOT_CAPABILITIES "AMT_BootCapabilities"
#define BOOT_SERVICE      "CIM_BootService"
#define BOOT_SOURCE       "CIM_BootSourceSetting"
#define BOOT_FORCE        "Intel(r) AMT: Force "
#define BOOT_OPTION       BOOT_FORCE "OCR UEFI Boot Option "

/* A flag of the next boot: its word here, its property, and the capability without which it is refused. */
typedef struct {
    const char *word;
    const char *property;
    const char *capability;
} BootFlag;
extern const BootFlag amt_boot_flags[]; /* ended by a NULL word */

/* Where a boot can go: its word, the capability, and either a flag or the source's InstanceID behind BOOT_FORCE. */
typedef struct {
    const char *word;
    const char *capability;
    const char *property; /* NULL: none is set */
    const char *source;   /* NULL: none is named; "": one of the numbered options */
    guint32 media;        /* IDERBootDevice */
} BootDevice;
extern const BootDevice amt_boot_devices[]; /* ended by a NULL word */

extern const AmtWord amt_boot_verbosities[];
extern const AmtWord amt_boot_erase_options[]; /* bit numbers */
extern const AmtWord amt_boot_service_states[];

/* What a machine says before anything is set. */
typedef struct {
    GVariant *settings;     /* AMT_BootSettingData */
    GVariant *capabilities; /* AMT_BootCapabilities */
    GPtrArray *sources;     /* of GVariant, CIM_BootSourceSetting */
} BootState;
void amt_boot_state_clear(BootState *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BootState, amt_boot_state_clear)
gboolean amt_boot_state_read(WsMan *ws, BootState *state, GError **error);
/* "true" of a capability; one has two names. */
gboolean amt_boot_offers(const BootState *state, const char *capability);
/* InstanceID of the source, borrowed; NULL: the machine lists none like it. */
const char *amt_boot_find_source(const BootState *state, const char *behind_force);
/* Words of what is offered, floating "as": devices, capabilities, erase options. */
GVariant *amt_boot_device_words(const BootState *state);
GVariant *amt_boot_flag_words(const BootState *state);
GVariant *amt_boot_erase_words(const BootState *state);
/* A floating "as" as a list for people, and sunk; "nothing" if empty. */
char *amt_boot_join(GVariant *words);
/* Words of the flags that are set. Floating "as". */
GVariant *amt_boot_set_words(GVariant *settings);

/* ---- amt-boot-apply.c ---- */

/* What is to be set: only what differs from "nothing" is named, all else is written as nothing. */
typedef struct {
    const Amt *amt;
    PosternRun *run;
    WsMan *ws;
    const BootState *state;
    const char *source;    /* InstanceID; NULL: none */
    GHashTable *values;    /* property to GVariant */
    AmtPowerChange *power; /* NULL: no power request */
    GVariant *found;       /* the settings as they were read back */
} BootPlan;
void amt_boot_plan_init(
    BootPlan *plan, const Amt *amt, PosternRun *run, WsMan *ws, const BootState *state);
void amt_boot_plan_clear(BootPlan *plan);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BootPlan, amt_boot_plan_clear)
/* Takes a floating `value`. */
void amt_boot_plan_value(BootPlan *plan, const char *property, GVariant *value);
void amt_boot_plan_parameters(BootPlan *plan, const AmtTlvs *tlvs);

/* Which request brings the machine to its next boot, checked before anything is written. `how` is a word of the `power`
 * parameter; "none" leaves `change` untouched. */
gboolean
amt_boot_plan_power(BootPlan *plan, AmtPowerChange *change, const char *how, GError **error);
/* All of it, in order, read back before the power request. Where a step fails what was set is taken back, and the error says
 * whether that worked. */
gboolean amt_boot_apply(BootPlan *plan, GError **error);
/* Nothing is set for the next boot any more: read back, too. */
gboolean amt_boot_cancel(BootPlan *plan, GError **error);
/* "previous", "requested" and "confirmed" of the power request, if there was one. */
void amt_boot_power_result(PosternResult *result, const BootPlan *plan);

/* clang-format off */
extern const char *const amt_boot_power_choices[];
#define BOOT_POWER_OUTPUTS                                                                                             \
    POSTERN_FIELD_ITEM(.name = "previous", .type = "s", .summary = "power state before; absent: it was not looked at"), \
    POSTERN_FIELD_ITEM(.name = "requested", .type = "s", .summary = "power request: on, reset or cycle; absent: none"), \
    POSTERN_FIELD_ITEM(.name = "confirmed", .type = "b",                                                               \
                       .summary = "the device answered it; false: its answer was lost, but the state was seen")
/* clang-format on */

#endif /* AMT_BOOT_H */
