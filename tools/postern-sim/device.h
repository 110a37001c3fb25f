/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * device.h - one simulated machine: identity, state, what it was asked.
 *
 * There are up to some ten thousand of them, so the record is small and everything that most
 * devices never need (stored settings, enumerations, the log of requests) is allocated on first
 * use. Identity is computed from seed and address each time it is asked for and takes no memory.
 */
#include "classes.h"
#include "faults.h"

enum { DEVICE_LOG_KEEP = 256 };

typedef struct Device Device;

typedef struct {
    gint64 at;                   /* wall clock, microseconds */
    const char *action, *target; /* interned: method or operation, class or path */
    guint16 status;
} DeviceRequest;

/* What was put into an instance by Put or by a method. */
typedef struct {
    char *name;
    char *xml; /* inner XML; \1 stands for the letter that the common namespace will have; NULL:
                  absent */
} DeviceStored;

/* An instance that Create or a method made. */
typedef struct {
    SimClass *class;
    GPtrArray *properties; /* of DeviceStored */
} DeviceCreated;

typedef struct {
    guint32 id;
    SimClass *class;
    guint next;
    gboolean references, objects;
    gint64 expires;
} DeviceContext;

typedef struct {
    GHashTable *stored; /* guint instance index -> GPtrArray of DeviceStored */
    GPtrArray *created; /* of DeviceCreated */
    GArray *contexts;   /* of DeviceContext */
    GArray *log;        /* of DeviceRequest, a ring of DEVICE_LOG_KEEP */
    guint log_next;
    char *boot_source; /* InstanceID of the next boot's source; NULL: as the BIOS is set */
    gint64 clock_offset;
    GArray *accounts; /* of Account, see accounts.h; NULL: none was asked for yet */
    guint32 last_account;
    char *admin;                   /* name of the administrator; NULL: as on the command line */
    struct DeviceKvm *kvm;         /* kvm.h */
    struct ScreenInput *screen;    /* screen.h */
    struct Redirect *sessions[3];  /* on the redirection port, by kind; see redirect.h */
    struct Pki *pki;               /* see pki.h; NULL until needed */
    gint64 alarms_until;           /* by the device's clock: alarms up to then have gone off */
    gint64 link_until;             /* monotonic: the firmware has the wireless link so long */
    struct DeviceBoot *boot;       /* boot.h */
    struct DeviceConsent *consent; /* consent.h */
    struct DeviceIder *ider;       /* ider-machine.h */
    GArray *events; /* 21 bytes each, oldest first, see logs.h; NULL: not looked at yet */
    gboolean events_frozen;
    struct DeviceAudit *audit; /* see audit.h; NULL: not looked at yet */
    GPtrArray *destinations;   /* of Destination, see delivery.h */
    guint power_scheme;        /* number of the current one */
} DeviceExtra;

typedef struct {
    gint64 due; /* monotonic microseconds; 0: no step */
    guint8 state;
    guint8 boots; /* this step starts the machine */
} PowerStep;

struct Device {
    struct Sim *sim;
    const Model *model;
    DeviceExtra *extra; /* NULL until needed */
    guint64 faults;     /* bit n: the n-th fault option concerns this device */
    guint32 address;    /* host byte order */
    guint32 connections, challenges, logins, logins_failed, requests;
    guint32 open; /* connections now */
    guint32 next_message, next_context, nonce_epoch;
    guint32 boots, refused;
    gboolean unprovisioned; /* its setup was taken back: its management ports are closed */
    gboolean loses_answer;  /* the request being served cut the way back: close without an answer */
    const char *caller;     /* account whose request is being served; NULL: none */
    guint32 caller_handle;  /* of the account that logged in last, see accounts.h */
    guint32 caller_address; /* where the connection being served comes from, host byte order */
    PowerStep steps[2];
    gint64 unreachable_until; /* the network adapter resets */
    guint8 power;             /* before `steps` */
    guint8 os_saving;
    guint8 a1[16]; /* MD5 of user, realm, password */
    gboolean a1_known;
    gboolean secure; /* the request that is being served came over TLS */
};

/* Begins its life: power state and the like by seed. */
void device_init(Device *device, struct Sim *sim, const Model *model, guint32 address);

/* What its faults make of its first settings. */
void device_begin(Device *device);

void device_clear(Device *device);

/* The parts that are allocated late. */
DeviceExtra *device_extra(Device *device);

/* A number that depends on seed, address and `salt` only. */
guint64 device_derive(const Device *device, guint salt);

/* The device's realm, newly allocated. */
char *device_realm(const Device *device);

/* UUID in SMBIOS byte order. */
void device_uuid(const Device *device, guint8 uuid[16]);

/* Its address in text. */
void device_address_text(guint32 address, char text[16]);

/* The one argument of a fault of this kind on this device; NULL when it has none. */
const Fault *device_fault(const Device *device, FaultKind kind);

/* TRUE when a fault takes this class away; there may be several of them. */
gboolean device_lacks(const Device *device, const char *class_name);
/* FALSE before it is set up, and after its setup was taken back. */
gboolean device_provisioned(const Device *device);

/* What its own clock says, in seconds since 1970. */
gint64 device_clock(Device *device);

/* Keeps that a request was served. */
void device_note(Device *device, const char *action, const char *target, guint status);

/* TRUE when the device has this instance. */
gboolean device_has(const Device *device, const SimInstance *instance);

/* Appends <P:Class>...</P:Class>, P = `prefix` for the class, `common` for the common namespace. */
void
device_render(Device *device, const SimInstance *instance, char prefix, char common, GString *out);
void device_render_created(const DeviceCreated *created, char prefix, char common, GString *out);

/* Value of a property as text for the wire (the first, of an array); NULL when it is absent. */
char *device_property(Device *device, const SimInstance *instance, const char *name);

/* All values of an array, NULL-ended; NULL when it has none. */
char **device_values(Device *device, const SimInstance *instance, const char *name);

/* Sets one property from code or Put; `xml` is inner XML as in DeviceStored, NULL removes the
 * property. The instance falls back to its template by device_forget(). */
void device_store(Device *device, const SimInstance *instance, const char *name, const char *xml);
/* All that was put into an instance at once; takes `stored`, of DeviceStored. */
void device_replace(Device *device, const SimInstance *instance, GPtrArray *stored);
void device_forget(Device *device, const SimInstance *instance);

/* Shorthand for code: the first instance of `class_name` in the device, or NULL. */
const SimInstance *device_first(Device *device, const char *class_name);

void device_created_free(DeviceCreated *created);
void device_stored_free(DeviceStored *stored);
