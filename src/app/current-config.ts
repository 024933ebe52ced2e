/** Owns the configuration in force: who needs an option reads it here when it counts, and a reload replaces it whole. */
import { NetworkSet } from '../core/network-set';

import type { Config, GlobalOptions, VhostOptions } from './config/config';

/** The configuration as of now. What it hands out never changes; what is kept of it is as old as the moment it was read. */
export class CurrentConfig {
  #config: Config;
  /** Names of vhosts by themselves in lower case. */
  #names: ReadonlyMap<string, string>;
  #trustedProxies: NetworkSet;

  constructor(config: Config) {
    this.#config = config;
    this.#names = namesOf(config);
    this.#trustedProxies = new NetworkSet(config.global.trustedProxies);
  }

  get value(): Config {
    return this.#config;
  }

  get global(): GlobalOptions {
    return this.#config.global;
  }

  get vhosts(): readonly VhostOptions[] {
    return this.#config.vhosts;
  }

  /** Peers that may say for whom they come. */
  get trustedProxies(): NetworkSet {
    return this.#trustedProxies;
  }

  /** Puts another configuration in force. */
  replace(config: Config): void {
    this.#config = config;
    this.#names = namesOf(config);
    this.#trustedProxies = new NetworkSet(config.global.trustedProxies);
  }

  /** The enabled vhost that serves a name, which may be the default one. */
  readonly findVhost = (name: string): VhostOptions | undefined => this.#config.findVhost(name);

  /** The same for HTTP, where the host is in lower case and the same in any. */
  readonly findVhostByHost = (host: string): VhostOptions | undefined => {
    const exact = this.#config.findVhost(host);
    if (exact?.name === host) return exact;
    return this.#config.findVhost(this.#names.get(host.toLowerCase()) ?? host);
  };
}

function namesOf({ vhosts }: Config): ReadonlyMap<string, string> {
  return new Map(vhosts.map(({ name }) => [name.toLowerCase(), name]));
}
