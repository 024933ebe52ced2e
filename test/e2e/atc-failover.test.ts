/** Two servers of one encoder, the second of which takes over when the first dies; viewers see no jump. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';

import type { FlvTag } from '../../src/media/flv';
import { FlvReader } from '../../src/media/flv-reader';
import { steadyPort } from '../support/steady-ports';

import { Balancer } from './support/balancer';
import { Browsing } from './support/browser';
import { Client } from './support/client';
import { Member } from './support/cluster';
import { Encoder } from './support/encoder';
import { fetchBytes, framesOf, httpUrl, parsePlaylist, playlistOnce } from './support/hls';
import type { Playlist } from './support/hls';
import { isKeyTag, tagLines } from './support/media';
import type { Program } from './support/program';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';

const FRAGMENT_MS = 1000;
const FRAME_MS = 40;
/** What the clock of the encoder shows first: somewhere in the middle. */
const FIRST_MS = 7_654_321;
const PATH = '/live/s.m3u8';
const SEGMENT = /\.(?:ts|m4s) /;
const CUT = 'hls_fragment 1; hls_window 6; hls_path html;';
const REMUX = 'http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }';
const MEMORY = 'hls_storage ram;';
/** An output of ffmpeg that connects again, as soon as it can, and goes on at a key frame. */
const FIFO =
  'f=fifo:fifo_format=flv:attempt_recovery=1:recover_any_error=1:recovery_wait_time=0.2:' +
  'drop_pkts_on_overflow=1:restart_with_keyframe=1';
const isPicture = ({ type }: FlvTag): boolean => type === 9;

type Change = (server: Member, encoder: Encoder) => Promise<void> | void;
const kill: Change = (server) => server.kill();
const restart: Change = async (server, encoder) => {
  await server.restart();
  await encoder.sendTo(server.port, 's');
};
const unplug: Change = ({ port }, encoder) => {
  encoder.leave(port);
};
const plug: Change = ({ port }, encoder) => encoder.sendTo(port, 's');

/** What happens to the first server, how its HLS is kept, and how it comes back. */
const FAULTS: readonly (readonly [what: string, hls: string, fault: Change, repair?: Change])[] = [
  ['is killed and comes back, in fMP4', 'hls_storage ram; hls_format fmp4;', kill, restart],
  ['loses the encoder and gets it back', 'hls_storage ram; hls_dispose 2;', unplug, plug],
];

/** All of a vhost but `atc`. */
function vhostOf(hls: string): string {
  return `min_latency on; hls { enabled on; ${CUT} ${hls} } ${REMUX}`;
}

