/** What limits see where nobody keeps statistics: players and publishers counted in the hub. */
import type { AccessContext } from '../../src/app/access/access';
import type { Hub } from '../../src/app/stream/hub';

/** `hub` is asked for when it is needed, so that it may be made later. */
export function usageOf(hub: () => Hub): AccessContext {
  return {
    usage: (vhost) => {
      const sources = [...hub().sources].filter(({ name }) => name.vhost === vhost);
      const publishers = sources.filter(({ publisher }) => publisher !== undefined).length;
      const players = sources.reduce((sum, source) => sum + source.players, 0);
      return { clients: players + publishers, publishers, sendKbps: 0 };
    },
    nowMs: () => Date.now(),
    isPublished: (name) => hub().find(name)?.publisher !== undefined,
  };
}
