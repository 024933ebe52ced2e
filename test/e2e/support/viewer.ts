/** Owns a player that stays through faults: whether media came back in time, and whether its time ever ran backwards. */
import assert from 'node:assert/strict';

import { Client } from './client';
import type { Member } from './cluster';

/** Media is there again so soon after the end of a fault. */
const RESUME_MS = 5000;
/** More than what was on its way when a fault began. */
const ENOUGH_MESSAGES = 25;
/** Nothing for so long is silence. */
const SILENCE_MS = 600;
const LOOK_MS = 50;

/** A player of one stream. */
export class Viewer {
  readonly client: Client;

  private constructor(client: Client) {
    this.client = client;
  }

  /** Plays a stream of a server; resolves when the server has granted it. */
  static async join(member: Member, stream: string): Promise<Viewer> {
    return new Viewer(await Client.play(member.port, stream));
  }

  /** Resolves when media flows. */
  async flows(): Promise<void> {
    await this.client.receives(this.client.tags.length + ENOUGH_MESSAGES);
  }

  /** Resolves when nothing has come for a while. */
  async silence(): Promise<void> {
    const { tags } = this.client;
    let [count, sinceMs] = [tags.length, performance.now()];
    while (performance.now() - sinceMs < SILENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (tags.length !== count) [count, sinceMs] = [tags.length, performance.now()];
    }
  }

  /** Resolves when media flows again; fails when that takes more than five seconds from now. */
  async resumes(): Promise<void> {
    const beganMs = performance.now();
    await this.flows();
    const tookMs = Math.round(performance.now() - beganMs);
    assert.ok(tookMs < RESUME_MS, `media came back after ${tookMs} ms`);
  }

  /** It is still there, and what it got went forward in time. */
  isWell(): void {
    const { client } = this;
    assert.equal(client.isClosed, false, 'the server has closed the connection');
    for (const kind of [8, 9]) {
      const times = client.tags.filter(({ type }) => type === kind).map((tag) => tag.timestamp);
      const back = times.findIndex((time, index) => index > 0 && time < times[index - 1]!);
      const around = times.slice(Math.max(0, back - 3), back + 3).join(' ');
      assert.equal(back, -1, `time of type ${kind} runs backwards: ${around}`);
    }
  }
}
