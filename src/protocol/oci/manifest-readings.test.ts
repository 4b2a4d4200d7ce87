import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { digestOf } from './digest.ts'
import { parseManifest } from './manifest.ts'
import { ManifestError } from './manifest-error.ts'
import { mediaTypes } from './media-types.ts'

const { ociImage, ociIndex, ociArtifact, ociConfig, ociLayerGzip } = mediaTypes

/**
 * What Stower accepts must mean the same to every client, so each accepted document is read by other rules, too: of two
 * equal keys the first or the last counts, case is told apart or, as in Go, is not.
 */
type Rules = { firstKeyCounts: boolean; foldsCase: boolean }

const everyRules: readonly Rules[] = [
  { firstKeyCounts: true, foldsCase: false },
  { firstKeyCounts: false, foldsCase: false },
  { firstKeyCounts: true, foldsCase: true },
  { firstKeyCounts: false, foldsCase: true },
]

/** A strict reader of JSON (RFC 8259) that keeps what `JSON.parse` forgets: the order of keys, twins, and how numbers were written. */
type Node =
  | { kind: 'object'; members: [key: string, value: Node][] }
  | { kind: 'array'; items: Node[] }
  | { kind: 'scalar'; text: string }

function readJson(text: string): Node {
  const scanner =
    /[ \t\n\r]*([{}[\],:]|"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)/y
  const next = () => {
    const token = scanner.exec(text)?.[1]
    if (token === undefined || [...token].some(each => each < ' ')) throw new SyntaxError('no JSON')
    return token
  }
  const value = (token: string): Node => {
    if (token === '{') {
      const members: [string, Node][] = []
      for (let key = next(); key !== '}'; ) {
        if (!key.startsWith('"') || next() !== ':') throw new SyntaxError('no member')
        members.push([JSON.parse(key) as string, value(next())])
        const after = next()
        if (after === '}') break
        if (after !== ',') throw new SyntaxError('no comma')
        key = next()
        if (key === '}') throw new SyntaxError('trailing comma')
      }
      return { kind: 'object', members }
    }
    if (token === '[') {
      const items: Node[] = []
      for (let first = next(); first !== ']'; ) {
        items.push(value(first))
        const after = next()
        if (after === ']') break
        if (after !== ',') throw new SyntaxError('no comma')
        first = next()
        if (first === ']') throw new SyntaxError('trailing comma')
      }
      return { kind: 'array', items }
    }
    if ('}],:'.includes(token)) throw new SyntaxError('no value')
    return { kind: 'scalar', text: token }
  }
  const root = value(next())
  if (/[^ \t\n\r]/.test(text.slice(scanner.lastIndex))) throw new SyntaxError('more than one value')
  return root
}

function field(node: Node | undefined, name: string, rules: Rules): Node | undefined {
  if (node?.kind !== 'object') return undefined
  const fits = (key: string) => key === name || (rules.foldsCase && key.toLowerCase() === name.toLowerCase())
  const found = node.members.filter(([key]) => fits(key)).map(([, value]) => value)
  const value = rules.firstKeyCounts ? found.at(0) : found.at(-1)
  return value?.kind === 'scalar' && value.text === 'null' ? undefined : value
}

function textIn(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && node.text.startsWith('"') ? (JSON.parse(node.text) as string) : undefined
}

/** Digest and size of a descriptor, the size as its digits are written. */
function contentIn(node: Node | undefined, rules: Rules): string {
  const size = field(node, 'size', rules)
  return `${textIn(field(node, 'digest', rules))} ${size?.kind === 'scalar' ? size.text : 'none'}`
}

function reading(text: string, rules: Rules) {
  const document = readJson(text)
  const contents = (name: string) => {
    const list = field(document, name, rules)
    return list?.kind === 'array' ? list.items.map(item => contentIn(item, rules)) : []
  }
  const one = (name: string) => {
    const node = field(document, name, rules)
    return node === undefined ? undefined : contentIn(node, rules)
  }
  const mediaType = textIn(field(document, 'mediaType', rules)) || undefined
  return {
    mediaType,
    config: one('config'),
    subject: one('subject'),
    // An image may have a field of that name, of its own and without a meaning.
    blobs: contents(mediaType === ociArtifact ? 'blobs' : 'layers'),
    children: contents('manifests'),
  }
}

const descriptor = (mediaType: string, content = mediaType) => {
  const bytes = new TextEncoder().encode(content)
  return { mediaType, digest: digestOf('sha256', bytes), size: bytes.length }
}
const base = [
  { schemaVersion: 2, mediaType: ociImage, config: descriptor(ociConfig), layers: [descriptor(ociLayerGzip)] },
  { schemaVersion: 2, mediaType: ociImage, config: descriptor(ociConfig), subject: descriptor(ociImage) },
  { schemaVersion: 2, mediaType: ociIndex, manifests: [descriptor(ociImage), descriptor(ociImage, 'another')] },
  { mediaType: ociArtifact, artifactType: 'application/x', blobs: [descriptor(ociLayerGzip)] },
].map(document => JSON.stringify(document))

/** Changes of the text of a valid document that leave it JSON, or nearly. */
const change: fc.Arbitrary<(text: string) => string> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        'layers',
        'manifests',
        'config',
        'mediaType',
        'subject',
        'digest',
        'size',
        'blobs',
        'annotations',
      ),
      fc.constantFrom<(key: string) => string>(
        key => key,
        key => key.toUpperCase(),
        key => `${key.slice(0, 1).toUpperCase()}${key.slice(1)}`,
        key => `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`,
        key => key.replace('s', '\u017f'),
        key => `${key} `,
      ),
      fc.constantFrom(
        '[]',
        'null',
        '{}',
        '1',
        '"x"',
        JSON.stringify(descriptor(ociLayerGzip, 'smuggled')),
        `[${JSON.stringify(descriptor(ociImage, 'smuggled'))}]`,
      ),
      fc.nat(),
    )
    .map(([key, spell, value, at]) => (text: string) => {
      const places = [...text.matchAll(/\{/g)].map(match => match.index + 1)
      const place = places[at % places.length] ?? 1
      return `${text.slice(0, place)}"${spell(key)}":${value},${text.slice(place)}`
    }),
  fc
    .constantFrom('0', '-0', '1e2', '1.0', '01', '9007199254740991', '9007199254740993', '1'.repeat(30), '"5"', 'null')
    .map(size => (text: string) => text.replace(/"size":[0-9]+/, `"size":${size}`)),
  fc.constant((text: string) => text.replace(/,"mediaType":"[^"]*"/, '')),
  fc
    .tuple(fc.constantFrom(' ', '\n', '\u0000', '\u00a0', ',', '}', '/**/'), fc.nat())
    .map(([extra, at]) => (text: string) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + extra + text.slice(place)
    }),
)

