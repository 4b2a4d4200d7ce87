import { BlockList, isIP } from 'node:net'

/**
 * Where a request comes from and how it was addressed, as far as those between can be believed: forwarding headers count
 * only when the connection comes from a listed proxy.
 */
export type Forwarded = { sourceAddress: string; proto: 'http' | 'https' | undefined; host: string | undefined }

/** Compiles a list of addresses and CIDR blocks once. */
export function trustProxies(list: readonly string[]): (peer: string, headers: Headers) => Forwarded {
  const trusted = new BlockList()
  for (const entry of list) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(prefix), family)
  }
  const isTrusted = (address: string) => {
    const family = isIP(address)
    return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
  return (peer, headers) => {
    const address = plainAddress(peer)
    if (list.length === 0 || !isTrusted(address)) return { sourceAddress: address, proto: undefined, host: undefined }
    const proto = headers.get('x-forwarded-proto')
    return {
      sourceAddress: nearestUntrusted(headers.get('x-forwarded-for'), isTrusted) ?? address,
      proto: proto === 'http' || proto === 'https' ? proto : undefined,
      host: headers.get('x-forwarded-host') ?? undefined,
    }
  }
}

/** Each proxy appends who spoke to it, so the last entry that no trusted proxy wrote of another is the client. */
function nearestUntrusted(forwardedFor: string | null, isTrusted: (address: string) => boolean): string | undefined {
  const hops = (forwardedFor ?? '').split(',').map(hop => plainAddress(hop.trim()))
  let client: string | undefined
  for (const hop of hops.reverse()) {
    if (isIP(hop) === 0) break
    client = hop
    if (!isTrusted(hop)) break
  }
  return client
}

/** An IPv4 address as such, also where the socket tells it in IPv6 form. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}
