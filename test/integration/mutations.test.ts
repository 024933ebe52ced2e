import assert from 'node:assert/strict';

import { AmfObject } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import { liveServers, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { sampleTags } from '../support/media';
import { bytesOfMessage, command, connectCommand, HANDSHAKE } from '../support/rtmp-peer';

const CONNECTIONS = 300;
const AT_A_TIME = 30;
const SEED = 20150808;

/** A small generator of the linear congruential kind: the same numbers on every machine. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x100000000) * below);
  };
}

/** Everything a client sends who publishes, or plays. */
function session(stream: string, isPublished: boolean): Buffer {
  const metadata = encodeAmf0('@setDataFrame', 'onMetaData', AmfObject.of({ width: 1, a: [1, 2] }));
  const role = isPublished
    ? [
        command(0, 'FCPublish', 3, null, stream),
        command(1, 'publish', 0, null, stream),
        bytesOfMessage(18, 1, metadata),
        ...sampleTags(8, 4).map(({ type, payload }) => bytesOfMessage(type, 1, payload)),
        command(0, 'FCUnpublish', 4, null, stream),
      ]
    : [
        command(1, 'play', 0, null, stream),
        command(1, 'pause', 0, null, true, 0),
        command(1, 'pause', 0, null, false, 0),
        command(1, 'closeStream', 0, null),
      ];
  const control = bytesOfMessage(4, 0, Buffer.from('000300000001000003e8', 'hex'));
  const createStream = command(0, 'createStream', 2, null);
  return Buffer.concat([HANDSHAKE, connectCommand(), control, createStream, ...role]);
}

/** Changes, removes or doubles a few bytes, nearly always after the handshake. */
function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let mutated = Buffer.from(bytes);
  for (let count = 1 + random(8); count > 0; count--) {
    const start = random(20) === 0 ? 0 : HANDSHAKE.length;
    const at = start + random(mutated.length - start);
    const kind = random(4);
    if (kind > 1) mutated[at] = random(256);
    else if (kind === 1)
      mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + 1)]);
    else mutated = Buffer.concat([mutated.subarray(0, at + 1), mutated.subarray(at)]);
  }
  return mutated;
}

async function attack(live: LiveServer, bytes: Buffer): Promise<void> {
  const peer = await live.peer();
  peer.socket.end(bytes);
  await peer.closed;
}

describe('damaged connections', () => {
  const start = liveServers();

  it(`leave at most one error line each, and a server as good as before (${CONNECTIONS} of them)`, async () => {
    const live = await start();
    const random = numbers(SEED);
    const steady = await live.publisher('steady');
    const witness = await live.player('steady');
    for (let index = 0; index < CONNECTIONS; index += AT_A_TIME) {
      const attacks = Array.from({ length: AT_A_TIME }, (_, within) => {
        const bytes = session(`s${(index + within) % 20}`, random(3) > 0);
        return attack(live, mutate(bytes, random));
      });
      await Promise.all(attacks);
      steady.sendAll(sampleTags(2).slice(3));
      assert.equal((await witness.media(4)).length, 4);
    }
    for (const { socket } of [steady, witness]) socket.end();
    await live.empty();
    const blamed = live.errors.map((line) => line.split(' ')[1]);
    assert.equal(new Set(blamed).size, blamed.length, live.errors.join('\n'));
    assert.ok(blamed.length > CONNECTIONS / 10, `${blamed.length} of them were noticed`);
    const tags = sampleTags(3).slice(1);
    const player = await live.player('after');
    const publisher = await live.publisher('after');
    publisher.sendAll(tags);
    assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
  });
});
