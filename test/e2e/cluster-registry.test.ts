/** Origins that announce their streams in Redis: who is asked for a stream finds it, wherever it is and moves to. */
import { TestRedis } from '../support/redis';
import { steadyPort } from '../support/steady-ports';

import { Member } from './support/cluster';
import type { Program } from './support/program';
import { publishEndlessly } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Viewer } from './support/viewer';

describe('a registry of origins', () => {
  let sandbox: Sandbox;
  let redis: TestRedis;
  let first: Member;
  let second: Member;
  let edge: Member;
  let path: string;

  /** Publishes a stream at an origin. */
  async function encode(origin: Member, stream: string): Promise<Program> {
    const publisher = publishEndlessly(sandbox, path, origin.url(stream));
    await origin.srs.hasPublishers(stream);
    return publisher;
  }

  before(async () => {
    sandbox = new Sandbox();
    redis = await TestRedis.start();
    path = await source('h264-aac.flv');
    const registry = `origin_registry ${redis.url}; origin_registry_lease 1;`;
    const origin = async (name: string): Promise<Member> => {
      const port = await steadyPort('127.0.0.1');
      const global = `${registry} origin_announce 127.0.0.1:${port};`;
      return Member.start(sandbox, name, { vhost: 'min_latency on;', global, port });
    };
    first = await origin('first');
    second = await origin('second');
    // Where to ask for what nobody has announced.
    const remote = `mode remote; origin ${first.address};`;
    const vhost = `min_latency on; edge_timeout 1; edge_linger 1; ${remote}`;
    edge = await Member.start(sandbox, 'edge', { vhost, global: registry });
  });

  after(async () => {
    await sandbox.close();
    await redis.stop();
  });

  it('leads an edge, and an origin that has it not, to the origin that has the stream', async () => {
    const publisher = await encode(second, 'a');
    const viewers = await Promise.all([Viewer.join(edge, 'a'), Viewer.join(first, 'a')]);
    for (const viewer of viewers) {
      await viewer.flows();
      viewer.isWell();
      viewer.client.close();
    }
    publisher.kill('SIGKILL');
    await publisher.ended;
  });

  it('leads players after a stream that moves to another origin', async () => {
    const publisher = await encode(second, 'b');
    const viewer = await Viewer.join(edge, 'b');
    await viewer.flows();
    publisher.kill('SIGKILL');
    await publisher.ended;
    await viewer.silence();
    await encode(first, 'b');
    await viewer.resumes();
    viewer.isWell();
    viewer.client.close();
  });

  it('holds nothing up while Redis is away, and knows all again when it is back', async () => {
    await encode(first, 'c');
    const viewer = await Viewer.join(edge, 'c');
    await viewer.flows();
    await redis.kill();
    await encode(second, 'd');
    const waiting = await Viewer.join(edge, 'd');
    // Longer than a lease.
    await viewer.flows();
    await viewer.flows();
    viewer.isWell();
    await redis.run();
    await waiting.resumes();
    await viewer.flows();
    for (const one of [viewer, waiting]) {
      one.isWell();
      one.client.close();
    }
  });
});
