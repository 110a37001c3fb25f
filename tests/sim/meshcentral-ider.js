// SPDX-License-Identifier: Apache-2.0
//
// Drives the storage redirection of MeshCentral, without the rest of it, against one simulated device, and has that start from
// it:
//     node meshcentral-ider.js AMT-DIRECTORY ADDRESS plain|tls PORT REDIRECTION-PORT cd|floppy IMAGE
// Exit status 0 when the machine has read as many bytes as the image has; what it read, the simulator's state file tells.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const path = require('path');
const tls = require('tls');

const [dir, host, how, port, redirectionPort, device, image] = process.argv.slice(2);
const secure = how === 'tls';
const size = fs.statSync(image).size;

function fail(what) {
    console.log('failed: ' + what);
    process.exit(1);
}

// Its ports are fixed: send it to ours
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
    if (args[0] === 16994) { args[0] = parseInt(redirectionPort); }
    return connect.apply(this, args);
};
const secureConnect = tls.connect;
tls.connect = (to, ...args) => secureConnect(to === 16995 ? parseInt(redirectionPort) : to, ...args);

// ---- what its server would give: the node, the right to it, and little helpers ----
const node = { _id: 'node//1', meshid: 'mesh//1', host: host, intelamt: { user: 'admin', pass: 'P@ssw0rd', tls: secure ? 1 : 0 } };
const md5 = { create: () => {
    const hash = crypto.createHash('md5');
    const self = { update: (text) => { hash.update(Buffer.from(text, 'binary')); return self; },
        digest: () => ({ toHex: () => hash.digest('hex') }) };
    return self;
} };
const meshcentral = {
    db: { Get: (id, done) => done(null, [node]) },
    GetConnectivityState: () => ({ connectivity: 4 }),
    mpsserver: { GetConnectionToNode: () => null },
    certificateOperations: { forge: { md: { md5: md5 } } },
    debugLevel: null
};
const number = (v) => String.fromCharCode(v & 0xFF, (v >> 8) & 0xFF, (v >> 16) & 0xFF, (v >> 24) & 0xFF);
const webserver = { common: {
    ReadIntX: (text, at) => Buffer.from(text.substring(at, at + 4), 'binary').readUInt32LE(0),
    IntToStrX: number,
    rstr2hex: (text) => Buffer.from(text, 'binary').toString('hex')
} };
const user = { name: 'judge', links: { 'mesh//1': { rights: 0xFFFFFFFF } } };

// ---- storage ----
const ider = require(path.join(dir, 'amt-ider-module.js')).CreateAmtRemoteIder(webserver, meshcentral);
const setup = ider.diskSetup(device === 'floppy' ? image : null, device === 'cd' ? image : null);
if (setup !== 0) { fail('it does not take the image: ' + setup); }
ider.iderStart = 2;
const session = require(path.join(dir, 'amt-redir-mesh.js')).CreateAmtRedirect(ider, {}, user, webserver, meshcentral);

// ---- booting, as its manager does it ----
const comm = require(path.join(dir, 'amt-wsman-comm.js'))(host, parseInt(port), 'admin', 'P@ssw0rd', secure ? 1 : 0);
comm.xtlsFingerprint = 0;
const amt = require(path.join(dir, 'amt.js'))(require(path.join(dir, 'amt-wsman.js'))(comm));
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const get = (name) => new Promise((done, no) => amt.Get(name, (stack, what, response, status) =>
    status === 200 ? done(response.Body) : no('Get ' + name + ': status ' + status), 0, 1));
const put = (name, values) => new Promise((done, no) => amt.Put(name, values, (stack, what, response, status) =>
    status === 200 ? done() : no('Put ' + name + ': status ' + status), 0, 1));
const call = (name, ...args) => new Promise((done, no) => amt[name](...args, (stack, what, response, status) =>
    status === 200 && response.Body.ReturnValue === 0 ? done() : no(name + ': status ' + status)));

async function power() {
    const r = await new Promise((done, no) => amt.BatchEnum('', ['CIM_ServiceAvailableToElement'],
        (stack, name, responses, status) => status === 200 ? done(responses) : no('power: status ' + status)));
    return r.CIM_ServiceAvailableToElement.responses[0].PowerState;
}

// What of it is switched off, or asks somebody
async function allow() {
    const consent = await get('IPS_OptInService');
    consent.OptInRequired = 0;
    await put('IPS_OptInService', consent);
    await call('AMT_RedirectionService_RequestStateChange', 32771);
    const service = await get('AMT_RedirectionService');
    service.ListenerEnabled = true;
    await put('AMT_RedirectionService', service);
}

async function boot() {
    const settings = await get('AMT_BootSettingData');
    ['WinREBootEnabled', 'UEFILocalPBABootEnabled', 'UEFIHTTPSBootEnabled', 'SecureBootControlEnabled', 'BootguardStatus',
        'OptionsCleared', 'BIOSLastStatus', 'UefiBootParametersArray', 'RPEEnabled', 'RSEPassword'].forEach((name) => {
        delete settings[name];
    });
    settings.UseIDER = true;
    settings.IDERBootDevice = device === 'cd' ? 1 : 0;
    await put('AMT_BootSettingData', settings);
    await call('SetBootConfigRole', 1);
    await call('RequestPowerStateChange', await power() === 2 ? 10 : 2);
}

async function judge() {
    await allow();
    session.Start('node//1');
    for (let i = 0; i < 100 && ider.iderinfo === null; i++) { await pause(50); }
    if (ider.iderinfo === null) { throw 'no session'; }
    await boot();
    for (let last = -1; ider.bytesToAmt < size || ider.bytesToAmt !== last; await pause(300)) {
        if (session.State === 0) { throw 'the session ended after ' + ider.bytesToAmt + ' bytes'; }
        last = ider.bytesToAmt;
    }
    ider.SendCommand(0x42);
    await pause(100);
    console.log(JSON.stringify({ bytes: ider.bytesToAmt, read: ider.iderinfo.readbfr }));
    process.exit(0);
}

judge().catch((ex) => fail(String(ex)));
setTimeout(() => fail('took more than 40 s, ' + ider.bytesToAmt + ' bytes'), 40000);
