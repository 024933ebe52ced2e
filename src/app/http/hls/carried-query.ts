/** Owns the query by which a player shows who it is, and how playlists carry it on to what they name. */

/** Directives of the protocol itself (RFC 8216bis 6.2.5): they tell requests of one player apart, not players. */
const DIRECTIVE = '_HLS_';
/** What may stand in a query, and within the quotes of an attribute. */
const UNSAFE = /[^\w\-.~!$&'()*+,;=:@/?%]/g;
/** The one attribute of a tag that names something. */
const URI_ATTRIBUTE = /([:,]URI=")([^"]*)"/;
/** The scheme of something that is not fetched by HTTP, as `data:` or `skd:`. */
const OTHER_SCHEME = /^(?!https?:)[a-z][a-z0-9+.-]*:/i;

/** The query of a request's url, without directives: `token=abc&vhost=a.com`, or ''. Safe to be put into a url. */
export function carriedQuery(url: string): string {
  const at = url.indexOf('?');
  if (at < 0) return '';
  const [query = ''] = url.slice(at + 1).split('#', 1);
  return query
    .split('&')
    .filter((parameter) => parameter !== '' && !parameter.startsWith(DIRECTIVE))
    .join('&')
    .replace(UNSAFE, encode);
}

/** A playlist whose every URI has the query added to its own. */
export function withQuery(playlist: string, query: string): string {
  if (query === '') return playlist;
  return playlist
    .split('\n')
    .map((line) => {
      if (line.startsWith('#EXT')) return tagWithQuery(line, query);
      return line.startsWith('#') || line.trim() === '' ? line : uriWithQuery(line, query);
    })
    .join('\n');
}

function tagWithQuery(line: string, query: string): string {
  return line.replace(
    URI_ATTRIBUTE,
    (_, name: string, uri: string) => `${name}${uriWithQuery(uri, query)}"`,
  );
}

function uriWithQuery(line: string, query: string): string {
  const uri = line.trimEnd();
  if (OTHER_SCHEME.test(uri)) return line;
  const hash = uri.indexOf('#');
  const end = hash < 0 ? uri.length : hash;
  const own = uri.slice(0, end);
  const sign = !own.includes('?') ? '?' : /[?&]$/.test(own) ? '' : '&';
  return `${own}${sign}${query}${line.slice(end)}`;
}

/** Characters of a request's url are its bytes. */
function encode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
