/**
 * The service catalog. `smn` is there for gophertelekomcloud, which makes the SWR address of it by writing `swr-api` for
 * `smn` (`{base}/swr-api/v2`); `swrv2` is what python-otcextensions looks for.
 */
export function buildCatalog(baseUrl: string, region: string) {
  return [
    service('1', 'smn', 'smn', region, `${baseUrl}/smn/v2`),
    service('2', 'swrv2', 'swr', region, `${baseUrl}/v2`),
    // Identity is of no region: clients ask for it under any.
    service('3', 'identity', 'iam', '*', `${baseUrl}/v3`),
  ]
}

function service(id: string, type: string, name: string, region: string, url: string) {
  return { id, type, name, endpoints: [{ id: `e${id}`, interface: 'public', region, region_id: region, url }] }
}
