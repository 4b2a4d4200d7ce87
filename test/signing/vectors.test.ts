import { describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { parseSignature } from '../../src/protocol/auth/signing/authorization.ts'
import { isSignedWith } from '../../src/protocol/auth/signing/verify.ts'
import type { SigningKey } from './sign.ts'
import { allVectors, headerOf, type SignedVector } from './vectors.ts'

/** Whether a request as it came holds under the one key that there is. */
function holds({ accessKey, secretKey }: SigningKey, { method, target, headers, body }: SignedVector): boolean {
  const parsed = parseSignature(headerOf({ headers }, 'authorization') ?? '')
  if (parsed.kind === 'invalid' || parsed.signature.accessKeyId !== accessKey) return false
  const [path = '', query = ''] = splitTarget(target)
  const said = headerOf({ headers }, 'x-sdk-content-sha256')
  const hash = createHash('sha256').update(body, 'latin1').digest('hex')
  if (said !== null && said !== hash && said !== 'UNSIGNED-PAYLOAD') return false
  return isSignedWith(secretKey, {
    signature: parsed.signature,
    dateTime: headerOf({ headers }, 'x-sdk-date') ?? '',
    parts: {
      ...{ method, path, query, payloads: [hash], isWithoutBody: body === '' },
      ...{ hosts: [headerOf({ headers }, 'host') ?? ''], headers: { get: name => headerOf({ headers }, name) } },
    },
  })
}

function splitTarget(target: string): [string, string] {
  const mark = target.indexOf('?')
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
}

for (const { signer, requests, ...key } of allVectors) {
  describe(`signed by ${signer}`, () => {
    test.each(requests.map(request => [request.what, request] as const))('%s', (_what, request) => {
      expect(holds(key, request)).toBe(true)
      expect(holds({ ...key, secretKey: `${key.secretKey}x` }, request)).toBe(false)
    })

    test('whatever is changed in what was signed, it does not hold', () => {
      const one = fc.constantFrom(...requests)
      fc.assert(
        fc.property(
          one.chain(request => fc.tuple(fc.constant(request), changeOf(request))),
          ([request, changed]) => {
            expect(meaningOf(changed)).not.toBe(meaningOf(request))
            expect(holds(key, changed)).toBe(false)
          },
        ),
        { numRuns: 2_000 },
      )
    })
  })
}

/**
 * A request that differs from this one in one thing that is signed: method, a character of path or query, the body, a
 * signed header, or the signature itself.
 */
function changeOf(request: SignedVector): fc.Arbitrary<SignedVector> {
  const signed = (headerOf(request, 'authorization') ?? '').replace(/^.*SignedHeaders=([^,]*),.*$/, '$1').split(';')
  const at = (name: string) => request.headers.findIndex(([each]) => each.toLowerCase() === name)
  const withHeader = (name: string, value: string) => ({
    ...request,
    headers: request.headers.map((each, index) => (index === at(name) ? ([each[0], value] as const) : each)),
  })
  const headers = [...signed, 'authorization'].map(name => [name, headerOf(request, name) ?? ''] as const)
  return fc
    .oneof(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE').map(method => ({ ...request, method })),
      changeOfText(request.target, '/').map(target => ({ ...request, target })),
      changeOfText(request.body, '').map(body => ({ ...request, body })),
      fc
        .constantFrom(...headers)
        .chain(([name, value]) => changeOfText(value, '').map(changed => withHeader(name, changed))),
    )
    .filter(changed => meaningOf(changed) !== meaningOf(request))
}

/** One character more, less or another. */
function changeOfText(text: string, prefix: string): fc.Arbitrary<string> {
  const rest = text.slice(prefix.length)
  const character = fc.constantFrom(...'aZ09-._~%/?&=+$ :;,"\\|*()!')
  return fc
    .tuple(fc.nat(rest.length), character, fc.constantFrom('insert', 'remove', 'replace'))
    .map(([at, added, kind]) => {
      const after = rest.slice(kind === 'insert' ? at : at + 1)
      return `${prefix}${rest.slice(0, at)}${kind === 'remove' ? '' : added}${after}`
    })
}

/**
 * What is asked for, so that two spellings of it are one: escapes of path and query are resolved and parameters sorted, a
 * name without an equals sign has an empty value, of the legacy form only the first of repeated ones counts, a slash at the
 * end of a path is none, an escaped slash is a slash, and blanks around a header don't count, nor in the legacy form how
 * many stand within.
 */
function meaningOf({ method, target, headers, body }: SignedVector): string {
  const [path, query] = splitTarget(target)
  const isLegacy = (headerOf({ headers }, 'authorization') ?? '').includes('sdk_request')
  const pairs = query
    .split('&')
    .filter(piece => piece !== '')
    .map(piece => piece.replaceAll('+', ' '))
    .map(piece => (piece.includes('=') ? piece : `${piece}=`))
    .map(piece => [decode(piece.slice(0, piece.indexOf('='))), decode(piece.slice(piece.indexOf('=') + 1))] as const)
  const counted = isLegacy
    ? pairs.filter(([name], index) => pairs.findIndex(pair => pair[0] === name) === index)
    : pairs
  const values = headers.map(([name, value]) => {
    const trimmed = value.trim()
    return [
      name.toLowerCase(),
      isLegacy && name.toLowerCase() !== 'authorization'
        ? trimmed.replace(/\s+/g, ' ')
        : name.toLowerCase() === 'authorization'
          ? value
          : trimmed,
    ]
  })
  return JSON.stringify([
    method,
    decode(path).replace(/\/$/, ''),
    [...counted].map(pair => JSON.stringify(pair)).sort(),
    values,
    body,
  ])
}

function decode(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}
