import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { rootRows } from '../../../../src/app/config/config';
import { listDirectives, renderReference } from '../../../../src/app/config/reference';
import { CONFIG_DOC, currentConfigDoc } from '../../../support/write-config-doc';

describe('the configuration reference', () => {
  it('lists every directive of every block', () => {
    const names = listDirectives(rootRows).map(({ scope, row }) => `${scope}/${row.name}`);
    const expected = ['/listen', 'vhost/gop_cache', 'vhost mr/latency', 'vhost transcode engine/vcodec', 'stats/disk']; // prettier-ignore
    for (const name of expected) assert.ok(names.includes(name), name);
    assert.equal(new Set(names).size, names.length);
  });

  it('documents each with one sentence', () => {
    for (const { scope, row } of listDirectives(rootRows)) {
      assert.match(row.doc, /^\S[^\n]*\.$/, `${scope} ${row.name}`);
    }
  });

  it('shows names, kind, default and whether a reload applies it', () => {
    const text = renderReference(rootRows);
    assert.match(text, /\| `gop_cache` \| on\\\|off \| `on` \| yes \| /);
    assert.match(text, /\| `http_server`, `http_stream` \| block \| {2}\| yes \| /);
    assert.match(text, /\| `daemon` \| on\\\|off \| `on` \| no \| /);
    assert.match(text, /\n### `vhost hls`\n/);
  });

  it('is written into doc/config.md as it is now (npx tsx test/support/write-config-doc.ts)', () => {
    assert.equal(readFileSync(CONFIG_DOC, 'utf8'), currentConfigDoc());
  });
});
