import { makeImage, makeManifest } from '../content.ts'
import { dataFolder } from '../contestants/stower.ts'
import { addRepositories, addTags } from '../fill.ts'
import { Client, repository, runParallel } from '../registry.ts'
import { type Case, connections, type Group, wrkCase } from './case.ts'
import { getOf, pushImage } from './manifests.ts'

/*
 * One repository of many tags, and a registry of many repositories.
 */

const many = 10_000
const pageSize = 100

/** The rounds fill it, so that the last of them says whether it goes on as fast as it began. */
export const manyTags: Group = {
  fillsItself: true,
  cases: [fillWithTags(), ...readsAmongTags(many, tagOf)],
}

export const manyRepositories: Group = {
  fill: async server => {
    const { blobs } = makeImage()
    using client = new Client(server)
    for (const blob of blobs) await client.pushBlobLikeClients(blob)
    await client.putManifest(makeManifest(blobs), 'latest')
    const jobs = Array.from({ length: many }, (_, number) => async (each: Client) => {
      const name = repositoryOf(number)
      for (const blob of blobs.slice(0, 1)) await each.mountBlob(blob, name)
      await each.putManifest(makeManifest(blobs.slice(0, 1)), 'latest', name)
    })
    // A token would have to name every repository.
    await runParallel({ ...server, authorization: server.basic }, connections, jobs)
  },
  cases: readsAmongRepositories(many),
}

/** What no peer can be filled with in a time one would wait: Stower alone, its database filled beside it. */
export function veryMany(count: number): Group {
  return {
    isForStowerOnly: true,
    prepareStower: async (start, folder) => {
      const server = await start(folder)
      const { digest } = await pushImage(server)
      await server.stop()
      addTags(dataFolder(folder), { repository, digest, count, nameOf: tagOf })
      addRepositories(dataFolder(folder), { organization: 'bench', count, nameOf: repositoryNameOf })
    },
    cases: [...readsAmongTags(count, tagOf), ...readsAmongRepositories(count)],
  }
}

export function tagOf(number: number): string {
  return `t${String(number).padStart(7, '0')}`
}

export function repositoryNameOf(number: number): string {
  return `r${String(number).padStart(7, '0')}`
}

function repositoryOf(number: number): string {
  return `bench/${repositoryNameOf(number)}`
}

function fillWithTags(): Case {
  return {
    name: `filling a repository with ${many.toLocaleString('en')} tags, ${connections} at once`,
    unit: 'tags/s',
    cpuPer: 'tag',
    setUp: async (server, { rounds }) => {
      const { blobs } = makeImage()
      using client = new Client(server)
      for (const blob of blobs) await client.pushBlobLikeClients(blob)
      const perRound = Math.ceil(many / rounds)
      let pushed = 0
      return () => {
        const jobs = Array.from({ length: perRound }, () => {
          const tag = tagOf(pushed++)
          const manifest = makeManifest(blobs, tag)
          return (each: Client) => each.putManifest(manifest, tag)
        })
        return async () => {
          await runParallel(server, connections, jobs)
          return { operations: perRound, bytes: 0 }
        }
      }
    },
  }
}

function readsAmongTags(count: number, nameOf: (number: number) => string): Case[] {
  const among = `among ${count.toLocaleString('en')} tags`
  const deep = nameOf(Math.floor(count * 0.9))
  return [
    wrkCase(
      { name: `manifest GET by tag ${among}, ${connections} connections`, unit: 'requests/s', cpuPer: 'request' },
      async () => getOf(nameOf(Math.floor(count / 2))),
    ),
    listCase(`tag list ${among}, first ${pageSize}`, `${repository}/tags/list?n=${pageSize}`),
    listCase(`tag list ${among}, ${pageSize} deep inside`, `${repository}/tags/list?n=${pageSize}&last=${deep}`),
  ]
}

function readsAmongRepositories(count: number): Case[] {
  const among = `among ${count.toLocaleString('en')} repositories`
  const deep = repositoryOf(Math.floor(count * 0.9))
  return [
    listCase(`catalog ${among}, first ${pageSize}`, `_catalog?n=${pageSize}`),
    listCase(`catalog ${among}, ${pageSize} deep inside`, `_catalog?n=${pageSize}&last=${encodeURIComponent(deep)}`),
  ]
}

/** One client that asks again and again. */
function listCase(name: string, path: string): Case {
  return wrkCase({ name, unit: 'requests/s', cpuPer: 'request' }, async () => ({ path, connections: 1 }))
}
