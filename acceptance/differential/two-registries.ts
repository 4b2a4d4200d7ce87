/** One request, told to both registries. `path` is a function where the two know the same upload by different names. */
export type Asked = {
  method: string
  path: string | ((registry: Registry) => string)
  headers?: Record<string, string>
  body?: string
}

export type Registry = 'ours' | 'theirs'

/** What one of them said, reduced to what clients go by; of an error's body the codes. */
export type Said = { status: number; headers: Record<string, string>; body: string; location: string | undefined }

/** One field in which the two differ. Undefined: that one did not say it. */
export type Difference = { field: string; ours: string | undefined; theirs: string | undefined }

export function differences({ ours, theirs }: Record<Registry, Said>): Difference[] {
  const flat = ({ status, body, headers }: Said): Record<string, string> => ({
    ...headers,
    status: String(status),
    body,
  })
  const [a, b] = [flat(ours), flat(theirs)]
  const fields = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  return fields.filter(field => a[field] !== b[field]).map(field => ({ field, ours: a[field], theirs: b[field] }))
}

export type Peers = Record<Registry, { url: string; authorization: string | undefined }>

/** Asks both, one after the other, so that neither can see the other's state. */
export async function askBoth(peers: Peers, asked: Asked): Promise<Record<Registry, Said>> {
  return { ours: await ask(peers, 'ours', asked), theirs: await ask(peers, 'theirs', asked) }
}

async function ask(peers: Peers, registry: Registry, { method, path, headers, body }: Asked): Promise<Said> {
  const { url, authorization } = peers[registry]
  const response = await fetch(`${url}${typeof path === 'string' ? path : path(registry)}`, {
    method,
    headers: { ...(authorization !== undefined && { authorization }), ...headers },
    ...(body !== undefined && { body }),
    redirect: 'manual',
  })
  const location = response.headers.get('location') ?? undefined
  return {
    status: response.status,
    headers: comparable(method, response),
    // docker-registry announces the blob's length with a 416 and sends a sentence of another.
    body: comparableBody(response, await response.text().catch(() => 'a body cut short')),
    location: location === undefined ? undefined : pathOf(location),
  }
}

/** The headers that mean something to clients of a registry. Where an upload is called by an id, any id is the same. */
function comparable(method: string, { status, headers }: Response): Record<string, string> {
  const names = [
    'accept-ranges',
    'allow',
    'content-range',
    'docker-content-digest',
    'docker-distribution-api-version',
    'etag',
    'link',
    'range',
  ]
  const type = headers.get('content-type')?.split(';')[0]
  // The length of an error's sentence or of a list is nobody's concern; that of content is.
  if (status < 300 && (method === 'GET' || method === 'HEAD') && type !== 'application/json')
    names.push('content-length')
  const found = names.flatMap(name => {
    const value = headers.get(name)
    return value === null ? [] : [[name, name === 'allow' ? value.split(', ').sort().join(', ') : value]]
  })
  if (type !== undefined && status !== 204) found.push(['content-type', type])
  const location = headers.get('location')
  if (location !== null) found.push(['location', withoutIds(pathOf(location))])
  if (headers.has('docker-upload-uuid')) found.push(['docker-upload-uuid', 'an id'])
  return Object.fromEntries(found)
}

/** Of errors their codes; content and lists as they are. */
function comparableBody({ status }: Response, text: string): string {
  if (status < 400 || text === '') return text.trimEnd()
  try {
    const { errors } = JSON.parse(text) as { errors: { code: string }[] }
    return errors.map(({ code }) => code).join(' ')
  } catch {
    return 'no JSON'
  }
}

/** Path and query of a Location, whether it came with a host or without. */
function pathOf(location: string): string {
  const { pathname, search } = new URL(location, 'http://registry.invalid')
  return `${pathname}${search}`
}

function withoutIds(path: string): string {
  return path.replace(/\/uploads\/[^/?]+(?:\?.*)?$/, '/uploads/<id>')
}