describe('two servers with atc', () => {
  let sandbox: Sandbox;
  let encoder: Encoder | undefined;

  beforeEach(() => {
    sandbox = new Sandbox();
  });

  afterEach(async () => {
    encoder?.stop();
    encoder = undefined;
    await sandbox.close();
  });

  async function start(name: string, hls = '', atc = 'atc on;'): Promise<Member> {
    // It comes back at the same ports.
    const listen = `127.0.0.1:${await steadyPort('127.0.0.1')}`;
    const http = `http_server { enabled on; listen ${listen}; dir html; }`;
    return Member.start(sandbox, name, { vhost: `${atc} ${vhostOf(hls)}`, global: http });
  }

  const portOf = (member: Member): number => Number(new URL(httpUrl(member.srs, '/')).port);

  const lists = (member: Member, count: number): Promise<Playlist> =>
    playlistOnce(httpUrl(member.srs, PATH), `${count} long`, (list) => list.segments.length >= count); // prettier-ignore

  /** Resolves when the two list the same, which they do but for the moment in which one is ahead. */
  async function sameLists(one: Member, other: Member): Promise<string> {
    for (let turn = 0; ; turn++) {
      const [first, second] = await Promise.all(
        [one, other].map(async ({ srs }) => (await fetchBytes(httpUrl(srs, PATH))).toString()),
      );
      const [text, same] = [first!, second!].map((list) => list.replaceAll(/#EXT-X-PROGRAM.*\n/g, '')); // prettier-ignore
      if (text === same) return text!;
      assert.ok(turn < 100, `${text}\nis not\n${same}`);
      await setTimeout(FRAME_MS);
    }
  }

  /** What is listed is the same, byte by byte. */
  async function assertSameFiles(list: string, ...members: Member[]): Promise<void> {
    // The next part of low latency is not there yet.
    const listed = list.replace(/#EXT-X-PRELOAD-HINT.*/, '');
    const uris = [...listed.matchAll(/URI="([^"]+)"|^([^#\n]+)$/gm)];
    for (const [, quoted, plain] of uris) {
      const uri = quoted ?? plain ?? '';
      const files = await Promise.all(
        members.map(({ srs }) => fetchBytes(httpUrl(srs, `/live/${uri}`))),
      );
      assert.ok(files[0]!.length > 500 && files.every((file) => file.equals(files[0]!)), uri);
    }
  }

  it('have the same playlist and segments though one came later', async () => {
    encoder = await Encoder.start(FIRST_MS);
    const one = await start('a');
    await encoder.sendTo(one.port, 's');
    await lists(one, 3);
    const other = await start('b');
    await encoder.sendTo(other.port, 's');
    // Until both lists are full.
    await lists(other, 6);
    const text = await sameLists(one, other);
    const { segments, mediaSequence } = parsePlaylist(text);
    assert.ok(segments[0]?.uri.includes(`s-${mediaSequence}.`), text);
    assert.doesNotMatch(text, /DISCONTINUITY|GAP/);
    await assertSameFiles(text, one, other);
    for (const { srs } of [one, other]) assert.doesNotMatch(srs.program.stdout, /\[error\]/);
  });

  it('send RTMP players the same times, from a key frame on', async () => {
    encoder = await Encoder.start(FIRST_MS);
    const [one, other] = [await start('a'), await start('b')];
    await encoder.sendTo(one.port, 's');
    const early = await Client.play(one.port, 's');
    await early.receives(100);
    await encoder.sendTo(other.port, 's');
    const late = await Client.play(other.port, 's');
    await late.receives(100);
    for (const { port } of [one, other]) {
      const client = await Client.play(port, 's');
      await client.receives(120);
      client.close();
      const media = client.tags.filter(({ payload }) => payload[1] !== 0);
      assert.ok(isKeyTag(media[0]!));
      const from = encoder.tags.findIndex(({ timestamp, type }) => timestamp === media[0]!.timestamp && type === 9); // prettier-ignore
      const sent = encoder.tags.slice(from, from + media.length);
      assert.equal(media[0]!.timestamp, sent[0]!.timestamp);
      assert.deepEqual(tagLines(media), tagLines(sent));
      // Headers bear the time of what follows.
      for (const { timestamp } of client.tags.slice(0, 2)) assert.equal(timestamp, media[0]!.timestamp); // prettier-ignore
    }
  });

  /** Plays through the proxy as ffmpeg does, with the times as they come. */
  function watch(balancer: Balancer, file: string): Program {
    return sandbox.start('ffmpeg', [
      ...['-v', 'warning', '-copyts', '-i', balancer.url(PATH)],
      ...['-c', 'copy', '-f', 'nut', sandbox.path(file)],
    ]);
  }

  /** What ffmpeg got: each picture from its first to its last, at the time of the encoder, once. */
  async function assertWhole(file: string, leastMs: number): Promise<void> {
    const frames = await framesOf(sandbox.path(file));
    const times = frames.filter(({ kind }) => kind === 'video').map(({ ptsMs }) => Math.round(ptsMs)); // prettier-ignore
    const sent = encoder!.pictures.map(({ timestamp }) => timestamp);
    const from = sent.indexOf(times[0]!);
    assert.ok(from >= 0, `${times[0]} is none of the encoder`);
    assert.deepEqual(times, sent.slice(from, from + times.length));
    const playedMs = times.at(-1)! - times[0]!;
    assert.ok(playedMs >= leastMs, `${playedMs} ms`);
  }

  /** Two servers that have segments, and what stands in front of them. */
  async function pair(hls: string): Promise<{ one: Member; other: Member; balancer: Balancer }> {
    encoder = await Encoder.start(FIRST_MS);
    const [one, other] = [await start('a', hls), await start('b', hls)];
    await Promise.all([one, other].map(({ port }) => encoder!.sendTo(port, 's')));
    await Promise.all([lists(one, 4), lists(other, 4)]);
    const balancer = await Balancer.start(sandbox, portOf(one), portOf(other));
    return { one, other, balancer };
  }

  for (const [what, options, fault, repair] of FAULTS) {
    it(`one of which ${what}: players of HLS see no jump`, async () => {
      const { one, other, balancer } = await pair(options);
      const player = watch(balancer, 'hls.nut');
      await balancer.answers(SEGMENT, portOf(one), 5);
      await fault(one, encoder!);
      await balancer.answers(SEGMENT, portOf(other), 5);
      if (repair !== undefined) {
        await repair(one, encoder!);
        await balancer.answers(SEGMENT, portOf(one), 5);
      }
      player.kill('SIGINT');
      const { stderr } = await player.ended;
      await assertWhole('hls.nut', repair === undefined ? 8000 : 12_000);
      assert.doesNotMatch(stderr, /expired|unexpectedly|corrupt/i);
    });
  }

  it('one of which is killed: hls.js plays on, with one piece of media', async () => {
    const { one, other, balancer } = await pair(MEMORY);
    const browsing = await Browsing.start();
    try {
      const page = await browsing.page();
      await page.evaluate(`
        window.hls = new Hls();
        hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) window.error = data.details; });
        hls.loadSource(${JSON.stringify(balancer.url(PATH))});
        hls.attachMedia(document.querySelector('video'));
        void document.querySelector('video').play();
      `);
      await balancer.answers(SEGMENT, portOf(one), 4);
      await one.kill();
      await balancer.answers(SEGMENT, portOf(other), 8);
      const played = await page.evaluate<{
        ranges: number;
        seconds: number;
        error?: string;
      }>(`(() => {
        const { buffered } = document.querySelector('video');
        const [start, end] = [buffered.start(0), buffered.end(buffered.length - 1)];
        return { ranges: buffered.length, seconds: end - start, error: window.error };
      })()`);
      assert.deepEqual([played.ranges, played.error], [1, undefined]);
      assert.ok(played.seconds > 8, `${played.seconds}`);
    } finally {
      await browsing.close();
    }
  });

  it('one of which is killed: who plays FLV comes back to the same times', async () => {
    const { one, balancer } = await pair('');
    const before = await flv(balancer, 80, () => one.kill());
    const after = await flv(balancer, 80);
    const [seen, again] = [before, after].map((tags) => tags.filter(isPicture));
    const lastMs = seen!.at(-1)!.timestamp;
    // It begins with a key frame that was seen already, or comes next.
    assert.ok(isKeyTag(again![0]!) && again![0]!.timestamp <= lastMs + FRAME_MS);
    assert.ok(again![0]!.timestamp > lastMs - 2 * FRAGMENT_MS);
    const times = [...seen!, ...again!.filter(({ timestamp }) => timestamp > lastMs)].map(({ timestamp }) => timestamp); // prettier-ignore
    const sent = encoder!.pictures.map(({ timestamp }) => timestamp);
    const from = sent.indexOf(times[0]!);
    assert.deepEqual(times, sent.slice(from, from + times.length));
  });

  it('have the same segments when ffmpeg sends to both, asks for it in its metadata, and one is killed', async () => {
    const [one, other] = [await start('a', MEMORY, ''), await start('b', MEMORY, '')];
    const outputs = [one, other].map((member) => `[${FIFO}]${member.url('s')}`).join('|');
    sandbox.start('ffmpeg', [
      ...['-v', 'error', '-re', '-i', await source('h264-b-frames-aac.flv', 60)],
      ...['-map', '0', '-c', 'copy', '-metadata', 'bravo_atc=true', '-f', 'tee', outputs],
    ]);
    await Promise.all([lists(one, 4), lists(other, 4)]);
    await assertSameFiles(await sameLists(one, other), one, other);
    await one.kill();
    await one.restart();
    // Until nothing of before the crash is listed any more.
    await lists(one, 6);
    const text = await sameLists(one, other);
    assert.doesNotMatch(text, /DISCONTINUITY|GAP/);
    await assertSameFiles(text, one, other);
    assert.match(one.srs.program.stdout, /hls segments are aligned/);
  });

  /** The frames that come over one connection, until it ends; after so many something happens, or it is left. */
  async function flv(
    balancer: Balancer,
    count: number,
    then?: () => Promise<void>,
  ): Promise<FlvTag[]> {
    const response = await fetch(balancer.url('/live/s.flv'));
    assert.equal(response.status, 200);
    const reader = new FlvReader();
    const tags: FlvTag[] = [];
    let hasHappened = false;
    try {
      for await (const piece of response.body!) {
        reader.push(Buffer.from(piece as Uint8Array));
        for (let tag = reader.read(); tag; tag = reader.read()) tags.push(tag);
        if (tags.length < count || hasHappened) continue;
        if (then === undefined) break;
        hasHappened = true;
        await then();
      }
    } catch (error) {
      // The connection is cut in the middle of the body.
      if (!hasHappened) throw error;
    }
    return tags.filter(({ type, payload }) => type < 18 && payload[1] !== 0);
  }
});
