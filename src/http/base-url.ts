import type { Forwarded } from './source-address.ts'

/**
 * The address that answers tell clients to come back to. Of the configured external URLs the one with the request's host
 * counts, else the first. Without any, only a loopback host is believed: an untrusted Host header never becomes a URL.
 */
export function chooseBaseUrl(options: {
  externalUrls: readonly string[]
  /** What is served when nothing else is known, e.g. `http://127.0.0.1:8080`. */
  listenUrl: string
}): (host: string, forwarded: Forwarded) => string {
  const byHost = new Map(options.externalUrls.map(url => [new URL(url).host, url]))
  const [first] = options.externalUrls
  const scheme = options.listenUrl.startsWith('https:') ? 'https' : 'http'
  return (host, forwarded) => {
    const asked = forwarded.host ?? host
    if (first !== undefined) return byHost.get(asked) ?? first
    return isLoopbackHost(asked) ? `${forwarded.proto ?? scheme}://${asked}` : options.listenUrl
  }
}

function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?$/.test(host)
}
