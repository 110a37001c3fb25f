// SPDX-License-Identifier: Apache-2.0
//
// Drives the AMT stack of MeshCentral, without the rest of it, in what its manager does for TLS: list, trust a root, make a key,
// add a certificate for it, bind it, commit.
//     node meshcentral-certificates.js AMT-DIRECTORY ADDRESS plain|tls PORT DIRECTORY
// DIRECTORY has ca.pem and ca.key; the new certificate is left there as new.pem. Prints what it found as one line of JSON.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { execFileSync } = require('child_process');

const [dir, host, how, port, work] = process.argv.slice(2);
const CreateComm = require(path.join(dir, 'amt-wsman-comm.js'));
const CreateWsman = require(path.join(dir, 'amt-wsman.js'));
const CreateAmt = require(path.join(dir, 'amt.js'));

const comm = CreateComm(host, parseInt(port), 'admin', 'P@ssw0rd', how === 'tls' ? 1 : 0);
comm.xtlsFingerprint = 0; // as the manager does for a device without a pin
const amt = CreateAmt(CreateWsman(comm));
const found = {};

function fail(step, what) {
    console.log(JSON.stringify({ failed: step, what: what, found: found }));
    process.exit(1);
}

const batch = (names) => new Promise((done, no) =>
    amt.BatchEnum('', names, (stack, name, responses, status) =>
        status === 200 ? done(responses) : no('status ' + status)));
const call = (name, ...args) => new Promise((done, no) =>
    amt[name](...args, (stack, what, response, status) =>
        status === 200 ? done(response.Body) : no(name + ': status ' + status)));
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const base64 = (pem) => fs.readFileSync(path.join(work, pem), 'utf8').replace(/-----[^-]*-----|\s/g, '');
const openssl = (...args) => execFileSync('openssl', args, { cwd: work, stdio: ['ignore', 'pipe', 'ignore'] });

let state;

async function list() {
    state = await batch(['AMT_PublicKeyCertificate', 'AMT_PublicPrivateKeyPair', 'AMT_TLSSettingData', 'AMT_TLSCredentialContext']);
    const certificates = state.AMT_PublicKeyCertificate.responses;
    found.certificates = certificates.length;
    found.keys = state.AMT_PublicPrivateKeyPair.responses.length;
    found.settings = state.AMT_TLSSettingData.responses.map((x) => x.InstanceID);
    certificates.forEach((x) => new crypto.X509Certificate(Buffer.from(x.X509Certificate, 'base64')));
}

async function root() {
    const first = await call('AMT_PublicKeyManagementService_AddTrustedRootCertificate', base64('ca.pem'));
    if (first.ReturnValue !== 0) { throw 'AddTrustedRootCertificate: ' + first.ReturnValue; }
    const second = await call('AMT_PublicKeyManagementService_AddTrustedRootCertificate', base64('ca.pem'));
    if (second.ReturnValue !== 2058) { throw 'the same root again: ' + second.ReturnValue; }
    const before = found.certificates;
    await list();
    const it = state.AMT_PublicKeyCertificate.responses.find((x) => x.X509Certificate === base64('ca.pem'));
    if (found.certificates !== before + 1 || !it || it.TrustedRootCertficate !== true) { throw 'the root is not listed'; }
    found.root = it.Subject;
}

async function key() {
    for (let i = 0; i < 20; i++) {
        const answer = await call('AMT_PublicKeyManagementService_GenerateKeyPair', 0, 2048);
        if (answer.ReturnValue === 0) {
            await list();
            if (found.keys !== 1) { throw found.keys + ' keys'; }
            return;
        }
        if (answer.ReturnValue !== 2061) { throw 'GenerateKeyPair: ' + answer.ReturnValue; }
        found.waited = true;
        await pause(200);
    }
    throw 'no key was made';
}

async function certificate() {
    const der = Buffer.from(state.AMT_PublicPrivateKeyPair.responses[0].DERKey, 'base64');
    const publicKey = crypto.createPublicKey({ key: der, format: 'der', type: 'pkcs1' });
    fs.writeFileSync(path.join(work, 'device.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    openssl('req', '-new', '-key', 'ca.key', '-subj', '/CN=mc.example.test', '-out', 'new.csr');
    openssl('x509', '-req', '-in', 'new.csr', '-force_pubkey', 'device.pub', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '9', '-out', 'new.pem');
    const answer = await call('AMT_PublicKeyManagementService_AddCertificate', base64('new.pem'));
    if (answer.ReturnValue !== 0) { throw 'AddCertificate: ' + answer.ReturnValue; }
    found.handle = answer.CreatedCertificate.ReferenceParameters.SelectorSet.Selector.Value;
}

async function bind() {
    const epr = (name, selector, value) => '<a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>' + amt.CompleteName(name) +
        '</w:ResourceURI><w:SelectorSet><w:Selector Name="' + selector + '">' + value + '</w:Selector></w:SelectorSet></a:ReferenceParameters>';
    const context = {
        ElementInContext: epr('AMT_PublicKeyCertificate', 'InstanceID', found.handle),
        ElementProvidingContext: epr('AMT_TLSProtocolEndpointCollection', 'ElementName', 'TLSProtocolEndpointInstances Collection')
    };
    const there = state.AMT_TLSCredentialContext.responses.length > 0;
    found.context = there ? 'Put' : 'Create';
    await new Promise((done, no) => amt[found.context]('AMT_TLSCredentialContext', context, (stack, name, response, status) =>
        status === 200 ? done() : no(found.context + ': status ' + status), 0, 1));
    const settings = state.AMT_TLSSettingData.responses[0];
    settings.Enabled = true;
    settings.MutualAuthentication = false;
    if (settings.NonSecureConnectionsSupported !== false) { settings.AcceptNonSecureConnections = true; }
    delete settings.TrustedCN;
    await new Promise((done, no) => amt.Put('AMT_TLSSettingData', settings, (stack, name, response, status) =>
        status === 200 ? done() : no('Put AMT_TLSSettingData: status ' + status), 0, 1, settings));
    const answer = await call('AMT_SetupAndConfigurationService_CommitChanges', null);
    if (answer.ReturnValue !== 0) { throw 'CommitChanges: ' + answer.ReturnValue; }
}

(async () => {
    for (const step of [list, root, key, certificate, bind]) {
        try { await step(); } catch (ex) { fail(step.name, String(ex)); }
    }
    console.log(JSON.stringify(found));
    process.exit(0);
})();
setTimeout(() => fail('time', 'took more than 60 s'), 60000);
