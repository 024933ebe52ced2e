import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { HookOptions } from '../../../../src/app/hooks/options';
import { ErrorCode } from '../../../../src/core/errors';
import { accept, answer, HookServer } from '../../../support/hook-server';
import { pairFiles } from '../../../support/tls';

import { allTo, Bench, client, hookOptions } from './harness';

const hang = (): void => undefined;

describe('a hook server', () => {
  let server: HookServer;
  let bench: Bench;

  beforeEach(async () => {
    server = await HookServer.start();
    bench = new Bench(undefined);
  });

  afterEach(async () => {
    await bench.service.stop(10);
    await server.close();
  });

  async function codeOf(options: HookOptions, id = 101): Promise<ErrorCode | undefined> {
    bench.setOptions(options);
    return (await bench.service.authorize('play', client(id)))?.code;
  }

  it('that hangs refuses when the time is over, or allows when that is configured', async () => {
    server.answer = hang;
    const options = allTo(server.url(), { timeoutMs: 30 });
    assert.equal(await codeOf(options), ErrorCode.SOCKET_TIMEOUT);
    assert.match(bench.log.matching('uri failed')[0] ?? '', /no answer within 30 ms, ret=1011$/);
    assert.equal(await codeOf({ ...options, onFailure: 'allow' }), undefined);
    await server.untilConnections(0);
  });

  it('that answers slowly, but in time, is waited for', async () => {
    server.answer = (response) => {
      response.write(' ');
      setImmediate(() => response.end('0'));
    };
    assert.equal(await codeOf(allTo(server.url())), undefined);
  });

  it('that never ends its answer refuses when the time is over', async () => {
    server.answer = (response) => {
      response.write('0');
    };
    assert.equal(await codeOf(allTo(server.url(), { timeoutMs: 30 })), ErrorCode.SOCKET_TIMEOUT);
  });

  it('that is not there refuses at once, or allows when that is configured', async () => {
    const url = server.url();
    await server.close();
    assert.equal(await codeOf(allTo(url)), ErrorCode.ST_CONNECT);
    assert.match(bench.log.matching('uri failed')[0] ?? '', /ECONNREFUSED.*ret=1018$/);
    assert.equal(await codeOf(allTo(url, { onFailure: 'allow' })), undefined);
    server = await HookServer.start();
  });

  it('whose first URL is broken still refuses by its second', async () => {
    const urls = [server.url('/broken'), server.url('/refuses')];
    server.answer = (response, { path }) => {
      response.end(path === '/broken' ? '' : '1');
    };
    const options = hookOptions({ onPlay: urls, onFailure: 'allow' });
    assert.equal(await codeOf(options), ErrorCode.RESPONSE_DATA);
  });

  it('that speaks no HTTP refuses', async () => {
    const plain = createServer((socket) => socket.end('220 mail.example.com\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const address = plain.address();
    const port = typeof address === 'object' ? address?.port : 0;
    assert.equal(await codeOf(allTo(`http://127.0.0.1:${port}/`)), ErrorCode.HTTP_PARSE_HEADER);
    plain.close();
  });

  it('that closes without an answer refuses', async () => {
    server.answer = (response) => response.socket?.destroy();
    assert.equal(await codeOf(allTo(server.url())), ErrorCode.ST_CONNECT);
  });

  it('that ends its answer early refuses', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('0', () => response.socket?.destroy());
    };
    assert.equal(await codeOf(allTo(server.url())), ErrorCode.HTTP_RESPONSE_EOF);
  });

  it('that answers with garbage refuses', async () => {
    server.answer = answer(Buffer.alloc(1000, 0xff));
    assert.equal(await codeOf(allTo(server.url())), ErrorCode.HTTP_DATA_INVLIAD);
    assert.equal(await codeOf(allTo(server.url(), { onFailure: 'allow' })), undefined);
  });

  it('whose answer is endless is left after 64 KiB', async () => {
    let sent = 0;
    server.answer = (response) => {
      const block = Buffer.alloc(16_384, ' ');
      const more = (): void => {
        if (response.destroyed) return;
        sent += block.length;
        response.write(block, more);
      };
      more();
    };
    assert.equal(await codeOf(allTo(server.url())), ErrorCode.HTTP_DATA_INVLIAD);
    assert.match(bench.log.matching('uri failed')[0] ?? '', /at most 65536 bytes/);
    await server.untilConnections(0);
    assert.ok(sent > 65_536);
  });

  it('that redirects is not followed', async () => {
    server.answer = (response, { path }) => {
      if (path === '/') response.writeHead(302, { Location: '/elsewhere' });
      response.end('0');
    };
    assert.equal(await codeOf(allTo(server.url())), ErrorCode.HTTP_STATUS_INVALID);
    assert.equal(server.requests.length, 1);
  });

  it('that closes a kept connection is asked by another one', async () => {
    assert.equal(await codeOf(allTo(server.url())), undefined);
    let isFirst = true;
    server.answer = (response, request) => {
      if (!isFirst) accept(response, request);
      else response.socket?.destroy();
      isFirst = false;
    };
    assert.equal(await codeOf(allTo(server.url())), undefined);
    assert.equal(server.requests.length, 3);
  });

  it('whose URL is none is a failure that tells no secret', async () => {
    assert.equal(await codeOf(allTo('http://me:hidden@[/')), ErrorCode.HTTP_PARSE_URI);
    assert.match(bench.log.lines[0] ?? '', /http uri parse on_play url failed.*ret=3007$/);
    assert.equal(await codeOf(allTo('ftp://a.com/')), ErrorCode.HTTP_PARSE_URI);
    assert.equal(await codeOf(allTo('http://%zz:b@127.0.0.1/')), ErrorCode.HTTP_PARSE_URI);
    assert.equal(bench.log.matching('hidden').length, 0);
  });

  it('that hangs holds 10 000 clients no longer than the timeout, with 256 connections', async function () {
    this.timeout(40_000);
    server.answer = hang;
    bench.setOptions(allTo(server.url(), { timeoutMs: 1000 }));
    const began = performance.now();
    const verdicts = Array.from({ length: 10_000 }, async (_, n) =>
      bench.service.authorize('connect', client(n)),
    );
    const refusals = await Promise.all(verdicts);
    assert.ok(refusals.every((refusal) => refusal?.code === ErrorCode.SOCKET_TIMEOUT));
    assert.ok(server.mostConnections <= 256, `${server.mostConnections} connections`);
    // One after the other they would take 39 s.
    assert.ok(performance.now() - began < 20_000);
    await server.untilConnections(0);
    server.answer = accept;
    assert.equal(await bench.service.authorize('connect', client()), undefined);
  });

  describe('of https', () => {
    let secure: HookServer;

    beforeEach(async () => {
      secure = await HookServer.start(accept, true);
    });

    afterEach(() => secure.close());

    it('needs a certificate of an authority', async () => {
      assert.equal(await codeOf(allTo(secure.url())), ErrorCode.ST_CONNECT);
      assert.match(bench.log.matching('uri failed')[0] ?? '', /self-signed certificate/);
      assert.equal(secure.requests.length, 0);
    });

    it('may be trusted by a file of certificates, which is read again when it changes', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'hooks-'));
      try {
        const caFile = join(directory, 'ca.pem');
        const options = allTo(secure.url().replace('127.0.0.1', 'localhost'), { caFile });
        assert.equal(await codeOf(options), ErrorCode.SYSTEM_FILE_READ);
        writeFileSync(caFile, 'no certificate');
        assert.equal(await codeOf(options), ErrorCode.SYSTEM_FILE_READ);
        writeFileSync(caFile, readPair('second'));
        assert.equal(await codeOf(options), ErrorCode.ST_CONNECT);
        writeFileSync(caFile, `${readPair('second')}\n${readPair('first')}`);
        bench.clock.advance(5000);
        assert.equal(await codeOf(options), undefined);
        assert.equal(await codeOf(options), undefined);
        assert.equal(secure.mostConnections, 1);
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  });
});

function readPair(name: 'first' | 'second'): string {
  return readFileSync(pairFiles(name).cert, 'utf8');
}
