import assert from 'node:assert/strict';

import type { Authorizer, ClientIdentity, Refusal } from '../../src/app/access/access';
import { systemClock } from '../../src/core/clock';
import { ErrorCode } from '../../src/core/errors';
import { FaultProxy } from '../support/fault-proxy';
import { edgeOf, group } from '../support/live-edges';
import type { Reachable } from '../support/live-edges';
import type { LivePeer } from '../support/live-peer';
import { liveServers, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { steadyPort } from '../support/steady-ports';
import { eventually } from '../support/waits';

const denied: Refusal = {
  code: ErrorCode.RTMP_ACCESS_DENIED,
  status: 'NetConnection.Connect.Rejected',
  description: 'the token is out of date',
};

describe('the tokens of clients of an edge', () => {
  const proxies: FaultProxy[] = [];
  // Before the servers, which would wait for what is frozen.
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });
  const start = liveServers();

  async function linkTo({ port }: LiveServer): Promise<FaultProxy> {
    const proxy = await FaultProxy.start({ host: '127.0.0.1', port });
    proxies.push(proxy);
    return proxy;
  }

  /** An origin that says this of who connects. */
  function judge(
    verdict: (client: ClientIdentity) => ReturnType<Authorizer['authorize']>,
  ): Promise<LiveServer> {
    const authorizer: Authorizer = {
      authorize: (action, client) => (action === 'connect' ? verdict(client) : undefined),
      ended: () => undefined,
    };
    return start(vhost(), systemClock, { authorizer });
  }

  const edgeBefore = (origins: readonly Reachable[], options = ''): Promise<LiveServer> =>
    start(edgeOf(origins, `token_traverse on; ${options}`));

  /** A client that waits for its answer, if there will be one. */
  async function connecting(edge: LiveServer): Promise<{ peer: LivePeer; code: Promise<string> }> {
    const peer = await (await edge.peer()).handshake();
    const answer = peer.connect().then(({ code }) => code);
    return { peer, code: answer.catch(() => 'none') };
  }

  it('are judged by the origin, as the client has sent them', async () => {
    const asked: string[] = [];
    const origin = await judge(({ request }) => {
      asked.push(`${request.tcUrl} ${request.pageUrl} ${request.swfUrl}`);
      return request.param.includes('good') ? undefined : denied;
    });
    const edge = await edgeBefore([origin]);
    const good = 'rtmp://127.0.0.1/live?token=good';
    const page = { pageUrl: 'http://a.com/p', swfUrl: 'http://a.com/s.swf' };
    await edge.client({ tcUrl: good, ...page });
    await origin.closing(100);
    const peer = await (await edge.peer()).handshake();
    const answer = await peer.connect({ tcUrl: 'rtmp://127.0.0.1/live?token=bad' });
    assert.equal(answer.code, denied.status);
    assert.equal(answer.description, denied.description);
    await peer.closed;
    assert.deepEqual(asked, [
      `${good} http://a.com/p http://a.com/s.swf`,
      'rtmp://127.0.0.1/live?token=bad  ',
    ]);
    await origin.empty();
    assert.match(edge.errors[0]!, /connect refused, the token is out of date, ret=2015$/);
  });

  it('of HTTP clients stand behind their path', async () => {
    const origin = await judge(({ request }) =>
      request.tcUrl.includes('good') ? undefined : denied,
    );
    const publisher = await origin.client({ tcUrl: 'rtmp://127.0.0.1/live?good' });
    await publisher.publish('s');
    publisher.sendAll(group(0, 'a'));
    const http = 'http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; }';
    const edge = await start(
      edgeOf([origin], 'token_traverse on; http_remux { enabled on; }', http),
    );
    const bad = await edge.get('/live/s.flv?token=bad');
    assert.equal(bad.status, 403);
    assert.match(bad.body.toString(), /the token is out of date/);
    await edge.httpPlayer('/live/s.flv?token=good');
  });

  it('are judged by the next origin when one cannot be reached, or is frozen', async () => {
    const origin = await judge(() => undefined);
    const frozen = await linkTo(origin);
    frozen.freeze();
    const edge = await edgeBefore([{ port: await steadyPort('127.0.0.1') }, frozen, origin]);
    await edge.client();
    const accepted = frozen.stats.accepted;
    // Those that have just failed come last.
    await edge.client();
    assert.equal(frozen.stats.accepted, accepted);
  });

  it('are refused when no origin can be reached, or one leaves without a word', async () => {
    const edge = await edgeBefore([{ port: await steadyPort('127.0.0.1') }]);
    const peer = await (await edge.peer()).handshake();
    const answer = await peer.connect();
    assert.equal(answer.code, denied.status);
    assert.match(answer.description, /^no origin can be asked for leave/);
    const origin = await start();
    const link = await linkTo(origin);
    link.freeze('down');
    const other = await edgeBefore([link]);
    const waiting = await (await other.peer()).handshake();
    const late = waiting.connect();
    await link.untilAccepted(1);
    link.cut('fin');
    await link.untilAccepted(2);
    link.cut('fin');
    assert.equal((await late).code, denied.status);
    await waiting.closed;
  });

  it('need no answer any more when the client has left', async () => {
    const origin = await judge(() => new Promise(() => undefined));
    const edge = await edgeBefore([origin], 'edge_timeout 20;');
    const { peer } = await connecting(edge);
    await origin.log.until(() => origin.log.matching('connect app').length === 1);
    peer.socket.destroy();
    await origin.sockets(0);
    await edge.sockets(0);
  });

  it('of very many clients at once are judged so many at a time', async () => {
    const waiting: ((refusal: Refusal | undefined) => void)[] = [];
    let isDecided = false;
    const later = (): Promise<Refusal | undefined> =>
      new Promise((resolve) => {
        waiting.push(resolve);
      });
    const origin = await judge(() => (isDecided ? undefined : later()));
    const edge = await edgeBefore([origin], 'edge_timeout 20;');
    const clients = await Promise.all(Array.from({ length: 300 }, () => connecting(edge)));
    await edge.log.until(() => edge.log.matching('connect app').length === 300);
    await eventually('256 questions', () => waiting.length === 256);
    assert.equal(origin.engine.stats.sockets, 256);
    for (const { peer } of clients.slice(280)) peer.socket.destroy();
    isDecided = true;
    for (const resolve of waiting) resolve(undefined);
    const codes = await Promise.all(clients.map(({ code }) => code));
    assert.equal(codes.filter((code) => code === 'NetConnection.Connect.Success').length, 280);
    await origin.sockets(0);
  });

  it('are refused when the server stops', async () => {
    const origin = await judge(() => new Promise(() => undefined));
    const edge = await edgeBefore([origin], 'edge_timeout 20;');
    await connecting(edge);
    await origin.log.until(() => origin.log.matching('connect app').length === 1);
    await edge.stop();
    await origin.sockets(0);
  });
});
