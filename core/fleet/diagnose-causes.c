/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "diagnose-causes.h"

#include <string.h>

/* clang-format off */
static const DiagnoseCause causes[] = {
    {"no-name", "no name server knows an address for the name",
     "check the spelling and the search domain; register the machine in DNS, or name its address"},
    {"name-mismatch", "the address goes by another name than the one that led to it",
     "correct the reverse zone, or the stale record: something else may answer at that address now"},
    {"stale-address", "another machine answers at the address than the one it is on record for",
     "let the name server forget the old lease, or correct the record (postern machine show NAME)"},
    {"unreachable", "nothing answers at the address, neither yes nor no",
     "check that the machine has mains power and a cable, that its firmware has its own or a shared address, and that "
     "routes and firewalls lead there"},
    {"port-closed", "the machine answers, and refuses the port of its management",
     "enable network access in the firmware's setup; check that no other address is shared with this one"},
    {"filtered", "packets to the port vanish, while others are answered",
     "open the port in the firewalls between here and the machine, the one of its operating system included"},
    {"hanging", "the connection is made, and then nothing is answered",
     "wait a minute for the firmware to restart its web server; if it stays so, take the mains power away for a while"},
    {"not-amt", "something answers at the port, but it is not Intel AMT",
     "check the address: another machine or another service may have it"},
    {"amt-disabled", "the firmware has Intel AMT, switched off",
     "enable it in the firmware's setup (MEBx), or in the BIOS under Intel Manageability"},
    {"not-provisioned", "Intel AMT is there, and was never set up",
     "set it up: by hand in MEBx, or with a provisioning service or host-based setup"},
    {"tls-failed", "no encrypted connection could be agreed upon",
     "compare the TLS settings of the device with those in the plugin's file; a device certificate may be missing"},
    {"tls-too-old", "the device speaks only versions of TLS that are not accepted",
     "update its firmware; or allow what it has for devices such as this (tls-legacy)"},
    {"certificate-name", "the certificate is for another name",
     "use the name that the certificate has, or put one with the right name into the device"},
    {"certificate-expired", "the certificate is no longer valid",
     "put a new certificate into the device; check the clock of this host if many are affected"},
    {"certificate-not-yet", "the certificate is not valid yet",
     "check the clock of this host, then that of whoever issued the certificate"},
    {"certificate-weak-key", "the certificate's key is too short, or its signature can be forged",
     "put a certificate with a key of at least 2048 bits and a SHA-2 signature into the device"},
    {"certificate-untrusted", "the certificate was issued by nobody who is trusted here",
     "add the root that issued it to tls-ca-file, or pin the certificate"},
    {"no-credential", "no login is known for this machine",
     "store one: postern credential add PROFILE TYPE, or give one with --credential"},
    {"wrong-password", "the device refused every login that was tried",
     "correct the password: postern credential rotate; too many wrong ones lock the account for a while"},
    {"login-barred", "logins that were refused lately are not sent again for now",
     "correct the password, or try it on purpose: postern credential test --again"},
    {"no-right", "the login is right, and its account may not do this",
     "give the account the realm that the task's manual names, or use another account"},
    {"clock-skew", "the device's clock is wrong",
     "set it: logs, certificates and Kerberos depend on it"},
    {"redirection-off", "serial-over-LAN and storage redirection are switched off",
     "enable redirection in MEBx, or over the network if the firmware allows it"},
    {"kvm-off", "remote control of the screen is switched off, or this model has none",
     "enable KVM in MEBx and its listener, or look for a model with KVM"},
    {"consent-required", "somebody at the machine has to agree before remote control begins",
     "have somebody there to read the code from the screen, or change the opt-in policy in admin control mode"},
    {"client-control-mode", "the device was set up from its operating system, which bars some functions",
     "set it up again in admin control mode if you need them without consent"},
};
/* clang-format on */

const DiagnoseCause *
diagnose_cause(const char *word)
{
    for (guint i = 0; word != NULL && i < G_N_ELEMENTS(causes); i++)
        if (strcmp(causes[i].word, word) == 0)
            return &causes[i];
    return NULL;
}

const DiagnoseCause *
diagnose_causes(guint *count)
{
    *count = G_N_ELEMENTS(causes);
    return causes;
}
