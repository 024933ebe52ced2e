import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { product } from '../../src/core/version';

const MAIN = join(__dirname, '../../src/main.ts');
const TSX = require.resolve('tsx/cjs');

/** A configuration that listens at a free port and writes nothing outside its directory. */
const CONFIG = `
listen 127.0.0.1:0;
max_connections 10;
pid srs.pid;
srs_log_file srs.log;
vhost __defaultVhost__ {
}
`;
const FOREGROUND = `${CONFIG} daemon off;`;

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the program', function () {
  // Each test starts the program from its sources, some of them twice.
  this.timeout(30_000);

  let directory: string;
  let children: ChildProcess[];

  const inDirectory = (name: string): string => join(directory, name);
  const read = (name: string): string => fs.readFileSync(inDirectory(name), 'utf8');
  const write = (name: string, text: string): void => {
    fs.writeFileSync(inDirectory(name), text);
  };

  // The coverage of other processes does not add up with that of this one: the code is not the same.
  const env = { ...process.env, NODE_V8_COVERAGE: undefined };

  function start(args: readonly string[], nodeArgs: readonly string[] = []): ChildProcess {
    const child = spawn(process.execPath, ['--require', TSX, ...nodeArgs, MAIN, ...args], {
      cwd: directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return child;
  }

  async function endOf(child: ChildProcess): Promise<Result> {
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
    child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, stdout, stderr };
  }

  const run = (...args: string[]): Promise<Result> => endOf(start(args));

  /** Resolves once `condition` holds; looked at whenever something changes in the directory. */
  async function until(condition: () => boolean): Promise<void> {
    const watcher = fs.watch(directory);
    try {
      while (!condition()) await once(watcher, 'change');
    } finally {
      watcher.close();
    }
  }

  const logHas = (text: string): boolean =>
    fs.existsSync(inDirectory('srs.log')) && read('srs.log').includes(text);

  /** Starts a server in the foreground and waits until it serves. */
  async function serve(nodeArgs: readonly string[] = []): Promise<ChildProcess> {
    write('srs.conf', FOREGROUND);
    const child = start(['-c', 'srs.conf'], nodeArgs);
    await until(() => logHas('RTMP listen at'));
    return child;
  }

  beforeEach(() => {
    directory = fs.mkdtempSync(join(tmpdir(), 'srs-main-'));
    children = [];
  });

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    if (fs.existsSync(inDirectory('srs.pid'))) process.kill(Number(read('srs.pid')), 'SIGKILL');
    fs.rmSync(directory, { recursive: true });
  });

  it('prints the bare version on stderr', async () => {
    assert.deepEqual(await run('-v'), { status: 0, stdout: '', stderr: `${product.version}\n` });
  });

  it('prints its help on stdout', async () => {
    const { status, stdout, stderr } = await run();
    assert.equal(status, 0);
    assert.ok(stdout.startsWith(`SRS(Simple RTMP Server) ${product.version}`));
    assert.equal(stderr, '');
  });

  it('refuses a command line that it does not understand', async () => {
    const { status, stdout } = await run('-z');
    assert.equal(status, 1);
    assert.match(stdout, /\]\[0\]\[0\] invalid option: "z", see help: .* -h, ret=1023\n$/);
  });

  it('finds a good configuration good', async () => {
    write('srs.conf', CONFIG);
    const { status, stdout } = await run('-t', '-c', 'srs.conf');
    assert.equal(status, 0);
    assert.match(stdout, /\]\[0\] config file is ok\n$/);
    assert.equal(fs.existsSync(inDirectory('srs.log')), false);
  });

  it('says where a bad configuration is bad', async () => {
    write('srs.conf', 'listen 1935;\nlisten_to nobody;\n');
    const { status, stdout } = await run('-tc', 'srs.conf');
    assert.equal(status, 1);
    assert.match(stdout, /\] srs\.conf:2: .*listen_to.*, ret=1023\n/);
    assert.match(stdout, /\] config file is invalid\n$/);
  });

  it('does not start without its configuration file or its working directory', async () => {
    const missing = await run('-c', 'none.conf');
    assert.equal(missing.status, 1);
    assert.match(missing.stdout, /none\.conf.*ret=1042/);
    write('srs.conf', `${FOREGROUND} work_dir ./none;`);
    const astray = await run('-c', 'srs.conf');
    assert.equal(astray.status, 1);
    assert.match(astray.stdout, /cannot change to work_dir \.\/none: .*ret=1023/);
  });

  it('refuses more connections than the system has files for', async () => {
    write('srs.conf', FOREGROUND.replace('max_connections 10', 'max_connections 1000000'));
    const shell = spawn(
      'sh',
      ['-c', `ulimit -n 256; exec "$@"`, 'sh', process.execPath, '-r', TSX, MAIN, '-c', 'srs.conf'],
      { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    children.push(shell);
    const { status, stdout } = await endOf(shell);
    assert.equal(status, 1);
    assert.match(stdout, /invalid max_connections=1000000, required=1000008, system limit to 256/);
  });

  it('serves in the foreground until it is told to stop', async () => {
    const child = await serve();
    assert.equal(read('srs.pid'), String(child.pid));
    child.kill('SIGTERM');
    assert.deepEqual(await endOf(child), { status: 0, stdout: '', stderr: '' });
    assert.equal(fs.existsSync(inDirectory('srs.pid')), false);
    const log = read('srs.log');
    assert.ok(log.split('\n')[0]?.endsWith(`[${child.pid}][0] ${product.serverName}`));
    const words = [
      'write pid=',
      'RTMP listen at',
      'user terminate program, gracefully quit.',
      'cleanup for gracefully terminate.',
      'main cycle terminated, system quit normally.',
      'srs terminated',
    ];
    const places = words.map((text) => log.indexOf(text));
    assert.deepEqual(
      [...places].sort((a, b) => a - b),
      places,
    );
    assert.ok(!places.includes(-1));
  });

  it('tells what a reload would change, and changes nothing', async () => {
    write('old.conf', CONFIG);
    write('new.conf', `${CONFIG.replace('max_connections 10', 'max_connections 20')} daemon off;`);
    const changed = await run('-t', '-c', 'new.conf', '--diff', 'old.conf');
    assert.equal(changed.status, 0);
    assert.deepEqual(changed.stdout.split('\n').slice(1), [
      'root max_connections: 10 -> 20',
      'root daemon: on -> off (needs a restart)',
      '',
    ]);
    const same = await run('-t', '-c', 'old.conf', '--diff', 'old.conf');
    assert.equal(same.status, 0);
    assert.match(same.stdout, /config file is ok\nnothing would change\n$/);
    write('new.conf', 'listen 1935;\nlisten_to nobody;\n');
    const bad = await run('-t', '-c', 'new.conf', '--diff', 'old.conf');
    assert.equal(bad.status, 1);
    assert.match(bad.stdout, /\] new\.conf:2: .*ret=1023\n.*\] config file is invalid\n$/);
    assert.deepEqual(fs.readdirSync(directory).sort(), ['new.conf', 'old.conf']);
  });

  it('goes by the edited file on SIGHUP, and by the one before when that is wrong', async () => {
    const child = await serve();
    write('srs.conf', `${FOREGROUND}listen_to nobody;`);
    child.kill('SIGHUP');
    await until(() => logHas('ignore config reloader check config failed. ret=1023'));
    assert.match(read('srs.log'), /\[error\]\S* srs\.conf:\d+: .*listen_to.*, ret=1023/);
    write('srs.conf', 'vhost a {');
    child.kill('SIGHUP');
    await until(() => logHas('ignore config reloader parse file failed. ret=1027'));
    write('srs.conf', FOREGROUND.replace('srs.log', 'new.log').replace('srs.pid', 'new.pid'));
    child.kill('SIGHUP');
    const newLogHas = (text: string): boolean =>
      fs.existsSync(inDirectory('new.log')) && read('new.log').includes(text);
    await until(() => newLogHas('reload config success, changes=2'));
    assert.match(read('srs.log'), /reload pid success\.\n$/);
    assert.equal(read('new.pid'), String(child.pid));
    assert.equal(fs.existsSync(inDirectory('srs.pid')), false);
    child.kill('SIGINT');
    assert.deepEqual(await endOf(child), { status: 0, stdout: '', stderr: '' });
    assert.ok(read('new.log').endsWith('srs terminated\n'));
    assert.equal(fs.existsSync(inDirectory('new.pid')), false);
  });

  it('applies what it can of a reload, and keeps its pid file when the other is taken', async () => {
    const child = await serve();
    fs.mkdirSync(inDirectory('taken'));
    const level = 'srs_log_level warn; srs_log_file srs.log';
    const edited = FOREGROUND.replace('srs_log_file srs.log', level).replace('srs.pid', 'taken');
    write('srs.conf', edited);
    child.kill('SIGHUP');
    await until(() => logHas('reload config is not complete, failures=1'));
    assert.match(read('srs.log'), /\[error\]\S* reload pid failed: cannot open pid file taken/);
    assert.equal(read('srs.pid'), String(child.pid));
    child.kill('SIGTERM');
    assert.equal((await endOf(child)).status, 0);
    assert.doesNotMatch(read('srs.log'), /user terminate program/);
  });

  it('opens its log anew on SIGUSR1 and at a reload', async () => {
    const child = await serve();
    fs.renameSync(inDirectory('srs.log'), inDirectory('srs.log.1'));
    child.kill('SIGUSR1');
    await until(() => logHas('log file reopened'));
    fs.renameSync(inDirectory('srs.log'), inDirectory('srs.log.2'));
    child.kill('SIGHUP');
    await until(() => logHas('reload config success, nothing has changed'));
    child.kill('SIGINT');
    assert.equal((await endOf(child)).status, 0);
    assert.ok(!read('srs.log.1').includes('log file reopened'));
    assert.ok(!read('srs.log.2').includes('reload config success'));
    assert.ok(read('srs.log').endsWith('srs terminated\n'));
  });

  it('gives orders to a running server, found by its configuration', async () => {
    write('srs.conf', CONFIG);
    assert.equal((await run('-c', 'srs.conf')).status, 0);
    const pid = read('srs.pid');
    const order = (word: string): Promise<Result> => run('-s', word, '-c', 'srs.conf');

    write('srs.conf', `${CONFIG}listen_to nobody;`);
    const refused = await order('reload');
    assert.equal(refused.status, 1);
    assert.match(refused.stdout, /\] srs\.conf:\d+: .*listen_to.*, ret=1023\n$/);
    assert.equal(logHas('SIGHUP'), false);

    write('srs.conf', CONFIG.replace('max_connections 10', 'max_connections 20'));
    const reloaded = await order('reload');
    assert.equal(reloaded.status, 0);
    assert.match(reloaded.stdout, new RegExp(`\\] reload signalled to srs, pid=${pid}; `));
    await until(() => logHas('reload config success, changes=1'));

    fs.renameSync(inDirectory('srs.log'), inDirectory('srs.log.1'));
    assert.equal((await order('reopen')).status, 0);
    await until(() => logHas('log file reopened'));

    // It can be ended although its file has become wrong.
    write('srs.conf', `${CONFIG}listen_to nobody;`);
    const ended = await order('quit');
    assert.equal(ended.status, 0);
    assert.match(ended.stdout, new RegExp(`\\] srs has ended, pid=${pid}\n$`));
    assert.ok(read('srs.log').endsWith('srs terminated\n'));

    write('srs.pid', pid);
    for (const word of ['quit', 'stop', 'reopen']) {
      const { status, stdout } = await order(word);
      assert.equal(status, 4);
      assert.match(stdout, /\] srs is not running, pid file srs\.pid, ret=1034\n$/);
    }
    fs.rmSync(inDirectory('srs.pid'));
  });

  it('ends with status 3 and a trace in the log after an error nobody expected', async () => {
    write(
      'crash.cjs',
      `process.on('SIGWINCH', () => { throw new Error('boom') });
       process.on('SIGCONT', () => { Promise.reject(new Error('broken promise')) });`,
    );
    for (const [signal, text] of [
      ['SIGWINCH', 'boom'],
      ['SIGCONT', 'broken promise'],
    ] as const) {
      const child = await serve(['--require', inDirectory('crash.cjs')]);
      child.kill(signal);
      assert.deepEqual(await endOf(child), { status: 3, stdout: '', stderr: '' });
      assert.match(read('srs.log'), new RegExp(`\\[error\\].* Error: ${text}\\n.* {4}at `));
      assert.equal(fs.existsSync(inDirectory('srs.pid')), false);
      fs.rmSync(inDirectory('srs.log'));
    }
  });

  it('lets a port on the command line win, in the foreground and on the console', async () => {
    write('srs.conf', CONFIG.replace('127.0.0.1:0', '1'));
    const probe = createServer().listen(0);
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    const child = start(['-c', 'srs.conf', '-p', String(port)]);
    let text = '';
    for await (const bytes of child.stdout ?? []) {
      text += String(bytes);
      if (text.includes('started success')) child.kill('SIGTERM');
    }
    assert.match(text, new RegExp(`RTMP listen at .*${port} `));
    assert.match(text, / srs terminated\n$/);
    assert.equal(fs.existsSync(inDirectory('srs.log')), false);
  });

  it('reports from the background that it serves, and refuses to start twice', async () => {
    write('srs.conf', CONFIG);
    const launched = await run('-c', 'srs.conf');
    assert.equal(launched.status, 0);
    const pid = Number(read('srs.pid'));
    assert.match(launched.stdout, new RegExp(`\\] srs started, pid=${pid}\\n$`));
    assert.ok(logHas('RTMP listen at'));
    const second = await run('-c', 'srs.conf');
    assert.equal(second.status, 2);
    assert.match(second.stdout, new RegExp(`srs is already running! pid=${pid}, .*ret=1035`));
    assert.equal(read('srs.pid'), String(pid));
    process.kill(pid, 'SIGTERM');
    await until(() => !fs.existsSync(inDirectory('srs.pid')));
    assert.ok(read('srs.log').endsWith('srs terminated\n'));
  });

  it('reports from the background why it does not serve', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    write('srs.conf', CONFIG.replace('127.0.0.1:0', `127.0.0.1:${port}`));
    const { status, stdout } = await run('-c', 'srs.conf');
    taken.close();
    assert.equal(status, 2);
    assert.match(stdout, new RegExp(`srs did not start: .*${port}.*ret=1002, see srs\\.log\\n$`));
    assert.match(read('srs.log'), /\[error\].* srs cannot start: .*ret=1002/);
    assert.equal(fs.existsSync(inDirectory('srs.pid')), false);
  });

  it('works in work_dir, started from anywhere, the configuration named from there', async () => {
    fs.mkdirSync(inDirectory('work'));
    write('srs.conf', `${CONFIG} work_dir ./work;`);
    const { status } = await run('-c', 'srs.conf');
    assert.equal(status, 0);
    const pid = Number(read('work/srs.pid'));
    const reloaded = await run('-s', 'reload', '-c', 'srs.conf');
    assert.match(reloaded.stdout, new RegExp(`\\] reload signalled to srs, pid=${pid}; `));
    const watcher = fs.watch(inDirectory('work'));
    const hasReloaded = (): boolean => read('work/srs.log').includes('reload config success');
    while (!hasReloaded()) await once(watcher, 'change');
    watcher.close();
    assert.equal((await run('-s', 'stop', '-c', 'srs.conf')).status, 0);
    assert.equal(fs.existsSync(inDirectory('work/srs.pid')), false);
    assert.ok(read('work/srs.log').endsWith('srs terminated\n'));
  });
});
