import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FileWindow } from '../../../../src/app/http/file-window';
import { findFlvStart, readFlvHeaders } from '../../../../src/app/http/flv-seek';
import { ErrorCode, SrsError } from '../../../../src/core/errors';
import { FlvTagType } from '../../../../src/media/flv';
import type { FlvTag } from '../../../../src/media/flv';
import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  flvFile,
} from '../../../support/media';

const video = (payload: Buffer): FlvTag => ({ type: FlvTagType.video, timestamp: 0, payload });
const audio = (payload: Buffer): FlvTag => ({ type: FlvTagType.audio, timestamp: 0, payload });
const script: FlvTag = { type: FlvTagType.script, timestamp: 0, payload: Buffer.alloc(100, 2) };

describe('seeking in an FLV file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'srs-flv-'));
  let handle: FileHandle | undefined;
  afterEach(async () => {
    await handle?.close();
    handle = undefined;
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const windowOn = async (bytes: Buffer): Promise<FileWindow> => {
    const path = join(folder, 'x.flv');
    writeFileSync(path, bytes);
    await handle?.close();
    handle = await open(path);
    return new FileWindow(handle, bytes.length);
  };
  /** Positions of the tags. */
  const positions = (tags: readonly FlvTag[]): number[] => {
    let at = 13;
    return tags.map(({ payload }) => {
      const here = at;
      at += payload.length + 15;
      return here;
    });
  };
  const seek = async (bytes: Buffer, wanted: number): Promise<number | undefined> => {
    const file = await windowOn(bytes);
    return findFlvStart(file, wanted, await readFlvHeaders(file));
  };

  const key = (): FlvTag => video(avcKeyFrame('key', 5000));
  const inter = (): FlvTag => video(avcInterFrame('inter', 400));
  const sound = (): FlvTag => audio(aacFrame('sound', 50));
  const head = [script, video(avcSequenceHeader()), audio(aacSequenceHeader())];
  const group = (): FlvTag[] => [key(), sound(), inter(), sound(), inter()];
  const tags = [...head, ...group(), ...group(), ...group()];
  const at = positions(tags);
  const bytes = flvFile(tags);

  it('takes the sequence headers, in the order of the file, without metadata', async () => {
    const { bytes: headers, end, hasVideo } = await readFlvHeaders(await windowOn(bytes));
    assert.ok(headers.equals(flvFile(head.slice(1))));
    assert.equal(end, at[3]);
    assert.ok(hasVideo);
  });

  it('finds no headers where there are none', async () => {
    const plain = flvFile([script, ...Array.from({ length: 100 }, sound)]);
    const { bytes: headers, end, hasVideo } = await readFlvHeaders(await windowOn(plain));
    assert.equal(headers.length, 13);
    assert.equal(end, 13);
    assert.ok(!hasVideo);
  });

  it('begins at a key frame that was asked for', async () => {
    assert.equal(await seek(bytes, at[8]!), at[8]);
  });

  it('goes back to the key frame of another frame', async () => {
    for (const index of [9, 10, 11, 12]) assert.equal(await seek(bytes, at[index]!), at[8]);
  });

  it('goes on to the next tag from within one', async () => {
    assert.equal(await seek(bytes, at[8]! + 1), at[8], 'the sound after it belongs to it');
    assert.equal(await seek(bytes, at[12]! + 7), at[13]);
  });

  it('finds nothing within the last tag', async () => {
    assert.equal(await seek(bytes, at.at(-1)! + 1), undefined);
    assert.equal(await seek(bytes, bytes.length - 3), undefined);
  });

  it('begins at any tag of a file without pictures', async () => {
    const sounds = [audio(aacSequenceHeader()), ...Array.from({ length: 100 }, sound)];
    const places = positions(sounds);
    assert.equal(await seek(flvFile(sounds), places[50]!), places[50]);
    assert.equal(await seek(flvFile(sounds), places[50]! - 1), places[50]);
  });

  it('goes on to a key frame where the sizes that lead back are wrong', async () => {
    const wrong = Buffer.from(bytes);
    for (const place of at.slice(1)) wrong.writeUInt32BE(7, place - 4);
    assert.equal(await seek(wrong, at[10]!), at[13]);
  });

  it('takes the tag itself where there is no key frame', async () => {
    const inters = [...head, ...Array.from({ length: 80 }, inter)];
    const places = positions(inters);
    assert.equal(await seek(flvFile(inters), places[40]!), places[40]);
  });

  it('finds its way over frames larger than what is read at once', async () => {
    const large = [...head, video(avcKeyFrame('key', 700_000)), video(avcInterFrame('i', 600_000))];
    large.push(sound(), inter(), video(avcKeyFrame('key', 300_000)), inter());
    const places = positions(large);
    const file = flvFile(large);
    assert.equal(await seek(file, places[6]!), places[3]);
    assert.equal(await seek(file, places[4]! + 5), places[3]);
    assert.equal(await seek(file, places[6]! + 5), places[7]);
  });

  it('is not led astray by bytes that look like tags', async () => {
    const decoy = Buffer.alloc(200_000);
    for (let place = 1; place + 16 < decoy.length; place += 16) decoy[place] = FlvTagType.audio;
    const file = flvFile([...head, key(), video(Buffer.concat([avcInterFrame(), decoy])), key()]);
    assert.equal(await seek(file, file.length - 150_000), undefined, 'too many to look at');
  });

  it('does not take another file for FLV', async () => {
    for (const other of [Buffer.alloc(0), Buffer.from('FLV'), Buffer.alloc(100, 'x')]) {
      await assert.rejects(
        readFlvHeaders(await windowOn(other)),
        (error) => error instanceof SrsError && error.code === ErrorCode.KERNEL_FLV_HEADER,
      );
    }
  });

  it('ends with a file that was cut off', async () => {
    const cut = bytes.subarray(0, at[14]! + 20);
    assert.equal(await seek(Buffer.from(cut), at[13]!), at[13]);
    assert.equal(await seek(Buffer.from(cut), at[14]!), undefined);
  });
});
