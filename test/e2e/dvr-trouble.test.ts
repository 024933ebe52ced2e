/** Recordings when things go wrong: crashes, directories and disks that refuse, old files, hostile names, restless publishers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

import type { FlvTag } from '../../src/media/flv';

import { Client } from './support/client';
import { hashesOf, inspect } from './support/frames';
import { mediaOf } from './support/media';
import { publish } from './support/recorders';
import { filesBelow, recorded } from './support/recordings';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Srs } from './support/srs';
import { Web } from './support/web';

const PATH = 'enabled on; dvr_path ./rec/[vhost]/[stream].[timestamp].flv;';
const HLS = 'hls { enabled on; hls_path html; hls_fragment 1; hls_window 5; }';
const BOTH = `
vhost flv.test { dvr { ${PATH} } ${HLS} }
vhost mp4.test { dvr { ${PATH} dvr_format mp4; } }
`;
const FORMATS = ['flv', 'mp4'] as const;
/** A crash may lose as much. */
const LOST_MS = 1000;
const STOP_LIMIT_MS = 5000;
const FLAPS = 204;
const MB = 1024 * 1024;
const FRAMES_MS = 3000;

/** The tags once more, so many times later; the first time with the configuration, never with the end. */
function later(tags: readonly FlvTag[], times: number): FlvTag[] {
  return tags
    .filter(({ payload: [, kind] }) => kind === 1 || (kind === 0 && times === 0))
    .map((tag) => ({ ...tag, timestamp: tag.timestamp + times * (FRAMES_MS + 100) }));
}

/** Whether a small file system can be mounted, which is then gone again. */
function canMount(): boolean {
  const sandbox = new Sandbox();
  try {
    mount(sandbox.directory);
    unmount(sandbox.directory);
    return true;
  } catch {
    return false;
  } finally {
    void sandbox.close();
  }
}

function mount(directory: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'ignore' });
}

function unmount(directory: string): void {
  execFileSync('umount', ['-l', directory], { stdio: 'ignore' });
}

const isMountable = canMount();

