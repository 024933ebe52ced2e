/** The command line of the packed program: what it prints where, and its exit statuses. */
import assert from 'node:assert/strict';

import { product } from '../../src/core/version';

import type { Ended } from './support/program';
import { Sandbox } from './support/sandbox';
import { binary, configText } from './support/srs';

describe('the command line', () => {
  let sandbox: Sandbox;
  const run = (...args: string[]): Promise<Ended> => sandbox.run(binary, args);

  beforeEach(() => {
    sandbox = new Sandbox();
  });

  afterEach(() => sandbox.close());

  it('prints the bare version on stderr for each spelling', async () => {
    const printed = await Promise.all(['-v', '-V', '--version'].map((option) => run(option)));
    const expected = { status: 0, signal: null, stdout: '', stderr: `${product.version}\n` };
    assert.deepEqual(printed, [expected, expected, expected]);
  });

  it('prints help on stdout for each way to ask', async () => {
    const asked = [['-h'], ['-?'], ['--help'], [], ['word']];
    const printed = await Promise.all(asked.map((args) => run(...args)));
    for (const { status, stdout, stderr } of printed) {
      assert.equal(status, 0);
      assert.equal(stderr, '');
      assert.ok(stdout.startsWith(`SRS(Simple RTMP Server) ${product.version} `));
      assert.ok(stdout.includes(`Usage: ${binary} [-h?vV] [[-t] -c <filename>]`));
    }
  });

  it('refuses what it does not know, with status 1', async () => {
    const cases: readonly (readonly [string[], RegExp])[] = [
      [['-z'], /invalid option: "z", see help: \S+ -h, ret=1023\n$/],
      [['-c'], /option "-c" requires parameter, ret=1023\n$/],
      [['-t'], /config file not specified, see help: \S+ -h, ret=1023\n$/],
      [['-c', 'none.conf'], /none\.conf.*, ret=1042\(no such file or directory\)\n$/],
      [['-c', 'srs.conf', '-p', 'many'], /option "-p" requires a port.*got "many", ret=1023\n$/],
    ];
    for (const [args, message] of cases) {
      const { status, stdout } = await run(...args);
      assert.equal(status, 1, stdout);
      assert.match(stdout, message);
    }
    assert.deepEqual(sandbox.processes(), []);
  });

  it('tests a configuration: good, warned of, bad with file and line', async () => {
    sandbox.write('good.conf', configText());
    sandbox.write('warned.conf', configText({ vhost: 'mix_correct on;' }));
    sandbox.write('misspelled.conf', configText({ global: 'listen1 1935;' }));
    sandbox.write('open.conf', 'listen 1935;\nvhost __defaultVhost__ {\n');
    const test = (name: string): Promise<Ended> => run('-t', '-c', name);

    const good = await test('good.conf');
    assert.deepEqual([good.status, good.stderr], [0, '']);
    assert.match(good.stdout, /^\[.+\]\[trace\]\[\d+\]\[0\] config file is ok\n$/);

    const warned = await test('warned.conf');
    assert.equal(warned.status, 0);
    assert.match(warned.stdout, /\[warn\].* warned\.conf:7: .*"mix_correct on"/);
    assert.match(warned.stdout, /config file is ok\n$/);

    const misspelled = await test('misspelled.conf');
    assert.equal(misspelled.status, 1);
    assert.match(
      misspelled.stdout,
      / misspelled\.conf:5: .*listen1, did you mean "listen"\?, ret=1023\n/,
    );
    assert.match(misspelled.stdout, /config file is invalid\n$/);

    const unfinished = await run('-tcopen.conf');
    assert.equal(unfinished.status, 1);
    assert.match(unfinished.stdout, / open\.conf:2: unexpected end of file.*, ret=1027\n/);
    assert.equal(sandbox.has('srs.log') || sandbox.has('srs.pid'), false);
  });
});
