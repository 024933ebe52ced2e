import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { answer, HookServer } from '../support/hook-server';
import { liveServers, vhost } from '../support/live-server';
import { avcKeyFrame, avcSequenceHeader } from '../support/media';
import { eventually } from '../support/waits';

const CLIENT_EVENTS = ['connect', 'close', 'publish', 'unpublish', 'play', 'stop', 'dvr', 'hls'];

/** What a client sends before its first command. */
const HANDSHAKE_BYTES = 3073;
const PUBLISH = ['on_publish', 'on_unpublish'];

function isFile(action: unknown): boolean {
  return action === 'on_dvr' || action === 'on_hls';
}

describe('hooks of a running server', () => {
  const start = liveServers();
  let hooks: HookServer;
  let directory: string;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hooks-'));
    hooks = await HookServer.start();
  });

  afterEach(async () => {
    await hooks.close();
    rmSync(directory, { recursive: true });
  });

  async function untilCounts(counts: Readonly<Record<string, number>>): Promise<void> {
    await eventually(JSON.stringify(counts), () =>
      Object.entries(counts).every(
        ([name, count]) => hooks.actions.filter((action) => action === name).length >= count,
      ),
    );
  }

  function config(options = ''): string {
    const events = CLIENT_EVENTS.map((name) => `on_${name} ${hooks.url()};`).join(' ');
    const http = 'http_server { enabled on; listen 127.0.0.1:0; }';
    return vhost(
      `http_hooks { enabled on; ${events} } http_remux { enabled on; } ${options}`,
      http,
    );
  }

  it('hear of publisher, recording, segments and players of each protocol, in order', async () => {
    const files = `dvr { enabled on; dvr_path ${directory}/[stream].flv; } hls { enabled on; hls_fragment 1; hls_path ${directory}; }`;
    const live = await start(config(files));
    const publisher = await live.publisher();
    publisher.message(9, 0, avcSequenceHeader());
    publisher.message(9, 0, avcKeyFrame());
    publisher.message(9, 2000, avcKeyFrame());
    const player = await live.player();
    const viewer = await live.httpPlayer('/live/s.flv?user=me');
    player.socket.destroy();
    viewer.socket.destroy();
    await untilCounts({ on_close: 2 });
    publisher.socket.destroy();
    // The segment may have been complete before, or is by this.
    await untilCounts({ on_close: 3, on_dvr: 1, on_hls: 1 });
    assert.equal(hooks.events.find(({ param }) => param === '?user=me')?.['action'], 'on_play');
    for (const { client_id: id } of hooks.events) {
      const events = hooks.events.filter(({ client_id: of }) => of === id);
      const actions = events.map(({ action }) => action).filter((action) => !isFile(action));
      const [begin, end] = actions.includes('on_play') ? ['on_play', 'on_stop'] : PUBLISH;
      assert.deepEqual(actions, ['on_connect', begin, end, 'on_close']);
    }
    const [connected, ...rest] = hooks.events.filter(
      ({ client_id: id }) => id === hooks.events[0]?.['client_id'],
    );
    assert.equal(connected?.['action'], 'on_connect');
    const closed = rest.find(({ action }) => action === 'on_close');
    assert.ok(Number(closed?.['recv_bytes']) > HANDSHAKE_BYTES);
    const recording = rest.find(({ action }) => action === 'on_dvr');
    assert.equal(recording?.['file'], `${directory}/s.flv`);
  });

  it('tell a client why it may not publish', async () => {
    const live = await start(config());
    hooks.answer = (response, request) => {
      const isPublish = request.body.includes('on_publish');
      answer(isPublish ? { code: 1, reason: 'the key has expired' } : '0')(response, request);
    };
    const client = await live.client();
    const { code, description } = await client.publish('s');
    assert.equal(code, 'NetStream.Publish.Denied');
    assert.match(description, /the key has expired/);
    await hooks.untilRequests(3);
    assert.deepEqual(hooks.actions, ['on_connect', 'on_publish', 'on_close']);
  });

  it('hear of all ends before the server has stopped', async () => {
    const live = await start(config());
    await live.publisher();
    await live.player();
    await live.server.stop();
    assert.deepEqual(hooks.actions.slice(4).sort(), [
      ...['on_close', 'on_close', 'on_stop', 'on_unpublish'],
    ]);
  });
});
