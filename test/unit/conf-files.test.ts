import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { Config, rootRows } from '../../src/app/config/config';
import { parseDirectives } from '../../src/app/config/parser';
import type { Directive } from '../../src/app/config/parser';
import { listDirectives } from '../../src/app/config/reference';

const conf = join(__dirname, '../../conf');
const load = (name: string): Config =>
  Config.load(join(conf, name), { addresses: ['192.168.1.10'] });

/** `scope/name` of every directive in a tree; free keys inside parameter blocks come along. */
function namesIn(directives: readonly Directive[], scope = ''): string[] {
  return directives.flatMap(({ name, children }) => [
    `${scope}/${name}`,
    ...namesIn(children ?? [], scope === '' ? name : `${scope} ${name}`),
  ]);
}

describe('the sample configurations', () => {
  const names = readdirSync(conf);

  for (const name of names) {
    it(`${name} loads, with nothing but features of other builds to warn about`, () => {
      const { warnings, global } = load(name);
      assert.ok(global.listen.length > 0);
      for (const warning of warnings) assert.match(warning, /is not available in this build/);
    });

    it(`${name} begins with what it is for, and has no stray white space`, () => {
      const text = readFileSync(join(conf, name), 'utf8');
      assert.match(text, /^# \S.*\.?\n/);
      assert.doesNotMatch(text, /[ \t]\n|\t|\r/);
      assert.ok(text.endsWith('}\n'));
    });
  }

  it('have every name that scripts and documents refer to', () => {
    const expected = ['srs', 'full', 'console', 'rtmp', 'realtime', 'demo', 'demo.19350', 'hls', 'http.hls', 'transcode2hls.audio.only', 'ffmpeg.transcode', 'forward.master', 'forward.slave', 'edge', 'origin', 'edge.token.traverse', 'http.heartbeat', 'http.hooks.callback', 'ingest', 'dvr.session', 'dvr.segment', 'bandwidth']; // prettier-ignore
    for (const name of expected) assert.ok(names.includes(`${name}.conf`), name);
  });

  it('name every directive there is in full.conf', () => {
    const text = readFileSync(join(conf, 'full.conf'), 'utf8');
    const given = new Set(namesIn(parseDirectives(text, 'full.conf')));
    const known = listDirectives(rootRows).map(({ scope, row }) => `${scope}/${row.name}`);
    assert.deepEqual(known.filter((name) => !given.has(name)), []); // prettier-ignore
  });

  it('run without a daemon and without warnings in demo.conf', () => {
    const { global, vhosts, warnings } = load('demo.conf');
    assert.deepEqual([global.daemon, global.logTank, warnings.length], [false, 'console', 0]);
    const [ingest] = vhosts[0]?.ingest ?? [];
    assert.equal(ingest?.ffmpeg, 'builtin');
    assert.equal(ingest.input.url, 'bundled:sample.flv');
  });

  it('ask for the least delay in realtime.conf', () => {
    const vhost = load('realtime.conf').findVhost('any');
    assert.ok(vhost);
    const { gopCache, queueLengthMs, minLatency, mr, mwLatencyMs, tcpNodelay } = vhost;
    assert.deepEqual(
      { gopCache, queueLengthMs, minLatency, merged: mr.enabled, mwLatencyMs, tcpNodelay },
      { gopCache: false, queueLengthMs: 10000, minLatency: true, merged: false, mwLatencyMs: 100, tcpNodelay: true }, // prettier-ignore
    );
  });
});
