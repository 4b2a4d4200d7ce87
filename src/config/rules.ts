import { isIPv4, isIPv6 } from 'node:net'
import { formatOrigin, type Origins } from './origin.ts'
import type { Values } from './settings.ts'
import { formatListenAddress } from './value-kinds.ts'

/** Every rule between settings that is broken, as a sentence that says what to do. */
export function findBrokenRules(values: Values, origins: Origins, hostName: string): string[] {
  return [...checkTls(values, origins), ...checkExternalUrl(values, origins, hostName)]
}

function checkTls(values: Values, origins: Origins): string[] {
  const hasCertificate = values['tls.cert_file'] !== undefined
  if (hasCertificate === (values['tls.key_file'] !== undefined)) return []
  const [present, missing] = hasCertificate
    ? (['tls.cert_file', 'tls.key_file'] as const)
    : (['tls.key_file', 'tls.cert_file'] as const)
  return [`${present} is set (${formatOrigin(origins[present])}) without ${missing}: TLS needs both`]
}

/** Without it, clients elsewhere would be sent to addresses that only work here, or wherever a Host header says. */
function checkExternalUrl(values: Values, origins: Origins, hostName: string): string[] {
  const { listen } = values
  if (listen.kind === 'unix' || isLoopback(listen.host) || values.external_url !== undefined) return []
  const scheme = values['tls.cert_file'] === undefined ? 'http' : 'https'
  const host = isEveryAddress(listen.host) ? hostName : listen.host
  const url = `${scheme}://${formatListenAddress({ ...listen, host })}`
  return [
    `listen is ${formatListenAddress(listen)} (${formatOrigin(origins.listen)}), which other machines can reach, ` +
      `but external_url, the URL they use, is not set. Put this into stower.yaml:  external_url: ${url}  ` +
      `or into the environment:  STOWER_EXTERNAL_URL=${url}`,
  ]
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  if (isIPv4(host)) return host.startsWith('127.')
  return isIPv6(host) && new URL(`http://[${host}]`).hostname === '[::1]'
}

function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || (isIPv6(host) && new URL(`http://[${host}]`).hostname === '[::]')
}
