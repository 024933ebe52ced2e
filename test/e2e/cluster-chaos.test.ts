/** A small cluster under a few faults, the same ones each time; `bench/chaos.sh` is the large one. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';

import { runChaos } from '../../bench/chaos/run';

import { Sandbox } from './support/sandbox';
import { binary } from './support/srs';

const SOURCES = join(__dirname, '../../bench/load');

describe('a cluster', () => {
  let sandbox: Sandbox;

  before(async () => {
    sandbox = new Sandbox();
    const files = fs.readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
    const paths = files.map((name) => join(SOURCES, name));
    await sandbox.start('gcc', ['-std=gnu11', '-O2', '-o', 'load', ...paths]).succeeds();
  });

  after(() => sandbox.close());

  it('has media for every player again within five seconds of each fault', async () => {
    const { faults, members, problems } = await runChaos({
      ...{ streams: 2, edges: 2, players: 3, kbps: 100, publishAt: 'origins' },
      // A frozen origin, a slow link, a killed origin and a killed edge.
      ...{ seconds: 12, everyMs: 3000, seed: 140 },
      ...{ binary, load: sandbox.path('load'), directory: sandbox.directory },
      edgeOptions: 'edge_linger 1;',
      log: () => undefined,
    });
    assert.deepEqual(problems, []);
    const kinds = faults.map(({ kind }) => kind);
    assert.deepEqual(kinds, ['freeze-origin', 'slow-link', 'kill-origin', 'kill-edge']);
    assert.equal(members.length, 4);
  });
});
