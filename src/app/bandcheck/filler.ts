/** Owns the messages that fill the line while one direction is measured. */
import { AmfObject } from '../../rtmp/amf0-value';
import type { OutgoingMessage } from '../../rtmp/message';
import { BandwidthName, encodeBandwidth } from '../../rtmp/packets/bandwidth';

/** The directions, by who sends. */
export type FillerName = typeof BandwidthName.playing | typeof BandwidthName.publishing;

/** Contents of each property. */
const TEXTS: Readonly<Record<FillerName, string>> = {
  [BandwidthName.playing]: "SRS band check data from server's playing......",
  [BandwidthName.publishing]: "SRS band check data from client's publishing......",
};
/** Where messages stop to grow: below 64 KiB, and below the values that a command may have here. */
const MAX_PROPERTIES = 1001;
/** How many each message has more than the one before. */
const GROWTH = 2;

/** Makes message after message: 1, 3, 5 ... properties, named by their numbers. */
export class Filler {
  readonly #name: FillerName;
  readonly #data = new AmfObject();
  #message: OutgoingMessage | undefined;

  constructor(name: FillerName) {
    this.#name = name;
  }

  next(): OutgoingMessage {
    const size = this.#data.entries.size;
    if (this.#message !== undefined && size >= MAX_PROPERTIES) return this.#message;
    const target = this.#message === undefined ? 1 : size + GROWTH;
    for (let at = size; at < target; at++) this.#data.set(String(at), TEXTS[this.#name]);
    this.#message = encodeBandwidth(this.#name, this.#data);
    return this.#message;
  }
}
