import assert from 'node:assert/strict';

import { parseCommandLine } from '../../../../src/app/process/command-line';
import type { Command } from '../../../../src/app/process/command-line';

const parse = (...args: string[]): Command => parseCommandLine(args, 'objs/srs');

const run = (configFile: string, overrides = {}): Command => ({
  kind: 'run',
  configFile,
  overrides,
});

describe('parseCommandLine', () => {
  it('takes a configuration file, apart or joined', () => {
    assert.deepEqual(parse('-c', 'conf/srs.conf'), run('conf/srs.conf'));
    assert.deepEqual(parse('-cconf/srs.conf'), run('conf/srs.conf'));
  });

  it('tests the file on -t, letters combined or not', () => {
    const test = { kind: 'test', configFile: 'a.conf', overrides: {} };
    assert.deepEqual(parse('-t', '-c', 'a.conf'), test);
    assert.deepEqual(parse('-tc', 'a.conf'), test);
    assert.deepEqual(parse('-tca.conf'), test);
    assert.deepEqual(parse('-c', 'a.conf', '-t'), test);
  });

  it('helps when it is given nothing, a stray word, -h, -? or --help', () => {
    for (const args of [[], ['start'], ['-'], ['-h'], ['-?'], ['--help'], ['-c', 'x', 'word']]) {
      assert.deepEqual(parse(...args), { kind: 'help' }, args.join(' '));
    }
  });

  it('tells the version on -v, -V and --version', () => {
    for (const arg of ['-v', '-V', '--version']) assert.deepEqual(parse(arg), { kind: 'version' });
    assert.deepEqual(parse('-c', 'x', '-v'), { kind: 'version' });
  });

  it('lets the later one of help and the rest win', () => {
    assert.deepEqual(parse('-h', '-v'), { kind: 'version' });
    assert.deepEqual(parse('-v', '-h'), { kind: 'help' });
    assert.deepEqual(parse('-h', '-c', 'a.conf'), run('a.conf'));
    assert.deepEqual(parse('word', '-tc', 'a.conf').kind, 'test');
  });

  it('takes ports that replace those of the file', () => {
    assert.deepEqual(
      parse('-p', '1936', '-x8081', '-c', 'a.conf'),
      run('a.conf', { rtmpPort: 1936, httpPort: 8081 }),
    );
    assert.deepEqual(parse('-c', 'a.conf', '-p1936'), run('a.conf', { rtmpPort: 1936 }));
  });

  it('gives orders to a running server by -s', () => {
    for (const order of ['reload', 'quit', 'stop', 'reopen']) {
      const expected = { kind: 'order', order, configFile: 'a.conf' };
      assert.deepEqual(parse('-s', order, '-c', 'a.conf'), expected);
      assert.deepEqual(parse('-ca.conf', `-s${order}`), expected);
    }
    assert.equal(parse('-h', '-s', 'quit', '-c', 'a.conf').kind, 'order');
  });

  it('compares with another file when it tests one', () => {
    const expected = { kind: 'test', configFile: 'new.conf', overrides: {}, diffWith: 'old.conf' };
    assert.deepEqual(parse('-t', '-c', 'new.conf', '--diff', 'old.conf'), expected);
    assert.deepEqual(parse('--diff=old.conf', '-tc', 'new.conf'), expected);
    assert.deepEqual(parse('-tc', 'new.conf', '--diff=a=b'), { ...expected, diffWith: 'a=b' });
  });

  it('checks the bandwidth to a server', () => {
    const url = 'rtmp://host/app?key=abc,vhost=v';
    const expected = { kind: 'bandcheck', url };
    assert.deepEqual(parse('-b', url), expected);
    assert.deepEqual(parse(`-b${url}`), expected);
    assert.deepEqual(parse('--bandcheck', url), expected);
    assert.deepEqual(parse(`--bandcheck=${url}`), expected);
    assert.deepEqual(parse('-h', '-b', url), expected);
    assert.deepEqual(parse('-b', url, '-h'), { kind: 'help' });
  });

  it('lets the last of a repeated option win', () => {
    assert.deepEqual(parse('-c', 'a.conf', '-c', 'b.conf'), run('b.conf'));
  });

  it('takes the next argument for a value, whatever it looks like', () => {
    assert.deepEqual(parse('-c', '-t'), run('-t'));
  });

  const refused: readonly (readonly [string[], RegExp])[] = [
    [['-z'], /^invalid option: "z", see help: objs\/srs -h$/],
    [['-tz', '-c', 'x'], /^invalid option: "z"/],
    [['--daemon'], /^invalid option: "-"/],
    [['-c'], /^option "-c" requires parameter$/],
    [['-tc'], /^option "-c" requires parameter$/],
    [['-c', ''], /^option "-c" requires parameter$/],
    [['-p'], /^option "-p" requires parameter$/],
    [['-x', '-c'], /^config file not specified/],
    [['-t'], /^config file not specified, see help: objs\/srs -h$/],
    [['-p', '0', '-c', 'x'], /^option "-p" requires a port from 1 to 65535, got "0"$/],
    [['-p', '65536', '-c', 'x'], /got "65536"$/],
    [['-x', '80a', '-c', 'x'], /^option "-x" requires a port .* got "80a"$/],
    [['-s'], /^option "-s" requires parameter$/],
    [['-s', 'quit'], /^config file not specified/],
    [
      ['-s', 'restart', '-c', 'x'],
      /^option "-s" requires one of reload, quit, stop, reopen, got "restart"$/,
    ],
    [['-t', '-s', 'quit', '-c', 'x'], /^options "-t" and "-s" exclude each other$/],
    [['--diff', 'a', '-c', 'x'], /^option "--diff" requires "-t"$/],
    [['-tc', 'x', '--diff'], /^option "--diff" requires parameter$/],
    [['-tc', 'x', '--diff='], /^option "--diff" requires parameter$/],
    [['-tc', 'x', '--different'], /^invalid option: "-"/],
    [['-b'], /^option "-b" requires parameter$/],
    [['--bandcheck='], /^option "--bandcheck" requires parameter$/],
    [['-b', 'rtmp://h/a', '-c', 'x'], /^option "-b" excludes all others$/],
    [['-tb', 'rtmp://h/a'], /^option "-b" excludes all others$/],
  ];
  for (const [args, message] of refused) {
    it(`refuses "${args.join(' ')}"`, () => {
      assert.throws(() => parse(...args), { code: 1023, message });
    });
  }
});
