import { expect } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { registryClient } from '../../test/oci/registry-client.ts'
import { requireTool, testWithTools } from '../../test/tools.ts'
import { createOrganization, credentials, managementToken, startProgram } from '../program.ts'

/** Answers that no call may get, whatever it says; and nothing but what the document promises. */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
]

/** What fits into it is run; the rest is left off. */
const mostSeconds = 45

testWithTools(
  ['schemathesis'],
  'whatever is sent by the document of the management API, nothing breaks and every answer is as described',
  async () => {
    await using program = await startProgram()
    await createOrganization(program, 'group')
    const basic = `Basic ${btoa(`${credentials.user}:${credentials.password}`)}`
    await registryClient({ url: program.url, basic }).pushImage('group/team/busybox', 'latest')
    const token = await managementToken(program)
    const folder = mkdtempSync(join(tmpdir(), 'stower-schemathesis-'))
    try {
      const child = Bun.spawn(
        [
          ...[requireTool('schemathesis'), 'run', `${program.url}/openapi.json`, '-H', `X-Auth-Token: ${token}`],
          ...['--checks', checks.join(','), '--phases', 'examples,coverage,fuzzing', '--max-examples', '5'],
          // The token that all calls come with is not revoked, and logins that fail lock nobody out.
          ...['--exclude-operation-id', 'revokeToken', '--exclude-operation-id', 'createToken'],
          ...['--max-time', String(mostSeconds), '--workers', '1', '--no-color', '--warnings', 'off'],
        ],
        { cwd: folder, stdout: 'pipe', stderr: 'pipe', env: { ...process.env, HOME: folder } },
      )
      const [output, errors, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ])
      const generated = Number(/(\d+) generated/.exec(output)?.[1] ?? 0)
      expect([code, code === 0 ? '' : `${output}${errors}`]).toEqual([0, ''])
      // A document that says nothing, or a server that takes nothing, would pass as well.
      expect(generated).toBeGreaterThan(200)
      expect(program.output()).not.toContain('request failed')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  120_000,
)
