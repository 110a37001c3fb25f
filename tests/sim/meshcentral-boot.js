// SPDX-License-Identifier: Apache-2.0
//
// Drives the AMT stack of MeshCentral through its manager's boot sequences and the user's consent, against one simulated
// device:
//     node meshcentral-boot.js AMT-DIRECTORY ADDRESS plain|tls PORT LAST-BOOT SIMULATOR-OUTPUT
// LAST-BOOT is what the device boots at the end, for the simulator's state file: bios, pxe, ider or https.
// The steps are those of performPowerAction() and performOneClickRecoveryAction(): flags, role, order, power. Exit status 0
// when every step worked.
'use strict';
const fs = require('fs');
const path = require('path');

const [dir, host, how, port, last, output] = process.argv.slice(2);
const CreateComm = require(path.join(dir, 'amt-wsman-comm.js'));
const CreateWsman = require(path.join(dir, 'amt-wsman.js'));
const CreateAmt = require(path.join(dir, 'amt.js'));

const comm = CreateComm(host, parseInt(port), 'admin', 'P@ssw0rd', how === 'tls' ? 1 : 0);
comm.xtlsFingerprint = 0;
const amt = CreateAmt(CreateWsman(comm));
const ALL = 4294967295;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const get = (name) => new Promise((done, no) => amt.Get(name, (stack, what, response, status) =>
    status === 200 ? done(response.Body) : no('Get ' + name + ': status ' + status), 0, 1));
const put = (name, values) => new Promise((done) => amt.Put(name, values, (stack, what, response, status) =>
    done(status), 0, 1));
const call = (name, ...args) => new Promise((done, no) => amt[name](...args, (stack, what, response, status) =>
    status === 200 ? done(response.Body.ReturnValue) : no(name + ': status ' + status)));

async function expect(what, found, wanted) {
    found = await found;
    if (found !== wanted) { throw what + ': found ' + found + ', expected ' + wanted; }
}

function source(name) {
    const addressing = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
    const wsman = 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd';
    return '<Address xmlns="' + addressing + '">' + addressing + '</Address><ReferenceParameters xmlns="' + addressing +
        '"><ResourceURI xmlns="' + wsman + '">http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_BootSourceSetting</ResourceURI>' +
        '<SelectorSet xmlns="' + wsman + '"><Selector Name="InstanceID">' + name + '</Selector></SelectorSet></ReferenceParameters>';
}

// What the manager takes out before it puts the settings back
const dropped = ['WinREBootEnabled', 'UEFILocalPBABootEnabled', 'UEFIHTTPSBootEnabled', 'SecureBootControlEnabled',
    'BootguardStatus', 'OptionsCleared', 'BIOSLastStatus', 'UefiBootParametersArray', 'RPEEnabled', 'RSEPassword'];

async function settings(changes) {
    const now = await get('AMT_BootSettingData');
    now.ConfigurationDataReset = false;
    dropped.forEach((name) => { delete now[name]; });
    return Object.assign(now, changes);
}

async function power() {
    const r = await new Promise((done, no) => amt.BatchEnum('', ['CIM_ServiceAvailableToElement'],
        (stack, name, responses, status) => status === 200 ? done(responses) : no('power: status ' + status)));
    return r.CIM_ServiceAvailableToElement.responses[0].PowerState;
}

async function start() {
    const state = await power();
    await expect('power request', call('RequestPowerStateChange', state === 2 ? 10 : 2), 0);
    await pause(700);
    await expect('power state', power(), 2);
}

// The boot used up what was set
async function check(changes) {
    const now = await get('AMT_BootSettingData');
    await expect('OptionsCleared', now.OptionsCleared, true);
    for (const name of Object.keys(changes)) {
        if (typeof changes[name] === 'boolean') { await expect(name + ' afterwards', now[name], false); }
    }
}

async function boot(changes, order, before) {
    if (before) { await expect('order cleared', call('CIM_BootConfigSetting_ChangeBootOrder', null), 0); }
    await expect('Put', put('AMT_BootSettingData', await settings(changes)), 200);
    await expect('role', call('SetBootConfigRole', 1), 0);
    await expect('order', call('CIM_BootConfigSetting_ChangeBootOrder', order), 0);
    const set = await get('AMT_BootSettingData');
    for (const name of Object.keys(changes)) {
        if (typeof changes[name] === 'boolean') { await expect(name, set[name], changes[name]); }
    }
    await start();
    await check(changes);
}

function parameter(type, value) {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(0x8086, 0);
    head.writeUInt16LE(type, 2);
    head.writeUInt32LE(value.length, 4);
    return Buffer.concat([head, value]);
}

const recovery = {
    BIOSPause: false, BIOSSetup: false, EnforceSecureBoot: false, BootMediaIndex: 0, UefiBootNumberOfParams: 3,
    UefiBootParametersArray: Buffer.concat([parameter(1, Buffer.from('https://b.example/x.efi')),
        parameter(20, Buffer.from([1])), parameter(30, Buffer.from([0, 0]))]).toString('base64')
};

const boots = {
    bios: () => boot({ BIOSSetup: true, UseSOL: true }, null),
    pxe: () => boot({ BIOSSetup: false, UseSOL: false }, source('Intel(r) AMT: Force PXE Boot')),
    ider: () => boot({ UseIDER: true, IDERBootDevice: 1 }, null, true),
    https: () => boot(recovery, source('Intel(r) AMT: Force OCR UEFI HTTPS Boot'), true)
};

async function policy(required) {
    const now = await get('IPS_OptInService');
    now.OptInRequired = required;
    await expect('policy', put('IPS_OptInService', now), 200);
    await expect('policy read back', (await get('IPS_OptInService')).OptInRequired, required);
}

// The last code that the simulator printed for this address
function code() {
    const lines = fs.readFileSync(output, 'utf8').split('\n').filter((x) => x.startsWith('screen of ' + host + ': consent code '));
    return lines[lines.length - 1].slice(-6);
}

async function consent() {
    await policy(ALL);
    await expect('Put without consent', put('AMT_BootSettingData', await settings({ BIOSSetup: true })), 400);
    await expect('start', call('IPS_OptInService_StartOptIn'), 0);
    await expect('state', (await get('IPS_OptInService')).OptInState, 2);
    const wrong = await call('IPS_OptInService_SendOptInCode', code() === '000000' ? '000001' : '000000');
    if (wrong === 0) { throw 'a wrong code was taken'; }
    await expect('right code', call('IPS_OptInService_SendOptInCode', code()), 0);
    await expect('state', (await get('IPS_OptInService')).OptInState, 3);
    await expect('Put with consent', put('AMT_BootSettingData', await settings({ BIOSSetup: true })), 200);
    await expect('cancel', call('IPS_OptInService_CancelOptIn'), 0);
    await policy(0);
    await expect('not next any more', call('SetBootConfigRole', 32768), 0);
}

(async () => {
    try {
        await consent();
        for (const name of Object.keys(boots)) {
            if (name !== last && name !== 'https') { await boots[name](); }
        }
        await boots[last]();
    } catch (ex) {
        console.log(String(ex.stack || ex));
        process.exit(1);
    }
    process.exit(0);
})();
setTimeout(() => { console.log('took more than 60 s'); process.exit(1); }, 60000);
