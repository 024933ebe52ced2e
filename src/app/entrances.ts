/** Owns the ways into the server: which protocol is spoken at which addresses, and with which certificate. */
import { isDeepStrictEqual } from 'node:util';

import { describeError } from '../core/errors';
import type { Logger } from '../core/logger';
import { Certificate } from '../net/certificate';
import type { CertificateFiles } from '../net/certificate';
import type { Socket } from '../net/socket';

import type { GlobalOptions, ListenAddress } from './config/config';
import type { ListenProtocol, Listeners } from './listeners';

/** One protocol, and who serves those that come by it. */
export interface Entrance {
  readonly protocol: ListenProtocol;
  /** Where it is to be open; nowhere when it is switched off. */
  addresses(global: GlobalOptions): readonly ListenAddress[];
  /** What it shows to clients; absent where nothing is encrypted. */
  readonly certificate?: (global: GlobalOptions) => CertificateFiles;
  /** A client has come; `certificate` is there where there is one. */
  accept(socket: Socket, certificate: Certificate | undefined): void;
}

/** A certificate in use. */
interface Loaded {
  readonly files: CertificateFiles;
  readonly certificate: Certificate;
}

/** All entrances, which are opened and closed as the configuration wants it. */
export class Entrances {
  readonly #entrances: readonly Entrance[];
  readonly #listeners: Listeners;
  readonly #log: Logger;
  readonly #loaded = new Map<ListenProtocol, Loaded>();

  constructor(entrances: readonly Entrance[], listeners: Listeners, log: Logger) {
    this.#entrances = entrances;
    this.#listeners = listeners;
    this.#log = log;
  }

  /**
   * Opens all of them.
   *
   * @throws SrsError SOCKET_BIND, or that of a certificate that cannot be used, at the first that cannot be opened
   */
  open(global: GlobalOptions): void {
    for (const entrance of this.#entrances) this.#apply(entrance, global);
  }

  /**
   * Brings some protocols to what the configuration wants: what is so already is left alone, what cannot be had stays as
   * it is. What could not be had before is tried again.
   *
   * @returns whether anything was other than wanted
   * @throws AggregateError of what could not be done, after all else was
   */
  reconcile(protocols: readonly ListenProtocol[], global: GlobalOptions): boolean {
    const failures: unknown[] = [];
    let isChanged = false;
    for (const entrance of this.#entrances) {
      if (!protocols.includes(entrance.protocol)) continue;
      try {
        isChanged = this.#apply(entrance, global) || isChanged;
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 0) return isChanged;
    throw new AggregateError(failures, failures.map((error) => describeError(error)).join('; '));
  }

  /** The ports that are open for a protocol, in the order of the configuration. */
  ports(protocol: ListenProtocol): number[] {
    return this.addresses(protocol).map(({ port }) => port);
  }

  /** The same, with the addresses that they are open at. */
  addresses(...protocols: readonly ListenProtocol[]): ListenAddress[] {
    return protocols.flatMap((protocol) => this.#listeners.addresses(protocol));
  }

  /** Lets nobody in any more; those who are there stay. Idempotent. */
  close(): void {
    this.#listeners.close();
    for (const { certificate } of this.#loaded.values()) certificate.close();
    this.#loaded.clear();
  }

  #apply(entrance: Entrance, global: GlobalOptions): boolean {
    const { protocol } = entrance;
    const addresses = entrance.addresses(global);
    const isOpen = addresses.length > 0;
    let failure: Error | undefined;
    let isChanged = false;
    try {
      if (isOpen) isChanged = this.#load(protocol, entrance.certificate?.(global));
    } catch (error) {
      // A pair that will not do leaves the one in use; without one there is nothing to show.
      if (!this.#loaded.has(protocol) || !(error instanceof Error)) throw error;
      failure = error;
    }
    const isMoved = this.#listeners.reconcile(protocol, addresses, (socket) => {
      entrance.accept(socket, this.#loaded.get(protocol)?.certificate);
    });
    if (!isOpen) this.#unload(protocol);
    if (failure !== undefined) throw failure;
    return isChanged || isMoved;
  }

  /** Takes the certificate of these files into use, if it is another one. */
  #load(protocol: ListenProtocol, files: CertificateFiles | undefined): boolean {
    const loaded = this.#loaded.get(protocol);
    if (files === undefined || isDeepStrictEqual(loaded?.files, files)) return false;
    const certificate = Certificate.load(files, this.#log);
    loaded?.certificate.close();
    this.#loaded.set(protocol, { files, certificate });
    return true;
  }

  #unload(protocol: ListenProtocol): void {
    this.#loaded.get(protocol)?.certificate.close();
    this.#loaded.delete(protocol);
  }
}
