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

/** A few cases of each operation. Every value that a schema draws a line at (`coverage`) would be some thousand. */
const phases = 'examples,fuzzing'

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
          ...['--checks', checks.join(','), '--phases', phases, '--max-examples', '2'],
          // The token that all calls come with is not revoked, and logins that fail lock nobody out.
          ...['--exclude-operation-id', 'revokeToken', '--exclude-operation-id', 'createToken'],
          ...['--workers', '1', '--no-color', '--warnings', 'off'],
        ],
        { cwd: folder, stdout: 'pipe', stderr: 'pipe', env: { ...process.env, HOME: folder } },
      )
      const [output, errors, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ])
      const numberAt = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? 0)
      const selected = numberAt(/Selected: (\d+)/)
      expect([code, code === 0 ? '' : `${output}${errors}`]).toEqual([0, ''])
      // A document that says nothing, or a server that takes nothing, would pass as well.
      expect(selected).toBeGreaterThan(50)
      expect(numberAt(/Tested: (\d+)/)).toBe(selected)
      expect(numberAt(/(\d+) generated/)).toBeGreaterThanOrEqual(selected)
      expect(program.output()).not.toContain('request failed')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  600_000,
)
