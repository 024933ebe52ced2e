import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Config } from '../../src/app/config/config';
import { liveServers, texts } from '../support/live-server';
import { sampleTags } from '../support/media';
import { pairFiles } from '../support/tls';

const ROOT = join(__dirname, '../..');
const FOLDERS = ['conf', 'test/fixtures/conf'];
/** Nobody may publish from here, or nobody at all without the server that is asked. */
const CLOSED = ['security.deny.publish.conf', 'http.hooks.callback.conf', 'security.auth.conf'];

const tags = sampleTags(10, 5).slice(1);

describe('the sample configurations, on free ports', () => {
  const start = liveServers();
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'srs-samples-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  /** The text of a sample with its ports, folders and certificates replaced by those of this test. */
  function prepared(file: string): string {
    const { cert, key } = pairFiles('first');
    mkdirSync(join(dir, 'html'));
    return readFileSync(join(ROOT, file), 'utf8')
      .replace(/^( *(?:rtmps_)?listen) [^;]*;/gm, '$1 127.0.0.1:0;')
      .replace(/(stream_caster \{[^}]*listen) [^;]*;/g, '$1 8935;')
      .replaceAll('./objs/nginx/html', join(dir, 'html'))
      .replaceAll('./conf/server.key', key)
      .replaceAll('./conf/server.crt', cert);
  }

  /** The text with a server that runs as the origin of its edges. */
  async function withOrigin(text: string): Promise<string> {
    if (!text.includes('mode remote;')) return text;
    const origin = await start('listen 127.0.0.1:0; vhost __defaultVhost__ {}');
    return text.replace(/^( *origin) [^;]*;/gm, `$1 127.0.0.1:${origin.port};`);
  }

  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(ROOT, folder))) {
      it(`serve: ${folder}/${name}`, async () => {
        const text = prepared(`${folder}/${name}`);
        const live = await start(await withOrigin(text));
        if (CLOSED.includes(name)) {
          assert.ok(live.port > 0);
          return;
        }
        const [, vhost = ''] = /^vhost (\S+)/m.exec(text) ?? [];
        const player = await live.client({ tcUrl: `rtmp://${vhost}/live` });
        await player.play('samples');
        const publisher = await live.client({ tcUrl: `rtmp://${vhost}/live` });
        await publisher.publish('samples');
        publisher.sendAll(tags);
        assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
      });
    }
  }

  it('that lack a semicolon are refused as in 2.0.70, with the line and what is missing', () => {
    // So are two of its own samples written.
    const text = 'listen 1935\nmax_connections 1000;\nvhost __defaultVhost__ { mode remote; }';
    assert.throws(
      () => Config.parse(text, 'edge.token.traverse.conf'),
      /edge\.token\.traverse\.conf:2: .*is a ; missing before max_connections\?/,
    );
  });
});
