/** Owns a name server for tests: it says what it is told to, at once, late or never, over UDP. */
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';

import { Waits } from './waits';

/** One answer to a question for services. */
export interface ServiceRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly name: string;
}

/** A question that has come. */
export interface DnsQuestion {
  /** In lower case. */
  readonly name: string;
  /** `A`, `AAAA`, `SRV`, or the number of another type. */
  readonly type: string;
}

/** How questions are met: answered, not at all, or as by a server in trouble. */
export type DnsMood = 'answer' | 'silent' | 'failing';

const HEADER_BYTES = 12;
/** Of a record: name, type, class, time to live, length of its data. */
const RECORD_HEAD_BYTES = 12;
const CLASS_IN = 1;
const TYPES: Readonly<Record<string, number>> = { A: 1, AAAA: 28, SRV: 33 };
/** A pointer to the name of the question, which follows the header at once. */
const QUESTION_NAME = 0xc000 | HEADER_BYTES;
/** Answer, authoritative, recursion available. */
const FLAGS = 0x8480;
const RECURSION_DESIRED = 0x0100;
const SERVER_FAILURE = 2;
const NO_SUCH_NAME = 3;

/** A server on a port of its own; names it was told nothing of do not exist. */
export class DnsServer {
  mood: DnsMood = 'answer';
  /** Answers come so much later. */
  delayMs = 0;
  readonly questions: DnsQuestion[] = [];
  readonly #socket: Socket;
  readonly #records = new Map<string, Map<number, readonly Buffer[]>>();
  readonly #delayed = new Set<NodeJS.Timeout>();
  readonly #waits = new Waits(() => JSON.stringify(this.questions));

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message, peer) => {
      this.#onMessage(message, peer);
    });
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new DnsServer(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What a name stands for from now on, IPv4 and IPv6 told apart; none: it exists, but has no address. */
  setAddresses(name: string, ...addresses: string[]): void {
    const records = this.#recordsOf(name);
    records.set(TYPES['A']!, addresses.filter(isIPv4).map(encodeIpv4));
    records.set(TYPES['AAAA']!, addresses.filter(isIPv6).map(encodeIpv6));
  }

  /** Who offers a service from now on, as `_rtmp._tcp.example.com`. */
  setServices(name: string, ...services: ServiceRecord[]): void {
    this.#recordsOf(name).set(TYPES['SRV']!, services.map(encodeService));
  }

  /** The name does not exist any more. */
  remove(name: string): void {
    this.#records.delete(name.toLowerCase());
  }

  /** Resolves when so many questions for a name have come. */
  untilAsked(name: string, count = 1): Promise<void> {
    const key = name.toLowerCase();
    const asked = (): number => this.questions.filter((question) => question.name === key).length;
    return this.#waits.until(`${count} questions for ${name}`, () => asked() >= count);
  }

  async close(): Promise<void> {
    for (const timer of this.#delayed) clearTimeout(timer);
    this.#waits.close('the name server was closed');
    await new Promise<void>((resolve) => {
      this.#socket.close(resolve);
    });
  }

  #recordsOf(name: string): Map<number, readonly Buffer[]> {
    const key = name.toLowerCase();
    const records = this.#records.get(key) ?? new Map<number, readonly Buffer[]>();
    this.#records.set(key, records);
    return records;
  }

  #onMessage(message: Buffer, { port, address }: RemoteInfo): void {
    const question = readQuestion(message);
    if (question === undefined) return;
    const { name, type, end } = question;
    this.questions.push({ name: name.toLowerCase(), type: typeName(type) });
    const answer = this.#answer(message, { name, type, end });
    this.#waits.look();
    if (this.mood === 'silent') return;
    if (this.delayMs === 0) {
      this.#socket.send(answer, port, address);
      return;
    }
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      this.#socket.send(answer, port, address);
    }, this.delayMs);
    this.#delayed.add(timer);
  }

  #answer(message: Buffer, { name, type, end }: Question): Buffer {
    const known = this.#records.get(name.toLowerCase());
    const isFailing = this.mood === 'failing';
    const records = isFailing ? [] : (known?.get(type) ?? []);
    const code = isFailing ? SERVER_FAILURE : known === undefined ? NO_SUCH_NAME : 0;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16BE(message.readUInt16BE(0), 0);
    header.writeUInt16BE(FLAGS | (message.readUInt16BE(2) & RECURSION_DESIRED) | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const asked = message.subarray(HEADER_BYTES, end);
    return Buffer.concat([header, asked, ...records.map((data) => encodeRecord(type, data))]);
  }
}

interface Question {
  readonly name: string;
  readonly type: number;
  /** Where it ends in the message. */
  readonly end: number;
}

/** The one question of a message; undefined where there is none that can be read. */
function readQuestion(message: Buffer): Question | undefined {
  if (message.length < HEADER_BYTES || message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message[at++]; length !== undefined; length = message[at++]) {
    if (length === 0) {
      if (at + 4 > message.length) return undefined;
      return { name: labels.join('.'), type: message.readUInt16BE(at), end: at + 4 };
    }
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
  return undefined;
}

function typeName(type: number): string {
  return Object.keys(TYPES).find((name) => TYPES[name] === type) ?? `${type}`;
}

/** A record of the name that was asked for, to be forgotten at once. */
function encodeRecord(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(RECORD_HEAD_BYTES);
  head.writeUInt16BE(QUESTION_NAME, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(CLASS_IN, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function encodeIpv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function encodeIpv6(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (part = ''): number[] =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail)];
  const all = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function encodeService({ priority, weight, port, name }: ServiceRecord): Buffer {
  const numbers = Buffer.alloc(6);
  [priority, weight, port].forEach((value, index) => numbers.writeUInt16BE(value, index * 2));
  const labels = name.split('.').map((label) => {
    return Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')]);
  });
  return Buffer.concat([numbers, ...labels, Buffer.of(0)]);
}
