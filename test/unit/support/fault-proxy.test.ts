import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { FaultProxy } from '../../support/fault-proxy';
import { Waits } from '../../support/waits';

/** One end of a connection: what came, and how it ended. */
class End {
  received = Buffer.alloc(0);
  ending: 'end' | 'error' | undefined;
  readonly socket: Socket;
  readonly #waits = new Waits(() => `${this.received.length} bytes, ${this.ending ?? 'open'}`);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      this.#waits.look();
    });
    socket.on('end', () => {
      this.#over('end');
    });
    socket.on('error', () => {
      this.#over('error');
    });
  }

  get text(): string {
    return this.received.toString();
  }

  gets(bytes: number): Promise<void> {
    return this.#waits.until(`${bytes} bytes`, () => this.received.length >= bytes);
  }

  ends(): Promise<void> {
    return this.#waits.until('the end', () => this.ending !== undefined);
  }

  #over(how: 'end' | 'error'): void {
    this.ending ??= how;
    this.#waits.look();
  }
}

describe('the fault proxy of the tests', () => {
  let server: Server;
  let proxy: FaultProxy;
  const sockets: Socket[] = [];
  let accepted: (end: End) => void;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      accepted(new End(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    proxy = await FaultProxy.start({ host: '127.0.0.1', port });
  });

  afterEach(async () => {
    await proxy.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  function dial(): End {
    const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    return new End(socket);
  }

  /** A connection through the proxy: both its ends. */
  async function link(): Promise<{ near: End; far: End }> {
    const came = new Promise<End>((resolve) => {
      accepted = resolve;
    });
    return { near: dial(), far: await came };
  }

  it('passes on what is said both ways, and each end by itself', async () => {
    const { near, far } = await link();
    near.socket.end('question');
    await far.ends();
    assert.deepEqual([far.text, far.ending], ['question', 'end']);
    far.socket.end('answer');
    await near.ends();
    assert.deepEqual([near.text, near.ending], ['answer', 'end']);
    await proxy.untilOpen(0);
    assert.deepEqual(proxy.stats, { open: 0, accepted: 1, up: 8, down: 6 });
  });

  it('passes megabytes on unchanged to who reads slowly', async () => {
    const { near, far } = await link();
    const data = Buffer.alloc(3_000_000, 'megabytes of it');
    near.socket.pause();
    far.socket.end(data);
    await new Promise((resolve) => setImmediate(resolve));
    near.socket.resume();
    await near.ends();
    assert.ok(near.received.equals(data));
    near.socket.end();
  });

  for (const [how, ending] of [
    ['rst', 'error'],
    ['fin', 'end'],
  ] as const) {
    it(`cuts what is open by ${how}, not what comes later`, async () => {
      const { near, far } = await link();
      near.socket.write('a');
      await far.gets(1);
      proxy.cut(how);
      await Promise.all([near.ends(), far.ends()]);
      assert.deepEqual([near.ending, far.ending], [ending, ending]);
      near.socket.destroy();
      far.socket.destroy();
      await proxy.untilOpen(0);
      const next = await link();
      next.near.socket.write('b');
      await next.far.gets(1);
    });
  }

  it('refuses who connects while what is open stays, and accepts again at the same port', async () => {
    const { near, far } = await link();
    const { port } = proxy;
    await proxy.refuse();
    const refused = dial();
    await refused.ends();
    assert.equal(refused.ending, 'error');
    near.socket.write('a');
    await far.gets(1);
    await proxy.accept();
    assert.equal(proxy.port, port);
    await link();
    await proxy.untilAccepted(2);
  });

  it('resets who comes when there is no server behind it', async () => {
    proxy.target = { host: '127.0.0.1', port: 1 };
    const near = dial();
    await near.ends();
    assert.equal(near.ending, 'error');
    await proxy.untilOpen(0);
  });

  it('frozen holds everything back, an end too, until it thaws', async () => {
    const { near, far } = await link();
    near.socket.write('a');
    await far.gets(1);
    proxy.freeze();
    far.socket.end('late');
    near.socket.write('b');
    // When this has come, the other would have come long since.
    proxy.thaw('up');
    await far.gets(2);
    assert.deepEqual([near.text, near.ending], ['', undefined]);
    proxy.thaw();
    await near.ends();
    assert.deepEqual([near.text, near.ending], ['late', 'end']);
    near.socket.end();
  });

  it('passes on so many bytes a second in one direction, all in the other', async () => {
    const { near, far } = await link();
    proxy.limit(200_000, 'down');
    const began = performance.now();
    far.socket.write(Buffer.alloc(40_000));
    near.socket.write(Buffer.alloc(400_000));
    await far.gets(400_000);
    assert.ok(near.received.length < 40_000);
    await near.gets(40_000);
    const tookMs = performance.now() - began;
    // The first two steps may bring what they hold at once.
    assert.ok(tookMs > 150 && tookMs < 1500, `${tookMs} ms`);
    far.socket.write(Buffer.alloc(1_000_000));
    await proxy.pass();
    await near.gets(1_040_000);
  });

  it('passes on later in one direction, in order', async () => {
    const { near, far } = await link();
    proxy.delay(60, 'up');
    const began = performance.now();
    near.socket.write('a');
    near.socket.end('b');
    far.socket.write('c');
    await near.gets(1);
    assert.equal(far.text, '');
    await far.ends();
    assert.ok(performance.now() - began >= 59);
    assert.equal(far.text, 'ab');
    far.socket.end();
  });
});
