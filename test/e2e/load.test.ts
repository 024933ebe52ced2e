/** Many players at a time, some of them slow: a small, bounded load on loopback, checked for loss. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';

import type { LoadReport } from '../../bench/generator';

import { Sandbox } from './support/sandbox';
import { Srs } from './support/srs';

const SOURCES = join(__dirname, '../../bench/load');
const COMPILE = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror'];
const STREAM = ['--kbps', '250', '--gop', '25', '--audio'];

describe('under load', () => {
  let tools: Sandbox;
  let sandbox: Sandbox;
  let server: Srs;

  before(async () => {
    tools = new Sandbox();
    const files = fs.readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
    const paths = files.map((name) => join(SOURCES, name));
    await tools.start('gcc', [...COMPILE, '-o', 'load', ...paths]).succeeds();
  });

  after(() => tools.close());

  beforeEach(async () => {
    sandbox = new Sandbox();
    server = await Srs.start(sandbox);
    sandbox.start(tools.path('load'), [
      'publish',
      '--url',
      server.url('s'),
      ...STREAM,
      '--seconds',
      '60',
    ]);
    await server.program.prints('video sh');
  });

  afterEach(() => sandbox.close());

  /** Plays for some seconds; the report, when nothing was lost. */
  async function play(...args: string[]): Promise<LoadReport> {
    const all = ['play', '--url', server.url('s'), '--seconds', '6', ...args];
    const { stdout } = await sandbox.start(tools.path('load'), all).succeeds();
    return JSON.parse(stdout) as LoadReport;
  }

  it('serves 500 players without a gap', async () => {
    const report = await play('--count', '500', '--verify', '20', '--measure', '4');
    const { started, failed, unfinished, lost, silent } = report;
    assert.deepEqual([started, failed, unfinished, lost, silent], [500, 0, 0, 0, 0]);
    assert.deepEqual([report.verified?.gaps, report.verified?.errors], [0, 0]);
    assert.ok(report.kbps! > 200 && report.kbps! < 300, `${report.kbps ?? ''} kbps each`);
    const { stdout } = await server.stop();
    assert.doesNotMatch(stdout, /\[error\]/);
  });

  it('lets 20 slow readers cost 200 good ones nothing', async () => {
    const report = await play('--count', '220', '--slow', '20', '--verify', '50', '--measure', '4');
    assert.deepEqual([report.started, report.lost, report.silent], [220, 0, 0]);
    assert.deepEqual([report.verified?.gaps, report.verified?.errors], [0, 0]);
    assert.ok(report.slow!.bytesPerSecond < 4096, `${report.slow!.bytesPerSecond} B/s`);
    const status = fs.readFileSync(`/proc/${server.program.pid}/status`, 'utf8');
    const resident = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
    assert.ok(resident < 150_000, `${resident} kB resident`);
  });
});
