// SPDX-License-Identifier: Apache-2.0
//
// Drives the AMT stack of MeshCentral, without the rest of it, against one simulated device:
//     node meshcentral.js AMT-DIRECTORY ADDRESS plain|tls PORT [PASSWORD-FILE]
// The steps are those of its manager: log in and read the identity, read power, read the hardware, switch.
// Prints what it found as one line of JSON; exit status 0 when every step worked.
'use strict';
const fs = require('fs');
const path = require('path');

const [dir, host, how, port, passwordFile] = process.argv.slice(2);
const password = passwordFile ? fs.readFileSync(passwordFile, 'utf8').split('\n')[0] : 'P@ssw0rd';
const CreateComm = require(path.join(dir, 'amt-wsman-comm.js'));
const CreateWsman = require(path.join(dir, 'amt-wsman.js'));
const CreateAmt = require(path.join(dir, 'amt.js'));

const comm = CreateComm(host, parseInt(port), 'admin', password, how === 'tls' ? 1 : 0);
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
const get = (name) => new Promise((done, no) =>
    amt.Get(name, (stack, what, response, status) =>
        status === 200 ? done(response.Body) : no(name + ': status ' + status)));
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function power() {
    const r = await batch(['CIM_ServiceAvailableToElement']);
    return r.CIM_ServiceAvailableToElement.responses[0].PowerState;
}

async function waitFor(wanted) {
    for (let i = 0; i < 60; i++) {
        if (await power() === wanted) { return; }
        await pause(100);
    }
    throw 'power state ' + wanted + ' was not reached';
}

async function login() {
    const r = await batch(['*AMT_GeneralSettings', '*IPS_HostBasedSetupService', 'CIM_SoftwareIdentity',
        '*AMT_SetupAndConfigurationService']);
    const id = {};
    r.CIM_SoftwareIdentity.responses.forEach((x) => { id[x.InstanceID] = x.VersionString; });
    found.host = r.AMT_GeneralSettings.response.HostName;
    found.realm = r.AMT_GeneralSettings.response.DigestRealm;
    found.version = id.AMT;
    found.build = id['Build Number'];
    found.header = comm.amtVersion;
    found.mode = r.AMT_SetupAndConfigurationService.response.ProvisioningMode;
    if (found.realm !== comm.digestRealm) { throw 'realm ' + found.realm + ' is not that of the login'; }
    found.uuid = Buffer.from((await call('AMT_SetupAndConfigurationService_GetUuid')).UUID, 'base64').toString('hex');
}

async function settings() {
    const r = await batch(['*AMT_GeneralSettings', '*AMT_RedirectionService', '*CIM_KVMRedirectionSAP', '*IPS_OptInService']);
    found.redirection = r.AMT_RedirectionService.response.EnabledState;
    const general = r.AMT_GeneralSettings.response;
    general.PrivacyLevel = 2;
    await new Promise((done, no) => amt.Put('AMT_GeneralSettings', general, (stack, name, response, status) =>
        status === 200 && response.Body.PrivacyLevel === 2 ? done() : no('Put: status ' + status), 0, 1));
}

async function hardware() {
    const r = await batch(['*CIM_ComputerSystemPackage', 'CIM_SystemPackaging', '*CIM_Chassis', 'CIM_Chip', '*CIM_Card',
        '*CIM_BIOSElement', 'CIM_Processor', 'CIM_PhysicalMemory', 'CIM_MediaAccessDevice', 'CIM_PhysicalPackage']);
    found.guid = r.CIM_ComputerSystemPackage.response.PlatformGUID;
    found.model = r.CIM_Chassis.response.Model;
    found.board = r.CIM_Card.response.Model;
    found.bios = r.CIM_BIOSElement.response.ReleaseDate.Datetime;
    found.chips = r.CIM_Chip.responses.length;
    found.cpu = r.CIM_Chip.responses[0].Version;
    found.memory = r.CIM_PhysicalMemory.responses.length;
    found.packages = r.CIM_PhysicalPackage.responses.map((x) => x.CreationClassName);
    found.disk = r.CIM_MediaAccessDevice.responses[0].MaxMediaSize;
    const net = await batch(['AMT_EthernetPortSettings']);
    found.ports = net.AMT_EthernetPortSettings.responses.length;
    found.mac = net.AMT_EthernetPortSettings.responses[0].MACAddress;
    if (found.guid.toLowerCase() !== found.uuid) { throw 'two UUIDs: ' + found.guid + ' and ' + found.uuid; }
    if (found.chips !== found.memory + 1) { throw 'chips do not include the memory'; }
    if (found.packages.length < 3) { throw 'packages: ' + found.packages; }
}

async function request(state, wanted) {
    const answer = await new Promise((done, no) => amt.RequestPowerStateChange(state, (stack, name, response, status) =>
        status === 200 ? done(response.Body) : no('power request: status ' + status)));
    if (answer.ReturnValue !== 0) { throw 'power request ' + state + ': ReturnValue ' + answer.ReturnValue; }
    await waitFor(wanted);
}

async function switchPower() {
    found.power = await power();
    if (found.power === 2) { await request(8, 8); }
    await request(2, 2);
    await request(10, 2);
    if (parseInt(found.version) >= 10) {
        found.saving = (await get('IPS_PowerManagementService')).OSPowerSavingState;
    }
    await pause(500);
}

async function log() {
    const start = await call('AMT_MessageLog_PositionToFirstRecord');
    const r = await call('AMT_MessageLog_GetRecords', start.IterationIdentifier, 390);
    found.events = Array.isArray(r.RecordArray) ? r.RecordArray.length : 0;
    const decoded = await new Promise((done) => amt.GetMessageLog((stack, messages) => done(messages)));
    if (decoded.length !== found.events || !decoded.some((x) => /Authentication failed/.test(x.Desc))) {
        throw 'the decoded log is not what was read';
    }
    if (found.events < 2 || Buffer.from(r.RecordArray[0], 'base64').length !== 21) { throw 'event records are wrong'; }
}

(async () => {
    for (const step of [login, settings, hardware, switchPower, log]) {
        try { await step(); } catch (ex) { fail(step.name, String(ex)); }
    }
    console.log(JSON.stringify(found));
    process.exit(0);
})();
setTimeout(() => fail('time', 'took more than 60 s'), 60000);
