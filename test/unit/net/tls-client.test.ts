import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:net';
import type { AddressInfo, Server, Socket as PlainSocket } from 'node:net';
import { constants } from 'node:os';
import { createServer } from 'node:tls';
import type { TLSSocket, TlsOptions } from 'node:tls';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { TagFlags } from '../../../src/media/codec';
import { BroadcastLog } from '../../../src/net/broadcast-log';
import { TlsChannel } from '../../../src/net/tls-channel';
import type { TlsServerName } from '../../../src/net/tls-channel';
import { trustedRoots } from '../../../src/net/trusted-roots';
import { Loopback, RecordingHandler } from '../../support/net';
import { pairFiles } from '../../support/tls';
import { eventually } from '../../support/waits';

const { EPROTO } = constants.errno;

describe('the client side of a TLS channel', () => {
  const before = process.env['SSL_CERT_FILE'];
  let loopback: Loopback;
  let servers: Server[] = [];
  let accepted: TLSSocket[] = [];
  let raw: PlainSocket[] = [];

  beforeEach(() => {
    loopback = new Loopback();
    process.env['SSL_CERT_FILE'] = pairFiles('first').cert;
  });
  afterEach(() => {
    for (const socket of accepted) socket.destroy();
    for (const server of servers) server.close();
    loopback.close();
    if (before === undefined) delete process.env['SSL_CERT_FILE'];
    else process.env['SSL_CERT_FILE'] = before;
    servers = [];
    accepted = [];
    raw = [];
  });

  /** The other end of the newest connection, which may be done with its handshake a little later. */
  async function peer(count = 1): Promise<TLSSocket & { servername: unknown }> {
    await eventually('the server', () => accepted.length === count);
    return accepted.at(-1) as TLSSocket & { servername: unknown };
  }

  /** A server with a certificate; returns its port. */
  async function serve(options: TlsOptions = {}): Promise<number> {
    const { cert, key } = pairFiles('first');
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key), ...options });
    server.on('secureConnection', (socket) => {
      accepted.push(socket.on('error', () => undefined));
    });
    server.on('connection', (socket: PlainSocket) => raw.push(socket));
    server.on('tlsClientError', () => undefined);
    return listen(server);
  }

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return (server.address() as AddressInfo).port;
  }

  async function open(
    port: number,
    name: Partial<TlsServerName> = {},
  ): Promise<{ channel: TlsChannel; handler: RecordingHandler }> {
    const handler = new RecordingHandler();
    const plain = new RecordingHandler();
    const socket = loopback.engine.connect('127.0.0.1', port, 1000, plain);
    await plain.until(() => plain.connected);
    const side = { host: 'first.test', verify: true, ...name };
    const channel = new TlsChannel(socket, side, loopback.log);
    channel.handler = handler;
    await handler.until(() => handler.connected || handler.closedWith !== undefined);
    return { channel, handler };
  }

  it('tells the server its name, and hands over what both say', async () => {
    const { channel, handler } = await open(await serve());
    assert.ok(channel.isSecure);
    assert.match(channel.protocol, /^TLSv1[.][23]$/);
    const server = await peer();
    assert.equal(server.servername, 'first.test');
    server.write('hello');
    await handler.until(() => handler.received.length === 5);
    const heard = new Promise((resolve) => server.once('data', resolve));
    channel.write(Buffer.from('world'));
    assert.equal(String(await heard), 'world');
    channel.end();
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, 0);
  });

  it('asks for the proof of an address, too, but does not tell it as a name', async () => {
    const port = await serve();
    const { channel } = await open(port, { host: '127.0.0.1' });
    assert.ok(channel.isSecure);
    assert.equal((await peer()).servername, false);
    const other = await open(port, { host: '127.0.0.2' });
    assert.equal(other.handler.closedWith, EPROTO);
    assert.match(other.channel.reason, /TLS handshake failed: .*127[.]0[.]0[.]2/);
  });

  it('refuses a name that is not in the certificate, and one that nobody vouches for', async () => {
    const port = await serve();
    const named = await open(port, { host: 'second.test' });
    assert.equal(named.handler.closedWith, EPROTO);
    assert.match(named.channel.reason, /second[.]test/);
    assert.equal(named.handler.connected, false);
    delete process.env['SSL_CERT_FILE'];
    const unknown = await open(port);
    assert.equal(unknown.handler.closedWith, EPROTO);
    assert.match(unknown.channel.reason, /self.signed certificate/);
  });

  it('takes any certificate when it is not to be checked', async () => {
    delete process.env['SSL_CERT_FILE'];
    const { channel } = await open(await serve(), { host: 'second.test', verify: false });
    assert.ok(channel.isSecure);
  });

  it('says that the server speaks no TLS, or leaves', async () => {
    const port = await listen(createPlainServer((socket) => socket.end('HTTP/1.0 400\r\n')));
    const { channel, handler } = await open(port);
    assert.equal(handler.closedWith, EPROTO);
    assert.match(channel.reason, /TLS handshake/);
    const silent = await listen(createPlainServer((socket) => socket.resume().end()));
    const left = await open(silent);
    assert.equal(left.handler.closedWith, EPROTO);
    assert.match(left.channel.reason, /before the TLS handshake/);
  });

  it('tells of a reset with its number', async () => {
    const { channel, handler } = await open(await serve());
    await peer();
    raw[0]!.resetAndDestroy();
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, constants.errno.ECONNRESET);
    assert.ok(channel.isClosed);
    channel.write(Buffer.from('too late'));
  });

  it('plays a log, as fast as the server takes it', async () => {
    const { channel, handler } = await open(await serve());
    const server = await peer();
    server.pause();
    const options = { chunkSize: 60000, queueMs: 30000, gopCache: true, gopCacheMaxBytes: 1e8 };
    const log = new BroadcastLog(loopback.engine, { ...options, absolute: false });
    handler.onDrain = () => {
      log.resume(channel);
    };
    log.attach(channel, 1, 0);
    const frame = Buffer.alloc(500_000, 0x27);
    for (let index = 0; index < 20; index++) {
      const flags = index === 0 ? TagFlags.keyFrame : 0;
      log.append(9, index * 40, flags, -1, frame, 0, frame.length);
    }
    let size = 0;
    const all = new Promise<void>((resolve) => {
      server.on('data', (part: Buffer) => {
        size += part.length;
        if (size > 20 * frame.length) resolve();
      });
    });
    server.resume();
    await all;
    assert.equal(log.playerStats(channel).messages, 20);
    log.detach(channel);
    log.close();
  });
});

describe('the roots that a client of TLS trusts', () => {
  const { cert } = pairFiles('first');

  it('are made once for the same files', () => {
    const plain = trustedRoots({});
    assert.equal(trustedRoots({ SSL_CERT_FILE: '' }), plain);
    const more = trustedRoots({ SSL_CERT_FILE: cert });
    assert.notEqual(more, plain);
    assert.equal(trustedRoots({ SSL_CERT_FILE: cert }), more);
    const both = trustedRoots({ SSL_CERT_FILE: cert, NODE_EXTRA_CA_CERTS: cert });
    assert.notEqual(both, more);
  });

  it('need files that can be read', () => {
    for (const [file, text] of [
      ['/nonexistent/roots.pem', /SSL_CERT_FILE=\/nonexistent\/roots.pem, got ENOENT/],
      [__dirname, /got EISDIR/],
      [__filename, /tls-client.test.ts, got none/],
    ] as const) {
      assert.throws(
        () => trustedRoots({ SSL_CERT_FILE: file }),
        (error) =>
          error instanceof SrsError &&
          error.code === ErrorCode.SYSTEM_FILE_OPENE &&
          text.test(error.message),
      );
    }
  });
});
