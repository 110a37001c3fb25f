// SPDX-License-Identifier: Apache-2.0
//
// Drives the serial console of MeshCentral's web page, without page and server, against one simulated device:
//     node meshcentral-sol.js SCRIPTS-DIRECTORY ADDRESS plain|tls PORT [USER PASSWORD]
// Its redirection code talks to a WebSocket; here that is a socket to the device. Logs in at the host's prompt and lets it
// answer. Prints what the host wrote; exit status 0 when it was the right answer.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const path = require('path');
const tls = require('tls');
const vm = require('vm');

const [dir, host, how, port, user, password] = process.argv.slice(2);

class WebSocket {
    constructor() {
        const ready = () => { this.readyState = WebSocket.OPEN; this.onopen(); };
        this.readyState = 0;
        this.socket = how === 'tls'
            ? tls.connect({ host: host, port: parseInt(port), rejectUnauthorized: false, minVersion: 'TLSv1',
                ciphers: 'DEFAULT@SECLEVEL=0' }, ready)
            : net.connect(parseInt(port), host, ready);
        this.socket.on('data', (d) => this.onmessage({ data: new Uint8Array(d).buffer }));
        this.socket.on('error', (e) => console.log(String(e)));
        this.socket.on('close', () => { this.readyState = 3; this.onclose(); });
    }
    send(data) { this.socket.write(Buffer.from(data)); }
    close() { this.socket.end(); }
}
WebSocket.OPEN = 1;

const page = vm.createContext({
    WebSocket: WebSocket, Uint8Array: Uint8Array, DataView: DataView, console: console,
    setInterval: setInterval, clearInterval: clearInterval,
    window: { location: { protocol: 'http:', host: 'localhost', pathname: '/' } },
    hex_md5: (text) => crypto.createHash('md5').update(text, 'binary').digest('hex'),
});
for (const name of ['common-0.0.1.js', 'amt-redir-ws-0.1.0.js']) {
    vm.runInContext(fs.readFileSync(path.join(dir, name), 'utf8'), page, name);
}

let screen = '', seen = 0;
const script = [[/login: $/, 'root\r'], [/Password: $/, 'sim-host\r'], [/# $/, 'echo $((6*7)) is the answer\r'],
    [/\n\$\(\(6\*7\)\) is the answer\r\n.*# $/, null]];
function finish(status) {
    console.log(JSON.stringify(screen));
    process.exit(status);
}
const terminal = {
    protocol: 1,
    xxStateChange: (state) => { if (state === 0) { finish(1); } },
    ProcessData: (text) => {
        screen += text;
        if (!script[0][0].test(screen.slice(seen))) { return; }
        seen = screen.length;
        const typed = script.shift()[1];
        if (typed === null) { finish(0); }
        redirection.Send(typed);
    },
};
const redirection = page.CreateAmtRedirect(terminal, '');
redirection.Start(host, port, user || 'admin', password || 'P@ssw0rd', how === 'tls' ? 1 : 0);
setTimeout(() => finish(2), 20000);
