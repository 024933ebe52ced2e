/** Players that come late, pause, leave, come back or vanish. */
import assert from 'node:assert/strict';

import type { FlvTag } from '../../src/media/flv';

import { Client } from './support/client';
import {
  isKeyPacket,
  isKeyTag,
  mediaOf,
  packetArguments,
  packetLines,
  packetsOf,
  parsePackets,
  tagLines,
  tagsOf,
} from './support/media';
import { publish, record, recordAll } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Srs } from './support/srs';

const VIDEO = 9;
/** Sequence headers of video and audio. */
const HEADERS = 2;

describe('players', () => {
  let sandbox: Sandbox;
  let server: Srs;
  let path: string;
  let tags: FlvTag[];

  beforeEach(async () => {
    sandbox = new Sandbox();
    path = await source('h264-aac.flv');
    tags = mediaOf(path);
    server = await Srs.start(sandbox, { vhost: 'min_latency on;' });
  });

  afterEach(() => sandbox.close());

  /** Publishes the file up to the middle of its second group of pictures; what is left of it. */
  async function publishHalf(): Promise<{ publisher: Client; rest: FlvTag[]; key: number }> {
    const publisher = await Client.publish(server.port, 's');
    const key = tags.findIndex((tag, index) => isKeyTag(tag) && index > 2 * HEADERS);
    const middle = key + Math.round((tags.length - key) / 4);
    const witness = await Client.play(server.port, 's');
    publisher.send(tags.slice(0, middle));
    await witness.receives(middle);
    witness.close();
    return { publisher, rest: tags.slice(middle), key };
  }

  it('that join in the middle of a group of pictures begin with its key frame', async () => {
    const { publisher, rest, key } = await publishHalf();
    const probe = sandbox.start('ffprobe', packetArguments(server.url('s')));
    const dump = record(sandbox, 'rtmpdump', server.url('s'), 'late.flv');
    // The one who filled the stream was a player, too.
    await server.hasPlayers('s', 3);
    publisher.send(rest);
    publisher.close();
    await server.hasUnpublished();
    await server.stop();

    const sent = await packetsOf(path);
    const [, second] = sent.flatMap((packet, index) => (isKeyPacket(packet) ? [index] : []));
    const fromKey = sent.slice(second);
    const received = parsePackets((await probe.succeeds()).stdout);
    assert.equal(received.find((packet) => packet.codec_type === 'video')?.flags, 'K_');
    for (const kind of ['video', 'audio']) {
      assert.deepEqual(packetLines(received, kind), packetLines(fromKey, kind));
    }
    await dump.ended;
    const late = tagsOf(sandbox.path('late.flv')).filter(({ type }) => type <= VIDEO);
    const played = tagLines(tags.slice(key));
    assert.deepEqual(tagLines(late.slice(HEADERS)), played);
  });

  it('that pause get nothing meanwhile, and then all that waited', async () => {
    const { publisher, rest } = await publishHalf();
    const [steady, pausing] = await Promise.all([
      Client.play(server.port, 's'),
      Client.play(server.port, 's'),
    ]);
    await Promise.all([steady, pausing].map((player) => player.receives(HEADERS + 1)));
    await pausing.setPaused(true);
    const before = pausing.tags.length;
    publisher.send(rest);
    await steady.until(
      'the last',
      () => steady.tags.at(-1)?.payload.equals(rest.at(-1)!.payload) === true,
    );
    assert.equal(pausing.tags.length, before);

    await pausing.setPaused(false);
    await pausing.receives(steady.tags.length);
    assert.deepEqual(tagLines(pausing.tags), tagLines(steady.tags));
    // And once more, without anything that waits.
    await pausing.setPaused(true);
    await pausing.setPaused(false);
    publisher.send(tags.slice(-1));
    await pausing.receives(steady.tags.length);
    await server.stop();
  });

  it('that come back begin with a key frame again', async () => {
    const { publisher, key } = await publishHalf();
    for (const leave of ['close', 'destroy'] as const) {
      const player = await Client.play(server.port, 's');
      await player.receives(HEADERS + 10);
      assert.deepEqual(player.tags[HEADERS]?.payload, tags[key]?.payload);
      assert.equal(player.tags[HEADERS]?.timestamp, 0);
      player[leave]();
      await player.until('its end', () => player.isClosed);
    }
    publisher.close();
    await server.stop();
  });

  it('that are killed cost the others nothing', async () => {
    const victims = await recordAll(sandbox, server, 'k');
    const survivor = record(sandbox, 'rtmpdump', server.url('k'), 'survivor.flv');
    await server.hasPlayers('k', victims.length + 1);
    const witness = await Client.play(server.port, 'k');
    const publisher = publish(sandbox, path, server.url('k'));
    await witness.receives(50);
    for (const victim of victims) victim.kill('SIGKILL');
    await publisher.succeeds();
    await server.hasUnpublished();
    const { stdout } = await server.stop();
    await survivor.ended;
    assert.deepEqual(tagLines(tagsOf(sandbox.path('survivor.flv'))), tagLines(tags));
    assert.deepEqual(tagLines(witness.tags), tagLines(tags));
    assert.equal(stdout.match(/\[warn\].* client disconnect peer\. ret=1004/g)?.length, 4);
  });

  it('that wait through the death of a publisher get the next one, in one timeline', async () => {
    const recorders = await recordAll(sandbox, server, 'r', ['ffmpeg', 'rtmpdump']);
    const witness = await Client.play(server.port, 'r');
    const first = publish(sandbox, path, server.url('r'));
    await witness.receives(100);
    first.kill('SIGKILL');
    await server.hasUnpublished();
    await publish(sandbox, path, server.url('r')).succeeds();
    await server.hasUnpublished(2);
    await server.stop();
    await Promise.all(recorders.map((recorder) => recorder.ended));

    const sent = (await packetsOf(path)).map((packet) => packet.data_hash);
    const received = await packetsOf(sandbox.path('r.ffmpeg.flv'));
    const hashes = received.map((packet) => packet.data_hash);
    const [before, after] = [hashes.slice(0, -sent.length), hashes.slice(-sent.length)];
    assert.ok(before.length > 90 && before.length < sent.length);
    assert.deepEqual(before, sent.slice(0, before.length));
    assert.deepEqual(after, sent);
    for (const kind of ['video', 'audio']) {
      const times = received.filter((packet) => packet.codec_type === kind).map(({ dts }) => dts);
      const steps = times.slice(1).map((time, index) => time - times[index]!);
      assert.ok(Math.min(...steps) > 0 && Math.max(...steps) < 1000, `${kind}: ${steps.join()}`);
    }
    const payloads = (list: readonly FlvTag[]): string[] =>
      tagLines(list).map((line) => line.split(' ')[3]!);
    const dumped = payloads(tagsOf(sandbox.path('r.rtmpdump.flv')));
    assert.deepEqual(dumped.slice(-payloads(tags).length), payloads(tags));
  });

  it('beyond max_connections are closed at once, and those there stay', async () => {
    const small = new Sandbox();
    try {
      const full = await Srs.start(small, { global: 'max_connections 2;' });
      const player = await Client.play(full.port, 'm');
      const publisher = await Client.publish(full.port, 'm');
      const { status } = await record(small, 'rtmpdump', full.url('m'), 'm.flv').ended;
      assert.notEqual(status, 0);
      await full.program.prints(
        /\[error\].* exceed the max connections, drop client: clients=2, max=2, ip=127\.0\.0\.1/,
      );
      publisher.send(tags);
      await player.receives(tags.length);
      await full.stop();
    } finally {
      await small.close();
    }
  });
});
