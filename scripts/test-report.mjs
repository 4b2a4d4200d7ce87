/** Every test case of a JUnit report as `bun test` writes it: its full name, file, and outcome. */
export function parseTestReport(text) {
  const cases = []
  for (const [, attributes, body] of text.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const group = readAttribute(attributes, 'classname')
    const name = readAttribute(attributes, 'name')
    cases.push({
      name: group === '' ? name : `${group} > ${name}`,
      file: readAttribute(attributes, 'file'),
      outcome: readOutcome(body ?? ''),
    })
  }
  return cases
}

/**
 * What `npm test` says in the end; its last line holds nothing but the counts. `checks` are the counts of what ran before
 * the tests. Where tools are required, a skipped test is a failed one.
 */
export function summarize({ checks, cases, areToolsRequired }) {
  const ofOutcome = outcome => cases.filter(test => test.outcome === outcome)
  const skipped = areToolsRequired ? [] : ofOutcome('skipped')
  const failed = [...ofOutcome('failed'), ...(areToolsRequired ? ofOutcome('skipped') : [])]
  const lines = [...list('Failed:', failed), ...list('Skipped:', skipped)]
  if (skipped.length > 0) lines.push('', 'This brings the tools they need: STOWER_TEST_INSTALL=1 npm test')
  const counts = [`${checks.passed + ofOutcome('passed').length} passed`, `${checks.failed + failed.length} failed`]
  if (skipped.length > 0) counts.push(`${skipped.length} skipped`)
  return { text: `${[...lines, '', counts.join(', ')].join('\n')}\n`, hasFailed: checks.failed + failed.length > 0 }
}

function list(title, cases) {
  if (cases.length === 0) return []
  const entries = cases.map(({ name, file, outcome }) => {
    const note = title === 'Failed:' && outcome === 'skipped' ? ' (was skipped)' : ''
    return `  ${file === '' ? '' : `${file}: `}${name}${note}`
  })
  return ['', title, ...entries]
}

function readOutcome(body) {
  if (/<(failure|error)\b/.test(body)) return 'failed'
  return /<skipped\b/.test(body) ? 'skipped' : 'passed'
}

function readAttribute(attributes, name) {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? ''
  return value.replaceAll(/&(#?\w+);/g, (_, entity) => decodeEntity(entity))
}

const entities = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

function decodeEntity(entity) {
  if (entity.startsWith('#x')) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16))
  if (entity.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)))
  return entities[entity] ?? ''
}
