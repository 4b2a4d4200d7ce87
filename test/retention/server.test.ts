import { expect, test } from 'bun:test'
import { ociImage, registryClient } from '../oci/registry-client.ts'
import { createOrganization, describeServers, managementToken, startTestServer } from '../server.ts'

const dayMs = 24 * 3_600_000

describeServers('retention in a server', engine => {
  test('images that are pushed again and again stay, and idle ones go while it serves', async () => {
    let passedMs = 0
    const clock = { nowMs: () => Date.now() + passedMs }
    const server = await startTestServer(engine, {}, { clock, lookForJobsEveryMs: 20 })
    try {
      await createOrganization(server, 'group')
      const client = registryClient(server)
      const pushed = await client.pushImage('group/app', 'used')
      await client.pushImage('group/app', 'idle', ['another layer'])
      await client.pushImage('group/app', 'release-1', ['one more layer'])
      const retentions = `${server.url}/v2/manage/namespaces/group/repos/app/retentions`
      // A token lasts for a day, and days pass here.
      const headers = async () => ({
        'x-auth-token': await managementToken(server),
        'content-type': 'application/json',
      })
      const selectors = [{ kind: 'regexp', pattern: '^release-' }]
      const rule = { template: 'date_rule', params: { days: '2' }, tag_selectors: selectors }
      const body = JSON.stringify({ algorithm: 'or', rules: [rule] })
      const made = await fetch(retentions, { method: 'POST', headers: await headers(), body })
      expect(made.status).toBe(201)
      passedMs = 1.5 * dayMs
      const again = await client.request('PUT', '/v2/group/app/manifests/used', {
        ...{ headers: { 'content-type': ociImage }, body: pushed.body },
      })
      expect(again.status).toBe(201)
      passedMs = 2.5 * dayMs
      const tags = async () => {
        const answer = await client.request('GET', '/v2/group/app/tags/list')
        return ((await answer.json()) as { tags: string[] }).tags
      }
      await until(async () => (await tags()).length < 3)
      expect(await tags()).toEqual(['release-1', 'used'])
      expect((await client.request('GET', `/v2/group/app/manifests/${pushed.digest}`)).status).toBe(200)
      const history = await fetch(`${retentions}/histories`, { headers: await headers() })
      expect(await history.json()).toMatchObject({ retention_log: [{ tag: 'idle' }], total: 1 })
      // It is counted when the commit is durable, a moment after it is seen.
      const metrics = async () => (await fetch(`${server.url}/metrics`)).text()
      await until(async () => (await metrics()).includes('\nstower_retention_removed_tags_total 1\n'))
      expect(server.log.filter(line => JSON.parse(line).level === 'error')).toEqual([])
    } finally {
      await server.stop()
    }
  })
})

/** Asks again until it is so, for at most ten seconds. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 10_000
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error('not so in time')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
