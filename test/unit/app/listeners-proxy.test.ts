import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket as PlainSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { HttpRoute } from '../../../src/app/http/exchange';
import { sendText } from '../../../src/app/http/exchange';
import { HttpServer } from '../../../src/app/http/http-server';
import { Listeners } from '../../../src/app/listeners';
import { ContextIds } from '../../../src/core/context-id';
import { NetworkSet } from '../../../src/core/network-set';
import { Engine } from '../../../src/net/engine';
import type { Socket } from '../../../src/net/socket';
import { ManualClock } from '../../support/fakes/manual-clock';
import { RecordingLogger } from '../../support/fakes/recording-logger';
import { firstContext } from '../../support/tls';

const header = 'PROXY TCP4 198.51.100.7 203.0.113.1 4321 8080\r\n';
const request = 'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n';

/** Tells each client its address. */
const whoAmI: HttpRoute = {
  handle: (exchange) => {
    sendText(exchange, 200, `<${exchange.ip}>`);
    return true;
  },
};

describe('a listener behind a proxy', () => {
  let log: RecordingLogger;
  let engine: Engine;
  let http: HttpServer;
  let listeners: Listeners;
  let trusted: NetworkSet;
  let clients: number;
  const peers: PlainSocket[] = [];

  beforeEach(() => {
    log = new RecordingLogger();
    engine = new Engine(log);
    trusted = new NetworkSet([{ address: '127.0.0.0', prefix: 8 }]);
    clients = 0;
    const clock = new ManualClock();
    http = new HttpServer({
      log,
      clock,
      ids: new ContextIds(),
      routes: [whoAmI],
      findVhost: () => undefined,
      crossdomain: () => false,
      trustedProxies: () => trusted,
    });
    listeners = new Listeners({
      engine,
      log,
      clock,
      maxConnections: () => 2,
      clients: () => clients,
      trustedProxies: () => trusted,
    });
  });
  afterEach(() => {
    for (const peer of peers.splice(0)) peer.destroy();
    listeners.close();
    engine.close();
  });

  function listen(accept: (socket: Socket) => void): number {
    const at = [{ host: '127.0.0.1', port: 0 }];
    listeners.reconcile('HTTP', at, accept);
    return listeners.addresses('HTTP')[0]?.port ?? 0;
  }

  const acceptHttp = (socket: Socket): void => {
    http.accept(socket);
  };

  function open(port: number): PlainSocket {
    const peer = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    peer.on('error', () => undefined);
    peers.push(peer);
    return peer;
  }

  /** Everything the server says until it closes. */
  function heard(peer: NodeJS.ReadableStream): Promise<string> {
    return new Promise((resolve) => {
      let text = '';
      peer.on('data', (data: Buffer) => (text += data.toString('latin1')));
      peer.on('close', () => {
        resolve(text);
      });
      peer.on('end', () => {
        for (const socket of peers) socket.destroy();
      });
    });
  }

  it('serves the client that the header names, and knows it in the log', async () => {
    const peer = open(listen(acceptHttp));
    peer.write(header + request);
    assert.match(await heard(peer), /<198\.51\.100\.7>/);
    assert.equal(log.matching('ip=198.51.100.7').length, 1);
  });

  it('answers a client that has said all with its header', async () => {
    const peer = open(listen(acceptHttp));
    peer.end(header + request);
    assert.match(await heard(peer), /<198\.51\.100\.7>/);
  });

  it('serves a peer without a header as itself', async () => {
    const peer = open(listen(acceptHttp));
    peer.write(request);
    assert.match(await heard(peer), /<127\.0\.0\.1>/);
  });

  it('believes the headers of HTTP only for clients that are proxies themselves', async () => {
    const port = listen(acceptHttp);
    const forwarded = request.replace('Host', 'X-Forwarded-For: 192.0.2.5\r\nHost');
    const direct = open(port);
    direct.write(forwarded);
    assert.match(await heard(direct), /<192\.0\.2\.5>/);
    const proxied = open(port);
    proxied.write(header + forwarded);
    assert.match(await heard(proxied), /<198\.51\.100\.7>/);
  });

  it('serves many clients over one connection of a proxy', async () => {
    const peer = open(listen(acceptHttp));
    const ask = (ip: string): string =>
      `GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: ${ip}\r\n\r\n`;
    peer.write(ask('192.0.2.5') + ask('192.0.2.6') + request);
    const text = await heard(peer);
    assert.deepEqual(text.match(/<.*?>/g), ['<192.0.2.5>', '<192.0.2.6>', '<127.0.0.1>']);
  });

  it('does not understand a header of a peer that is not trusted, from the next connection on', async () => {
    const port = listen(acceptHttp);
    trusted = new NetworkSet([{ address: '10.0.0.0', prefix: 8 }]);
    const peer = open(port);
    peer.write(header + request);
    assert.match(await heard(peer), /^HTTP\/1\.1 400 /);
    const other = open(port);
    other.write(request.replace('Host', 'X-Forwarded-For: 192.0.2.5\r\nHost'));
    assert.match(await heard(other), /<127\.0\.0\.1>/);
  });

  it('speaks TLS behind the header', async () => {
    const plain = open(
      listen((socket) => {
        http.acceptSecure(socket, firstContext());
      }),
    );
    plain.write(header);
    const peer = connectTls({ socket: plain, rejectUnauthorized: false });
    peer.on('error', () => undefined);
    peer.write(request);
    assert.match(await heard(peer), /<198\.51\.100\.7>/);
  });

  it('says which client it has no room for', async () => {
    clients = 2;
    const peer = open(listen(acceptHttp));
    peer.write(header + request);
    assert.equal(await heard(peer), '');
    assert.equal(log.matching('exceed the max connections').length, 1);
    assert.equal(log.matching('ip=198.51.100.7, dropped=1').length, 1);
  });

  it('closes what it waits for when it closes', async () => {
    const peer = open(listen(acceptHttp));
    const end = heard(peer);
    peer.write('PROXY ');
    await new Promise((resolve) => peer.once('connect', resolve));
    await new Promise((resolve) => setImmediate(resolve));
    listeners.close();
    engine.close();
    assert.equal(await end, '');
  });
});