test('what is accepted reads alike for everyone: first or last of equal keys, with case or without', () => {
  let accepted = 0
  fc.assert(
    fc.property(fc.constantFrom(...base), fc.array(change, { maxLength: 3 }), (start, changes) => {
      const text = changes.reduce((result, each) => each(result), start)
      let parsed: ReturnType<typeof parseManifest>
      try {
        parsed = parseManifest(new TextEncoder().encode(text), undefined)
      } catch (error) {
        expect(error).toBeInstanceOf(ManifestError)
        return
      }
      accepted += 1
      const shown = (each: { digest: string; sizeBytes: number }) => `${each.digest} ${each.sizeBytes}`
      const ours = {
        mediaType: parsed.mediaType,
        config: parsed.config && shown(parsed.config),
        subject: parsed.subject && shown(parsed.subject),
        blobs: parsed.layers.map(shown),
        children: parsed.children.map(shown),
      }
      for (const rules of everyRules) expect([rules, reading(text, rules)]).toEqual([rules, ours])
    }),
    { numRuns: 4_000 },
  )
  expect(accepted).toBeGreaterThan(500)
})

test('the other rules do tell documents apart that differ only by them', () => {
  const twins = '{"layers":[{"digest":"a","size":1}],"layers":[{"digest":"b","size":2}]}'
  const cased = '{"layers":[{"digest":"a","size":1}],"Layers":[{"digest":"b","size":2}]}'
  const blobsOf = (text: string) => everyRules.map(rules => reading(text, rules).blobs[0])
  expect(blobsOf(twins)).toEqual(['a 1', 'b 2', 'a 1', 'b 2'])
  expect(blobsOf(cased)).toEqual(['a 1', 'a 1', 'a 1', 'b 2'])
  for (const text of ['{', '{"a":1,}', '[1,]', '{} {}', '01', '"\u0000"', '[1 2]'])
    expect(() => readJson(text)).toThrow()
})
