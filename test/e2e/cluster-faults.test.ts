/** Faults between an edge and its origins: players stay, and media is back within five seconds of the end of each. */
import assert from 'node:assert/strict';

import { FaultProxy } from '../support/fault-proxy';

import { Member } from './support/cluster';
import { packetsOf } from './support/media';
import type { Program } from './support/program';
import { publishEndlessly, record } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Viewer } from './support/viewer';

/** A slow link brings so little of the stream, which is ten times that. */
const SLOW_BYTES_PER_SECOND = 8000;

describe('an edge in trouble', () => {
  let sandbox: Sandbox;
  let first: Member;
  let second: Member;
  let edge: Member;
  let proxy: FaultProxy;
  let path: string;
  const publishers = new Map<string, Program>();

  /** Publishes the stream at an origin, as an encoder would that comes back. */
  async function encode(origin: Member, stream: string): Promise<void> {
    publishers.get(`${origin.name} ${stream}`)?.kill('SIGKILL');
    const publisher = publishEndlessly(sandbox, path, origin.url(stream));
    publishers.set(`${origin.name} ${stream}`, publisher);
    await origin.srs.hasPublishers(stream);
  }

  /** What is recorded of a stream goes forward in time, in the eyes of ffmpeg. */
  async function isInOrder(recorder: Program, file: string): Promise<void> {
    recorder.kill('SIGINT');
    assert.doesNotMatch((await recorder.ended).stderr, /monoton/i);
    const packets = await packetsOf(sandbox.path(file));
    for (const kind of ['video', 'audio']) {
      const times = packets.filter(({ codec_type: type }) => type === kind).map(({ dts }) => dts);
      const back = times.findIndex((time, index) => index > 0 && time <= times[index - 1]!);
      assert.equal(back, -1, `${kind}: ${times.slice(Math.max(0, back - 3), back + 3).join(' ')}`);
    }
  }

  before(async () => {
    sandbox = new Sandbox();
    path = await source('h264-aac.flv');
    const options = { vhost: 'min_latency on;' };
    first = await Member.start(sandbox, 'first', options);
    second = await Member.start(sandbox, 'second', options);
    proxy = await FaultProxy.start(first);
    const remote = 'min_latency on; mode remote; edge_timeout 1; edge_linger 1;';
    edge = await Member.start(sandbox, 'edge', {
      vhost: `${remote} origin ${first.address} ${second.address};`,
      global: `vhost one.test { ${remote} origin 127.0.0.1:${proxy.port}; }`,
    });
  });

  after(async () => {
    await proxy.close();
    await sandbox.close();
  });

  describe('with one of two origins', () => {
    let used: Member;
    let other: Member;
    let viewer: Viewer;
    let recorder: Program;

    before(async () => {
      await Promise.all([encode(first, 'two'), encode(second, 'two')]);
      viewer = await Viewer.join(edge, 'two');
      await viewer.flows();
      recorder = record(sandbox, 'ffmpeg', edge.url('two'), 'two.flv');
      await edge.srs.hasPlayers('two', 2);
      const isFirst = first.program.count('type=Play, stream_name=two,') === 1;
      [used, other] = isFirst ? [first, second] : [second, first];
      assert.equal(other.program.count('type=Play, stream_name=two,'), 0);
    });

    it('goes on with the other when it freezes', async () => {
      used.freeze();
      await other.srs.hasPlayers('two');
      await viewer.resumes();
      used.thaw();
      viewer.isWell();
    });

    it('goes on with the other when it is killed', async () => {
      // The edge plays from the second of its choice now.
      await other.kill();
      await used.srs.hasPlayers('two', 2);
      await viewer.resumes();
      await other.restart();
      await encode(other, 'two');
      viewer.isWell();
      viewer.client.close();
      await isInOrder(recorder, 'two.flv');
    });
  });

  describe('with its only origin', () => {
    let viewer: Viewer;
    let recorder: Program;

    before(async () => {
      await encode(first, 'one');
      viewer = await Viewer.join(edge, 'one?vhost=one.test');
      await viewer.flows();
      recorder = record(sandbox, 'ffmpeg', edge.url('one?vhost=one.test'), 'one.flv');
      await edge.srs.hasPlayers('one', 2);
    });

    for (const how of ['rst', 'fin'] as const) {
      it(`connects again when the link is cut by ${how}`, async () => {
        const before = proxy.stats.accepted;
        proxy.cut(how);
        await proxy.untilAccepted(before + 1);
        await viewer.resumes();
        viewer.isWell();
      });
    }

    it('connects again when it is no longer refused', async () => {
      await proxy.refuse();
      proxy.cut();
      await viewer.silence();
      await proxy.accept();
      await viewer.resumes();
      viewer.isWell();
    });

    it('goes on when the link passes on again', async () => {
      const before = proxy.stats.accepted;
      proxy.freeze();
      // The edge has given up that connection, and tries another.
      await proxy.untilAccepted(before + 1);
      proxy.thaw();
      await viewer.resumes();
      viewer.isWell();
    });

    it('goes on when the link is fast again, without another connection', async () => {
      const { accepted, down } = proxy.stats;
      proxy.limit(SLOW_BYTES_PER_SECOND, 'down');
      await viewer.client.until('two seconds of a slow link', () => {
        return proxy.stats.down - down > 2 * SLOW_BYTES_PER_SECOND;
      });
      await proxy.pass();
      await viewer.resumes();
      viewer.isWell();
      assert.equal(proxy.stats.accepted, accepted);
    });

    it('goes on when it was killed and is back with its publisher', async () => {
      await first.kill();
      await viewer.silence();
      await first.restart();
      await encode(first, 'one');
      await viewer.resumes();
      viewer.isWell();
      viewer.client.close();
      await isInOrder(recorder, 'one.flv');
    });
  });
});
