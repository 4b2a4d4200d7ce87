/** One leaf of the suite. `reason`: what the suite says of a case that did not pass. */
export type ConformanceCase = {
  name: string
  status: 'passed' | 'skipped' | 'failed'
  reason: string
}

/**
 * Reads the runner's `junit.xml`. The number in its header counts inner nodes, too, so the cases are counted themselves.
 * What is neither passed nor skipped has failed.
 */
export function parseJunit(xml: string): ConformanceCase[] {
  return [...xml.matchAll(/<testcase ([^>]*)>(.*?)<\/testcase>/gs)].map(([, attributes = '', content = '']) => {
    const status = /status="([^"]*)"/.exec(attributes)?.[1] ?? ''
    return {
      name: withoutRoot(unescapeXml(/name="([^"]*)"/.exec(attributes)?.[1] ?? '')),
      status: status === 'passed' || status === 'skipped' ? status : 'failed',
      reason: unescapeXml(/<system-out>(.*?)<\/system-out>/s.exec(content)?.[1] ?? ''),
    }
  })
}

/** Reads the tree that the runner prints. Its leaves are the cases; it has no reasons. */
export function parseTree(output: string): ConformanceCase[] {
  const nodes = [...output.matchAll(/^( *)(OCI Conformance Test[^\n]*): (\w+)$/gm)].map(
    ([, indent = '', name = '', status = '']) => ({ depth: indent.length, name, status }),
  )
  return nodes
    .filter(({ depth }, index) => (nodes[index + 1]?.depth ?? 0) <= depth)
    .map(({ name, status }) => ({ name: withoutRoot(name), status: treeStatuses[status] ?? 'failed', reason: '' }))
}

const treeStatuses: Readonly<Record<string, ConformanceCase['status']>> = {
  Pass: 'passed',
  Skip: 'skipped',
  Disabled: 'skipped',
}

function withoutRoot(name: string): string {
  return name.replace(/^OCI Conformance Test\//, '')
}

function unescapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
  return text.replace(/&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return entities[name] ?? whole
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
  })
}
