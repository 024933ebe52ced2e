/** Owns the endpoint that reloads the configuration. */
import type { ApiParts } from './api-parts';
import type { ApiReply, Endpoint } from './endpoint';

/** The new configuration cannot be used: the request was good, the file is not. */
const UNPROCESSABLE = 422;

/** `POST /api/v1/reload`. */
export function reloadEndpoint(parts: Pick<ApiParts, 'reload'>): Endpoint {
  return {
    path: '/api/v1/reload',
    about: 'POST reads the configuration file again and applies what has changed',
    lasts: 'once',
    changes: {
      POST: async (): Promise<ApiReply> => {
        const { ok, code, error, changes } = await parts.reload();
        if (ok) return { fields: { data: { changes } } };
        return { code, status: UNPROCESSABLE, fields: { message: error ?? '' } };
      },
    },
  };
}
