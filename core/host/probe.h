/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * probe.h - learning what a plugin says about itself without running its code in this process.
 *
 * A helper process (this program, started again) loads the file, asks its entry, checks the tables
 * and writes the description to a pipe. If it crashes or hangs, that is the plugin's, not ours.
 */
#include "descriptor.h"

typedef enum {
    PROBE_PENDING,
    PROBE_OK,      /* `description` holds */
    PROBE_REFUSED, /* `reason` says which rule was broken */
    PROBE_CRASHED, /* or hung: `reason` says the signal */
} ProbeState;

typedef struct {
    char *name;
    char *file;
    ProbeState state;
    char *reason;
    GVariant *description; /* of descriptor_variant_type() */
} Probe;

Probe *probe_new(const char *name, const char *file);
void probe_free(Probe *probe);

enum { PROBE_TIMEOUT_MS = 5000 };

/* Do all `probes` (of Probe, trusted files), some at a time, each within `timeout_ms`. Afterwards
 * none is pending. */
void probe_run(GPtrArray *probes, const PosternHost *host, guint timeout_ms);

/* First thing in main(): see host_main_hook(). Does not return in a helper. */
void probe_main_hook(int argc, char **argv, const PosternHost *host);