describe('recordings in trouble', () => {
  let sandbox: Sandbox;
  let tags: FlvTag[];
  let path: string;

  beforeEach(async () => {
    sandbox = new Sandbox();
    path = await source('h264-aac.flv');
    tags = mediaOf(path);
  });

  afterEach(() => sandbox.close());

  describe('that have to be waited for', () => {
    const running: Promise<void>[] = [];
    const sandboxes: Sandbox[] = [];

    // Most of their time goes by until something is tried again, so all of them are begun at a time.
    before(async () => {
      path = await source('h264-aac.flv');
      tags = mediaOf(path);
      for (const scenario of [survive, waitForDirectory, fillDisk]) {
        const own = new Sandbox();
        sandboxes.push(own);
        const run = scenario(own);
        // Its test is told.
        run.catch(() => undefined);
        running.push(run);
      }
    });

    after(async () => {
      await Promise.allSettled(running);
      await Promise.all(sandboxes.map((one) => one.close()));
    });

    it('survive a kill: the next start mends them', () => running[0]);

    it('wait for a directory that cannot be made, while the stream goes on', () => running[1]);

    const disk = isMountable ? 'a disk that is full' : '/dev/full (nothing may be mounted here)';
    it(`keep what they have on ${disk}, and go on when there is room`, () => running[2]);
  });

  it('are deleted when they are old or too much, and nothing else is', async () => {
    fs.mkdirSync(sandbox.path('rec/age.test/old'), { recursive: true });
    fs.mkdirSync(sandbox.path('rec/size.test'));
    const make = (name: string, bytes: number, ageS: number): void => {
      sandbox.write(`rec/${name}`, 'x'.repeat(bytes));
      const time = new Date(Date.now() - ageS * 1000);
      fs.utimesSync(sandbox.path(`rec/${name}`), time, time);
    };
    make('age.test/old/s.1000.flv', 10, 7200);
    make('age.test/s.2000.flv', 10, 7200);
    make('age.test/s.3000.flv', 10, 60);
    make('age.test/s.notes.txt', 10, 7200);
    make('size.test/s.1000.flv', 600_000, 300);
    make('size.test/s.2000.flv', 600_000, 200);
    make('size.test/s.3000.flv', 600_000, 100);
    const global = `
vhost age.test { dvr { ${PATH.replace('[stream].', '[stream].')} dvr_retain_age 3600; } }
vhost size.test { dvr { ${PATH} dvr_retain_size 1500k; } }`;
    const server = await Srs.start(sandbox, { global });
    await server.program.prints('dvr deleted', 3);
    await server.stop();
    assert.deepEqual(filesBelow(sandbox.path('rec')), [
      'age.test/s.3000.flv',
      'age.test/s.notes.txt',
      'size.test/s.2000.flv',
      'size.test/s.3000.flv',
    ]);
  });

  it('never leave their directory, whatever the name of the stream', async () => {
    const vhost = `dvr { enabled on; dvr_path ./rec/[app]/[stream].flv; } hls { enabled on; hls_path html; } http_remux { enabled on; }`;
    const web = await Web.start(sandbox, { vhost });
    const rtmp = `rtmp://127.0.0.1:${web.port('RTMP')}/live`;
    for (const name of ['../up', '%2e%2e/up', 'a/../../up', '..', 'a\\b']) {
      const input = ['-v', 'error', '-i', path, '-c', 'copy', '-f', 'flv'];
      const { status, stderr } = await sandbox.run('ffmpeg', [
        ...input,
        '-rtmp_playpath',
        name,
        `${rtmp}/x`,
      ]);
      assert.notEqual(status, 0, name);
      assert.match(stderr, /stream ".*" cannot be used, it /, name);
    }
    const refusal = await Client.refusal(web.port('RTMP'), 'nul\0');
    assert.match(refusal, /cannot be used, it contains a control character/);
    for (const name of ['..%2fup', '%2e%2e/up', '%252e%252e%252fup', 'nul%00', '%5cup']) {
      const { status, body } = await web.ask(`/live/${name}.flv`, '--path-as-is', '-T', path);
      assert.ok([400, 403, 404, 405].includes(status), `${name}: ${status}`);
      assert.notEqual(body, '');
    }
    const { stdout } = await web.srs.stop();
    assert.ok(stdout.match(/publish refused, stream .* cannot be used/g)!.length >= 6);
    assert.deepEqual(filesBelow(sandbox.directory), ['srs.conf']);
  });

  it(`of a stream that comes and goes ${FLAPS} times leave nothing behind but files`, async () => {
    const server = await Srs.start(sandbox, { global: BOTH });
    const held = (): number => fs.readdirSync(`/proc/${server.program.pid}/fd`).length;
    const first = tags.slice(0, 70);
    const flap = async (times: number, format: string, stream = 'f'): Promise<void> => {
      for (let time = 0; time < times; time++) {
        const publisher = await Client.publish(server.port, `${stream}?vhost=${format}.test`);
        publisher.send(first);
        if (time % 2 === 0) publisher.close();
        else publisher.destroy();
        await publisher.until('its end', () => publisher.isClosed);
      }
    };
    await flap(2, 'flv');
    const before = held();
    const streams = ['f', 'g', 'h'];
    const flaps = streams.flatMap((stream) =>
      FORMATS.map((format) => flap(FLAPS / 6, format, stream)),
    );
    await Promise.all(flaps);
    await server.hasUnpublished(FLAPS + 2);
    await server.program.prints(/dvr file \S+ closed/, FLAPS / 2);
    assert.ok(held() <= before + 8, `${before} descriptors before, ${held()} after`);
    const status = fs.readFileSync(`/proc/${server.program.pid}/status`, 'utf8');
    const residentKb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
    assert.ok(residentKb < 200_000, `${residentKb} kB resident`);
    await server.stop();
    const files = filesBelow(sandbox.path('rec'));
    assert.ok(files.length >= FLAPS / 2 && files.every((name) => /\.(?:flv|mp4)$/.test(name)));
    assert.ok(filesBelow(sandbox.path('html')).length < 120);
  });

  it('are finished when the server is told to stop, and that is soon', async () => {
    const server = await Srs.start(sandbox, { global: BOTH });
    const witness = await Client.play(server.port, 's?vhost=mp4.test');
    const publishers = FORMATS.map((format) =>
      publish(sandbox, path, `${server.url('s')}?vhost=${format}.test`),
    );
    await witness.receives(120);
    const startMs = Date.now();
    await server.stop();
    assert.ok(Date.now() - startMs < STOP_LIMIT_MS);
    await Promise.all(publishers.map(({ ended }) => ended));
    assert.deepEqual(
      [...filesBelow(sandbox.path('rec')), ...filesBelow(sandbox.path('html'))].filter(
        (name) => !/\.(?:flv|mp4|ts|m3u8)$/.test(name),
      ),
      [],
    );
    const files = recorded(server.program, 'rec/');
    assert.equal(files.length, 2);
    for (const { file, durationMs } of files) {
      const got = await inspect(sandbox.path(file));
      assert.equal(got.complaints, '');
      assert.ok(Math.abs(got.durationMs - durationMs) <= 150);
      assert.ok(got.frames.video.length > 30);
    }
  });

  async function survive(sandbox: Sandbox): Promise<void> {
    const server = await Srs.start(sandbox, { global: BOTH });
    const urls = FORMATS.map((format) => `${server.url('k')}?vhost=${format}.test`);
    const witness = await Client.play(server.port, 'k?vhost=mp4.test');
    const longer = await source('h264-aac.flv', 8);
    const publishers = urls.map((url) => publish(sandbox, longer, url));
    await witness.until('2.5 s', () => (witness.tags.at(-1)?.timestamp ?? 0) >= 2500);
    server.program.kill('SIGKILL');
    await server.program.ended;
    const sentMs = witness.tags.at(-1)!.timestamp;
    for (const publisher of publishers) publisher.kill('SIGKILL');
    const left = filesBelow(sandbox.path('rec'));
    assert.equal(left.filter((name) => name.endsWith('.tmp')).length, 2, left.join());

    const next = await Srs.start(sandbox, { global: BOTH });
    await next.program.prints('dvr recovered', 2);
    await next.stop();
    const sent = await inspect(longer);
    for (const format of FORMATS) {
      const [file] = recorded(next.program, `.${format}`);
      const got = await inspect(sandbox.path(file!.file));
      assert.equal(got.complaints, '');
      assert.ok(got.durationMs >= sentMs - LOST_MS, `${got.durationMs} ms of ${sentMs} ms`);
      assert.ok(Math.abs(file!.durationMs - got.durationMs) <= 150, `${file!.durationMs} ms told`);
      for (const kind of ['video', 'audio'] as const) {
        const hashes = hashesOf(got, kind);
        assert.deepEqual(hashes, hashesOf(sent, kind).slice(0, hashes.length));
      }
    }
    assert.equal(filesBelow(sandbox.path('rec')).length, 2);
  }

  async function waitForDirectory(sandbox: Sandbox): Promise<void> {
    sandbox.write('rec', 'in the way');
    const server = await Srs.start(sandbox, { global: BOTH });
    const player = await Client.play(server.port, 'b?vhost=flv.test');
    const publisher = await Client.publish(server.port, 'b?vhost=flv.test');
    let times = 0;
    const round = async (): Promise<void> => {
      publisher.send(later(tags, times++));
      const count = player.tags.length;
      await player.receives(count + 100);
    };
    await round();
    await server.program.prints(/\[error\].* dvr stops recording flv\.test\/live\/b/);
    await round();
    fs.rmSync(sandbox.path('rec'));
    const feed = setInterval(() => {
      publisher.send(later(tags, times++));
    }, 200);
    await server.program.prints('dvr recording flv.test/live/b again');
    clearInterval(feed);
    publisher.close();
    await server.hasUnpublished();
    await server.stop();
    assert.equal(server.program.count(/\[error\]/), 1);
    const files = recorded(server.program, 'rec/');
    assert.equal(files.length, 1);
    const got = await inspect(sandbox.path(files[0]!.file));
    assert.equal(got.complaints, '');
    assert.ok(got.frames.video.length >= 50);
    assert.ok(player.tags.length >= 200);
  }

  async function fillDisk(sandbox: Sandbox): Promise<void> {
    fs.mkdirSync(sandbox.path('rec'));
    if (isMountable) mount(sandbox.path('rec'));
    else fs.symlinkSync('/dev/full', sandbox.path('rec/f.flv'));
    try {
      await recordOnFullDisk(sandbox);
    } finally {
      if (isMountable) unmount(sandbox.path('rec'));
    }
  }

  async function recordOnFullDisk(sandbox: Sandbox): Promise<void> {
    const rows = isMountable ? '' : 'dvr_plan append;';
    const file = isMountable ? 'f.[timestamp].flv' : 'f.flv';
    const vhost = `dvr { enabled on; dvr_path ./rec/${file}; ${rows} }`;
    const server = await Srs.start(sandbox, { vhost });
    if (isMountable) fs.writeFileSync(sandbox.path('rec/filler'), Buffer.alloc(MB / 2));
    const player = await Client.play(server.port, 'f');
    const publisher = await Client.publish(server.port, 'f');
    let times = 0;
    for (; times < 4; times++) publisher.send(later(tags, times));
    await server.program.prints(
      /\[error\].* dvr stops recording .*\/f, tried again in 5 s: .*ENOSPC/,
    );
    await player.receives(4 * (tags.length - 4));
    if (isMountable) fs.rmSync(sandbox.path('rec/filler'));
    else fs.rmSync(sandbox.path('rec/f.flv'));
    const feed = setInterval(() => {
      // Not so much that it is full again.
      publisher.send(later(tags.slice(0, 40), times++));
    }, 250);
    await server.program.prints(/dvr recording \S+\/f again/);
    clearInterval(feed);
    publisher.close();
    await server.hasUnpublished();
    await server.stop();
    assert.equal(server.program.count(/\[error\]/), 1);
    const files = recorded(server.program, 'rec/');
    assert.equal(files.length, isMountable ? 2 : 1);
    for (const { file: name, bytes } of files) {
      assert.equal(fs.statSync(sandbox.path(name)).size, bytes);
      const got = await inspect(sandbox.path(name));
      assert.equal(got.complaints, '');
      assert.ok(got.frames.video.length > 0);
    }
    if (isMountable) assert.ok(files[0]!.bytes > MB / 3, `${files[0]!.bytes} bytes kept`);
  }
});
